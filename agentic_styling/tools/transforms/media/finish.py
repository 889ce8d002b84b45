"""What a technique and the visible texture do to any medium."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.screens import hatch, stipple
from agentic_styling.tools.transforms.filters.surfaces import (
    canvas,
    lattice_noise,
    paper,
    relief,
    wave,
)


class Technique(NamedTuple):
    """How paint is put on, each 0 to 1; scalars, traced."""

    impasto: jax.Array
    glazing: jax.Array
    wet_on_wet: jax.Array
    dry_brush: jax.Array
    hatching: jax.Array
    stippling: jax.Array
    blending: jax.Array


TECHNIQUES = ("auto", *Technique._fields)
TEXTURES = (0.0, 0.5, 1.0, 2.0)  # none, subtle, moderate, prominent


def technique_of(options: jax.Array) -> Technique:
    """The technique of a step; all 0 for "auto"."""
    chosen = jnp.asarray(np.eye(len(TECHNIQUES), dtype=np.float32)[:, 1:])[options[2]]
    return Technique(*chosen)


def texture_of(options: jax.Array) -> jax.Array:
    """How visible the texture is: 0, 0.5, 1 or 2."""
    return jnp.array(TEXTURES)[options[4]]


def displace(image: jax.Array, dy: jax.Array, dx: jax.Array) -> jax.Array:
    """[C, H, W] read at places [H, W] moved by so many pixels, linear between pixels."""
    channels, height, width = image.shape
    y = jnp.clip(jnp.arange(height, dtype=jnp.float32)[:, None] + dy, 0, height - 1)
    x = jnp.clip(jnp.arange(width, dtype=jnp.float32)[None] + dx, 0, width - 1)
    top, left = jnp.floor(y).astype(jnp.int32), jnp.floor(x).astype(jnp.int32)
    v, u = y - top, x - left
    below, right = jnp.minimum(top + 1, height - 1), jnp.minimum(left + 1, width - 1)
    upper = image[:, top, left] * (1 - u) + image[:, top, right] * u
    lower = image[:, below, left] * (1 - u) + image[:, below, right] * u
    return upper * (1 - v) + lower * v


def soften(image: jax.Array, technique: Technique, seed: jax.Array) -> jax.Array:
    """Wet paint runs into its neighbour; blended paint has no strokes. Before texture and marks."""
    height, width = image.shape[1:]
    short = min(height, width)
    amount = technique.wet_on_wet + technique.blending

    def run():
        wet = technique.wet_on_wet * short / 14
        dy = (lattice_noise(height, width, 16, seed) - 0.5) * wet
        dx = (lattice_noise(height, width, 16, seed + 1) - 0.5) * wet
        # Without wetness the places are the pixels' own.
        blurred = gaussian_blur(displace(image, dy, dx), short / 110, channel_axis=0)
        return blurred + 0.4 * technique.blending * (image - blurred)

    return jax.lax.cond(amount > 0, run, lambda: image)


def finish(image, technique: Technique, amounts: tuple[jax.Array, jax.Array], seed):
    """[3, H, W] with the marks of a technique, on its surface, lit from the upper left.

    amounts: how far the canvas, and the paper, under the paint stands out.
    """
    height, width = image.shape[1:]
    marks = technique.impasto + technique.glazing + technique.dry_brush
    marks = marks + technique.hatching + technique.stippling

    def on_surface(image):
        rise = amounts[0] * canvas(height, width, seed + 7)
        return light(image, relief(rise + amounts[1] * paper(height, width, seed + 8)))

    image = jax.lax.cond(marks > 0, lambda x: _marks(x, technique, seed), lambda x: x, image)
    return jax.lax.cond(amounts[0] + amounts[1] > 0, on_surface, lambda x: x, image)


def light(image: jax.Array, shade: jax.Array) -> jax.Array:
    """[3, H, W] lit by a relief [H, W] around 0: white and black stay within [0, 1]."""
    return image + shade * (0.12 + image * (1.1 - image) * 1.6)


def _marks(image, technique, seed):
    height, width = image.shape[1:]
    short = min(height, width)
    luma = luma_of(image)
    dark = 1 - luma
    glaze = image * (1 + technique.glazing * (0.55 * (image - luma)))
    warm = jnp.array([1.0, 0.93, 0.78])[:, None, None]
    glaze = glaze * (1 - technique.glazing * (1 - warm) * (1 - 0.4 * dark))
    glaze = glaze - technique.glazing * 0.35 * glaze * (1 - glaze)
    wobble = lattice_noise(height, width, 14, seed)
    lines = hatch(dark * 0.8, 70.0, -0.8, wobble) + hatch(dark * 1.1 - 0.45, 62.0, 0.75, wobble)
    dots = stipple(dark * 0.75, 75, seed + 1)
    ink = technique.hatching * jnp.minimum(lines, 1.2) + technique.stippling * dots
    pale = technique.hatching + technique.stippling
    marked = glaze + pale * 0.28 * (1 - glaze)
    marked = marked * (1 - 0.62 * ink * (1 - 0.35 * luma))
    bend = (wobble - 0.5) * 0.02 * short
    streaks = lattice_noise(height, width, 170, seed + 2, stretch=14.0)
    streaks = displace(streaks[None], bend, 0.0)[0]
    gaps = jnp.clip((streaks - 0.72 + 0.3 * luma) * 3, 0.0, 1.0)
    ground = jnp.array([0.95, 0.93, 0.88])[:, None, None]
    marked = marked + technique.dry_brush * 0.6 * gaps * (ground - marked)
    ridges = lattice_noise(height, width, 46, seed + 3, stretch=3.0)
    ridges = displace(ridges[None], 2 * bend, bend)[0] + 0.4 * wave(luma * 3)
    return light(marked, technique.impasto * 1.1 * relief(1.2 * ridges))
