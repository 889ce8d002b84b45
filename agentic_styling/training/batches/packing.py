"""The layout of examples in rows: several packed into a row, or one example a row."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The shape of a micro-batch: rows, row lengths, and the most examples of a row.

    A micro-batch is stored with rows of the last length, and computed with rows of the first length
    that holds it; lengths ascend.
    """

    rows: int
    lengths: tuple[int, ...]
    most: int

    @property
    def length(self) -> int:
        """Tokens of a row in storage."""
        return self.lengths[-1]


def round_up(count, multiple: int) -> int:
    """The smallest multiple that is at least the count."""
    return int(-(-count // multiple) * multiple)


def pack(lengths: np.ndarray, length: int, most: int) -> list[list[int]]:
    """Packs examples of these lengths, int [E], into rows of `length` tokens and `most` examples.

    First-fit decreasing takes at most 11/9 of the fewest rows, plus one. Examples of a row ascend.
    """
    leaves = 1 << max(len(lengths) - 1, 0).bit_length()
    rows = [[] for _ in range(leaves)]
    # A binary tree over the rows, children of node n at 2n and 2n + 1: the most room below a node.
    room = [length] * (2 * leaves)
    for example in np.argsort(-lengths, kind="stable").tolist():
        size, node = int(lengths[example]), 1
        while node < leaves:
            node = 2 * node + (room[2 * node] < size)
        row = rows[node - leaves]
        row.append(example)
        room[node] = room[node] - size if len(row) < most else -1
        while node > 1:
            node //= 2
            room[node] = max(room[2 * node], room[2 * node + 1])
    return [sorted(row) for row in rows if row]


def row_lengths(needed: np.ndarray, length: int, *, multiple: int, most: int) -> tuple[int, ...]:
    """Up to `most` row lengths to compile the step for, ascending; the last is `length`.

    They are at even quantiles of `needed`, int [K], the longest example of each micro-batch,
    rounded up to a multiple. One that is not 10% shorter than the next is left out.
    """
    chosen = [length]
    for share in range(most - 1, 0, -1):
        wanted = round_up(np.quantile(needed, share / most, method="higher"), multiple)
        if wanted <= 0.9 * chosen[0]:
            chosen.insert(0, wanted)
    return tuple(chosen)


def layout_for(
    micro_batches: list[np.ndarray], lengths: tuple[int, ...], *, packing: bool, devices: int
) -> Layout:
    """The layout that holds each of these micro-batches, given as lengths of examples, int [E].

    lengths: row lengths; only one with packing. The number of packed rows is a multiple of devices.
    """
    if not packing:
        return Layout(max(len(examples) for examples in micro_batches), lengths, 1)
    (length,) = lengths
    # More slots than a row of average examples fills would be empty pictures.
    mean = np.concatenate(micro_batches).mean()
    most = max(1, round(length / mean))
    rows = max(len(pack(examples, length, most)) for examples in micro_batches)
    return Layout(round_up(rows, devices), lengths, most)
