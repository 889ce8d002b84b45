"""What a photograph shows, estimated from its pixels: depth, sky, ground, subject and its kind.

A small network tells sky, ground and subject apart, depth follows from them, and all are carried to
full resolution by the fast guided filter (He and Sun 2015), so that edges follow the picture. An
unusual photograph is guessed wrong, softly.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.executor.scene_network import classify
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import small_blur
from agentic_styling.tools.transforms.filters.fields import ramp
from agentic_styling.tools.transforms.scene import Scene, enlarge, resample, shrink

_SHORT = 64  # pixels of the shorter side at which edges are followed
_DOUBT = 0.06  # a share below it is nothing, one above 1 - _DOUBT all


def estimate_scene(image: jax.Array) -> Scene:
    """The Scene of a photograph [3, H, W] in [0, 1]; its gradient is 0."""
    image = jax.lax.stop_gradient(image.astype(jnp.float32))
    factor = max(1, min(image.shape[1:]) // _SHORT)
    small = shrink(image, factor)
    shares, kind = classify(image)
    shares = jnp.clip((shares - _DOUBT) / (1 - 2 * _DOUBT), 0.0, 1.0)
    _, sky, ground, subject = resample(shares, *small.shape[1:])
    depth = _depth(small, sky, ground, subject, kind[1])
    maps = _follow_edges(jnp.stack([depth, sky, ground, subject]), small, image, factor)
    return Scene(*maps, _outdoors(small, sky, kind[0]), kind[1])


def _outdoors(image, sky, guess) -> jax.Array:
    """The network's guess, which knows few rooms, less where neither sky nor plants are seen."""
    red, green, blue = image
    plants = jnp.mean(ramp(jnp.minimum(green - blue, green - red + 0.02), 0.01, 0.07))
    seen = jnp.maximum(ramp(jnp.mean(sky), 0.01, 0.06), ramp(plants, 0.03, 0.15))
    return guess * (0.4 + 0.6 * seen)


def _depth(image, sky, ground, subject, closeup) -> jax.Array:
    """Far where much ground lies below, where it is hazy (dark channel) and in the sky.

    What stands on the ground is about as far as its foot; a close-up's background is far.
    """
    h = image.shape[1]
    land = 1 - sky
    flat = ramp(jnp.mean(ground), 0.03, 0.15)  # without ground, height alone has to tell
    recedes = land * (1 - 0.65 * flat * (1 - ground)) * (1 - 0.6 * subject)
    below = np.tri(h, dtype=np.float32).T @ recedes
    climb = small_blur(below / jnp.maximum(jnp.max(below), 0.3 * h), 1.5)
    haze = small_blur(jnp.min(image, axis=0), 1.5)
    depth = 0.1 + 0.6 * climb + 0.25 * haze * climb
    depth = jnp.maximum(depth, 0.7 * closeup * (1 - subject))
    return depth * land + sky


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
