"""Structural similarity."""

import jax
import jax.numpy as jnp
import numpy as np

_RADIUS, _SIGMA = 5, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ssim(a: jax.Array, b: jax.Array) -> jax.Array:
    """Mean structural similarity of planes [C, H, W] in [0, 1], a float32 scalar; 1 when equal.

    Windows of 11 x 11 pixels, Gaussian with sigma 1.5, only where they lie inside the picture; the
    mean over planes and places. H and W are at least 11. Wang et al. 2004 (Image quality
    assessment: from error visibility to structural similarity), equation 13.
    """
    # A plane at a time: XLA on a CPU fuses the mean with all before it, and then vectorises none.
    return jnp.mean(jax.lax.map(_similarity, (a.astype(jnp.float32), b.astype(jnp.float32))))


def _similarity(planes):
    """The map [H - 10, W - 10] of two planes [H, W]."""
    a, b = planes
    # Stacked: apart, XLA on a CPU repeats the first pass of each in every tap of its second.
    mean_a, mean_b, squares, product = _windows(jnp.stack([a, b, a * a + b * b, a * b]))
    means, mean_squares = mean_a * mean_b, mean_a**2 + mean_b**2
    covariance, variances = product - means, squares - mean_squares
    luminance = (2 * means + _C1) / (mean_squares + _C1)
    structure = (2 * covariance + _C2) / (variances + _C2)
    return luminance * structure


def _windows(planes):
    """Gaussian means [..., H - 10, W - 10] as shifted sums."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    weights = (weights / weights.sum()).tolist()
    for axis in (-2, -1):
        size = planes.shape[axis] - 2 * _RADIUS
        slices = (jax.lax.slice_in_dim(planes, i, i + size, axis=axis) for i in range(11))
        planes = sum(k * part for k, part in zip(weights, slices, strict=True))
    return planes
