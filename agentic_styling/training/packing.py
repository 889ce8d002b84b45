"""Where examples lie in rows: several one after another in a row, or each in a row of its own."""

from typing import NamedTuple

import numpy as np


class Layout(NamedTuple):
    """The shape of a micro-batch, the same for all of them where they fit.

    rows; length: tokens of a row; most: examples a row may hold.
    """

    rows: int
    length: int
    most: int


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


def layout_for(
    micro_batches: list[np.ndarray], length: int, *, packing: bool, devices: int
) -> Layout:
    """The layout that holds each of these micro-batches, given as the lengths of its examples.

    length: tokens of a packed row. Rows are a multiple of `devices`, which share them. Without
    packing a row holds one example.
    """
    if not packing:
        return Layout(max(len(lengths) for lengths in micro_batches), length, 1)
    # Room for many short examples would be room for pictures that are not there.
    mean = np.concatenate(micro_batches).mean()
    most = max(1, round(length / mean))
    rows = max(len(pack(lengths, length, most)) for lengths in micro_batches)
    return Layout(-(-rows // devices) * devices, length, most)
