"""Photographs bundled with scikit-image, small, as planes [3, 96, 128] of float32."""

import functools

import numpy as np
import skimage.data
from skimage.transform import resize

NAMES = ("astronaut", "chelsea", "coffee")


@functools.cache
def photograph(name: str) -> np.ndarray:
    image = resize(getattr(skimage.data, name)(), (96, 128), anti_aliasing=True)
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
