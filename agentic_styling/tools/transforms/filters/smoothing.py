"""Smoothing that keeps edges: guided and bilateral filters, and a Kuwahara filter for paint.

Planes float32 or bfloat16 [C, H, W]; worked in float32, returned in the image's dtype.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.filters.blur import box_blur, gaussian_blur

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
_STRIDE = 4


def guided_filter(
    image: jax.Array, guide: jax.Array, radius: jax.Array | float, epsilon: jax.Array | float
) -> jax.Array:
    """[C, H, W] smoothed with the edges of a guide [1 or C, H, W], which may be the image itself.

    radius: of the windows, pixels; epsilon: the variance of the guide below which
    all is smoothed. He, Sun and Tang 2010 (Guided image filtering), in its fast form of 2015: the
    linear models are fitted at a quarter of the size.
    """
    planes, guide = image.astype(jnp.float32), guide.astype(jnp.float32)
    small, small_guide = _shrink(planes), _shrink(guide)
    products = jnp.concatenate([small_guide * small, small_guide**2, small, small_guide])
    cells = radius / _STRIDE
    means = box_blur(products, cells)
    c, g = len(small), len(small_guide)
    cross, square, mean, mean_guide = jnp.split(means, (c, c + g, 2 * c + g))
    variance = jnp.maximum(square - mean_guide**2, 0.0)
    slope = (cross - mean_guide * mean) / (variance + epsilon)
    models = box_blur(jnp.concatenate([slope, mean - slope * mean_guide]), cells)
    slope, offset = jnp.split(_enlarge(models, planes.shape[1:]), 2)
    return (slope * guide + offset).astype(image.dtype)


def _shrink(planes):
    """Means of 4 x 4 pixels, the border repeated to whole cells."""
    c, h, w = planes.shape
    planes = jnp.pad(planes, ((0, 0), (0, -h % _STRIDE), (0, -w % _STRIDE)), mode="edge")
    cells = planes.reshape(c, -(-h // _STRIDE), _STRIDE, -(-w // _STRIDE), _STRIDE)
    return jnp.mean(cells, axis=(2, 4))


def _enlarge(cells, size):
    """Back by 4, linear between the cells' centres, cut to `size`."""
    for axis, n in zip((1, 2), size, strict=True):
        last = cells.shape[axis] - 1
        at = jnp.clip((jnp.arange(n) + 0.5) / _STRIDE - 0.5, 0, last)
        weights = jnp.maximum(1 - jnp.abs(at[:, None] - jnp.arange(last + 1)), 0.0)
        equation = "nm,cmw->cnw" if axis == 1 else "nm,chm->chn"
        cells = jnp.einsum(equation, weights, cells, precision=jax.lax.Precision.HIGHEST)
    return cells


def bilateral_filter(
    image: jax.Array, sigma_space: jax.Array | float, sigma_range: jax.Array | float
) -> jax.Array:
    """[1 or 3, H, W] in [0, 1] averaged over pixels that are near in place and in luma.

    sigma_space in pixels; sigma_range in luma, at least 0.05. Its cost does not grow with
    sigma_space: 16 Gaussian blurs, one for each level of luma, and linear between them (Yang, Tan
    and Ahuja 2009, Real-time O(1) bilateral filtering).
    """
    levels = 16
    planes = image.astype(jnp.float32)
    luma = _luma(planes)
    sigma_range = jnp.maximum(sigma_range, 0.05)
    with_one = jnp.concatenate([planes, jnp.ones_like(luma)])

    def add_level(total, level):
        near = jnp.exp(-0.5 * ((luma - level) / sigma_range) ** 2)
        sums = gaussian_blur(near * with_one, sigma_space)
        share = jnp.maximum(1 - jnp.abs(luma - level) * (levels - 1), 0.0)
        return total + share * sums[:-1] / jnp.maximum(sums[-1:], 1e-6), None

    total, _ = jax.lax.scan(add_level, jnp.zeros_like(planes), jnp.linspace(0.0, 1.0, levels))
    return total.astype(image.dtype)


def _luma(planes):
    return jnp.sum(planes * _LUMA, 0, keepdims=True) if len(planes) == 3 else planes


def kuwahara(image: jax.Array, radius: jax.Array | float) -> jax.Array:
    """Paint strokes of [3, H, W]: every pixel takes the mean of its calmest surroundings.

    radius: of a stroke, pixels, at most an eighth of the shorter side (more is clipped). Windows
    are Gaussian, in eight directions, and in a second ring along the local edge, where strokes
    grow long. After Papari, Petkov and Campisi 2007 (soft choice among sectors) and Kyprianidis,
    Kang and Doellner 2009 (anisotropy from the structure tensor), with windows that are shifted
    copies of one blur.
    """
    planes = image.astype(jnp.float32)
    h, w = planes.shape[1:]
    margin = min(h, w) // 8 + 1
    radius = jnp.clip(radius, 1.0, margin - 1.0)
    luma = _luma(planes)
    windows = gaussian_blur(jnp.concatenate([planes, luma, luma**2]), 0.35 * radius)
    windows = jnp.concatenate([windows[:3], jnp.maximum(windows[4:] - windows[3:4] ** 2, 0.0)])
    padded = jnp.pad(windows, ((0, 0), (margin, margin), (margin, margin)), mode="edge")
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
    return (total / jnp.maximum(weight, 1e-30)).astype(image.dtype)


def _edge_direction(luma, sigma):
    """cos and sin of twice the angle of the edge at every pixel, and its coherence, 0 to 1."""
    padded = jnp.pad(luma, 1, mode="edge")
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    xx, yy, xy = gaussian_blur(jnp.stack([dx * dx, dy * dy, dx * dy]), sigma)
    strength = jnp.sqrt((xx - yy) ** 2 + 4 * xy**2 + 1e-12)
    return (yy - xx) / strength, -2 * xy / strength, strength / (xx + yy + 1e-4)
