"""The layout of examples in rows: several packed into a row, or one example a row."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The shape of a micro-batch.

    Attributes:
      rows: number of rows.
      lengths: tokens of a row, ascending. A micro-batch is stored with rows of the last length and
        computed with rows of the first length that holds it.
      most: the most examples of a row.
    """

    rows: int
    lengths: tuple[int, ...]
    most: int

    @property
    def length(self) -> int:
        """Tokens of a row in storage."""
        return self.lengths[-1]


def pack(lengths: np.ndarray, length: int, most: int) -> list[list[int]]:
    """Packs examples into rows by first-fit decreasing: at most 11/9 of the optimum plus one row.

    Args:
      lengths: int [E], tokens of the examples, none above `length`.
      length: tokens of a row.
      most: the most examples of a row.

    Returns:
      The examples of each row, in ascending order.
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
    """Row lengths to compile the step for, ascending.

    They are at even quantiles of `needed`, rounded up to a multiple of `multiple`; one that is not
    10% shorter than the next is left out.

    Args:
      needed: int [K], tokens of the longest example of each micro-batch.
      length: the longest row length.
      multiple: of which each length but the longest is a multiple.
      most: the most lengths.
    """
    chosen = [length]
    for share in range(most - 1, 0, -1):
        wanted = np.quantile(needed, share / most, method="higher")
        wanted = int(-(-wanted // multiple) * multiple)
        if wanted <= 0.9 * chosen[0]:
            chosen.insert(0, wanted)
    return tuple(chosen)


def layout_for(
    micro_batches: list[np.ndarray], lengths: tuple[int, ...], *, packing: bool, devices: int
) -> Layout:
    """The layout that holds each of these micro-batches.

    Args:
      micro_batches: the lengths of the examples of each, int [E].
      lengths: row lengths; only one with packing.
      packing: whether a row may hold several examples.
      devices: the number of packed rows is a multiple of it.
    """
    if not packing:
        return Layout(max(len(examples) for examples in micro_batches), lengths, 1)
    (length,) = lengths
    # More slots than a row of average examples fills would be empty pictures.
    mean = np.concatenate(micro_batches).mean()
    most = max(1, round(length / mean))
    rows = max(len(pack(examples, length, most)) for examples in micro_batches)
    return Layout(-(-rows // devices) * devices, lengths, most)
