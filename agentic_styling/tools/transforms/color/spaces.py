"""Colour spaces: sRGB display values, linear light, Oklab; luma and luminance."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.utils.errors import InputError

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709, the primaries of sRGB
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LMS, _FROM_LAB = np.linalg.inv(_LMS), np.linalg.inv(_LAB)
_SCALE = np.float32(1 / 1.055)
_DARK = 1e-5  # below it the cube root is a line: its slope would be infinite at black


def in_float32(transform: Callable) -> Callable:
    """`transform`, whose first argument is an image, computed in float32 at any float dtype.

    The image's dtype comes back. InputError for integers, which no transform here can read.
    """

    @functools.wraps(transform)
    def wrapped(image, *args, **kwargs):
        image = jnp.asarray(image)
        if not jnp.issubdtype(image.dtype, jnp.floating):
            raise InputError(f"image: {image.dtype}; give floats in [0, 1], as image / 255")
        return transform(image.astype(jnp.float32), *args, **kwargs).astype(image.dtype)

    return wrapped


def column(values: jax.Array) -> jax.Array:
    """One value a channel, [3] or a scalar, against planes [3, H, W]."""
    return jnp.asarray(values, jnp.float32).reshape(-1, 1, 1)


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


def luma(image: jax.Array) -> jax.Array:
    """Rec. 709 luma [H, W] of display values [3, H, W]; of linear light, the luminance."""
    return LUMA[0] * image[0] + LUMA[1] * image[1] + LUMA[2] * image[2]


def luminance(image: jax.Array) -> jax.Array:
    """Relative luminance Y [H, W], float32 in [0, 1], of display values [3, H, W]."""
    return luma(srgb_to_linear(jnp.asarray(image, jnp.float32)))


def power(base: jax.Array, exponent: jax.Array | float, low: float = 1e-5) -> jax.Array:
    """base ** exponent for base >= 0, and a line from the origin below `low`.

    So its slope is finite at 0. As an exponential of a logarithm, which XLA vectorises.
    """
    steep = jnp.exp((exponent - 1.0) * np.log(low))
    return jnp.where(base > low, jnp.exp(exponent * jnp.log(jnp.maximum(base, low))), base * steep)


@in_float32
def srgb_to_linear(image: jax.Array) -> jax.Array:
    """Linear light of sRGB display values, any shape (IEC 61966-2-1). Black is 0, white 1.

    Below 0 the straight part goes on, above 1 the curved one.
    """
    curved = image > 0.04045
    base = jnp.where(curved, image, 1.0) * _SCALE + (1 - _SCALE)  # exactly 1 at 1
    return jnp.where(curved, jnp.exp(2.4 * jnp.log(base)), image * (1 / 12.92))


@in_float32
def linear_to_srgb(linear: jax.Array) -> jax.Array:
    """sRGB display values of linear light, any shape: the inverse of `srgb_to_linear`."""
    curved = linear > 0.0031308
    root = jnp.exp(jnp.log(jnp.where(curved, linear, 1.0)) / 2.4)
    return jnp.where(curved, root + 0.055 * (root - 1.0), 12.92 * linear)


@in_float32
def linear_to_oklab(linear: jax.Array) -> jax.Array:
    """Oklab (L in [0, 1], a, b) [3, H, W] of linear sRGB [3, H, W].

    Source: B. Ottosson, A perceptual color space for image processing (2020). Cone responses
    under 1e-5, which are less than half a step of 8 bits, go by a line through black.
    """
    cones = apply_matrix(linear, _LMS)
    size = jnp.maximum(jnp.abs(cones), _DARK)
    root = jnp.sign(cones) * jnp.exp(jnp.log(size) / 3)
    return apply_matrix(jnp.where(size > _DARK, root, cones * _DARK ** (-2 / 3)), _LAB)


@in_float32
def oklab_to_linear(lab: jax.Array) -> jax.Array:
    """Linear sRGB [3, H, W] of Oklab [3, H, W]: the inverse of `linear_to_oklab`."""
    root = apply_matrix(lab, _FROM_LAB)
    dark = jnp.abs(root) < _DARK ** (1 / 3)
    return apply_matrix(jnp.where(dark, root * _DARK ** (2 / 3), root**3), _FROM_LMS)
