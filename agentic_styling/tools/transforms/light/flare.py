"""Lens flare: what a lens makes of a light in the picture."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import screen
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    full_grid,
    to_full,
)

# Ghosts lie on the line through the light and the centre of the picture: place on it (1 is the
# light, -1 its mirror image), radius in parts of the shorter side, brightness, colour.
_GHOSTS = (
    (0.55, 0.030, 0.30, (0.9, 0.7, 0.4)),
    (0.30, 0.060, 0.16, (0.4, 0.9, 0.6)),
    (-0.25, 0.045, 0.22, (0.5, 0.6, 1.0)),
    (-0.50, 0.090, 0.14, (0.8, 0.4, 0.9)),
    (-0.85, 0.035, 0.28, (1.0, 0.6, 0.3)),
    (-1.15, 0.130, 0.13, (0.4, 0.7, 1.0)),
)


@image_transform
def lens_flare(image, y, x, amount, color, ghosts=1.0):
    """Draws what a lens makes of a light: glow, streak, halo and ghosts.

    Args:
      y: row of the light, in parts of the shorter side.
      x: its column.
      color: of the light, float [3].
      ghosts: 0 leaves only the glow and its streak.
    """
    height, width = image.shape[1:]
    rows, columns = full_grid(height, width)
    dy, dx = rows - y, columns - x
    square = dy * dy + dx * dx
    # Rays of the aperture blades: thin where the product of the coordinates is small.
    core = 0.9 / (1 + square / 0.0016)
    star = _ray(dy * dx, square) + _ray(0.5 * (dy * dy - dx * dx), square)
    streak = (0.5 / (1 + (dy / 0.004) ** 2)) * (1 / (1 + (dx / 0.35) ** 2) ** 2)
    sharp = core + star * (0.175 / (1 + square / 0.006)) + streak
    soft = _soft_parts(height, width, y, x, color, ghosts)
    light = sharp * color[:, None, None] + soft
    return screen(image, amount * light)


def _soft_parts(height, width, y, x, color, ghosts):
    """The wide glow, the halo and the ghosts [3, H, W]: they are soft, and made coarsely."""
    short = min(height, width)
    rows, columns = coarse_grid(height, width)
    centre_y, centre_x = 0.5 * height / short, 0.5 * width / short
    square = (rows - y) ** 2 + (columns - x) ** 2
    tint = color[:, None, None]
    ring = (square - 0.05) / 0.012
    halo = 0.12 * ghosts / (1 + ring * ring) ** 2
    light = 0.35 / (1 + square / 0.03) * tint
    light = light + halo * (0.5 + 0.5 * tint) * jnp.array([0.7, 0.9, 1.1])[:, None, None]
    for along, radius, bright, own in _GHOSTS:
        gy = rows - centre_y - along * (y - centre_y)
        gx = columns - centre_x - along * (x - centre_x)
        away = (gy * gy + gx * gx) / radius**2
        disc = jnp.clip((1 - away) * 4, 0.0, 1.0) * (0.45 + 0.55 * away)
        own = jnp.array(own)[:, None, None]
        light = light + (bright * ghosts) * disc * own * (0.4 + 0.6 * tint)
    return to_full(light, height, width)


def _ray(product: jax.Array, square: jax.Array) -> jax.Array:
    return 1 / (1 + product * product / (3e-8 + 2e-5 * square))
