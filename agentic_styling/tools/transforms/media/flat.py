"""Flat colour with clean borders: vector art, anime and cartoons."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of, saturated
from agentic_styling.tools.transforms.conventions import computed
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, shrink
from agentic_styling.tools.transforms.filters.screens import contours
from agentic_styling.tools.transforms.filters.smoothing import clean_surfaces
from agentic_styling.tools.transforms.media.finish import Technique
from agentic_styling.tools.transforms.media.palette import flat_areas, palette_of

# colours of the palette; gradients: how far slow ones stay; bright: dark tones lifted, the sky
# light; vivid; lines, and the ink that is too faint for one.
_ROWS = {
    "vector_art": (12, 1.0, 0.0, 0.15, 0.0, 0.0),
    "anime_cel_shaded": (16, 0.8, 1.0, 0.35, 2.2, 0.25),
    "cartoon_illustrated": (9, 0.0, 0.3, 0.45, 2.4, 0.25),
}
MEDIA = tuple(_ROWS)
_TABLE = np.array(list(_ROWS.values()), np.float32)
_SHADOW = np.array([0.9, 0.8, 1.4], np.float32)[:, None, None]
_LINE = np.array([0.08, 0.05, 0.10], np.float32)[:, None, None]


def flat(image, plain, scene, medium, technique: Technique, texture, seed):
    """[3, H, W] in flat areas; medium: index into MEDIA."""
    count, gradients, bright, vivid, lines, faint = jnp.asarray(_TABLE)[medium]
    height, width = image.shape[1:]
    short = min(height, width)
    factor = max(1, round(short / 256))
    small = computed(clean_surfaces(shrink(image, factor), 0.04))
    areas = flat_areas(small, palette_of(small, count), factor, height, width)
    slow, busy = _gradients(image)
    out = areas + gradients * jnp.clip(1.5 - 20 * busy, 0.0, 1.0) * (slow - areas)
    tone = luma_of(out)
    out = out + bright * (0.14 * (1 - tone) ** 2 * _SHADOW + 0.3 * tone * (1 - tone))
    out = out + 0.5 * bright * scene.sky * out * (1 - out)
    out = saturated(jnp.clip(out, 0.0, 1.0), 1 + vivid)
    # Texture: how much of the picture's own detail is left within the areas.
    detail = image - enlarge(small, factor, height, width)
    out = out + 0.7 * (texture - 1) * jnp.clip(detail, -0.3, 0.3)
    ink = contours(luma_of(areas), max(0.8, short / 450)) - faint
    lines = lines * jnp.clip(1.6 - 5 * busy, 0.5, 1.0)
    return out + jnp.clip(lines * ink, 0.0, 0.92) * (_LINE - out)


def _gradients(image):
    """The picture without detail [3, H, W], and how much detail there is about a place [H, W]:
    where there is none, flat areas would make rings of a gradient."""
    height, width = image.shape[1:]
    factor = max(1, round(min(height, width) / 64))
    coarse = shrink(image, factor)
    slow = gaussian_blur(coarse, 1.5, channel_axis=0)
    rough = jnp.sqrt(jnp.sum((coarse - slow) ** 2, axis=0, keepdims=True) + 1e-6)
    busy = gaussian_blur(rough, 1.5, channel_axis=0)
    planes = enlarge(jnp.concatenate([slow, busy]), factor, height, width)
    return planes[:3], planes[3]
