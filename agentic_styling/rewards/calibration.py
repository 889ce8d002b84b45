"""What each option usually does to photographs: measured once by experiments/calibrate_reward.py.

The file is versioned beside the code; another set of probes, or another look of an option, needs
another file.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools import DIMENSIONS, VOCABULARY, PlanArrays

PATH = Path(__file__).with_name("calibration_v2.safetensors")
STRENGTHS = (0.5, 1.0)  # that options are measured at; in between is interpolated, below scaled
_TOOLS = [VOCABULARY[tool] for tool in DIMENSIONS]
OPTIONS = [(t.name, o) for t in _TOOLS for o in t.parameters[t.target].values]
COUNTS = np.array([len(t.parameters[t.target].values) for t in _TOOLS])
FIRST = np.cumsum(COUNTS) - COUNTS  # row of a tool's first option


class Calibration(NamedTuple):
    """Of O options at each of STRENGTHS, D dimensions and K probes; float32.

    base, slope [O, 2, K]: an option moves a picture's probes p by base + slope * p: a picture that
    is dark already is moved less by a night. side [O, 2, K]: the part of it that would have the
    other sign were the light to come from the other side. noise [O, 2, K]: variance between two
    executions, with other random numbers and of another size. whitening [D, K, K]: maps what base
    and slope leave of a dimension's movements to unit noise. kept [O, 2]: the structure that two
    renderings with other random numbers have in common, in (0, 1].
    """

    base: jax.Array
    slope: jax.Array
    side: jax.Array
    noise: jax.Array
    whitening: jax.Array
    kept: jax.Array


@functools.cache
def calibration() -> Calibration:
    """The committed one."""
    from safetensors.numpy import load_file

    stored = load_file(PATH)
    return Calibration(*(stored[name].astype(np.float32) for name in Calibration._fields))


def of_steps(table: jax.Array, request: PlanArrays) -> jax.Array:
    """Rows of a table [O, 2, N] for the request's steps, [B, T, N]; 0 where a slot is no edit."""
    rows = jnp.asarray(FIRST)[dimension_of(request)] + request.options[..., 1]
    found = _at_strength(jnp.asarray(table)[jnp.where(is_edit(request), rows, 0)], request.strength)
    return jnp.where(is_edit(request)[..., None], found, 0.0)


def of_rivals(table: jax.Array, request: PlanArrays) -> tuple[jax.Array, jax.Array]:
    """Rows for all options of each step's tool, [B, T, R, N], and bool [B, T, R]: is a rival.

    The step's own option is no rival of itself.
    """
    dimension, option = dimension_of(request)[..., None], jnp.arange(COUNTS.max())
    rows = jnp.asarray(FIRST)[dimension] + option
    is_rival = (option < jnp.asarray(COUNTS)[dimension]) & (option != request.options[..., 1:2])
    found = jnp.asarray(table)[jnp.where(is_rival, rows, 0)]
    return _at_strength(found, request.strength[..., None]), is_rival


def is_edit(request: PlanArrays) -> jax.Array:
    """bool [B, T]: the slot holds one of the ten dimensions' tools."""
    return (request.tool >= 0) & (request.tool < len(DIMENSIONS))


def dimension_of(request: PlanArrays) -> jax.Array:
    """int32 [B, T]: the dimension that a slot edits; any where it is no edit."""
    return jnp.clip(request.tool, 0, len(DIMENSIONS) - 1)


def _at_strength(rows, strength):
    """[..., 2, N] at STRENGTHS to [..., N] at strength [...], linear and 0 at strength 0."""
    s = strength[..., None]
    half, full = rows[..., 0, :], rows[..., 1, :]
    return jnp.where(s <= 0.5, half * (2 * s), half + (full - half) * (2 * s - 1))
