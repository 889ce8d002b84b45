"""The .cube text format of 3D lookup tables (Adobe, Cube LUT specification 1.0, 2013)."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentic_styling.tools.transforms.color.lut import table_size
from agentic_styling.utils.errors import InputError

LARGEST = 256  # the format's


class Cube(NamedTuple):
    """A table as `apply_lut` takes it: `apply_lut(image, cube.table, cube.low, cube.high)`.

    table: float32 [N, N, N, 3] indexed by red, green, blue. low, high: float32 [3], its domain.
    """

    table: np.ndarray
    low: np.ndarray
    high: np.ndarray
    title: str


def read_cube(path: str | os.PathLike) -> Cube:
    """A .cube file. InputError naming the file, the line and the mend if it is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a .cube file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text; give a .cube file") from None
    header, rows = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}, line {number}"
        if words[0][0].isalpha() and words[0].lower() not in ("nan", "inf", "infinity"):
            _read_keyword(header, words, line, bool(rows), where)
        else:
            rows.append(_numbers(words, 3, where))
    return _assemble(header, rows, path)


def _read_keyword(header: dict, words: list[str], line: str, late: bool, where: str) -> None:
    name, rest = words[0], words[1:]
    if late:
        raise InputError(f"{where}: {name} after the table; move it above the first row")
    if name in header:
        raise InputError(f"{where}: {name} for the second time; leave one")
    if name == "TITLE":
        header[name] = line.strip()[len(name) :].strip().strip('"')
    elif name == "LUT_3D_SIZE":
        header[name] = _size(rest, where)
    elif name in ("DOMAIN_MIN", "DOMAIN_MAX"):
        header[name] = _numbers(rest, 3, where)
    elif name == "LUT_3D_INPUT_RANGE":  # Resolve's way to say the domain
        header["DOMAIN_MIN"], header["DOMAIN_MAX"] = ([x] * 3 for x in _numbers(rest, 2, where))
    elif name.startswith("LUT_1D"):
        raise InputError(f"{where}: {name}, a 1D table; export a 3D one (LUT_3D_SIZE 33)")
    else:
        raise InputError(f"{where}: unknown keyword {name[:40]!r}; remove the line")


def _size(words: list[str], where: str) -> int:
    if len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) < 5:
        size = int(words[0])
        if 2 <= size <= LARGEST:
            return size
    given = " ".join(words)[:40]
    raise InputError(f"{where}: LUT_3D_SIZE {given!r}; give a whole number from 2 to {LARGEST}")


def _numbers(words: list[str], count: int, where: str) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) < 1e30 for value in values):
        given = " ".join(words)[:40]
        raise InputError(f"{where}: {given!r}; give {count} finite numbers")
    return values


def _assemble(header: dict, rows: list[list[float]], path) -> Cube:
    size = header.get("LUT_3D_SIZE")
    if size is None:
        raise InputError(f"{path}: no LUT_3D_SIZE; add a line such as LUT_3D_SIZE 33")
    if len(rows) != size**3:
        raise InputError(f"{path}: {len(rows)} rows; LUT_3D_SIZE {size} needs {size**3}")
    low = np.array(header.get("DOMAIN_MIN", [0.0] * 3), np.float32)
    high = np.array(header.get("DOMAIN_MAX", [1.0] * 3), np.float32)
    if not np.all(high > low):
        raise InputError(f"{path}: DOMAIN_MAX is not above DOMAIN_MIN; mend one of them")
    table = np.array(rows, np.float32).reshape(size, size, size, 3).transpose(2, 1, 0, 3)
    return Cube(np.ascontiguousarray(table), low, high, header.get("TITLE", ""))


def write_cube(path: str | os.PathLike, table, title: str = "", low=0.0, high=1.0) -> None:
    """Write a table [N, N, N, 3] as a .cube file that reads back bit for bit.

    low, high: its domain, as in `apply_lut`. A file of that name is replaced, whole or not at all.
    InputError for a table, a title or a place that will not do.
    """
    table = np.asarray(table, np.float32)
    size = table_size(table)
    low, high = (np.broadcast_to(np.asarray(x, np.float32), 3) for x in (low, high))
    if size > LARGEST or not np.all(np.isfinite(table)):
        raise InputError(f"table: {size} entries a side; give finite ones, at most {LARGEST}")
    if '"' in title or not title.isprintable():
        raise InputError(f"title: {title!r}; leave out quotes and line breaks")
    head = [f'TITLE "{title}"'] if title else []
    head += [f"LUT_3D_SIZE {size}", f"DOMAIN_MIN {_line(low)}", f"DOMAIN_MAX {_line(high)}"]
    rows = table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()
    _write_whole(Path(path), "\n".join([*head, *map(_line, rows)]) + "\n")


def _line(values) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _write_whole(path: Path, text: str) -> None:
    """Beside it first, then in its place: a reader never meets half a file."""
    scratch = None
    try:
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except OSError as error:
        if scratch:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
        raise InputError(f"{path}: {error.strerror}; give a place to write to") from None
