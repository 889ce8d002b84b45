"""dm-pix's conventions for functions that work on planes, and how a drawing is put together.

Arguments with the same name mean the same in all transforms; docstrings say what differs:

  image   float [H, W, 3] in [0, 1], or with channel_axis=0 [3, H, W]
  scene   the maps of the photograph, a Scene
  amount  1 is moderate, 0 the identity
  color   float [3]
  seed    uint32

A picture inside a plan is planes [3, H, W]: XLA on a CPU vectorises over the last axis, which is
only 3 wide where channels come last. Functions that take planes alone say so.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Scene(NamedTuple):
    """Maps of a photograph, each float32 [H, W] in [0, 1], and two numbers float32 [] in [0, 1].

    depth: 0 near to 1 far. sky: the open sky. ground: what lies flat below, where snow or leaves
    stay. subject: the thing the photograph is of. outdoors: 1 if it was taken outdoors, 0 in a room
    or studio, about 0.4 if nothing tells. closeup: 1 if it is a close-up of a thing, 0 if a view.
    """

    depth: jax.Array
    sky: jax.Array
    ground: jax.Array
    subject: jax.Array
    outdoors: jax.Array = np.float32(1)
    closeup: jax.Array = np.float32(0)


def image_transform(on_planes: Callable) -> Callable:
    """Gives `f(planes, ...)` dm-pix's conventions: `f(image, ..., *, channel_axis=-1)`.

    The image comes first, float32 or bfloat16 [H, W, C], or with `channel_axis=0` [C, H, W]. It is
    computed in float32 and comes back with its own axis and dtype; so does each further picture in
    a tuple. A map [H, W] and a number come back as they are.
    """

    @functools.wraps(on_planes)
    def transform(image, *args, channel_axis: int = -1, **kwargs):
        def back(out):
            picture = out.ndim == image.ndim
            return jnp.moveaxis(out, 0, channel_axis).astype(image.dtype) if picture else out

        planes = jnp.moveaxis(image, channel_axis, 0).astype(jnp.float32)
        return jax.tree.map(back, on_planes(planes, *args, **kwargs))

    return transform


def renderer(on_planes: Callable) -> Callable:
    """An `image_transform` of (image, scene, options, seed) whose result is clipped to [0, 1]."""

    @functools.wraps(on_planes)
    def clipped(planes, *rest, **branch):
        return jnp.clip(on_planes(planes, *rest, **branch), 0.0, 1.0)

    return image_transform(clipped)


def where_used(used: jax.Array, draw: Callable, image: jax.Array, *rest) -> jax.Array:
    """draw(image, *rest) on planes where it is used, else the image; else nothing is computed.

    The branch also keeps XLA on a CPU from fusing steps, which would compute each again for every
    neighbour that the next one reads.
    """
    if hasattr(draw, "__wrapped__"):
        draw = draw.__wrapped__  # an image_transform's own function of planes
    return jax.lax.cond(used, draw, lambda image, *_: image, image, *rest)


def computed(*arrays: jax.Array) -> jax.Array | tuple[jax.Array, ...]:
    """The arrays, computed once: XLA on a CPU computes them again in every reading else."""
    out = jax.lax.optimization_barrier(arrays)
    return out if len(arrays) > 1 else out[0]
