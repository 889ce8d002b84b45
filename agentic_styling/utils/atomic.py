"""Atomic writes: a file or directory appears complete or does not appear."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from agentic_styling.utils.checks import local_path, output_directory
from agentic_styling.utils.errors import InputError


@contextlib.contextmanager
def atomic_file(path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success its file replaces `path`, synced to disk.

    On an exception the temporary file is removed and `path`, whose folder must exist, keeps what it
    held; an OSError names `path`.
    """
    path = local_path(path)
    temporary = _temporary(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    """Writes a UTF-8 text file atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def atomic_directory(directory) -> Iterator[Path]:
    """Yields a temporary directory beside `directory`, renamed to it on success.

    Raises InputError if `directory` is there and not empty, or cannot be created.
    """
    directory = Path(directory)
    check_free(directory)
    temporary = _temporary(directory.absolute())
    try:
        temporary.mkdir(parents=True)
        yield temporary
        os.rename(temporary, directory.absolute())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(directory: Path) -> None:
    """Raises InputError unless `directory` can be created or is empty."""
    full = directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    if full or directory.is_symlink():
        raise InputError(f"{directory}: exists already; name a new directory")
    output_directory(directory)


def sync(path: Path) -> None:
    """Flushes a file's bytes, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{uuid.uuid4().hex[:12]}.tmp")  # short, whatever the name
