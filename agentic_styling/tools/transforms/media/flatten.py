"""A picture without its small things: plain areas with clear borders."""

import jax

from agentic_styling.tools.transforms.filters.smoothing import kuwahara
from agentic_styling.tools.transforms.scene import enlarge, shrink


def flatten(image: jax.Array, short: int = 256, radius: float = 1 / 60) -> jax.Array:
    """[3, H, W] smoothed by a Kuwahara filter at about `short` pixels; radius in parts of that."""
    height, width = image.shape[1:]
    factor = max(1, round(min(height, width) / short))
    small = shrink(image, factor)
    small = kuwahara(small, max(1, round(min(small.shape[1:]) * radius)), channel_axis=0)
    return enlarge(small, factor, height, width)
