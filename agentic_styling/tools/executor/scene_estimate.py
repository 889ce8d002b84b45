"""What a photograph shows, guessed from its pixels: depth, sky, ground and subject.

Statistics of colour, sharpness and place at a short side of about 64 pixels, carried to full
resolution by the fast guided filter (He and Sun 2015), so that edges follow the picture. No
network is used: an unusual photograph is guessed wrong, softly.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import small_blur
from agentic_styling.tools.transforms.filters.fields import ramp, slopes
from agentic_styling.tools.transforms.scene import Scene, enlarge, shrink

_SHORT = 64  # pixels of the shorter side at which the scene is estimated


def estimate_scene(image: jax.Array) -> Scene:
    """The Scene of a photograph [3, H, W] in [0, 1]. Gradients are finite."""
    image = image.astype(jnp.float32)
    factor = max(1, min(image.shape[1:]) // _SHORT)
    small = shrink(image, factor)
    sky = _sky(small)
    subject = _subject(small, sky)
    ground = _ground(small, sky, subject)
    depth = _depth(small, sky, ground, subject)
    maps = _follow_edges(jnp.stack([depth, sky, ground, subject]), small, image, factor)
    return Scene(*maps)


def _edges(luma: jax.Array) -> jax.Array:
    """How fast [h, w] changes from pixel to pixel."""
    down, right = slopes(luma)
    return jnp.abs(down) + jnp.abs(right)


def _heights(h: int) -> np.ndarray:
    """0 at the top to 1 at the bottom [h, 1]."""
    return ((np.arange(h, dtype=np.float32) + 0.5) / h)[:, None]


def _sky(image: jax.Array) -> jax.Array:
    """Bright or blue, smooth, and reached from the top without crossing anything else."""
    red, green, blue = image
    luma = luma_of(image)
    h = luma.shape[0]
    edges = _edges(luma)
    texture = small_blur(edges, 1.0)
    bluish = jnp.maximum(blue - red, 0.0)
    bluish = bluish + 0.3 * bluish / (blue + 0.1)  # a dark blue counts at dusk
    warm = jnp.maximum(red - blue, 0.0)
    leafy = jnp.maximum(green - jnp.maximum(red, blue), 0.0)
    logit = 9 * (luma - 0.5) + 10 * bluish
    logit = logit - 14 * warm - 30 * leafy - 18 * jnp.maximum(texture - 0.06, 0.0) + 1.5
    cost = jnp.maximum(jax.nn.softplus(-logit) - 0.25, 0.0)
    cost = cost + jnp.maximum(edges - 0.15, 0.0)
    falling = np.tri(h, dtype=np.float32) * (40.0 / h)
    flood = jnp.exp(-jnp.minimum(falling @ cost, 20.0))
    # The same colour elsewhere above the horizon: sky behind branches.
    total = jnp.sum(flood) + 1e-3
    mean = jnp.sum(flood * image, axis=(1, 2), keepdims=True) / total
    away = jnp.sum((image - mean) ** 2, axis=0)
    spread = jnp.sum(flood * away) / total
    alike = jnp.exp(-0.5 * away / (spread + 0.004)) * jax.nn.sigmoid(logit)
    rows = jnp.sum(flood, axis=1, keepdims=True) / flood.shape[1]
    reach = ramp(rows, 0.02, 0.3) * ramp(total / flood.size, 0.02, 0.1)
    return jnp.maximum(flood, alike * reach)


def _subject(image: jax.Array, sky: jax.Array) -> jax.Array:
    """In the middle, sharp, and not of the border's colours."""
    h, w = image.shape[1:]
    y, x = _heights(h) * 2 - 1.1, _heights(w).T * 2 - 1
    centre = np.exp(-1.6 * np.abs(x) ** 2.5 - 1.6 * np.abs(y) ** 2.5)
    side = max(2, h // 12)
    strips = (image[:, :side], image[:, :, :side], image[:, :, -side:], image[:, -side:])
    apart = []
    for strip in strips:
        mean = jnp.mean(strip, axis=(1, 2), keepdims=True)
        spread = jnp.mean((strip - mean) ** 2)
        apart.append(jnp.mean((image - mean) ** 2, axis=0) / (spread + 0.01))
    nearest = 1 / (1e-6 + sum(1 / (0.02 + a) ** 2 for a in apart) / 4) ** 0.5
    sharp = small_blur(_edges(luma_of(image)), 2.0)
    sharp = sharp / (jnp.mean(sharp) + 0.02)
    strange = small_blur(jnp.minimum(nearest, 4.0), 1.5)
    score = centre * (0.25 + strange / (jnp.mean(strange) + 0.1)) * (0.3 + jnp.minimum(sharp, 2.0))
    score = small_blur(score, 2.5) * (1 - sky)
    top = (jnp.mean(score**4) + 1e-9) ** 0.25
    return ramp(score / top, 0.35, 1.15)


def _ground(image: jax.Array, sky: jax.Array, subject: jax.Array) -> jax.Array:
    """Like the bottom of the picture, and reached from there."""
    h, w = image.shape[1:]
    y = _heights(h)
    low = np.exp(-((1 - y) / 0.12)) * (1 - 0.7 * subject) + 1e-4
    weight = small_blur(low, w / 6)
    mean = small_blur(image * low, w / 6) / weight
    bottom = jnp.sum(mean * low, axis=1, keepdims=True) / jnp.sum(low, axis=0)
    away = jnp.sum((small_blur(image, 1.0) - bottom) ** 2, axis=0)
    upright = jnp.maximum(small_blur(_edges(luma_of(image)), 1.5) - 0.12, 0.0)
    cost = jnp.maximum(6 * away - 0.15, 0.0) + 3 * upright + 2 * subject + 4 * sky
    rising = np.tri(h, dtype=np.float32).T * (12.0 / h)
    flood = jnp.exp(-jnp.minimum(rising @ cost, 20.0))
    return flood * ramp(y, 0.3, 0.62) * (1 - sky) * (1 - 0.8 * subject)


def _depth(image, sky, ground, subject) -> jax.Array:
    """Far where high in the picture, hazy (dark channel) or sky; near where the subject is."""
    h = image.shape[1]
    up = 1 - _heights(h)
    haze = small_blur(jnp.min(image, axis=0), 1.5)
    horizon = jnp.sum(sky, axis=0, keepdims=True) / h
    climb = jnp.minimum(up / jnp.maximum(1 - small_blur(horizon, 6.0), 0.3), 1.0)
    depth = 0.1 + 0.6 * climb + 0.25 * haze * climb
    depth = depth - 0.35 * subject * climb
    return depth * (1 - sky) + sky


def _follow_edges(maps, small, image, factor) -> jax.Array:
    """Maps [C, h, w] at the size of the image, linear in its luma around every place."""
    guide, full = luma_of(small), luma_of(image)
    count = maps.shape[0]
    means = small_blur(jnp.concatenate([guide[None], guide[None] ** 2, maps, maps * guide]), 2.0)
    variance = jnp.maximum(means[1] - means[0] ** 2, 0.0)
    slope = (means[2 + count :] - means[0] * means[2 : 2 + count]) / (variance + 2e-3)
    lines = jnp.concatenate([slope, means[2 : 2 + count] - slope * means[0]])
    lines = enlarge(small_blur(lines, 1.5), factor, *image.shape[1:])
    return jnp.clip(lines[:count] * full + lines[count:], 0.0, 1.0)
