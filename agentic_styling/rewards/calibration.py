"""How each option usually moves the probes, measured once by experiments/calibrate_reward.py.

The file is versioned with the code: other probes, or another look of an option, need another file.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools import DIMENSIONS, VOCABULARY, PlanArrays

PATH = Path(__file__).with_name("calibration_v3.safetensors")
STRENGTHS = (0.5, 1.0)  # at which options were measured; others are interpolated, 0 at 0
_TOOLS = [VOCABULARY[tool] for tool in DIMENSIONS]
OPTIONS = [(tool.name, option) for tool in _TOOLS for option in tool.options]
COUNTS = np.array([len(tool.options) for tool in _TOOLS])
FIRST = np.cumsum(COUNTS) - COUNTS  # row of a tool's first option


class Calibration(NamedTuple):
    """Statistics of O options at each of STRENGTHS, D dimensions and K probes, float32.

    base, slope [O, 2, K]: an option moves a picture's probes p by base + slope * p, since night
        darkens a dark picture less.
    side [O, 2, K]: the part of it that changes sign if the light comes from the other side.
    noise [O, 2, K]: variance between two executions, with other random numbers and another size.
    whitening [D, K, K]: maps what base and slope leave of a dimension's movements to unit noise.
    kept [O, 2]: the structure that two renderings with other random numbers have in common, (0, 1].
    """

    base: jax.Array
    slope: jax.Array
    side: jax.Array
    noise: jax.Array
    whitening: jax.Array
    kept: jax.Array


@functools.cache
def calibration() -> Calibration:
    """The calibration shipped with the package."""
    from safetensors.numpy import load_file

    stored = load_file(PATH)
    return Calibration(*(stored[name].astype(np.float32) for name in Calibration._fields))


def of_steps(table: jax.Array, request: PlanArrays) -> jax.Array:
    """Rows of a table [O, 2, N] for the request's steps, [B, T, N]; 0 where a slot is no edit."""
    index = jnp.asarray(FIRST)[dimension_of(request)] + request.options[..., 1]
    rows = jnp.asarray(table)[jnp.where(is_edit(request), index, 0)]
    return jnp.where(is_edit(request)[..., None], _at_strength(rows, request.strength), 0.0)


def of_rivals(table: jax.Array, request: PlanArrays) -> tuple[jax.Array, jax.Array]:
    """Rows of a table [O, 2, N] for the other options of each step's tool.

    Returns:
      Rows [B, T, R, N], and bool [B, T, R]: whether there is such an option.
    """
    dimension, option = dimension_of(request)[..., None], jnp.arange(COUNTS.max())
    index = jnp.asarray(FIRST)[dimension] + option
    is_rival = (option < jnp.asarray(COUNTS)[dimension]) & (option != request.options[..., 1:2])
    rows = jnp.asarray(table)[jnp.where(is_rival, index, 0)]
    return _at_strength(rows, request.strength[..., None]), is_rival


def is_edit(request: PlanArrays) -> jax.Array:
    """bool [B, T]: the slot holds one of the ten dimensions' tools."""
    return (request.tool >= 0) & (request.tool < len(DIMENSIONS))


def dimension_of(request: PlanArrays) -> jax.Array:
    """int32 [B, T]: the dimension that a slot edits; arbitrary where it is no edit."""
    return jnp.clip(request.tool, 0, len(DIMENSIONS) - 1)


def _at_strength(rows, strength):
    """[..., 2, N] at STRENGTHS to [..., N] at strength [...], linear and 0 at strength 0."""
    s = strength[..., None]
    half, full = rows[..., 0, :], rows[..., 1, :]
    return jnp.where(s <= 0.5, half * (2 * s), half + (full - half) * (2 * s - 1))
