"""The work of the tools' benchmark, and what a side that takes single pictures shares."""

import numpy as np

SIZE, BATCH = 512, 16
SIGMAS = (2, 8)
BOX, LENGTH, ANGLE = 7, 25, 30  # radius, length in pixels, degrees
GUIDED = 16, 0.01  # radius, epsilon
BILATERAL = 8.0, 0.1  # sigma in place, in luma
KUWAHARA = 6
BLOCK = 8  # of pixelation
CURVE = (0.0, 0.2, 0.5, 0.8, 1.0), (0.02, 0.16, 0.52, 0.86, 0.98)
SHADOWS, HIGHLIGHTS = (0.35, 0.45, 0.6), (0.6, 0.5, 0.4)
KELVIN, TINT, STOPS, VIBRANCE = 5200.0, 8.0, 0.3, 0.4
LUT_SIZE = 33
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


def table() -> np.ndarray:
    """A 3D table [N, N, N, 3] by red, green, blue."""
    steps = np.linspace(0, 1, LUT_SIZE, dtype=np.float32)
    colors = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    return np.clip(colors**0.9 * (1.05, 1.0, 0.92), 0, 1).astype(np.float32)


def balance():
    """A Bradford matrix on linear sRGB, as for the chain's white balance."""
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    cones = bradford @ xyz
    return (np.linalg.inv(cones) @ np.diag((0.95, 1.0, 1.15)) @ cones).astype(np.float32)


def curve():
    """The chain's monotone curve, at 256 places."""
    from scipy.interpolate import PchipInterpolator

    at = np.linspace(0, 1, 256)
    return at, PchipInterpolator(*CURVE)(at)


class Image:
    """A side that takes one picture [H, W, 3] at a time."""

    whole = False

    def __init__(self, dtype):
        self.dtype = dtype

    def batch(self, pictures):
        """The pictures in the side's dtype, bytes or in [0, 1]."""
        return pictures if self.dtype == "uint8" else pictures.astype(np.float32) / 255
