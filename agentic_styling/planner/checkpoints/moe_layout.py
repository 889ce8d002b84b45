"""Reads stacked experts input first, whichever layout the file has.

Published checkpoints store them input first; transformers 5 loads both and saves output first.
"""

from agentic_styling.planner.checkpoints.tensor_names import Tensor
from agentic_styling.utils.errors import InputError


def input_first(table: list[Tensor], stored: dict) -> dict:
    """The lazy slices by name, with experts that are stored output first transposed."""
    refuse_square(table)
    transposed = {
        tensor.name: TransposedSlice(stored[tensor.name])
        for tensor in table
        if len(tensor.shape) == 3
        and tensor.name in stored
        and _swapped(stored[tensor.name].get_shape()) == tensor.shape
    }
    return stored | transposed


def refuse_square(table: list[Tensor]) -> None:
    """Raise InputError for square experts, whose input and output axes cannot be told apart."""
    for tensor in table:
        if len(tensor.shape) == 3 and tensor.shape == _swapped(tensor.shape):
            raise InputError(
                f"{tensor.name}: {tensor.shape} is square, so a file cannot show which axis is the "
                "input, and transformers reads it transposed; choose another "
                "moe_intermediate_size"
            )


class TransposedSlice:
    """A lazy slice of an array [E, A, B] seen as [E, B, A]."""

    def __init__(self, stored):
        self.stored = stored

    def get_shape(self):
        return _swapped(self.stored.get_shape())

    def get_dtype(self):
        return self.stored.get_dtype()

    def __getitem__(self, index):
        return self.stored[_swapped(index)].swapaxes(1, 2)


def _swapped(axes) -> tuple:
    return (axes[0], axes[2], axes[1]) if len(axes) == 3 else tuple(axes)
