"""Photographs: read, cropped and written."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from agentic_styling.utils.errors import InputError

MAX_SIDE = 1024  # photographs are only cropped and shrunk; more pixels would only cost memory
MIN_SIDE = 64
# What Pillow raises for damaged files.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)


@dataclass(frozen=True)
class Photo:
    """A photograph: `name` (path within its folder) and `pixels` uint8 [H, W, 3], sRGB."""

    name: str
    pixels: np.ndarray


def read_photo(file, *, name: str = "", max_side: int | None = None) -> np.ndarray:
    """Reads one photograph.

    Args:
      file: the path of an image file, or an open one.
      name: stands for the file in errors; by default its path.
      max_side: the longer side is shrunk to it; None keeps the size.

    Returns:
      uint8 [H, W, 3], sRGB.

    Raises:
      InputError: it is missing or unreadable.
    """
    try:
        return read_image(file, max_side)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{name or file}: no readable photograph ({reason}); give a .jpg or .png"
        ) from error


def random_crop(photo: Photo, rng: np.random.Generator, size: int = 128):
    """A random square of 50 to 100 % of the short side, mirrored half the time.

    Args:
      photo: cropped.
      rng: advanced by the draw.
      size: of the square that the crop is resized to, in pixels.

    Returns:
      uint8 [size, size, 3] and the crop as {"left", "top", "side", "mirror"}.
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
    """Reads a picture as uint8 [H, W, 3].

    EXIF rotation is applied; grey, alpha (on white) and CMYK become RGB; of an animation the first
    picture is read.

    Args:
      path: of a file, an open file, or a PIL image.
      max_side: the longer side is shrunk to it; None keeps the size.

    Raises:
      One of UNREADABLE.
    """
    with path if isinstance(path, Image.Image) else Image.open(path) as image:
        if max_side:
            image.draft("RGB", (max_side, max_side))  # JPEG decodes at a fraction of its size
        image = ImageOps.exif_transpose(image)
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            background = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(background, image)
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
    """The kind of an error of UNREADABLE, in a few words."""
    text = str(error)
    reasons = {
        "pixels are too few": "too small",
        "decompression bomb": "too many pixels",
        "cannot identify": "not a picture",
        "truncated": "cut short",
        "No such file": "missing",
    }
    return next((why for part, why in reasons.items() if part in text), "broken")
