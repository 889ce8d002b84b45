"""Photographs, and random crops of them."""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Photo:
    """A photograph: `name` (path within its folder) and `pixels` uint8 [H, W, 3], sRGB."""

    name: str
    pixels: np.ndarray


def random_crop(photo: Photo, rng: np.random.Generator, size: int = 128):
    """A random square of 50 to 100 % of the short side, mirrored half the time.

    Returns:
      uint8 [size, size, 3], to which it is resized, and {"left", "top", "side", "mirror"}.
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
