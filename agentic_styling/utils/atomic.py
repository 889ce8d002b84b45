"""A directory that is there whole or not at all, and never in the place of another."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from agentic_styling.utils.errors import InputError


@contextlib.contextmanager
def new_directory(directory) -> Iterator[Path]:
    """Gives a directory to write in, beside its place; it is renamed when all went well.

    Raises InputError for a place that is taken, by a file or by a directory that is not empty.
    """
    directory = Path(directory)
    check_free(directory)
    place = directory.absolute()
    beside = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        beside.mkdir(parents=True)
        yield beside
        os.rename(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_free(directory: Path) -> None:
    """Raises InputError if something is at `directory` that is not an empty directory."""
    full = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    if full or directory.is_symlink():
        raise InputError(f"{directory}: exists already; name a new directory")


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
