"""A digest of files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_of_files(paths: Iterable[str | Path]) -> str:
    """A sha256 of the contents of files, in their order; 64 hexadecimal digits."""
    sha256 = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            sha256.update(hashlib.file_digest(file, "sha256").digest())
    return sha256.hexdigest()
