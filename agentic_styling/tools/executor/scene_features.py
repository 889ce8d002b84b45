"""What the scene network gets besides the picture: colours, texture, and what borders enclose.

Few photographs do not teach a small network to flood a sky from the top, but they do teach it what
a flooded region means.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.scene import shrink

CELLS = 32  # cells along each side of the squashed picture
CELL = 6  # pixels along each side of a cell
_ABOVE = np.tri(CELLS, k=-1, dtype=np.float32)  # a matrix that sums what lies before
_FROM_TOP = np.tri(CELLS, dtype=np.float32)
_FROM_BOTTOM = _FROM_TOP.T.copy()
_AT = np.arange(CELLS, dtype=np.float32)
_NEAR = np.exp(-np.abs(_AT[:, None] - _AT) / 4)
_NEAR /= _NEAR.sum(1, keepdims=True)


def features(image: jax.Array, aspect: float) -> jax.Array:
    """Channels of the cells of a squashed picture.

    Args:
      image: [3, CELLS * CELL, CELLS * CELL] in [0, 1].
      aspect: the logarithm of width to height before squashing.

    Returns:
      [CELLS, CELLS, 24], each about in [-2, 2].
    """
    luma = luma_of(image)
    cells = shrink(jnp.concatenate([image, _changes(luma[None])]), CELL)
    color, down, across = cells[:3], cells[3], cells[4]
    texture = down + across
    steps = jnp.max(_changes(color).reshape(2, 3, CELLS, CELLS), axis=1)
    place = (_AT + 0.5) / CELLS * 2 - 1
    rest = (
        jnp.log1p(30 * across),
        jnp.log1p(30 * down),
        jnp.log1p(10 * (steps[0] + steps[1])),
        jnp.log1p(texture / (jnp.mean(texture) + 0.01)),
        place[:, None],
        2 * place[None] ** 2 - 1,
        *(_away_from(strip, color) for strip in _borders(color)),
        *_enclosed(steps),
        _away_from(color[:, 10:24, 10:22], color),  # the middle
        _away_from_below(color),
        _open_sky(color, texture, steps),
        aspect,
    )
    channels = [*_colors(color), *rest]
    planes = [jnp.broadcast_to(x, (CELLS, CELLS)) for x in channels]
    return jnp.stack(planes, -1).astype(jnp.float32)


def _changes(planes):
    """How much [C, h, w] changes to the next pixel below, and to the right: [2 C, h, w]."""
    below = jnp.pad(jnp.abs(jnp.diff(planes, axis=1)), ((0, 0), (0, 1), (0, 0)))
    beside = jnp.pad(jnp.abs(jnp.diff(planes, axis=2)), ((0, 0), (0, 0), (0, 1)))
    return jnp.concatenate([below, beside])


def _colors(color):
    red, green, blue = color
    luma, high, low = luma_of(color), jnp.max(color, axis=0), jnp.min(color, axis=0)
    spread = jnp.sqrt(jnp.var(luma) + 1e-4)
    relative = (luma - jnp.mean(luma)) / (spread + 0.05)
    opponents = 2 * (red - blue), 4 * (green - (red + blue) / 2)
    return 2 * luma - 1, *opponents, relative, (high - low) / (high + 0.1), 2 * low - 1


def _borders(color):
    return color[:, :3], color[:, -3:], color[:, :, :3], color[:, :, -3:]


def _away_from(part, color):
    """How far every cell is from the mean colour of a part, in units of the part's own spread."""
    mean = jnp.mean(part, axis=(1, 2), keepdims=True)
    away = jnp.mean((color - mean) ** 2, axis=0)
    return jnp.log1p(away / (jnp.mean((part - mean) ** 2) + 0.01)) - 1


def _away_from_below(color):
    """How far every cell is from the lower border's colour beneath it."""
    below = jnp.mean(color[:, -4:], axis=1, keepdims=True) @ _NEAR.T
    return jnp.log1p(40 * jnp.mean((color - below) ** 2, axis=0)) - 1


def _enclosed(steps):
    """1 where a cell is reached from the top, bottom, left and right without crossing edges."""
    down, across = 4 * jnp.maximum(steps - 0.03, 0.0)
    return (
        _flood(_ABOVE @ down),
        _flood(_FROM_BOTTOM @ down),
        _flood(across @ _ABOVE.T),
        _flood(across @ _FROM_BOTTOM.T),
    )


def _flood(cost):
    return jnp.exp(-jnp.minimum(cost, 20.0))


def _open_sky(color, texture, steps):
    """1 where a cell is bright or blue, smooth, and reached from the top over such cells."""
    red, green, blue = color
    bluish = jnp.maximum(blue - red, 0.0)
    bluish = bluish + 0.3 * bluish / (blue + 0.1)  # a dark blue counts at dusk
    leafy = jnp.maximum(green - jnp.maximum(red, blue), 0.0)
    logit = 9 * (luma_of(color) - 0.5) + 10 * bluish - 14 * jnp.maximum(red - blue, 0.0)
    logit = logit - 30 * leafy - 18 * jnp.maximum(texture - 0.06, 0.0) + 1.5
    cost = jnp.maximum(jax.nn.softplus(-logit) - 0.25, 0.0)
    cost = cost + jnp.maximum(steps[0] + steps[1] - 0.15, 0.0)
    return _flood(1.25 * (_FROM_TOP @ cost))
