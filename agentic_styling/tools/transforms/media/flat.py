"""Flat colour with clean borders: vector art, anime and cartoons."""

import dm_pix
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.screens import contours, posterize
from agentic_styling.tools.transforms.media.finish import Technique
from agentic_styling.tools.transforms.media.palette import nearest_colors, palette_of

# colours of the palette; share: how far it replaces the picture's own; tones of light;
# lines; vivid.
_ROWS = {
    "vector_art": (12, 1.0, 0.0, 0.0, 0.15),
    "anime_cel_shaded": (16, 0.25, 4.0, 0.55, 0.35),
    "cartoon_illustrated": (14, 0.75, 3.0, 1.6, 0.45),
}
MEDIA = tuple(_ROWS)
_TABLE = np.array(list(_ROWS.values()), np.float32)


def flat(image, plain, medium, technique: Technique, texture, seed):
    """[3, H, W] in flat areas; medium: index into MEDIA."""
    count, share, tones, lines, vivid = jnp.asarray(_TABLE)[medium]
    short = min(image.shape[1:])
    few = nearest_colors(plain, palette_of(plain, count), 0.0009)
    luma = luma_of(plain)
    cel = posterize(jnp.clip(luma, 0, 1), jnp.maximum(tones, 2.0), 0.14)
    shaded = jnp.clip(plain + jnp.where(tones > 0, 0.8 * (cel - luma), 0.0), 0, 1)
    out = shaded + share * (few - shaded)
    out = dm_pix.adjust_saturation(jnp.clip(out, 0.0, 1.0), 1 + vivid, channel_axis=0)
    # Texture: how much of the picture's own detail is left within the areas.
    out = out + 0.35 * (texture - 1) * jnp.clip(image - plain, -0.3, 0.3)
    ink = contours(luma, max(0.6, short / 310))
    line = jnp.array([0.06, 0.05, 0.09])[:, None, None]
    return out + jnp.clip(lines * (1.5 * ink - 0.25), 0.0, 0.95) * (line - out)
