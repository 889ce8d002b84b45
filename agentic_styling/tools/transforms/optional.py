"""How a renderer is put together from stages that not every option needs."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp


def where_used(used: jax.Array, draw: Callable, image: jax.Array, *rest) -> jax.Array:
    """draw(image, *rest) where it is used, else the image; what is not used is not computed."""
    return jax.lax.cond(used, draw, lambda image, *_: image, image, *rest)


def computed(*arrays: jax.Array) -> jax.Array | tuple[jax.Array, ...]:
    """The arrays, computed once: XLA on a CPU computes them again in every reading else."""
    out = jax.lax.optimization_barrier(arrays)
    return out if len(arrays) > 1 else out[0]


def in_float32(renderer: Callable) -> Callable:
    """A renderer that computes in float32, clips to [0, 1] and returns its image's dtype."""

    @functools.wraps(renderer)
    def render(image, scene, options, seed):
        edit = renderer(image.astype(jnp.float32), scene, options, seed)
        return jnp.clip(edit, 0.0, 1.0).astype(image.dtype)

    return render
