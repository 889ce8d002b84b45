"""What the hand-written drawing shares: a photograph's maps and grids, noise, blurs, light."""

from typing import NamedTuple

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
COARSE = 128  # pixels of the shorter side at which soft things are made


class Shot(NamedTuple):
    """A photograph being styled: its scene, the grids of its pixels, its randomness.

    Maps are [H, W], outdoors and closeup numbers in [0, 1]; y [H, 1] and x [1, W] are in parts of
    the shorter side `short`.
    """

    depth: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    subject: np.ndarray
    outdoors: float
    closeup: float
    y: np.ndarray
    x: np.ndarray
    short: int
    random: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.sky.shape


def rgb(color: str) -> np.ndarray:
    """A "#rrggbb" colour as float32 [3, 1, 1]."""
    value = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.array(value, np.float32)[:, None, None]


def luma_of(image: np.ndarray) -> np.ndarray:
    """Luma [H, W] of planes [3, H, W]."""
    return LUMA[0] * image[0] + LUMA[1] * image[1] + LUMA[2] * image[2]


def ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, a smoothstep between."""
    u = np.clip((value - low) * (1 / (high - low)), 0.0, 1.0)
    return u * u * (3 - 2 * u)


def screen(image: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Light >= 0 added so that it never clips."""
    return 1 - (1 - image) * np.exp(-light)


def relight(image: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """A picture under `gain` times the light: more never clips, less scales."""
    more = np.maximum(gain, 1.0)
    return more * image / (1 + (more - 1) * image) * np.minimum(gain, 1.0)


def lay(image: np.ndarray, cover: np.ndarray, color: np.ndarray) -> np.ndarray:
    """A colour over a picture, as opaque as `cover`."""
    return image + cover * (color - image)


def resize(planes: np.ndarray, size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> np.ndarray:
    """[H, W] or [C, H, W] at another (height, width)."""
    height, width = size
    if planes.ndim == 2:
        return cv2.resize(planes, (width, height), interpolation=how)
    return np.stack([cv2.resize(p, (width, height), interpolation=how) for p in planes])


def share_of(mask: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]."""
    return mask.astype(np.float32) * np.float32(1 / 255)


def shrink(planes: np.ndarray, short: int = COARSE) -> np.ndarray:
    """Means at about `short` pixels of the shorter side."""
    height, width = planes.shape[-2:]
    factor = max(1, min(height, width) // short)
    return resize(planes, (-(-height // factor), -(-width // factor)), cv2.INTER_AREA)


def blur(planes: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of [H, W] or [C, H, W], the border repeated; wide ones on a coarser grid."""
    if planes.ndim == 3:
        return np.stack([blur(plane, sigma) for plane in planes])
    if sigma > 6:
        factor = int(sigma // 3)
        height, width = planes.shape
        small = resize(planes, (-(-height // factor), -(-width // factor)), cv2.INTER_AREA)
        return resize(blur(small, sigma / factor), planes.shape)
    return cv2.GaussianBlur(planes, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def noise(shot: Shot, cells: float, octaves: int = 1, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise [H, W], about [0, 1], `cells` to the shorter side, `stretch` times as wide."""
    height, width = shot.size
    coarse = [max(2, round(COARSE * n / shot.short)) for n in shot.size]
    total, weight, whole = 0.0, 1.0, 0.0
    for octave in range(octaves):
        many = cells * 2**octave
        rows = max(2, round(many * height / shot.short))
        columns = max(2, round(many * width / shot.short / stretch))
        lattice = shot.random.random((rows, columns), np.float32)
        size = coarse if octaves > 1 else shot.size
        total = total + weight * resize(lattice, size, cv2.INTER_CUBIC)
        whole, weight = whole + weight, 0.55 * weight
    total = total * (1 / whole)
    return resize(total, shot.size) if octaves > 1 else total


def on_ground(shot: Shot, cells: float, octaves: int = 3) -> np.ndarray:
    """Noise that lies on the ground, in perspective."""
    flat = noise(shot, cells, octaves)
    height, width = shot.size
    below = np.maximum(shot.y * (shot.short / height) - 0.42, 0.02).astype(np.float32)
    rows = np.mod(0.25 / below, 1) * (height - 1)
    columns = np.mod((shot.x * shot.short / width - 0.5) * (0.5 / below), 1) * (width - 1)
    rows = np.broadcast_to(rows, shot.size).astype(np.float32)
    return cv2.remap(flat, columns.astype(np.float32), rows, cv2.INTER_LINEAR)


def displace(image: np.ndarray, shot: Shot, dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
    """[3, H, W] or [H, W] read at places moved by so many pixels."""
    height, width = shot.size
    rows = (np.arange(height, dtype=np.float32)[:, None] + dy).astype(np.float32)
    columns = (np.arange(width, dtype=np.float32)[None] + dx).astype(np.float32)
    rows, columns = np.broadcast_to(rows, shot.size), np.broadcast_to(columns, shot.size)
    rows, columns = np.ascontiguousarray(rows), np.ascontiguousarray(columns)

    def read(plane):
        return cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return read(image) if image.ndim == 2 else np.stack([read(plane) for plane in image])


def bloom(
    image: np.ndarray, amount: float, color: np.ndarray, threshold: float, sigma: float
) -> np.ndarray:
    """The bright parts glow; sigma in parts of the shorter side."""
    small = np.maximum(shrink(image) - threshold, 0.0) * (1 / (1 - threshold))
    short = min(small.shape[1:])
    glow = 0.6 * blur(small, sigma * short) + 0.4 * blur(small, 3 * sigma * short)
    return screen(image, resize(amount * glow * color, image.shape[1:]))


def vignette(image: np.ndarray, shot: Shot, amount: float, color: np.ndarray) -> np.ndarray:
    """Corners drawn towards a colour."""
    y = (2 * shot.y * shot.short / shot.size[0] - 1) ** 2
    kept = 1 / (1 + 0.5 * amount * (y + (2 * shot.x * shot.short / shot.size[1] - 1) ** 2)) ** 2
    return image * kept + color * (1 - kept)


def film_grain(image: np.ndarray, shot: Shot, amount: float, color=1.0) -> np.ndarray:
    """Grain, strongest in the middle tones."""
    normal = shot.random.standard_normal(shot.size, np.float32)
    luma = luma_of(image)
    return image + (2.2 * amount) * normal * luma * (1 - luma) * color


def horizon_of(shot: Shot) -> float:
    """How far down the sky reaches, in parts of the height."""
    total = float(shot.sky.mean())
    if total < 0.03:
        return 0.4
    rows = shot.sky.mean(axis=1) @ np.linspace(0, 1, shot.size[0], dtype=np.float32)
    return float(np.clip(2 * rows / (shot.size[0] * total), 0.15, 1.0))


def level_of(image: np.ndarray) -> float:
    """How bright a white thing is in the light of a picture."""
    return float(np.clip(0.25 + 1.7 * luma_of(image).mean(), 0.3, 1.0))


def contours(luma: np.ndarray, sigma: float) -> np.ndarray:
    """Where a dark line runs along an edge [H, W]."""
    darker = np.maximum(blur(luma, 2.2 * sigma) - blur(luma, sigma) - 0.006, 0.0)
    return darker / (darker + 0.035)


def posterize(tone: np.ndarray, levels: int, softness: float) -> np.ndarray:
    """Equal steps with soft risers."""
    scaled = tone * (levels - 1)
    step = np.floor(scaled)
    rise = np.clip((scaled - step - 0.5) / softness + 0.5, 0.0, 1.0)
    return (step + rise * rise * (3 - 2 * rise)) * (1 / (levels - 1))


def relief(image: np.ndarray, height: np.ndarray) -> np.ndarray:
    """A picture lighter and darker by a height [H, W]; black and white stay."""
    return image + height * image * (1 - image)


def slope_of(surface: np.ndarray) -> np.ndarray:
    """Light from the upper left on a height field."""
    slope = cv2.Sobel(surface, cv2.CV_32F, 0, 1) + cv2.Sobel(surface, cv2.CV_32F, 1, 0)
    slope *= 0.125
    return slope / (1 + np.abs(slope))
