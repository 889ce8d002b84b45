"""The photographs of the gallery: whole pictures, scaled to one longer side."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from agentic_styling.data.photos.sources import SCIKIT, SUFFIXES, load_photos
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import read_photo

# A person, an animal, a street, a still life, an interior, a flower.
SCIKIT_NAMES = ("astronaut", "chelsea", "china", "coffee", "motorcycle_left", "flower")
# Sides are multiples of this, so that photographs of about one shape are compiled for once.
_MULTIPLE = 8


def read_photographs(paths: list[str], count: int, size: int) -> tuple[list[str], list[np.ndarray]]:
    """Names, and whole pictures float32 [H, W, 3] in [0, 1].

    Args:
      paths: files or folders; none for photographs of scikit-image and scikit-learn.
      count: at most so many are taken, evenly spaced.
      size: the longer side of each picture; the shorter one is rounded to a multiple of 8.

    Raises:
      InputError: a path cannot be read.
    """
    if paths:
        files = _spread([f for path in paths for f in _files(Path(path))], count)
        photos = {file.stem: read_photo(file) for file in files}
    else:
        found = {photo.name: photo.pixels for photo in load_photos(SCIKIT)}
        photos = {name: found[name] for name in SCIKIT_NAMES[:count]}
    return list(photos), [_scaled(pixels, size) for pixels in photos.values()]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such photograph or folder; give one that exists")
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise InputError(f"{path}: holds no photographs; put .jpg or .png files there")
    return files


def _spread(files: list[Path], count: int) -> list[Path]:
    """At most `count` of the files, evenly spaced."""
    if len(files) <= count:
        return files
    return [files[int((i + 0.5) * len(files) / count)] for i in range(count)]


def _scaled(pixels: np.ndarray, size: int) -> np.ndarray:
    """The picture with its longer side at `size`; rounding the shorter one cuts a few rows."""
    height, width = (
        size if side == max(pixels.shape[:2]) else _rounded(side * size / max(pixels.shape[:2]))
        for side in pixels.shape[:2]
    )
    fitted = ImageOps.fit(Image.fromarray(pixels), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted, np.float32) / 255


def _rounded(side: float) -> int:
    return max(_MULTIPLE, _MULTIPLE * round(side / _MULTIPLE))
