"""The work of the tools' benchmark, and what a side that takes single pictures shares."""

import numpy as np

SIZE, BATCH = 512, 16
SIGMAS = (2, 8)
LENGTH, ANGLE = 25, 30  # pixels, degrees
KUWAHARA = 6
BLOCK = 8  # of pixelation
FOG = (0.8, 0.83, 0.85)


def photographs() -> np.ndarray:
    """uint8 [B, SIZE, SIZE, 3]: scikit-image's and scikit-learn's, turned to have enough."""
    import cv2
    import skimage.data
    from sklearn.datasets import load_sample_image

    pictures = [skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()]
    pictures += [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    square = []
    for picture in pictures:
        side = min(picture.shape[:2])
        picture = np.ascontiguousarray(picture[:side, :side])
        square.append(cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    turned = [np.rot90(square[i % len(square)], i // len(square)) for i in range(BATCH)]
    return np.ascontiguousarray(turned)


def depth() -> np.ndarray:
    """A depth map [SIZE, SIZE]: far at the top."""
    return np.linspace(1, 0, SIZE, dtype=np.float32)[:, None] * np.ones(SIZE, np.float32)


class Side:
    """A side with the library's blur by sigma as `_gaussian`."""

    def gaussian_2(self):
        return self._gaussian(SIGMAS[0])

    def gaussian_8(self):
        return self._gaussian(SIGMAS[1])


class Image(Side):
    """A side that takes one picture [H, W, 3] at a time."""

    whole = False

    def __init__(self, dtype):
        self.dtype = dtype

    def batch(self, pictures):
        """The pictures in the side's dtype, bytes or in [0, 1]."""
        return pictures if self.dtype == "uint8" else pictures.astype(np.float32) / 255
