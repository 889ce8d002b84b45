"""Film grain."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.blur import shift
from agentic_styling.tools.transforms.filters.fields import hash_bits

_FINE = 640  # pixels of the shorter side up to which a grain is one pixel
_WHOLE = 512  # below this a pixel is the mean of several grains, and so varies less


@image_transform
def film_grain(image, amount, seed, color=None):
    """Adds the grain of a fast film, strongest in the middle tones.

    It is zero in the mean, and none falls on black and white.

    Args:
      amount: 0.1 is visible, 0.25 the most that cannot clip.
      color: float [3], how much of the grain each channel has; all the same if None.
    """
    height, width = image.shape[1:]
    rows = jnp.arange(height)[:, None]
    columns = jnp.arange(width)[None, :]
    bits = hash_bits(rows, columns, seed)
    # The sum of four bytes of one hash is close to a normal variable.
    total = sum(((bits >> s) & 255).astype(jnp.float32) for s in (0, 8, 16, 24))
    noise = (total - 510.0) * (1 / 510.0)
    if min(height, width) > _FINE:
        noise = _coarsen(noise)
    luma = luma_of(image)
    strength = 4 * min(1.0, max(0.4, min(height, width) / _WHOLE))
    grain = (strength * amount) * noise * luma * (1 - luma)
    grain = grain[None] if color is None else grain * color[:, None, None]
    return jnp.clip(image + grain, 0.0, 1.0)


def _coarsen(noise: jax.Array) -> jax.Array:
    """Grains two pixels wide, of the same variance."""
    planes = noise[None]
    planes = planes + shift(planes, 0, 1)
    return 0.5 * (planes + shift(planes, 1, 0))[0]
