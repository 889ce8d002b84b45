"""Depth, sky, ground and subject of a photograph, as in tools/executor/scene_estimate.py."""

import functools

import cv2
import numpy as np

from .common import Shot, luma_of, resize

_SHORT = 64


def shot_of(image: np.ndarray, seed: int) -> Shot:
    """The Shot of planes [3, H, W]."""
    height, width = image.shape[1:]
    short = min(height, width)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / short)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / short)[None]
    return Shot(*maps_of(image), y, x, short, np.random.default_rng(seed))


def maps_of(image: np.ndarray) -> np.ndarray:
    """float32 [4, H, W]: depth, sky, ground, subject."""
    factor = max(1, min(image.shape[1:]) // _SHORT)
    size = [-(-n // factor) for n in image.shape[1:]]
    small = image if factor == 1 else resize(image, size, cv2.INTER_AREA)
    sky = _sky(small)
    subject = _subject(small, sky)
    ground = _ground(small, sky, subject)
    depth = _depth(small, sky, subject)
    return _follow_edges(np.stack([depth, sky, ground, subject]), small, image)


@functools.cache
def _matrix(n: int, radius: float) -> np.ndarray:
    at = np.arange(n)
    weights = np.exp(-0.5 * ((at[:, None] - at[None]) / radius) ** 2)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _smooth(planes, radius):
    return _matrix(planes.shape[-2], radius) @ (planes @ _matrix(planes.shape[-1], radius).T)


def _ramp(value, low, high):
    u = np.clip((value - low) / (high - low), 0.0, 1.0)
    return u * u * (3 - 2 * u)


def _edges(luma):
    padded = np.pad(luma, 1, mode="edge")
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    return np.abs(down) + np.abs(padded[1:-1, 2:] - padded[1:-1, :-2])


def _heights(h):
    return ((np.arange(h, dtype=np.float32) + 0.5) / h)[:, None]


def _sky(image):
    red, green, blue = image
    luma = luma_of(image)
    h = luma.shape[0]
    edges = _edges(luma)
    bluish = np.maximum(blue - red, 0.0)
    bluish = bluish + 0.3 * bluish / (blue + 0.1)
    leafy = np.maximum(green - np.maximum(red, blue), 0.0)
    logit = 9 * (luma - 0.5) + 10 * bluish - 14 * np.maximum(red - blue, 0.0) - 30 * leafy
    logit = logit - 18 * np.maximum(_smooth(edges, 1.0) - 0.06, 0.0) + 1.5
    cost = np.maximum(np.logaddexp(0, -logit) - 0.25, 0.0) + np.maximum(edges - 0.15, 0.0)
    flood = np.exp(-np.minimum(np.cumsum(cost, axis=0) * (40.0 / h), 20.0))
    total = flood.sum() + 1e-3
    mean = (flood * image).sum((1, 2), keepdims=True) / total
    away = ((image - mean) ** 2).sum(0)
    spread = (flood * away).sum() / total
    alike = np.exp(-0.5 * away / (spread + 0.004)) / (1 + np.exp(-logit))
    rows = flood.mean(axis=1, keepdims=True)
    reach = _ramp(rows, 0.02, 0.3) * _ramp(total / flood.size, 0.02, 0.1)
    return np.maximum(flood, alike * reach)


def _subject(image, sky):
    h, w = image.shape[1:]
    y, x = _heights(h) * 2 - 1.1, _heights(w).T * 2 - 1
    centre = np.exp(-1.6 * np.abs(x) ** 2.5 - 1.6 * np.abs(y) ** 2.5)
    side = max(2, h // 12)
    nearest = 1e-6
    strips = image[:, :side], image[:, :, :side], image[:, :, -side:], image[:, -side:]
    for strip in strips:
        mean = strip.mean((1, 2), keepdims=True)
        apart = ((image - mean) ** 2).mean(0) / (((strip - mean) ** 2).mean() + 0.01)
        nearest = nearest + 0.25 / (0.02 + apart) ** 2
    sharp = _smooth(_edges(luma_of(image)), 2.0)
    sharp = sharp / (sharp.mean() + 0.02)
    strange = _smooth(np.minimum(nearest**-0.5, 4.0), 1.5)
    score = centre * (0.25 + strange / (strange.mean() + 0.1)) * (0.3 + np.minimum(sharp, 2.0))
    score = _smooth(score, 2.5) * (1 - sky)
    return _ramp(score / ((score**4).mean() + 1e-9) ** 0.25, 0.35, 1.15)


def _ground(image, sky, subject):
    h, w = image.shape[1:]
    y = _heights(h)
    low = np.exp(-((1 - y) / 0.12)) * (1 - 0.7 * subject) + 1e-4
    mean = _smooth(image * low, w / 6) / _smooth(low, w / 6)
    bottom = (mean * low).sum(1, keepdims=True) / low.sum(0)
    away = ((_smooth(image, 1.0) - bottom) ** 2).sum(0)
    upright = np.maximum(_smooth(_edges(luma_of(image)), 1.5) - 0.12, 0.0)
    cost = np.maximum(6 * away - 0.15, 0.0) + 3 * upright + 2 * subject + 4 * sky
    rising = np.cumsum(cost[::-1], axis=0)[::-1] * (12.0 / h)
    flood = np.exp(-np.minimum(rising, 20.0))
    return flood * _ramp(y, 0.3, 0.62) * (1 - sky) * (1 - 0.8 * subject)


def _depth(image, sky, subject):
    haze = _smooth(image.min(0), 1.5)
    horizon = sky.mean(0, keepdims=True)
    up = 1 - _heights(image.shape[1])
    climb = np.minimum(up / np.maximum(1 - _smooth(horizon, 6.0), 0.3), 1.0)
    depth = 0.1 + 0.6 * climb + 0.25 * haze * climb - 0.35 * subject * climb
    return depth * (1 - sky) + sky


def _follow_edges(maps, small, image):
    guide = luma_of(small)
    means = _smooth(np.concatenate([guide[None], guide[None] ** 2, maps, maps * guide]), 2.0)
    variance = np.maximum(means[1] - means[0] ** 2, 0.0)
    slope = (means[6:] - means[0] * means[2:6]) / (variance + 2e-3)
    lines = _smooth(np.concatenate([slope, means[2:6] - slope * means[0]]), 1.5)
    lines = lines.astype(np.float32)
    if small is not image:
        lines = resize(lines, image.shape[1:])
    return np.clip(lines[:4] * luma_of(image) + lines[4:], 0.0, 1.0)
