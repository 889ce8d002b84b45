"""Digests of files."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def digest_of_files(paths: Iterable[str | Path]) -> str:
    """A sha256 of the sha256 of each file, in their order; 64 hexadecimal digits."""
    return hashlib.sha256(b"".join(digests_of_files(paths))).hexdigest()


def digests_of_files(paths: Iterable[str | Path]) -> list[bytes]:
    """The sha256 of each file; the files are read in parallel."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(_digest, paths))


def _digest(path: str | Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
