"""Photographs by number, read when they are needed, from a folder or from a stored data set."""

import functools
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from agentic_styling.data.photos.photos import (
    SUFFIXES,
    UNREADABLE,
    Photo,
    load_photos,
    read_image,
    why_unreadable,
)
from agentic_styling.utils.errors import InputError

UNKNOWN_TERMS = "Their terms are not known here: see where they are from."
TERMS = ("LICEN", "COPYING", "COPYRIGHT", "README")  # how files that tell the terms begin
KEPT = 64  # photographs that stay decoded
NEAR = 6  # of 64 bits of the hash: closer photographs are taken for one
SPLIT_SHARES = {"test": 0.15, "validation": 0.1}  # of the groups; the rest is for training


class Source(NamedTuple):
    """names: of N photographs; read(i) -> uint8 [H, W, 3], or an error of UNREADABLE.

    where: they are from; licence: what is known of their terms, a sentence.
    """

    names: tuple[str, ...]
    read: Callable[[int], np.ndarray]
    where: str
    licence: str = UNKNOWN_TERMS

    def photo(self, number: int) -> Photo:
        """One photograph."""
        return Photo(self.names[number], self.read(number))


def open_source(where: str | None) -> Source:
    """The photographs of a description.

    None: the bundled ones. A folder: all below it. "tfds:NAME/SPLIT@DATA_DIR": the `image` of a
    prepared TensorFlow data set. "hf:DIRECTORY": that of one saved by datasets.save_to_disk.
    Raises InputError for what is not there.
    """
    if where is None:
        photos = load_photos()
        where = "the installed scikit-image and scikit-learn"
        terms = "Their terms are those of these packages' documentation of their pictures."
        return Source(tuple(p.name for p in photos), lambda i: photos[i].pixels, where, terms)
    if where.startswith("tfds:"):
        return _tfds(where)
    if where.startswith("hf:"):
        return _hugging_face(Path(where.removeprefix("hf:")))
    return _folder(Path(where))


class Survey(NamedTuple):
    """What was found on a walk over a source.

    usable: int [K], numbers of photographs that can be read. hashes: uint64 [K], alike for alike
    pictures. skipped: how many could not be used, by reason.
    """

    usable: np.ndarray
    hashes: np.ndarray
    skipped: Counter


def survey(source: Source) -> Survey:
    """Read every photograph once. Raises InputError where fewer than three can be read."""
    usable, hashes, skipped, examples = [], [], Counter(), {}
    for number in tqdm(range(len(source.names)), "photographs", unit="photo"):
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
        told = "; ".join(f"{n} {why} ({examples[why]})" for why, n in skipped.most_common())
        warnings.warn(f"skipped {skipped.total()} photographs: {told}", stacklevel=2)
    if len(usable) < 3:
        raise InputError(
            f"photographs: {len(usable)} usable of {len(source.names)}; training, validation and "
            "test need different ones, so give three or more"
        )
    return Survey(np.array(usable), np.array(hashes, np.uint64), skipped)


def perceptual_hash(pixels: np.ndarray) -> int:
    """64 bits: whether each of 8 x 8 cells is darker than the next, of the picture in grey."""
    small = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    cells = np.asarray(small, np.int16)
    bits = (cells[:, 1:] > cells[:, :-1]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes())


def near_duplicates(hashes: np.ndarray, near: int = NEAR) -> np.ndarray:
    """The group of each hash, int [K]: those at most `near` bits apart, one after another, share.

    near: below 8. Two such hashes have one of their eight bytes alike, so only those are compared.
    """
    group = np.arange(len(hashes))
    table = hashes.astype(">u8").view(np.uint8).reshape(-1, 8)
    for byte in range(8):
        order = np.argsort(table[:, byte], kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(table[order, byte])) + 1):
            for place, one in enumerate(members):
                others = members[place + 1 :]
                apart = np.bitwise_count(hashes[one] ^ hashes[others])
                for other in others[apart <= near]:
                    _join(group, one, other)
    return np.array([_root(group, i) for i in range(len(group))])


def split_source(names: tuple[str, ...], found: Survey, rank: Callable[[str], bytes]):
    """{split: numbers of photographs, in order}; near duplicates are in one split.

    rank: bytes of a group's first name, by which groups are put in order: the first go to test.
    """
    group = near_duplicates(found.hashes)
    members = {g: found.usable[group == g] for g in np.unique(group)}
    if len(members) < 3:
        raise InputError(
            f"photographs: only {len(members)} that are not alike; training, validation and test "
            "need different ones, so give three or more"
        )
    order = sorted(members.values(), key=lambda numbers: rank(names[numbers[0]]))
    splits = {}
    for split, share in SPLIT_SHARES.items():
        count = max(1, round(share * len(members)))
        splits[split], order = np.sort(np.concatenate(order[:count])), order[count:]
    return {"train": np.sort(np.concatenate(order))} | splits


def _folder(root: Path) -> Source:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of photographs; give an existing folder")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise InputError(f"{root}: holds no photographs; put at least three .jpg or .png there")
    names = tuple(path.relative_to(root).as_posix() for path in paths)
    told = sorted(p.name for p in root.iterdir() if p.name.upper().startswith(TERMS))
    licence = f"Their terms: {', '.join(told)} beside them." if told else UNKNOWN_TERMS
    return Source(names, _kept(lambda i: read_image(paths[i])), f"the folder {root.name}", licence)


def _tfds(where: str) -> Source:
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError(f"{where}: needs pip install 'agentic-styling[data]'") from error
    name, _, directory = where.removeprefix("tfds:").partition("@")
    name, _, split = name.rpartition("/")
    try:
        rows = tfds.data_source(name, split=split, data_dir=directory or None, download=False)
    except Exception as error:
        raise InputError(
            f"{where}: no prepared data set ({' '.join(str(error).split())[:120]}); give "
            "tfds:NAME/SPLIT@DATA_DIR"
        ) from error
    label = where.partition("@")[0]
    told = rows.dataset_info.redistribution_info.license
    return _rows(label, len(rows), lambda i: np.asarray(rows[i]["image"]), told)


def _hugging_face(directory: Path) -> Source:
    try:
        import datasets
    except ImportError as error:
        raise InputError(f"hf:{directory}: needs pip install datasets") from error
    try:
        rows = datasets.load_from_disk(str(directory))
    except FileNotFoundError as error:
        raise InputError(
            f"hf:{directory}: no data set saved by save_to_disk; give its directory"
        ) from error
    told = rows.info.license
    return _rows(f"hf:{directory.name}", len(rows), lambda i: rows[i]["image"], told)


def _rows(label: str, count: int, image: Callable, licence: str | None) -> Source:
    """Photographs out of a table, named by their row: the same wherever the table lies."""
    names = tuple(f"{label}#{i}" for i in range(count))

    def read(number):
        found = image(number)
        return read_image(found if isinstance(found, Image.Image) else Image.fromarray(found))

    return Source(names, _kept(read), label, f"Licence: {licence}" if licence else UNKNOWN_TERMS)


def _kept(read):
    return functools.lru_cache(maxsize=KEPT)(read)


def _root(group: np.ndarray, i: int) -> int:
    while group[i] != i:
        i = group[i]
    return int(i)


def _join(group: np.ndarray, one: int, other: int) -> None:
    low, high = sorted((_root(group, one), _root(group, other)))
    group[high] = low
