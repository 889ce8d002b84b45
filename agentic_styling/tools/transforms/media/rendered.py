"""A rendering: clean surfaces with normals of their own, lit by a lamp, shaded in their creases."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of, saturated
from agentic_styling.tools.transforms.conventions import computed
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, shrink, slopes
from agentic_styling.tools.transforms.filters.smoothing import clean_surfaces
from agentic_styling.tools.transforms.media.finish import Technique

_LAMP = (-0.62, -0.5, 0.6)  # from above (down, right, towards the viewer), of length 1
_HALF = (-0.35, -0.28, 0.9)  # between the lamp and the viewer


def rendered(image, plain, scene, _, technique: Technique, texture, seed):
    """[3, H, W] as a rendering: tone is the height of a surface, lit from the upper left."""
    # Texture: how little contrast still is a part of the surface.
    base = computed(clean_surfaces(image, 0.1 * (1.4 - 0.4 * texture)))
    tone = luma_of(base)
    form, hollow, light, shine = _lit(tone, jnp.abs(luma_of(image) - tone), *image.shape[1:])
    # On an edge the form is no surface, and the sky is none.
    solid = jnp.clip(1.15 - 4.5 * jnp.abs(tone - form), 0.0, 1.0) * (1 - scene.sky)
    out = saturated(jnp.clip(base, 0.0, 1.0), 1.3)
    out = out + 0.15 * out * (1 - out)
    out = out * (1 + 0.55 * light * (1.3 - tone) * solid)
    crease = jnp.maximum(hollow - tone, 0.0) * (1 - scene.sky)
    out = jnp.clip(out * (1 - 0.35 * crease / (0.2 + crease)), 0.0, 1.0)
    return 1 - (1 - out) * (1 - shine * solid * jnp.clip(1.6 * tone, 0.0, 0.8))


def _lit(tone, grain, height, width):
    """A surface [H, W] of this height and grain, the mean height about a place, the lamp's light on
    it beside that on a level one, and its reflection: a grainy surface is dull."""
    factor = max(1, round(min(height, width) / 128))
    small = shrink(jnp.stack([tone, grain]), factor)
    short = min(small.shape[1:])
    form, grain = gaussian_blur(small, max(0.8, short / 50), channel_axis=0)
    around = gaussian_blur(shrink(form[None], 2), max(0.8, short / 44), channel_axis=0)
    around = enlarge(around, 2, *form.shape)[0]
    down, right = (slope * short / 2 for slope in slopes(form))
    steep = 0.42 / (1 + 0.06 * jnp.sqrt(down * down + right * right + 1e-6))
    down, right = steep * down, steep * right
    up = jax.lax.rsqrt(1 + down * down + right * right)
    light = up * (_LAMP[2] - down * _LAMP[0] - right * _LAMP[1]) - _LAMP[2]
    shine = jnp.clip(up * (_HALF[2] - down * _HALF[0] - right * _HALF[1]), 0.0, 1.0) ** 24
    shine = jnp.clip(shine - _HALF[2] ** 24, 0.0, 1.0) * jnp.clip(1.5 - 25 * grain, 0.0, 1.0)
    return enlarge(jnp.stack([form, around, light, shine]), factor, height, width)
