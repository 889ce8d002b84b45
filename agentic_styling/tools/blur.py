"""Blurs without dark borders, as products with a band matrix: the width may be traced."""

import jax
import jax.numpy as jnp


def gaussian_blur(image: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """A Gaussian blur of [C, H, W], sigma in pixels; at the border the weights are renormalised."""
    return _apply(image, lambda d: jnp.exp(-0.5 * (d / sigma) ** 2), (1, 2))


def motion_blur(image: jax.Array, length: jax.Array | float) -> jax.Array:
    """A horizontal box blur of [C, H, W] over `length` pixels, soft to half a pixel at its ends."""
    return _apply(image, lambda d: jnp.clip(length / 2 + 0.5 - jnp.abs(d), 0, 1), (2,))


def _apply(image: jax.Array, kernel, axes: tuple[int, ...]) -> jax.Array:
    for axis in axes:
        at = jnp.arange(image.shape[axis], dtype=image.dtype)
        weights = kernel(at[:, None] - at[None, :])
        weights = weights / jnp.sum(weights, axis=1, keepdims=True)
        equation = "hk,ckw->chw" if axis == 1 else "wk,chk->chw"
        image = jnp.einsum(equation, weights, image, precision=jax.lax.Precision.HIGHEST)
    return image


def shift(image: jax.Array, dy: int, dx: int) -> jax.Array:
    """[C, H, W] moved by whole pixels (static), the border repeated."""
    h, w = image.shape[1:]
    padding = ((0, 0), (max(dy, 0), max(-dy, 0)), (max(dx, 0), max(-dx, 0)))
    return jnp.pad(image, padding, mode="edge")[:, max(-dy, 0) :, max(-dx, 0) :][:, :h, :w]


def kuwahara(image: jax.Array, radius: int) -> jax.Array:
    """Edge-keeping smoothing of [3, H, W]: the mean of the least varied of four windows.

    Windows are (radius + 1) pixels wide and touch the pixel with a corner. The pick is soft.
    """
    luma = jnp.mean(image, axis=0, keepdims=True)
    planes = jnp.concatenate([image, luma, luma * luma])
    side = radius + 1
    for dy, dx in ((1, 0), (0, 1)):
        planes = sum(shift(planes, -dy * i, -dx * i) for i in range(side)) / side
    total, weight = 0.0, 0.0
    for dy in (0, radius):
        for dx in (0, radius):
            window = shift(planes, dy, dx)
            variance = jnp.maximum(window[4] - window[3] ** 2, 0.0)
            share = 1.0 / (variance + 1e-4) ** 2
            total, weight = total + share * window[:3], weight + share
    return total / weight
