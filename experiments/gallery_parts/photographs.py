"""The photographs across the gallery, all cropped to one square size."""

from pathlib import Path

import numpy as np
from PIL import Image

from agentic_styling.data.photos.photos import read_photo
from agentic_styling.data.photos.sources import SUFFIXES, load_photos
from agentic_styling.utils.errors import InputError

# A person, an animal, a street, a still, an interior, a flower.
BUNDLED = ("astronaut", "chelsea", "china", "coffee", "motorcycle_left", "flower")


def square_photographs(paths: list[str], count: int, size: int) -> tuple[list[str], np.ndarray]:
    """Names, and pictures float32 [P, size, size, 3] in [0, 1] cut from the middle.

    paths: files or folders, of which at most `count` are taken, spread evenly; none: the bundled
    photographs. Raises InputError for what cannot be read.
    """
    if paths:
        files = _spread([f for path in paths for f in _files(Path(path))], count)
        found = {file.stem: read_photo(file) for file in files}
    else:
        bundled = {photo.name: photo.pixels for photo in load_photos()}
        found = {name: bundled[name] for name in BUNDLED[:count]}
    squares = np.stack([_square(pixels, size) for pixels in found.values()])
    return list(found), squares.astype(np.float32) / 255


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
    """At most `count` of the files, at even distances."""
    if len(files) <= count:
        return files
    return [files[int((i + 0.5) * len(files) / count)] for i in range(count)]


def _square(pixels: np.ndarray, size: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(cut.resize((size, size), Image.Resampling.LANCZOS))
