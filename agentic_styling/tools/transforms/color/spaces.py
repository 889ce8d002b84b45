"""Luma, saturation, light and matrices over the colour of every pixel of planes [3, H, W]."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.conventions import image_transform

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601; dm-pix's sum to 0.9999


def luma_of(image: jax.Array) -> jax.Array:
    """Luma [H, W] of display values [3, H, W] (ITU-R BT.601); it keeps white at exactly 1."""
    return apply_matrix(image, LUMA[None])[0]


@image_transform
def level_of(image: jax.Array) -> jax.Array:
    """How bright a white thing is in the light of a picture: a scalar, 0.3 at night to 1."""
    return jnp.clip(0.25 + 1.7 * jnp.mean(luma_of(image)), 0.3, 1.0)


def saturated(image: jax.Array, factor: jax.Array | float) -> jax.Array:
    """HSV's saturation times a factor, no further than 1; hue and value stay.

    Args:
      image: [3, H, W] in [0, 1].
      factor: 0 grey, 1 the identity.

    Returns:
      [3, H, W] in [0, 1].
    """
    # Without the hue: it is found by comparing floats for equality, which fails where XLA computes
    # them twice. For the same reason not by jnp.max, whose gradient divides by how many are equal.
    value = functools.reduce(jnp.maximum, image)
    gap = value - functools.reduce(jnp.minimum, image)
    beyond = factor * gap > jnp.maximum(value, 1e-6)
    scale = jnp.where(beyond, value / jnp.where(beyond, gap, 1.0), factor)
    return value - scale * (value - image)


def screen(image: jax.Array, light: jax.Array) -> jax.Array:
    """Light >= 0 added to a picture [3, H, W] so that it never clips."""
    return 1 - (1 - image) * jnp.exp(-light)


def relight(image: jax.Array, gain: jax.Array) -> jax.Array:
    """A picture [3, H, W] under `gain` times the light (> 0): more never clips, less scales."""
    more = jnp.maximum(gain, 1.0)
    lit = more * image / (1 + (more - 1) * image)
    return lit * jnp.minimum(gain, 1.0)


def apply_matrix(image: jax.Array, matrix: jax.Array) -> jax.Array:
    """A matrix [N, 3] times the colour of every pixel of [3, H, W]: [N, H, W]."""
    matrix = jnp.asarray(matrix, image.dtype)
    # On a CPU a product, whose operands are computed once; a sum fuses, and XLA there computes
    # what it reads again for every channel.
    return jax.lax.platform_dependent(image, matrix, cpu=_product, default=_sum)


def _product(image, matrix):
    return jnp.einsum("nk,khw->nhw", matrix, image, precision=jax.lax.Precision.HIGHEST)


def _sum(image, matrix):
    return sum(matrix[:, k, None, None] * image[k] for k in range(3))
