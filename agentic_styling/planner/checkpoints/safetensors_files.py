"""Safetensors files: read lazily, and written one tensor at a time."""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from agentic_styling.planner.checkpoints.tensor_names import Tensor
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.errors import InputError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def open_tensors(directory: Path) -> dict:
    """A lazy slice of every tensor of a model directory, by name.

    Raises InputError where a file is missing or broken, or there are only pickles.
    """
    if (directory / SINGLE).is_file():
        names = [SINGLE]
    elif (directory / INDEX).is_file():
        weight_map = read_object(directory / INDEX, "fetch it again").get("weight_map")
        if not isinstance(weight_map, dict):
            raise InputError(f"{directory / INDEX}: has no weight_map; fetch it again")
        names = sorted(set(weight_map.values()))
    else:
        pickles = sorted(path.name for path in directory.glob("*.bin"))
        if pickles:
            raise InputError(
                f"{directory}: has only {pickles[0]}, and only safetensors are read; convert it "
                "with transformers: from_pretrained(directory), then save_pretrained(new)"
            )
        raise InputError(f"{directory / SINGLE}: no such file; only safetensors are read")
    return {name: s for file in names for name, s in open_file(directory / file).items()}


def open_file(path: Path) -> dict:
    """A lazy slice of every tensor of one file, by name."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such file; fetch it again")
    try:
        file = safe_open(path, framework="np")
        names = file.keys()
        return {name: CheckedSlice(str(path), name, file.get_slice(name)) for name in names}
    except SafetensorError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: not a complete safetensors file ({reason}); fetch it again"
        ) from error


class CheckedSlice:
    """A lazy slice of a tensor; reading infinities or NaN raises InputError with its name."""

    def __init__(self, source: str, name: str, stored):
        self.source, self.name, self.stored = source, name, stored
        self.get_shape, self.get_dtype = stored.get_shape, stored.get_dtype

    def __getitem__(self, index) -> np.ndarray:
        return finite(self.source, self.name, self.stored[index])


def finite(source: str, name: str, array: np.ndarray) -> np.ndarray:
    """The array. Raises InputError naming source and tensor if a value is infinite or NaN."""
    # Read as integers, signed and unsigned, these values and no others are at or beyond the
    # infinities; maxima are many times faster than isfinite in bfloat16, and take no memory.
    limits = np.array([np.inf, -np.inf], array.dtype)
    for place, kind in enumerate(f"{sign}{array.itemsize}" for sign in "iu"):
        if array.view(kind).max(initial=0) >= limits.view(kind)[place]:
            raise InputError(
                f"{source}: {name} has values that are infinite or NaN; use other weights, such as "
                "those of an earlier checkpoint"
            )
    return array


def input_first(table: list[Tensor], stored: dict) -> dict:
    """The lazy slices by name, with experts that are stored output first transposed.

    Published checkpoints store them input first; transformers 5 loads both and saves output first.
    """
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
    """Raise InputError for square experts: their shape does not show which axis is the input."""
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


def check(source: Path, expected: dict[str, tuple[int, ...]], stored: dict) -> None:
    """Raise InputError that lists the missing, extra, misshapen and quantised tensors."""
    shapes = {name: tuple(stored[name].get_shape()) for name in sorted(stored.keys() & expected)}
    problems = {
        "missing": sorted(expected.keys() - stored),
        "extra": sorted(stored.keys() - expected),
        "misshapen": [
            f"{n} {s} is to be {expected[n]}" for n, s in shapes.items() if s != expected[n]
        ],
        "neither float32, float16 nor bfloat16": [
            f"{n} ({stored[n].get_dtype()})" for n in shapes if stored_dtype(stored[n]) is None
        ],
    }
    lists = "; ".join(f"{kind}: {listed(names)}" for kind, names in problems.items() if names)
    if lists:
        raise InputError(f"{source}: the tensors do not fit the config; {lists}")


def stored_dtype(tensor) -> np.dtype | None:
    """The dtype of a lazy slice; None where it is not one of DTYPES."""
    names = {code: name for name, code in DTYPES.items()}
    name = names.get(tensor.get_dtype())
    return name and np.dtype(name)


def listed(names: list[str]) -> str:
    """The names in one line; of many only the first 20, and how many more there are."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


def write_file(path: Path, shapes: dict[str, tuple[str, tuple[int, ...]]], arrays: Iterable):
    """Write (dtype, shape) of each name as the header, then the arrays in that order.

    Arrays are taken from the iterable one at a time.
    """
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in shapes.items():
        start, end = end, end + math.prod(shape) * np.dtype(dtype).itemsize
        header[name] = {"dtype": DTYPES[dtype], "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, array in zip(shapes, arrays, strict=True):
            finite(path.name, name, np.ascontiguousarray(array)).tofile(file)


@contextlib.contextmanager
def replacing(directory: Path) -> Iterator[Path]:
    """Yields a temporary folder, whose files move into the directory once all are written."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory) as folder:
        yield Path(folder)
        for file in sorted(Path(folder).iterdir()):
            file.replace(directory / file.name)
