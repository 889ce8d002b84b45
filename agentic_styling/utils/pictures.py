"""Pictures: files and arrays of all kinds read as sRGB bytes, and written."""

import contextlib
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

from agentic_styling.utils.errors import InputError, one_line

MAX_SIDE = 1024  # photographs are only cropped and shrunk; more pixels would only cost memory
MIN_SIDE = 64
# What Pillow raises for damaged files.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
# Where a table may keep its pictures, likely names first.
PICTURE_COLUMNS = (
    *("image", "img", "picture", "photo", "images", "pixel_values", "jpg", "jpeg", "png", "webp"),
    *("image_path", "img_path", "image_file", "file_name", "filename", "file", "path"),
)
EMPTY = "holds no picture"
OUT_OF_RANGE = "values are not within"
ROUNDING = 1e-3  # by which floats may leave [0, 1]
# Its date, 12 bytes from 24 on, is zero: the same bytes each time.
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB = SRGB[:24] + bytes(12) + SRGB[36:]


def read_photo(
    file, *, name: str = "", max_side: int | None = None, min_side: int = MIN_SIDE
) -> np.ndarray:
    """Reads one photograph.

    Args:
      file: the path of an image file, its bytes, or an open one.
      name: stands for the file in errors; by default its path.
      max_side: the longer side is shrunk to it; None keeps the size.
      min_side: a shorter side is an error.

    Returns:
      uint8 [H, W, 3], sRGB.

    Raises:
      InputError: it is missing or unreadable.
    """
    try:
        return read_image(file, max_side, min_side)
    except UNREADABLE as error:
        raise InputError(
            f"{name or file}: no readable photograph ({one_line(error)}); give a .jpg or .png"
        ) from error


def read_image(picture, max_side: int | None = MAX_SIDE, min_side: int = MIN_SIDE) -> np.ndarray:
    """Reads a picture as uint8 [H, W, 3], sRGB.

    Its colour profile and EXIF rotation are applied, or ignored if broken. Grey, alpha (on white)
    and CMYK become RGB; 16 bits and floats in [0, 1] are scaled; of an animation the first picture
    is read.

    Args:
      picture: the path of a file, its bytes, an open file, a PIL image, or an array [H, W] or
        [H, W, 1 to 4] of bytes, 16-bit numbers or floats.
      max_side: the longer side is shrunk to it; None keeps the size.
      min_side: a shorter side is an error.

    Raises:
      One of UNREADABLE.
    """
    if isinstance(picture, np.ndarray):
        grey = picture.ndim == 3 and picture.shape[2] == 1
        picture = Image.fromarray(_to_bytes(picture[..., 0] if grey else picture))
    elif isinstance(picture, bytes):
        picture = io.BytesIO(picture)
    with picture if isinstance(picture, Image.Image) else Image.open(picture) as image:
        if max_side:
            image.draft("RGB", (max_side, max_side))  # JPEG decodes at a fraction of its size
        image.load()
        profile = image.info.get("icc_profile")
        with contextlib.suppress(*UNREADABLE):  # a broken EXIF block
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith(("I", "F")):
            image = _from_deep(image)
        alpha = None
        if "A" in image.getbands() or "transparency" in image.info:
            alpha = image.convert("RGBA").getchannel("A")
            image = image.convert("L" if image.mode in ("L", "LA", "La") else "RGB")
        image = _to_srgb(image, profile)
        if alpha:
            image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
        if max_side:
            image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    if min(image.size) < min_side:
        raise ValueError(f"{image.width}x{image.height} pixels are too few")
    return np.array(image)


def _from_deep(image: Image.Image) -> Image.Image:
    """A picture of 16 bits or floats as grey of 8 bits, with alpha if one value is transparent."""
    values = np.asarray(image)  # Pillow's convert() would clip them
    if image.mode.startswith("I"):  # 16 bits, stored in 32 by some formats
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f"{OUT_OF_RANGE} 0 to 65535")
        values = values.astype(np.uint16)
    grey = Image.fromarray(_to_bytes(values))
    if isinstance(transparent := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.uint8(255 * (values != transparent))))
    return grey


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers as uint8: floats up to 1, and integers of 16 bits, are scaled to 255."""
    if values.dtype == np.uint8:
        return values
    dtype, values = values.dtype, values.astype(np.float64)
    low, high = values.min(), values.max()
    if not (low >= -ROUNDING and high <= 65535):  # also refuses NaN
        raise ValueError(f"{OUT_OF_RANGE} 0 to 1, 255 or 65535")
    if dtype == np.uint16 or high > 255:
        scale = 1 / 257
    else:
        small = dtype.kind == "b" or np.issubdtype(dtype, np.floating)
        scale = 255 if small and high <= 1 + ROUNDING else 1
    return np.clip((values * scale).round(), 0, 255).astype(np.uint8)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as RGB without alpha; a profile that does not fit it is ignored."""
    if profile and image.mode not in ("L", "CMYK", "LAB"):
        image = image.convert("RGB")
    if profile and profile != SRGB:
        with contextlib.suppress(*UNREADABLE, ImageCms.PyCMSError):
            return ImageCms.profileToProfile(
                image, io.BytesIO(profile), io.BytesIO(SRGB), outputMode="RGB"
            )
    return image.convert("RGB")


def to_png(image: np.ndarray) -> bytes:
    """A picture, uint8 [H, W, 3], as the bytes of a PNG file with an sRGB profile."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", icc_profile=SRGB)
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
        EMPTY: "missing",
        OUT_OF_RANGE: "values out of range",
    }
    return next((why for part, why in reasons.items() if part in text), "broken")
