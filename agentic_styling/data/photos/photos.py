"""Photographs, and random crops of them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

FLAT = 16  # of 255, the deviation of grey below which a crop shows next to nothing, as of a sky
CROPS = 10  # drawn, until one is not flat


@dataclass(frozen=True)
class Photo:
    """A photograph: `name` (path within its folder) and `pixels` uint8 [H, W, 3], sRGB."""

    name: str
    pixels: np.ndarray


def crop_with_content(
    photo: Photo, rng: np.random.Generator, size: int, *, mirror: bool = True
) -> tuple[np.ndarray, dict]:
    """A `random_crop` that is not flat, or the last of CROPS."""
    for _ in range(CROPS):
        pixels, crop = random_crop(photo, rng, size, mirror=mirror)
        if pixels.mean(-1).std() >= FLAT:
            break
    return pixels, crop


def random_crop(
    photo: Photo, rng: np.random.Generator, size: int = 128, *, mirror: bool = True
) -> tuple[np.ndarray, dict]:
    """A random square of 50 to 100 % of the short side, mirrored half the time, unless it may not.

    Returns:
      uint8 [size, size, 3], to which it is resized, and {"left", "top", "side", "mirror"}.
    """
    height, width = photo.pixels.shape[:2]
    side = round(min(height, width) * rng.uniform(0.5, 1.0))
    left = int(rng.integers(width - side + 1))
    top = int(rng.integers(height - side + 1))
    mirror = mirror and bool(rng.random() < 0.5)
    image = Image.fromarray(photo.pixels[top : top + side, left : left + side])
    pixels = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    crop = {"left": left, "top": top, "side": side, "mirror": mirror}
    return pixels[:, ::-1] if mirror else pixels, crop
