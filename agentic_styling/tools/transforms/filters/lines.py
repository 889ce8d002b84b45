"""Lines: the extended difference of Gaussians."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.filters.blur import gaussian_blur


def xdog(luma, sigma: float, sharpness, threshold, steepness):
    """Drawing [H, W] in [0, 1], black on white, from luma [H, W] in [0, 1].

    Winnemoeller, Kyprianidis and Olsen 2012, equations 7 and 5: with G the blur,
    S = (1 + p) G(sigma) - p G(1.6 sigma); 1 where S >= threshold, else
    max(0, 1 + tanh(steepness (S - threshold))). sigma in pixels; sharpness p, about 20.
    """
    planes = luma[None].astype(jnp.float32)
    fine, coarse = (
        gaussian_blur(planes, sigma, channel_axis=0)[0],
        gaussian_blur(planes, 1.6 * sigma, channel_axis=0)[0],
    )
    difference = fine + sharpness * (fine - coarse) - threshold
    drawn = jnp.maximum(1 + jnp.tanh(steepness * jnp.minimum(difference, 0.0)), 0.0)
    return drawn.astype(luma.dtype)


def contours(luma: jax.Array, sigma: float) -> jax.Array:
    """Where a dark line runs along an edge [H, W] in [0, 1], however light the area.

    The difference of Gaussians against the local contrast: a faint outline counts too.
    """
    planes = luma[None].astype(jnp.float32)
    fine, coarse = (
        gaussian_blur(planes, sigma, channel_axis=0)[0],
        gaussian_blur(planes, 2.2 * sigma, channel_axis=0)[0],
    )
    darker = jnp.maximum(coarse - fine - 0.006, 0.0)
    return (darker / (darker + 0.035)).astype(luma.dtype)
