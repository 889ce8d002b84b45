"""Pillow's bicubic resize on the device, exact to the last level."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

PRECISION = 22  # bits after the point in a weight; a sum of 8-bit levels then fits in 32


def resize(pixels, height: int, width: int):
    """Pixels uint8 [B, H, W, C] to uint8 [B, height, width, C], in two passes.

    Each pass rounds to whole levels, so their order matters: width first, unless the height loses
    more than twice as many pixels as the width. Source: Pillow 13, its fixed-point arithmetic.
    """
    lost_rows, lost_columns = pixels.shape[1] - height, pixels.shape[2] - width
    if lost_rows > max(0, 2 * lost_columns):
        return _resize_columns(_resize_rows(pixels, height), width)
    return _resize_rows(_resize_columns(pixels, width), height)


def _resize_columns(pixels, size: int):
    return _resize_rows(pixels.swapaxes(1, 2), size).swapaxes(1, 2)


def _resize_rows(pixels, size: int):
    """Resize axis 1, one tap of the filter at a time: a tap is a gather of whole rows."""
    if pixels.shape[1] == size:
        return pixels
    places, weights = (jnp.asarray(table) for table in taps(pixels.shape[1], size))

    def add(tap, total):
        weight = weights[tap][:, None, None]
        return total + jnp.take(pixels, places[tap], axis=1).astype(jnp.int32) * weight

    half = jnp.full((pixels.shape[0], size, *pixels.shape[2:]), 1 << (PRECISION - 1), jnp.int32)
    total = jax.lax.fori_loop(0, len(places), add, half, unroll=8)
    return jnp.clip(total >> PRECISION, 0, 255).astype(jnp.uint8)


@functools.lru_cache(maxsize=64)
def taps(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """The source pixels of each of `new` pixels and their weights, both int32 [taps, new].

    The cubic convolution of Keys (1981) with a = -0.5, widened when shrinking.
    """
    scale = old / new
    stretch = max(scale, 1.0)
    support = 2 * stretch
    centre = (np.arange(new) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), old)
    places = first[:, None] + np.arange((end - first).max())
    distance = np.abs((places - centre[:, None] + 0.5) / stretch)
    near = ((1.5 * distance - 2.5) * distance) * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    weights = np.where(places < end[:, None], weights, 0)
    weights = weights / weights.sum(1, keepdims=True) * (1 << PRECISION)
    weights = np.trunc(weights + np.copysign(0.5, weights))
    return np.minimum(places, old - 1).T.astype(np.int32), weights.T.astype(np.int32)
