"""Checks of what many commands are given: paths, output places, numbers and JSON files."""

import json
import math
import operator
import os
import re
from pathlib import Path

from agentic_styling.utils.errors import InputError, one_line

SEEDS = 1 << 32  # of a key of jax.random, with or without 64-bit types
HIGHEST = 1e30  # temperature whose reciprocal is a normal float32
NAME_BYTES = 255  # of a file's name, on all usual file systems


def local_path(path: str | os.PathLike, what: str = "path") -> Path:
    """A path of this machine, as the user gave it; what: names it in the error, such as "--out".

    Raises InputError for a URL such as gs://bucket/run, and for an empty or impossible path.
    """
    text = os.fspath(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", text):  # a Path has collapsed the slashes
        raise InputError(f"{what}: {text!r} is not on this machine; copy it to a local path")
    if not text or "\0" in text:
        raise InputError(f"{what}: {text!r} is not a path; name a file or a directory")
    return Path(text)


def output_directory(directory: str | os.PathLike, what: str = "--out") -> Path:
    """A directory that exists or can be created; creates nothing.

    Raises:
      InputError: it is not local, it or what it lies in is a file, a name in it is too long, or
        nothing may be written there.
    """
    path = local_path(directory, what)
    try:
        if path.is_symlink() and not path.exists():
            raise InputError(f"{what}: {path} is a broken link; name another directory")
        place = next(p for p in (path.absolute(), *path.absolute().parents) if os.path.lexists(p))
    except OSError as error:  # a name that is too long, links in a circle
        raise InputError(f"{what}: {path}: {error.strerror}; name another directory") from None
    if any(len(os.fsencode(part)) > NAME_BYTES for part in path.parts):
        raise InputError(f"{what}: {path}: a name in it is too long; use a shorter one")
    if not place.is_dir():
        raise InputError(f"{what}: {path}: {place} is not a directory; name another directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{what}: {path}: nothing may be written to {place}; name another")
    return path


def new_file(path: str | os.PathLike, what: str = "--out") -> Path:
    """A file that can be created in a folder that exists; creates nothing.

    Raises:
      InputError: it exists, or there or by that name nothing can be written.
    """
    path = local_path(path, what)
    if os.path.lexists(path):
        raise InputError(f"{what}: {path}: exists already; move it or name another file")
    output_directory(path, what)
    if not path.parent.is_dir():
        raise InputError(f"{what}: {path}: there is no folder {path.parent}; create it first")
    return path


def check_seed(value: int | str, what: str = "seed") -> int:
    """A seed. Raises InputError if it is not a whole number from 0 to 2**32 - 1."""
    try:
        number = int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < SEEDS:
        raise InputError(f"{what}: {value}; use a whole number from 0 to {SEEDS - 1}")
    return number


def check_temperature(value: float | str, what: str = "temperature") -> float:
    """A temperature. Raises InputError if it is not a finite number, 0 or above."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= HIGHEST:
        raise InputError(f"{what} {value}: out of range; use 0 for the likeliest tokens, or 1")
    return number


def read_object(path: Path, fix: str) -> dict:
    """The object that a JSON file holds; fix: ends the error, such as "run evaluate again".

    Raises InputError if the file cannot be read, or holds anything else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {fix}") from None
    return parse_object(data, str(path), fix)


def read_object_if_any(path: Path, fix: str) -> dict:
    """As `read_object`; an empty object where there is no such file."""
    return read_object(path, fix) if path.is_file() else {}


def write_object(path: Path, values: dict) -> None:
    """Writes a JSON object, indented."""
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def parse_object(text: str | bytes, where: str, fix: str) -> dict:
    """The object of a JSON text; as `read_object`, with `where` naming the place of the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({one_line(error)}); {fix}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: not a JSON object but {type(value).__name__}; {fix}")
    return value


def readable(text: str) -> str:
    """A text, such as a file's name, with what cannot be written as UTF-8 replaced."""
    return text.encode("utf-8", "replace").decode()
