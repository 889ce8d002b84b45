"""Haze, fog, mist, smoke and steam: air that hides what is behind it."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.conventions import Scene, image_transform
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    hash_noise,
    ramp,
    to_full,
    turbulence,
)

_PLUMES = 5  # of steam, beside each other


@image_transform
def haze(image, depth, density, color):
    """Puts air of an even density in front of a picture: image * t + color * (1 - t).

    With transmission t = exp(-density * depth).

    Args:
      depth: [H, W], in any unit.
      density: optical density of one unit of depth.
      color: of the air, float [3].

    Source: Koschmieder (1924).
    """
    return veil(image, density * depth, color, channel_axis=0)


@image_transform
def veil(image: jax.Array, thickness: jax.Array, color: jax.Array) -> jax.Array:
    """Puts air of a given optical thickness in front of a picture.

    Args:
      thickness: [H, W], at least 0.
      color: of the air, float [3].
    """
    clear = jnp.exp(-thickness)
    color = color[:, None, None]
    return color + clear * (image - color)


def fog(scene: Scene, seed: jax.Array) -> jax.Array:
    """Optical thickness [H, W] of fog: it grows with depth, in drifting banks; mean about 1."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    banks = turbulence(3.2 * y, 1.6 * x, seed, 4)
    banks = to_full(ramp(banks, 0.2, 0.8), height, width)
    near = 1 - scene.closeup * scene.subject
    return scene.depth * (0.25 + 1.0 * scene.depth) * (0.45 + 1.3 * banks) + 0.12 * near * banks


def smoke(scene: Scene, seed: jax.Array) -> jax.Array:
    """Optical thickness [H, W] of smoke: wisps that curl and rise, with clear air between them."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    bend_y, bend_x = _bends(2.0 * y, 2.0 * x, seed + jnp.uint32(11), 3)
    # Bent by noise, noise folds over itself as smoke does (Quilez 2002, domain warping).
    curls = turbulence(2.2 * y + 1.8 * bend_y, 2.8 * x + 1.8 * bend_x, seed + jnp.uint32(5), 5)
    banks = turbulence(1.3 * y + 0.5 * bend_x, 1.1 * x - 0.5 * bend_y, seed + jnp.uint32(9), 2)
    thick = 0.12 + ramp(curls, 0.3, 0.86) * (0.8 + 2.6 * ramp(banks, 0.25, 0.8))
    return to_full(thick, height, width) * (0.6 + 0.4 * scene.depth)


def ground_mist(scene: Scene, seed: jax.Array) -> jax.Array:
    """Optical thickness [H, W] of mist that lies on the ground, its top drawn out by the wind."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    down = y / (height / min(height, width))
    bend_y, bend_x = _bends(3.1 * y, 2.1 * x, seed + jnp.uint32(3), 3)
    drift = turbulence(6 * y + 1.6 * bend_y, 1.8 * x + 1.2 * bend_x, seed, 4)
    shape = down + 0.3 * (drift - 0.5) + 0.16 * bend_y
    lying = ramp(shape, 0.42, 0.8) * (0.5 + 1.0 * ramp(drift, 0.25, 0.75))
    lying = to_full(lying, height, width)
    lying = 1.5 * lying * (1 - scene.subject * (0.4 + 0.6 * scene.closeup))
    return lying * (0.6 + 0.4 * scene.ground + 0.5 * scene.depth) * (1 - 0.6 * scene.sky)


def steam(scene: Scene, seed: jax.Array) -> jax.Array:
    """Optical thickness [H, W] of steam: plumes that rise from below, sway, widen and thin out."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    bend_y, bend_x = _bends(3.4 * y, 4.2 * x, seed + jnp.uint32(17), 4)
    rising = 0.0
    for i in range(_PLUMES):
        at, low, size, phase = (hash_noise(i, k, seed) for k in range(4))
        at = (i + 0.2 + 0.6 * at) / _PLUMES * (width / min(height, width))
        up = (0.85 + 0.25 * low) * (height / min(height, width)) - y
        sway = (0.03 + 0.08 * up) * jnp.sin(5 * up + 6.3 * phase)
        wide = (0.7 + 0.6 * size) * (0.055 + 0.1 * jnp.maximum(up, 0.0))
        across = (x - at - sway + 0.3 * jnp.minimum(up + 0.1, 0.5) * bend_x) / wide
        plume = jnp.exp(-across * across) * ramp(up, -0.05, 0.35)
        rising = rising + plume * (0.55 + 0.45 * size) * jnp.exp(-3.2 * up * up)
    curls = turbulence(4 * y + 1.6 * bend_y, 5.5 * x + 2.0 * bend_x, seed, 4)
    thick = 3.6 * rising * (0.08 + 1.7 * ramp(curls, 0.38, 0.74))
    return to_full(thick, height, width)


def _bends(y, x, seed, octaves):
    """Two fields about [-0.5, 0.5] to displace others by."""
    first = turbulence(y, x, seed + jnp.uint32(101), octaves) - 0.5
    return first, turbulence(x + 5.2, y + 1.3, seed + jnp.uint32(202), octaves) - 0.5
