"""Photographic media: clarity, softness, halation, film grain."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, shrink, white_noise
from agentic_styling.tools.transforms.media.finish import Technique

# clarity: of wide contrast; detail: of fine; halation: red glow around lights; glow; grain.
_ROWS = {
    "photorealistic": (0.0, 0.0, 0.0, 0.0, 0.0),
    "hyperrealistic": (0.55, 1.1, 0.0, 0.0, 0.0),
    "film_photography": (0.0, -0.25, 0.5, 0.12, 0.075),
}
MEDIA = tuple(_ROWS)
_TABLE = np.array(list(_ROWS.values()), np.float32)


def photograph(image, plain, scene, medium, technique: Technique, texture, seed):
    """[3, H, W] as a photograph; medium: index into MEDIA."""
    clarity, detail, halation, glow, grain = jnp.asarray(_TABLE)[medium]
    height, width = image.shape[1:]
    short = min(height, width)
    factor = max(1, round(short / 96))
    small = shrink(image, factor)
    wide = enlarge(gaussian_blur(small, 5.0, channel_axis=0), factor, height, width)
    fine = gaussian_blur(image, max(0.6, short / 400), channel_axis=0)
    # Texture is the fine detail itself: smoothed away, left, or brought out.
    detail = detail + 0.9 * (texture - 1) + 0.2 * jnp.minimum(texture - 1, 0.0)
    edges = image - fine
    out = image + detail * edges / (1 + 4 * jnp.abs(edges))
    local = luma_of(out - wide)
    out = out + clarity * local / (1 + 3 * jnp.abs(local)) * 4 * out * (1 - out)
    lights = jnp.maximum(small - 0.72, 0.0) * 3
    halo = enlarge(gaussian_blur(luma_of(lights)[None], 4.0, channel_axis=0), factor, height, width)
    tint = jnp.array([1.0, 0.38, 0.16])[:, None, None]
    out = out + halation * halo * tint * (1 - out)
    out = out + glow * wide * wide * (1 - out)
    noise = white_noise(height, width, seed) + white_noise(height, width, seed + 1) - 1
    noise = gaussian_blur(noise[None], max(0.45, short / 700), channel_axis=0) * (1 + short / 900)
    tone = luma_of(out)
    return out + texture * grain * noise * (0.35 + 2.4 * tone * (1 - tone))
