"""The files of a local copy of the published data set: rows, pictures and analyses.

Rows are read from parquet, JSON Lines or one JSON array. What a row names is read from the copy's
folder and nowhere else: absolute paths, `..` and links that lead out are refused.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from agentic_styling.data.formats.published_plans import LeftOut, as_object, read_analysis, show
from agentic_styling.utils.errors import InputError, one_line
from agentic_styling.utils.pictures import MAX_SIDE, PICTURE_COLUMNS, read_photo

SUFFIXES = (".parquet", ".jsonl", ".json")  # of rows; of a folder the first kind is read
OUTSIDE = "path leads outside"
MISSING, UNREADABLE_IMAGE = "missing image", "unreadable image"
MAX_ANALYSIS = 1 << 20  # bytes
_BATCH = 64  # rows of a parquet file at a time


def find_copy(source) -> tuple[Path, list[Path]]:
    """The folder of a copy, and its files of rows in order; source: that folder or one of them.

    Raises InputError if it has no rows.
    Only one kind of file is read of a folder, so that rows stored both as parquet and as JSON are
    not read twice: parquet, else JSON Lines, else JSON files that begin with an array.
    """
    source = Path(source)
    if source.is_file():
        if source.suffix.lower() not in SUFFIXES:
            raise InputError(f"{source}: no file of rows; give a .parquet, .jsonl or .json file")
        return source.parent, [source]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder; give a local copy of the data set")
    for suffix in SUFFIXES:
        paths = [path for path in sorted(source.rglob(f"*{suffix}")) if _is_visible(source, path)]
        for path in paths:
            if not path.resolve().is_relative_to(source.resolve()):
                raise InputError(
                    f"{path}: is a link that leads out of {source}; download the set as plain "
                    "files, or name the file of rows itself"
                )
        if suffix == ".json":
            paths = [path for path in paths if _is_array(path)]
        if paths:
            return source, paths
    raise InputError(f"{source}: has no rows; put a .parquet, .jsonl or .json file of rows there")


def read_rows(root: Path, path: Path) -> Iterator[tuple[str, dict | LeftOut]]:
    """(where, row) of one file; instead of a malformed row, what is wrong with it.

    A truncated file gives the rows that can be read and one "unreadable file".
    Raises InputError for parquet without pyarrow.
    """
    name = path.relative_to(root).as_posix()
    reader = {".parquet": _parquet_rows, ".jsonl": _json_lines, ".json": _json_array}
    try:
        for number, row in enumerate(reader[path.suffix.lower()](path), 1):
            yield f"{name}, row {number}", row
    except LeftOut as problem:
        yield name, problem
    except OSError as error:
        yield name, LeftOut("unreadable file", f"cannot be read ({error.strerror})")


def read_image(root: Path, row: Mapping, path: Path, size: int) -> tuple[str, np.ndarray]:
    """(name, pixels uint8 [size, size, 3]) of a row's picture, cut to its middle square.

    It is in one of PICTURE_COLUMNS, as bytes, as {"bytes", "path"} or as a path, or is the first of
    such a list. Raises LeftOut: missing image, unreadable image, path leads outside.
    """
    name, data = _image_bytes(root, row, path)
    try:
        pixels = read_photo(data, name=show(name), max_side=MAX_SIDE)
    except InputError as error:
        raise LeftOut(UNREADABLE_IMAGE, str(error)) from None
    square = ImageOps.fit(Image.fromarray(pixels), (size, size), Image.Resampling.LANCZOS)
    return name, np.array(square)


def read_state(root: Path, row: Mapping, path: Path) -> dict[str, str]:
    """What the row's analysis says of the picture; {} if it is missing or unreadable."""
    named = row.get("analysis_path")
    if not isinstance(named, str) or not named:
        return {}
    try:
        file = find_inside(root, named, path)
        if file is None:
            return {}
        with open(file, "rb") as opened:
            return read_analysis(as_object(opened.read(MAX_ANALYSIS), "", ""))
    except (OSError, LeftOut):
        return {}


def find_inside(root: Path, named: str, beside: Path) -> Path | None:
    """The file a row names, relative to the copy's folder or its own file's; None if it is missing.

    Raises LeftOut if the path leads, or could lead, out of the copy.
    """
    if "\0" in named or Path(named).is_absolute() or ".." in Path(named.replace("\\", "/")).parts:
        raise LeftOut(OUTSIDE, f"{show(named)} is not a path within the copy")
    for folder in (root, beside.parent):
        try:
            file = (folder / named).resolve()
            exists = file.is_file()
        except (OSError, RuntimeError, ValueError):  # too long a name, links in a circle
            continue
        if exists and not file.is_relative_to(root.resolve()):
            raise LeftOut(OUTSIDE, f"{show(named)} is a link that leads out of the copy")
        if exists:
            return file
    return None


def _image_bytes(root: Path, row: Mapping, path: Path) -> tuple[str, bytes]:
    for column in PICTURE_COLUMNS:
        value = row.get(column)
        if isinstance(value, list):
            value = value[0] if value else None
        name, data = value, value
        if isinstance(value, Mapping):
            name, data = value.get("path"), value.get("bytes")
        if isinstance(data, bytes) and data:
            return name if isinstance(name, str) else "embedded", data
        if isinstance(name, str) and name:
            file = find_inside(root, name, path)
            if file is None:
                raise LeftOut(MISSING, f"{column}: {show(name)} is not in the copy")
            try:
                return name, file.read_bytes()
            except OSError as error:
                raise LeftOut(UNREADABLE_IMAGE, f"{show(name)}: {error.strerror}") from None
    raise LeftOut(MISSING, "the row has no picture in image, img, image_path or a similar column")


def _is_visible(root: Path, path: Path) -> bool:
    """A file, and neither hidden nor in a hidden folder, as downloads leave them."""
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.is_file()


def _is_array(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _json_lines(path: Path) -> Iterator[dict | LeftOut]:
    with open(path, "rb") as file:
        for line in file:
            if line.strip():
                yield _row(line)


def _json_array(path: Path) -> Iterator[dict | LeftOut]:
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise LeftOut("unreadable file", f"not JSON ({one_line(error)})") from None
    if not isinstance(rows, list):
        raise LeftOut("unreadable file", "is not an array of rows")
    yield from map(_row, rows)


def _parquet_rows(path: Path) -> Iterator[dict | LeftOut]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            f"{path}: needs pyarrow, which is not installed; pip install 'agentic-styling[data]'"
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                yield from map(_row, batch.to_pylist())
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        line = f"not readable as parquet ({one_line(error)})"
        raise LeftOut("unreadable file", line) from None


def _row(data: object) -> dict | LeftOut:
    try:
        return as_object(data, "malformed row", "row")
    except LeftOut as problem:
        return problem
