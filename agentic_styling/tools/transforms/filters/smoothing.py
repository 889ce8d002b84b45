"""Smoothing that keeps edges: a Kuwahara filter for paint, a guided filter for clean surfaces."""

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, shrink, slopes


@image_transform
def kuwahara(image: jax.Array, radius: jax.Array | float) -> jax.Array:
    """Paints a picture in strokes: every pixel takes the mean of its calmest surroundings.

    Windows are Gaussian, in eight directions, and in a second ring along the local edge, where
    strokes grow long. They are shifted copies of one blur.

    Args:
      radius: of a stroke in pixels, at most an eighth of the shorter side (more is clipped).

    Source: Papari, Petkov and Campisi (2007), soft choice among sectors; Kyprianidis, Kang and
      Doellner (2009), anisotropy from the structure tensor.
    """
    h, w = image.shape[1:]
    margin = min(h, w) // 8 + 1
    radius = jnp.clip(radius, 1.0, margin - 1.0)
    luma = luma_of(image)[None]
    windows = gaussian_blur(jnp.concatenate([image, luma, luma**2]), 0.35 * radius, channel_axis=0)
    windows = jnp.concatenate([windows[:3], jnp.maximum(windows[4:] - windows[3:4] ** 2, 0.0)])
    padded = dm_pix.pad_to_size(
        windows, h + 2 * margin, w + 2 * margin, mode="edge", channel_axis=0
    )
    along_x, along_y, coherence = _edge_direction(luma[0], 0.35 * radius)
    total, weight = 0.0, 0.0
    for ring, distance in enumerate((0.6, 1.0)):
        for angle in np.arange(8) * np.pi / 4:
            dy, dx = (
                jnp.round(distance * radius * v).astype(jnp.int32) + margin
                for v in (np.sin(angle), np.cos(angle))
            )
            window = jax.lax.dynamic_slice(padded, (0, dy, dx), (4, h, w))
            aligned = 0.5 + 0.5 * (np.cos(2 * angle) * along_x + np.sin(2 * angle) * along_y)
            fits = coherence * aligned**4 if ring else 1 - 0.8 * coherence * (1 - aligned)
            calm = (1e-4 / (window[3] + 1e-4)) ** 4
            total, weight = total + fits * calm * window[:3], weight + fits * calm
    return total / jnp.maximum(weight, 1e-30)


def _edge_direction(luma, sigma):
    """cos and sin of twice the angle of the edge at every pixel, and its coherence, 0 to 1."""
    dy, dx = (slope / 2 for slope in slopes(luma))
    xx, yy, xy = gaussian_blur(jnp.stack([dx * dx, dy * dy, dx * dy]), sigma, channel_axis=0)
    strength = jnp.sqrt((xx - yy) ** 2 + 4 * xy**2 + 1e-12)
    return (yy - xx) / strength, -2 * xy / strength, strength / (xx + yy + 1e-4)


def flatten(image: jax.Array, short: int = 256, radius: float = 1 / 60) -> jax.Array:
    """[3, H, W] smoothed by a Kuwahara filter at about `short` pixels; radius in parts of that."""
    height, width = image.shape[1:]
    factor = max(1, round(min(height, width) / short))
    small = shrink(image, factor)
    small = kuwahara(small, max(1, round(min(small.shape[1:]) * radius)), channel_axis=0)
    return enlarge(small, factor, height, width)


def clean_surfaces(image: jax.Array, contrast: float, short: int = 128) -> jax.Array:
    """[3, H, W] without what has less than about `contrast`: two rounds of a guided filter whose
    guide is the picture itself, over 1/80 of the shorter side.

    Edges stay as crisp as they are; the filter's coefficients are found at about `short` pixels.

    Source: He, Sun and Tang (2013), Guided image filtering; He and Sun (2015), Fast guided filter.
    """
    height, width = image.shape[1:]
    factor = max(1, round(min(height, width) / short))
    small = shrink(image, factor)
    first = _guided(small, contrast)
    slope, offset = first[:1], first[1:]
    second = _guided(slope * small + offset, contrast)
    both = jnp.concatenate([second[:1] * slope, second[:1] * offset + second[1:]])
    both = enlarge(both, factor, height, width)
    return both[:1] * image + both[1:]


def _guided(image, contrast):
    """The slope and offsets [4, h, w] of the line that a pixel's surroundings fit to the image."""
    sigma = max(0.8, min(image.shape[1:]) / 80)
    square = jnp.mean(image * image, axis=0, keepdims=True)
    means = gaussian_blur(jnp.concatenate([image, square]), sigma, channel_axis=0)
    mean = means[:3]
    variance = jnp.maximum(means[3:] - jnp.mean(mean * mean, axis=0, keepdims=True), 0.0)
    # In the dark, less contrast is a detail.
    least = contrast * (0.4 + jnp.mean(mean, axis=0, keepdims=True))
    slope = variance / (variance + least * least)
    line = jnp.concatenate([slope, (1 - slope) * mean])
    return gaussian_blur(line, sigma, channel_axis=0)
