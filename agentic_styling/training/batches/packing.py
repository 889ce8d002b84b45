"""Where examples lie in rows: several one after another in a row, or each in a row of its own."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The shape of a micro-batch, the same for all of them where they fit.

    rows; most: examples a row may hold. lengths: tokens of a row, ascending: a micro-batch is
    computed at the first that holds it, and stored at the last.
    """

    rows: int
    lengths: tuple[int, ...]
    most: int

    @property
    def length(self) -> int:
        """Tokens of a row as it is stored."""
        return self.lengths[-1]


def pack(lengths: np.ndarray, length: int, most: int) -> list[list[int]]:
    """Rows of examples: each, the longest first, goes into the first row with room for it.

    lengths: int [E], none longer than length. Every row holds between one and `most` examples, in
    their order. First fit decreasing needs at most 11/9 of the fewest rows, and 6/9 of one.
    """
    rows, room = [], []
    for example in np.argsort(-lengths, kind="stable"):
        for row, left in enumerate(room):
            if lengths[example] <= left and len(rows[row]) < most:
                break
        else:
            row = len(rows)
            rows.append([])
            room.append(length)
        rows[row].append(int(example))
        room[row] -= lengths[example]
    return [sorted(row) for row in rows]


def row_lengths(needed: np.ndarray, length: int, *, multiple: int, most: int) -> tuple[int, ...]:
    """Up to `most` lengths of rows for micro-batches whose longest examples have `needed` tokens.

    needed: int [K]; length: the last one. They stand at even quantiles, in whole multiples, and
    each saves a tenth or more: the step is compiled for every one.
    """
    found = [length]
    for share in range(most - 1, 0, -1):
        wanted = np.quantile(needed, share / most, method="higher")
        wanted = int(-(-wanted // multiple) * multiple)
        if wanted <= 0.9 * found[0]:
            found.insert(0, wanted)
    return tuple(found)


def layout_for(
    micro_batches: list[np.ndarray], lengths: tuple[int, ...], *, packing: bool, devices: int
) -> Layout:
    """The layout that holds each of these micro-batches, given as the lengths of its examples.

    lengths: tokens of a row; one of packed rows. Rows are a multiple of `devices`, which share
    them. Without packing a row holds one example.
    """
    if not packing:
        return Layout(max(len(examples) for examples in micro_batches), lengths, 1)
    (length,) = lengths
    # Room for many short examples would be room for pictures that are not there.
    mean = np.concatenate(micro_batches).mean()
    most = max(1, round(length / mean))
    rows = max(len(pack(examples, length, most)) for examples in micro_batches)
    return Layout(-(-rows // devices) * devices, lengths, most)
