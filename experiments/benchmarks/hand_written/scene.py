"""What a photograph shows, as in tools/executor/scene_estimate.py, with the network's weights."""

import functools
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .common import Shot, luma_of, resize

_SHORT = 64
_CELLS, _CELL = 32, 6
_WEIGHTS = Path(__file__).parents[3] / "agentic_styling/tools/executor/scene.safetensors"


def shot_of(image: np.ndarray, seed: int) -> Shot:
    """The Shot of planes [3, H, W]."""
    height, width = image.shape[1:]
    short = min(height, width)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / short)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / short)[None]
    maps, kind = scene_of(image)
    return Shot(*maps, *kind, y, x, short, np.random.default_rng(seed))


def scene_of(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [4, H, W]: depth, sky, ground, subject; and [2]: outdoors, close-up."""
    factor = max(1, min(image.shape[1:]) // _SHORT)
    size = [-(-n // factor) for n in image.shape[1:]]
    small = image if factor == 1 else resize(image, size, cv2.INTER_AREA)
    shares, kind = _classify(image)
    _, *shares = _resample(np.clip((shares - 0.06) / 0.88, 0.0, 1.0), *size)
    maps = np.stack([_depth(small, *shares, kind[1]), *shares])
    red, green, blue = small
    plants = _ramp(np.minimum(green - blue, green - red + 0.02), 0.01, 0.07).mean()
    seen = max(_ramp(shares[0].mean(), 0.01, 0.06), _ramp(plants, 0.03, 0.15))
    return _follow_edges(maps, small, image), np.array([kind[0] * (0.4 + 0.6 * seen), kind[1]])


def _classify(image):
    side = _CELLS * _CELL
    square = _resample(image, side, side)
    both = np.stack([square, square[..., ::-1]])
    aspect = math.log(image.shape[2] / image.shape[1])
    hints = np.stack([_hints(one, aspect) for one in both])
    logits, kind = _network(both.transpose(0, 2, 3, 1), hints)
    logits = (logits[0] + logits[1, :, ::-1]) / 2
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares = shares / shares.sum(-1, keepdims=True)
    return shares.transpose(2, 0, 1), 1 / (1 + np.exp(-kind.mean(0)))


def _resample(planes, height, width):
    h, w = planes.shape[1:]
    return _resampling(h, height).T @ (planes @ _resampling(w, width))


@functools.cache
def _resampling(old, new):
    step = old / new
    at = (np.arange(new) + 0.5) * step - 0.5
    weights = np.maximum(1 - np.abs(at - np.arange(old)[:, None]) / max(step, 1), 0)
    return (weights / weights.sum(0)).astype(np.float32)


def _changes(planes):
    below = np.pad(np.abs(np.diff(planes, axis=1)), ((0, 0), (0, 1), (0, 0)))
    beside = np.pad(np.abs(np.diff(planes, axis=2)), ((0, 0), (0, 0), (0, 1)))
    return np.concatenate([below, beside])


def _hints(image, aspect):
    """The network's hand-made channels, float32 [32, 32, 24]."""
    planes = np.concatenate([image, _changes(luma_of(image)[None])])
    cells = planes.reshape(5, _CELLS, _CELL, _CELLS, _CELL).mean((2, 4))
    color, down, across = cells[:3], cells[3], cells[4]
    (red, green, blue), luma, texture = color, luma_of(color), down + across
    high, low = color.max(0), color.min(0)
    steps = _changes(color).reshape(2, 3, _CELLS, _CELLS).max(1)
    at = np.arange(_CELLS)
    place = (at + 0.5) / _CELLS * 2 - 1

    def away(part):
        mean = part.mean((1, 2), keepdims=True)
        spread = ((part - mean) ** 2).mean() + 0.01
        return np.log1p(((color - mean) ** 2).mean(0) / spread) - 1

    def flood(cost):
        return np.exp(-np.minimum(cost, 20.0))

    before, until = np.tri(_CELLS, k=-1), np.tri(_CELLS)
    fall, cross = 4 * np.maximum(steps - 0.03, 0.0)
    near = np.exp(-np.abs(at[:, None] - at) / 4)
    below = color[:, -4:].mean(1, keepdims=True) @ (near / near.sum(1, keepdims=True)).T
    bluish = np.maximum(blue - red, 0.0)
    logit = 9 * (luma - 0.5) + 10 * (bluish + 0.3 * bluish / (blue + 0.1)) + 1.5
    logit = logit - 14 * np.maximum(red - blue, 0.0) - 18 * np.maximum(texture - 0.06, 0.0)
    logit = logit - 30 * np.maximum(green - np.maximum(red, blue), 0.0)
    cost = np.maximum(np.logaddexp(0, -logit) - 0.25, 0.0) + np.maximum(steps.sum(0) - 0.15, 0.0)
    channels = (
        2 * luma - 1,
        2 * (red - blue),
        4 * (green - (red + blue) / 2),
        (luma - luma.mean()) / (np.sqrt(luma.var() + 1e-4) + 0.05),
        (high - low) / (high + 0.1),
        2 * low - 1,
        np.log1p(30 * across),
        np.log1p(30 * down),
        np.log1p(10 * steps.sum(0)),
        np.log1p(texture / (texture.mean() + 0.01)),
        place[:, None],
        2 * place[None] ** 2 - 1,
        *map(away, (color[:, :3], color[:, -3:], color[:, :, :3], color[:, :, -3:])),
        flood(before @ fall),
        flood(until.T @ fall),
        flood(cross @ before.T),
        flood(cross @ until),
        away(color[:, 10:24, 10:22]),
        np.log1p(40 * ((color - below) ** 2).mean(0)) - 1,
        flood(1.25 * (until @ cost)),
        aspect,
    )
    planes = [np.broadcast_to(channel, (_CELLS, _CELLS)) for channel in channels]
    return np.stack(planes, -1).astype(np.float32)


@functools.cache
def _weights():
    from safetensors.numpy import load_file

    return {name: array.astype(np.float32) for name, array in load_file(_WEIGHTS).items()}


def _conv(name, x, stride=1):
    kernel, bias = _weights()[f"{name}.kernel"], _weights()[f"{name}.bias"]
    size = len(kernel)
    around = (size - 1) // 2 if stride == 1 else 0
    x = np.pad(x, ((0, 0), (around, around), (around, around), (0, 0)))
    windows = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.tensordot(windows, kernel.transpose(2, 0, 1, 3), 3) + bias


def _dense(name, x):
    return x @ _weights()[f"{name}.kernel"] + _weights()[f"{name}.bias"]


def _relu(x):
    return np.maximum(x, 0.0)


def _residual(name, x):
    return _relu(x + _conv(f"{name}.b", _relu(_conv(f"{name}.a", x))))


def _up(name, x, skip):
    return _relu(_conv(name, x).repeat(2, axis=1).repeat(2, axis=2) + skip)


def _network(image, hints):
    stem = _relu(_conv("stem", 2 * image - 1, _CELL))
    e0 = _residual("e0", _relu(_conv("in", np.concatenate([stem, hints], -1))))
    e1 = _residual("e1", _relu(_conv("down1", e0, 2)))
    e2 = _residual("e2", _relu(_conv("down2", e1, 2)))
    e3 = _residual("e3", _relu(_conv("down3", e2, 2)))
    whole = _relu(_dense("g1", e3.mean((1, 2))))
    d2 = _residual("d2", _up("up2", _relu(e3 + _dense("g2", whole)[:, None, None]), e2))
    rows = _dense("row", e1.mean(2, keepdims=True)) + _dense("col", e1.mean(1, keepdims=True))
    d1 = _residual("d1", _up("up1", d2, e1 + rows))
    out = _conv("out", _residual("d0", _up("up0", d1, e0)))
    out = out.reshape(-1, _CELLS, _CELLS, 2, 2, 4).transpose(0, 1, 3, 2, 4, 5)
    return out.reshape(-1, 2 * _CELLS, 2 * _CELLS, 4), _dense("head", whole)


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


def _depth(image, sky, ground, subject, closeup):
    h = image.shape[1]
    flat = _ramp(ground.mean(), 0.03, 0.15)
    recedes = (1 - sky) * (1 - 0.65 * flat * (1 - ground)) * (1 - 0.6 * subject)
    below = np.cumsum(recedes[::-1], axis=0)[::-1]
    climb = _smooth(below / max(below.max(), 0.3 * h), 1.5)
    depth = 0.1 + 0.6 * climb + 0.25 * _smooth(image.min(0), 1.5) * climb
    depth = np.maximum(depth, 0.7 * closeup * (1 - subject))
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
