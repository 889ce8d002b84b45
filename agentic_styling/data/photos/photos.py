"""Photographs: read from a folder or from the installed packages, split, cropped and written."""

import hashlib
import importlib.util
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from agentic_styling.utils.errors import InputError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
BUNDLED = {
    "skimage": [
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/rocket.jpg",
        "data/motorcycle_left.png",
        "data/hubble_deep_field.jpg",
    ],
    "sklearn": ["datasets/images/china.jpg", "datasets/images/flower.jpg"],
}
MAX_SIDE = 1024  # a photograph is only ever cropped and shrunk; more would only cost memory
MIN_SIDE = 64
# What Pillow raises for files that are broken, in their first bytes or far inside.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)


@dataclass(frozen=True)
class Photo:
    """A photograph: `name` (path within its folder) and `pixels` uint8 [H, W, 3], sRGB."""

    name: str
    pixels: np.ndarray


def load_photos(directory=None) -> list[Photo]:
    """Read every photograph below `directory`, or the bundled ones when it is None.

    EXIF rotation is applied; grey, alpha and CMYK become RGB; the longer side is at most 1024.
    Unreadable files are skipped with one warning. Raises InputError when fewer than two remain.
    """
    if directory is None:
        return _load_bundled()
    root = Path(directory)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of photographs; give an existing folder")
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise InputError(f"{root}: holds no photographs; put at least two .jpg or .png files there")
    photos, skipped = [], []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            photos.append(Photo(name, read_image(path)))
        except UNREADABLE as error:
            skipped.append(f"{name} ({' '.join(str(error).split())[:80]})")
    if skipped:
        shown = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        warnings.warn(
            f"{root}: skipped {len(skipped)} unreadable of {len(paths)} files: {shown}",
            stacklevel=2,
        )
    if len(photos) < 2:
        raise InputError(
            f"{root}: {len(photos)} usable of {len(paths)} photographs; training and test need "
            "different ones, so add readable .jpg or .png files until there are two or more"
        )
    return photos


def read_photo(path) -> np.ndarray:
    """One photograph at its own size, uint8 [H, W, 3]. Raises InputError if it is unreadable."""
    try:
        return read_image(path, max_side=None)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: no readable photograph ({reason}); give a .jpg or .png"
        ) from error


def decode_photo(data: bytes, name: str) -> np.ndarray:
    """The photograph in a file's bytes, its longer side at most 1024, uint8 [H, W, 3].

    `name` stands for it in errors. Raises InputError if it is unreadable.
    """
    try:
        return read_image(io.BytesIO(data))
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{name}: no readable photograph ({reason}); give a .jpg or .png"
        ) from None


def split_photos(photos: list[Photo], seed: int, test_share: float = 0.25):
    """Split whole photographs into (train, test); at least two test photographs from six up.

    The order is by a hash of seed and name, so adding a photograph moves few others. Raises
    InputError for fewer than two photographs.
    """
    if len(photos) < 2:
        raise InputError(f"photos: {len(photos)} given; training and test need different ones")
    order = sorted(photos, key=lambda p: hashlib.sha256(f"{seed}:{p.name}".encode()).digest())
    at_least = 2 if len(photos) >= 6 else 1
    held_out = max(at_least, round(test_share * len(photos)))
    return order[held_out:], order[:held_out]


def random_crop(photo: Photo, rng: np.random.Generator, size: int = 128):
    """A random square of 50-100 % of the short side, mirrored half the time, resized to `size`.

    Returns uint8 [size, size, 3] and the crop as {"left", "top", "side", "mirror"}.
    """
    height, width = photo.pixels.shape[:2]
    side = round(min(height, width) * rng.uniform(0.5, 1.0))
    left = int(rng.integers(width - side + 1))
    top = int(rng.integers(height - side + 1))
    mirror = bool(rng.random() < 0.5)
    image = Image.fromarray(photo.pixels[top : top + side, left : left + side])
    pixels = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    crop = {"left": left, "top": top, "side": side, "mirror": mirror}
    return pixels[:, ::-1] if mirror else pixels, crop


def read_image(path, max_side: int | None = MAX_SIDE) -> np.ndarray:
    """A picture as uint8 [H, W, 3]: a path, a file, or an open PIL image. Raises one of UNREADABLE.

    EXIF rotation is applied; grey, alpha (on white) and CMYK become RGB; of an animation it is the
    first picture; the longer side is at most max_side.
    """
    with path if isinstance(path, Image.Image) else Image.open(path) as image:
        if max_side:
            image.draft("RGB", (max_side, max_side))  # JPEG decodes at a fraction of its size
        image = ImageOps.exif_transpose(image)
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image)
        elif image.mode.startswith("I"):  # 16-bit grey: convert() would clip it to white
            image = Image.fromarray((np.asarray(image, np.float32) / 257).round().astype(np.uint8))
        image = image.convert("RGB")
        if max_side:
            image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    if min(image.size) < MIN_SIDE:
        raise ValueError(f"{image.width}x{image.height} pixels are too few")
    return np.array(image)


def to_png(image: np.ndarray, compress_level: int = 6) -> bytes:
    """A picture, uint8 [H, W, 3], as the bytes of a PNG file; 1 is fast, 9 is small."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=compress_level)
    return out.getvalue()


def why_unreadable(error: Exception) -> str:
    """The reason of an error of UNREADABLE in a few words, the same for files of one fault."""
    text = str(error)
    reasons = {
        "pixels are too few": "too small",
        "decompression bomb": "too many pixels",
        "cannot identify": "not a picture",
        "truncated": "cut short",
        "No such file": "missing",
    }
    return next((why for part, why in reasons.items() if part in text), "broken")


def _load_bundled() -> list[Photo]:
    photos = []
    for package, files in BUNDLED.items():
        spec = importlib.util.find_spec(package)  # runs no code: importing it takes seconds
        if spec is None:
            raise InputError(
                f"{package} is not installed, so its photographs are missing; "
                "pip install 'agentic-styling[data]' or give a folder of photographs"
            )
        root = Path(spec.origin).parent
        photos += [Photo(Path(file).stem, read_image(root / file)) for file in files]
    return photos
