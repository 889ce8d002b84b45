"""Photographs by number, read when they are needed, from a folder or from a stored data set."""

import functools
import importlib.util
import json
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from agentic_styling.data.photos.photos import Photo
from agentic_styling.utils.checks import local_path, readable
from agentic_styling.utils.errors import InputError, one_line
from agentic_styling.utils.pictures import (
    EMPTY,
    PICTURE_COLUMNS,
    UNREADABLE,
    read_image,
    why_unreadable,
)

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
BUNDLED = Path(__file__).parent / "bundled"
SCIKIT = "scikit"
_SCIKIT_FILES = {
    "skimage/data": ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"]
    + ["motorcycle_left.png", "hubble_deep_field.jpg"],
    "sklearn/datasets/images": ["china.jpg", "flower.jpg"],
}
UNKNOWN_TERMS = "Their terms are not known here: see where they are from."
TERMS = ("LICEN", "COPYING", "COPYRIGHT", "README")  # how the names of files with terms begin
KEPT = 64  # photographs that stay decoded
_kept = functools.lru_cache(maxsize=KEPT)
_ROWS = 1024  # of the table of all pairs at a time
NEAR = 6  # of 64 bits of the hash: closer photographs count as one
SPLIT_SHARES = {"test": 0.15, "validation": 0.1}  # of the groups; the rest is for training


class Source(NamedTuple):
    """N photographs.

    names: of each. read: number -> uint8 [H, W, 3], or an error of UNREADABLE. where: they are
    from, for the card. licence: what is known of their terms, a sentence. splits: the names of each
    split where that is fixed, else None.
    """

    names: tuple[str, ...]
    read: Callable[[int], np.ndarray]
    where: str
    licence: str = UNKNOWN_TERMS
    splits: Mapping[str, list[str]] | None = None

    def photo(self, number: int) -> Photo:
        """One photograph."""
        return Photo(self.names[number], self.read(number))


class Survey(NamedTuple):
    """What reading every photograph of a source showed.

    usable: int [K], numbers of photographs that can be read. hashes: uint64 [K], alike for alike
    pictures. skipped: how many could not be used, by reason.
    """

    usable: np.ndarray
    hashes: np.ndarray
    skipped: Counter


def open_source(where: str | None) -> Source:
    """The photographs of a description.

    Args:
      where: None for the 30 that this package brings along, whose splits are fixed; a folder for
        all below it; "scikit" for the eight of the installed scikit-image and scikit-learn;
        "tfds:NAME/SPLIT@DATA_DIR" for a prepared TensorFlow data set; "hf:DIRECTORY", or
        "hf:DIRECTORY/SPLIT", for one saved by datasets.save_to_disk. Of a table, the column of
        pictures is the only one of that type, else the first of PICTURE_COLUMNS; its values are
        pictures, their bytes, arrays, or paths, relative to DIRECTORY or not.

    Raises:
      InputError: there is no such folder or data set, it holds no photographs, or a table's split
        or column has to be named.
    """
    if where is None:
        return _bundled()
    if where == SCIKIT:
        return _scikit()
    if where.startswith("tfds:"):
        return _tfds(where)
    if where.startswith("hf:") and not where.startswith("hf://"):
        return _hugging_face(where)
    return _folder(local_path(where, "photos"))


def load_photos(where=None) -> list[Photo]:
    """Reads all photographs of a source, see `open_source`, into memory.

    Raises InputError as that does, and if none can be read; some are skipped with one warning.
    """
    source = open_source(None if where is None else str(where))
    usable = survey(source).usable
    if not len(usable):
        raise InputError(f"{where}: no readable photographs; add .jpg or .png files")
    return [source.photo(number) for number in usable]


def survey(source: Source) -> Survey:
    """Reads every photograph once; warns of those that cannot be read."""
    usable, hashes, skipped, examples = [], [], Counter(), {}
    numbers = range(len(source.names))
    for number in tqdm(numbers, "photographs", unit="photo", disable=len(numbers) < KEPT):
        try:
            pixels = source.read(number)
        except UNREADABLE as error:
            reason = why_unreadable(error)
            skipped[reason] += 1
            examples.setdefault(reason, source.names[number])
            continue
        usable.append(number)
        hashes.append(perceptual_hash(pixels))
    if skipped:
        reasons = "; ".join(f"{n} {why} ({examples[why]})" for why, n in skipped.most_common())
        warnings.warn(f"skipped {skipped.total()} photographs: {reasons}", stacklevel=2)
    return Survey(np.array(usable, int), np.array(hashes, np.uint64), skipped)


def perceptual_hash(pixels: np.ndarray) -> int:
    """64 bits: whether each of 8 x 8 cells is darker than the next, of the picture in grey."""
    small = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    cells = np.asarray(small, np.int16)
    bits = (cells[:, 1:] > cells[:, :-1]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes())


def near_duplicates(hashes: np.ndarray) -> np.ndarray:
    """The group of each hash, int [K]: hashes that differ in at most NEAR bits share a group."""
    if not len(hashes):
        return np.zeros(0, int)
    blocks = (hashes[start : start + _ROWS, None] for start in range(0, len(hashes), _ROWS))
    graph = vstack([csr_array(np.bitwise_count(block ^ hashes) <= NEAR) for block in blocks])
    return connected_components(graph, directed=False)[1]


def split_source(
    source: Source, usable: Survey, rank: Callable[[str], bytes], only: str | None = None
) -> dict[str, np.ndarray]:
    """Numbers of a source's photographs by split, in order; near duplicates are in one split.

    Test has at least two different ones of six. rank: sorts groups of near duplicates by their
    first name: the first go to test. only: the split that all go to; where the source's splits are
    fixed, the only one that is kept. Raises InputError for fewer than three different photographs;
    with `only`, for none.
    """
    names = source.names
    if source.splits:
        numbers = {names[number]: number for number in usable.usable}
        fixed = {s: np.array([numbers[name] for name in of]) for s, of in source.splits.items()}
        return {only: fixed[only]} if only else fixed
    group = near_duplicates(usable.hashes)
    members = {g: usable.usable[group == g] for g in np.unique(group)}
    if len(members) < (1 if only else 3):
        raise InputError(
            f"photographs: only {len(members)} different usable ones of {len(names)}; training, "
            "validation and test need different ones, so give three or more"
        )
    if only:
        return {only: np.sort(usable.usable)}
    order = sorted(members.values(), key=lambda numbers: rank(names[numbers[0]]))
    splits = {}
    for split, share in SPLIT_SHARES.items():
        fewest = 2 if split == "test" and len(members) >= 6 else 1
        count = max(fewest, round(share * len(members)))
        splits[split], order = np.sort(np.concatenate(order[:count])), order[count:]
    return {"train": np.sort(np.concatenate(order))} | splits


def _bundled() -> Source:
    splits = json.loads((BUNDLED / "splits.json").read_text(encoding="utf-8"))
    names = tuple(sorted(name for of in splits.values() for name in of))
    read = _kept(lambda i: read_image(BUNDLED / f"{names[i]}.jpg"))
    terms = "Their terms: MIT, by Peter Corke (Machine Vision Toolbox for Python)."
    return Source(names, read, "those that agentic_styling brings along", terms, splits)


def _scikit() -> Source:
    paths = []
    for folder, files in _SCIKIT_FILES.items():
        package, _, inside = folder.partition("/")
        spec = importlib.util.find_spec(package)  # runs no code: importing it takes seconds
        if spec is None:
            raise InputError(
                f"{SCIKIT}: {package} is not installed; pip install scikit-image scikit-learn, or "
                "give a folder of photographs"
            )
        paths += [Path(spec.origin).parent / inside / file for file in files]
    names = tuple(path.stem for path in paths)
    where = "the installed scikit-image and scikit-learn"
    terms = "Their terms are those of these packages' documentation of their pictures."
    return Source(names, _kept(lambda i: read_image(paths[i])), where, terms)


def _folder(root: Path) -> Source:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of photographs; give an existing folder")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise InputError(f"{root}: holds no photographs; put at least three .jpg or .png there")
    names = tuple(readable(path.relative_to(root).as_posix()) for path in paths)
    terms = sorted(readable(p.name) for p in root.iterdir() if p.name.upper().startswith(TERMS))
    licence = f"Their terms: {', '.join(terms)} beside them." if terms else UNKNOWN_TERMS
    where = f"the folder {readable(root.name)}"
    return Source(names, _kept(lambda i: read_image(paths[i])), where, licence)


def _tfds(where: str) -> Source:
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError(f"{where}: needs pip install 'agentic-styling[data]'") from error
    name, _, directory = where.removeprefix("tfds:").partition("@")
    directory = directory and local_path(directory, "tfds data_dir")
    name, _, split = name.rpartition("/")
    try:
        rows = tfds.data_source(name, split=split, data_dir=directory or None, download=False)
    except Exception as error:
        raise InputError(
            f"{where}: no prepared data set ({one_line(error)}); give tfds:NAME/SPLIT@DATA_DIR"
        ) from error
    info = rows.dataset_info
    typed = [n for n, kind in info.features.items() if isinstance(kind, tfds.features.Image)]
    column = _picture_column(where, list(info.features), typed)
    label, licence = where.partition("@")[0], info.redistribution_info.license
    return _rows(label, len(rows), lambda i: rows[i][column], licence)


def _hugging_face(where: str) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise InputError(f"{where}: needs pip install datasets") from error
    directory = local_path(where.removeprefix("hf:"), "hf:DIRECTORY")
    try:
        rows = datasets.load_from_disk(str(directory))
    except Exception as error:  # of many types, where files are damaged
        raise InputError(
            f"{where}: no readable data set ({one_line(error)}); give the directory that "
            "save_to_disk wrote"
        ) from error
    if isinstance(rows, datasets.DatasetDict):
        if len(rows) != 1:
            splits = ", ".join(rows) or "none"
            raise InputError(f"{where}: holds splits ({splits}); name one, as {where}/SPLIT")
        (rows,) = rows.values()
    typed = [n for n, kind in rows.features.items() if isinstance(kind, datasets.Image)]
    column = _picture_column(where, rows.column_names, typed)
    rows = rows.select_columns([column])
    if column in typed:  # read as all other pictures are
        rows = rows.cast_column(column, datasets.Image(decode=False))

    def picture(number):
        value = rows[number][column]
        if isinstance(value, list) and value and isinstance(value[0], str | dict):
            value = value[0]
        if isinstance(value, dict):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, str):
            return directory / value if (directory / value).is_file() else Path(value)
        return np.asarray(value) if isinstance(value, list) else value

    return _rows(f"hf:{readable(directory.name)}", len(rows), picture, rows.info.license)


def _picture_column(where: str, columns: list[str], typed: list[str]) -> str:
    """The column of the pictures: the only one of that type, else the first with a usual name."""
    if len(typed) == 1:
        return typed[0]
    columns = typed or columns
    if usual := [name for name in PICTURE_COLUMNS if name in columns]:
        return usual[0]
    raise InputError(
        f"{where}: which column holds the pictures is not clear ({', '.join(columns)}); "
        "rename it to image"
    )


def _rows(label: str, count: int, picture: Callable, licence: str | None) -> Source:
    """Photographs out of a table, named by their row: the same wherever the table lies."""
    names = tuple(f"{label}#{i}" for i in range(count))

    def read(number):
        value = picture(number)
        if value is None:
            raise ValueError(EMPTY)
        return read_image(value)

    return Source(names, _kept(read), label, f"Licence: {licence}" if licence else UNKNOWN_TERMS)
