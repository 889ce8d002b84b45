"""Pictures compared place by place: structure, tones, clipping and detail."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.probes import blur, divided, opponent

_BANDS = ((1, 4), (3, 12))  # radii in pixels: lightness less blurred, less more blurred
_CELLS = 16  # a side


class Look(NamedTuple):
    """Measurements of pictures [N, S, S, 3], float32.

    bands: [2, N, S, S], lightness in two bands of detail.
    cells: [N, 16, 16, 3], lightness and opponent colours of a 16 x 16 division.
    clipped: [N], share of the picture that is black or white.
    detail: [N], logarithm of how sharp or grainy it is.
    """

    bands: jax.Array
    cells: jax.Array
    clipped: jax.Array
    detail: jax.Array


def look_of(pictures: jax.Array) -> Look:
    """The Look of pictures float32 [N, S, S, 3] in [0, 1]."""
    lab = opponent(pictures)
    lightness = lab[0]
    bands = [blur(lightness, small) - blur(lightness, large) for small, large in _BANDS]
    clipped = ((pictures <= 0.002) | (pictures >= 0.998)).all(-1).mean((1, 2))
    fine = jnp.abs(lightness - blur(lightness, 1)).mean((1, 2))
    return Look(jnp.stack(bands), divided(lab, _CELLS), clipped, jnp.log(fine + 2e-3))


def structure_alike(one: Look, other: Look) -> jax.Array:
    """Mean correlation of lightness over the bands of detail, [N] in [-1, 1]."""
    size = [jnp.sqrt((look.bands**2).mean((2, 3))) for look in (one, other)]
    common = (one.bands * other.bands).mean((2, 3))
    return (common / (size[0] * size[1] + 1e-5)).mean(0)


def distance(one: Look, other: Look) -> jax.Array:
    """Mean distance in lightness and colour over the cells, [N]."""
    squares = (one.cells - other.cells) ** 2 * jnp.array([1.0, 2.0, 2.0])
    return jnp.sqrt(squares.sum(-1) + 1e-10).mean((1, 2))
