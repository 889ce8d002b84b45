"""Haze, fog, mist, smoke and steam: air that hides what is behind it."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.fields import coarse_grid, ramp, to_full, turbulence
from agentic_styling.tools.transforms.scene import Scene


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
    """Optical thickness [H, W] of smoke: it curls, with clear air between its folds."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    bend_y, bend_x = _bends(2.4 * y, 2.4 * x, seed + jnp.uint32(11), 3)
    # Bent twice, the noise folds over itself as smoke does (Quilez 2002, domain warping).
    more_y, more_x = _bends(2.4 * y + 2.2 * bend_y, 2.4 * x + 2.2 * bend_x, seed, 3)
    folds = turbulence(2.0 * y + 2.6 * more_y, 1.6 * x + 2.6 * more_x, seed + jnp.uint32(5), 4)
    thick = ramp(folds + 0.5 * more_x, 0.3, 0.72) * (0.7 + 1.2 * jnp.abs(more_y))
    return to_full(2.4 * thick, height, width) * (0.6 + 0.5 * scene.depth) + 0.15 * scene.depth


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
    """Optical thickness [H, W] of steam: wisps that rise from below, sway, widen and thin out."""
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    up = 1 - y / (height / min(height, width))
    sway = (turbulence(1.7 * y, 0.8 * x, seed + jnp.uint32(7), 2) - 0.5) * (0.15 + up)
    bend_y, bend_x = _bends(4.6 * y, 4.6 * x, seed + jnp.uint32(17), 3)
    across = (x + 0.55 * sway) / (1 + 0.25 * up)
    wisps = turbulence(2.6 * y + 1.1 * bend_y, 9.0 * across + 1.6 * bend_x, seed, 4)
    plumes = turbulence(
        1.2 * y + 0.5 * bend_y, 4.0 * across + 0.5 * bend_x, seed + jnp.uint32(31), 2
    )
    rising = ramp(wisps, 0.38, 0.78) * ramp(plumes, 0.38, 0.68)
    fade = ramp(1.1 - up, 0.0, 0.9) * ramp(up, -0.1, 0.12)
    return to_full(3.4 * rising * fade, height, width) * (1 - 0.35 * scene.subject)


def _bends(y, x, seed, octaves):
    """Two fields about [-0.5, 0.5] to displace others by."""
    first = turbulence(y, x, seed + jnp.uint32(101), octaves) - 0.5
    return first, turbulence(x + 5.2, y + 1.3, seed + jnp.uint32(202), octaves) - 0.5
