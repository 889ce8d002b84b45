"""Tones made of marks: halftone dots, hatching, stipples, flat steps of tone; and drawn lines.

Frequencies are marks to the shorter side; marks are smooth over about a pixel.
"""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import hash_noise, pixel_grid
from agentic_styling.tools.transforms.filters.surfaces import wave


def halftone(ink: jax.Array, frequency: jax.Array | float, angle: jax.Array | float) -> jax.Array:
    """Coverage [H, W] in [0, 1] of round dots on a rotated screen, as much as the ink wanted.

    ink: [H, W] in [0, 1]; frequency: dots to the shorter side; angle: radians. The spot function
    is the sum of two waves (dots in the light tones, a chequer at half, holes in the dark ones),
    equalised so that the mean coverage of an even ink is that ink to 0.02.
    """
    y, x = pixel_grid(*ink.shape)
    cos, sin = jnp.cos(angle) * frequency, jnp.sin(angle) * frequency
    spot = 0.5 * (wave(x * cos + y * sin) + wave(y * cos - x * sin))
    share = _share_above(spot)
    steepness = min(ink.shape) / (5.0 * frequency)
    flat = jnp.clip(ink, 0.0, 1.0)
    # Empty and full tones stay empty and full, although marks are soft.
    dots = jnp.clip((flat - share) * steepness + 0.5, 0.0, 1.0)
    full = jnp.clip((flat - 0.97) / 0.03, 0.0, 1.0)
    return jnp.maximum(dots * jnp.clip(flat / 0.03, 0.0, 1.0), full)


def _share_above(spot: jax.Array) -> jax.Array:
    """The part of the screen whose spot function is higher than this value in [-1, 1].

    From 1 to 0, through the ends and the middle, fitted to the distribution of the two waves' mean.
    """
    return 0.5 - spot * (0.76 - 0.26 * jnp.abs(spot))


def hatch(ink, frequency, angle, wobble=0.0):
    """Coverage [H, W] in [0, 1] of parallel lines, as wide as the ink [H, W] wants.

    frequency: lines to the shorter side; angle: radians from horizontal; wobble: [H, W] or a
    number, shifts lines, in line distances.
    """
    y, x = pixel_grid(*ink.shape)
    across = (y * jnp.cos(angle) - x * jnp.sin(angle)) * frequency + wobble
    distance = jnp.abs(across - jnp.floor(across + 0.5)) * 2
    steepness = min(ink.shape) / (2.0 * frequency)
    lines = jnp.clip((ink - distance) * steepness + 0.5, 0.0, 1.0)
    return lines * jnp.clip(ink * 8, 0.0, 1.0)


def stipple(ink: jax.Array, cells: int, seed: jax.Array) -> jax.Array:
    """Coverage [H, W] in [0, 1] of irregular dots, one in each of `cells` to the shorter side."""
    height, width = ink.shape
    cell = max(3, round(min(height, width) / cells))
    rows, columns = -(-height // cell), -(-width // cell)
    grid = jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij")
    noise = [hash_noise(*grid, seed + k)[:, None, :, None] for k in range(3)]
    at = jnp.arange(cell, dtype=jnp.float32) + 0.5
    dy = at[None, :, None, None] - cell * (0.35 + 0.3 * noise[0])
    dx = at[None, None, None, :] - cell * (0.35 + 0.3 * noise[1])
    pad = ((0, rows * cell - height), (0, columns * cell - width))
    wanted = jnp.pad(ink, pad, mode="edge").reshape(rows, cell, columns, cell)
    radius = cell * 0.62 * jnp.sqrt(jnp.maximum(wanted, 0.0) + 1e-6) * (0.75 + 0.4 * noise[2])
    dots = jnp.clip(radius - jnp.sqrt(dy * dy + dx * dx) + 0.5, 0.0, 1.0)
    dots = dots * jnp.clip(wanted * 10 - noise[2], 0.0, 1.0)
    return dots.reshape(rows * cell, columns * cell)[:height, :width]


def posterize(tone: jax.Array, levels: jax.Array | float, softness: float = 0.12) -> jax.Array:
    """Values in [0, 1] in `levels` equal steps with soft risers.

    0 and 1 stay; softness: the part of a step that rises, 1 is no step at all.
    """
    scaled = tone * (levels - 1)
    step = jnp.floor(scaled)
    rise = jnp.clip((scaled - step - 0.5) / softness + 0.5, 0.0, 1.0)
    return (step + rise * rise * (3 - 2 * rise)) / (levels - 1)


def xdog(luma, sigma: float, sharpness, threshold, steepness):
    """Drawing [H, W] in [0, 1], black on white, from luma [H, W] in [0, 1].

    Winnemoeller, Kyprianidis and Olsen 2012, equations 7 and 5: with G the blur,
    S = (1 + p) G(sigma) - p G(1.6 sigma); 1 where S >= threshold, else
    max(0, 1 + tanh(steepness (S - threshold))). sigma in pixels; sharpness p, about 20.
    """
    fine, coarse = _blurs(luma, sigma, 1.6 * sigma)
    difference = fine + sharpness * (fine - coarse) - threshold
    drawn = jnp.maximum(1 + jnp.tanh(steepness * jnp.minimum(difference, 0.0)), 0.0)
    return drawn.astype(luma.dtype)


def contours(luma: jax.Array, sigma: float) -> jax.Array:
    """Where a dark line runs along an edge [H, W] in [0, 1], however light the area.

    The difference of Gaussians against the local contrast: a faint outline counts too.
    """
    fine, coarse = _blurs(luma, sigma, 2.2 * sigma)
    darker = jnp.maximum(coarse - fine - 0.006, 0.0)
    return (darker / (darker + 0.035)).astype(luma.dtype)


def _blurs(luma, *sigmas: float):
    planes = luma[None].astype(jnp.float32)
    return (gaussian_blur(planes, sigma, channel_axis=0)[0] for sigma in sigmas)
