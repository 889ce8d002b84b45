"""How far a result deviates from the request, apart from the one edit error that explains most.

A person sees "as asked, but with snow on top" where a distance sees only that everything changed.
So the deviation is compared with what remains of it after each single error: a step forgotten, its
option replaced by another of its tool, a step added, everything too weak or too strong. How options
move the probes is calibrated (calibration.py).
"""

import jax
import jax.numpy as jnp

from agentic_styling.rewards.calibration import (
    COUNTS,
    FIRST,
    Calibration,
    dimension_of,
    is_edit,
    of_rivals,
    of_steps,
)
from agentic_styling.tools import DIMENSIONS, PlanArrays

NOISE = 0.1  # least variance of a probe between two executions of one plan, in visible steps
ERROR_COST = 6.0  # of one edit error, in standard deviations: more than what chance explains
_NEVER = 1e6


def execution_deviations(request: PlanArrays, calibrated: Calibration) -> jax.Array:
    """Standard deviations [B, K] of the probes between two executions of the request."""
    return jnp.sqrt(NOISE + of_steps(calibrated.noise, request).sum(1))


def deviation(
    moved: jax.Array, frames: jax.Array, request: PlanArrays, calibrated: Calibration
) -> jax.Array:
    """Deviation from the request, or from it with one edit error, whichever costs less.

    Args:
      moved: the result's movement from the photograph, [B, K] probes.
      frames: probes of the request's rendering, photograph first, [B, T + 1, K].
      request: the request, B rows.
      calibrated: how options move probes.

    Returns:
      float32 [B], in standard deviations; an edit error counts as ERROR_COST.
    """
    deviations = execution_deviations(request, calibrated)
    steps, whole = jnp.diff(frames, axis=1), frames[:, -1] - frames[:, 0]
    rest = moved - whole
    squared = (whole**2).sum(-1) + 1e-6
    # Half of the whole missing, or half as much again, is one error; to do nothing is four.
    share = jnp.clip(-(rest * whole).sum(-1) / squared, -1.0, 1.0)
    scaled = length((rest + share[:, None] * whole) / deviations) + ERROR_COST * (4 * share**2 - 1)
    forgotten = length((rest[:, None] + steps) / deviations[:, None])
    share = jnp.clip((steps * whole[:, None]).sum(-1) / squared[:, None], 0.5, 1.0)
    visible = is_edit(request) & ((steps**2).sum(-1) > 0.25)
    forgotten = jnp.where(visible, forgotten + ERROR_COST * (4 * share**2 - 1), _NEVER)
    errors = [
        scaled[:, None],
        forgotten,
        _replaced(rest, frames[:, :-1], request, calibrated),
        _added(rest, frames[:, -1], request, calibrated),
    ]
    as_asked = length(rest / deviations)
    return jnp.minimum(as_asked, jnp.concatenate(errors, axis=1).min(1) + ERROR_COST)


def rival_movements(
    before: jax.Array, request: PlanArrays, calibrated: Calibration
) -> tuple[jax.Array, jax.Array]:
    """How a step's movement changes if its option is replaced by another of its tool.

    Args:
      before: probes before each step, [B, T, K].
      request: the request, B rows.
      calibrated: how options move probes.

    Returns:
      Changes float32 [B, T, R, K], and bool [B, T, R]: whether the tool has this other option.
    """
    base, is_rival = of_rivals(calibrated.base, request)
    slope, _ = of_rivals(calibrated.slope, request)
    own = [of_steps(table, request)[:, :, None] for table in (calibrated.base, calibrated.slope)]
    return base - own[0] + (slope - own[1]) * before[:, :, None], is_rival


def _replaced(rest, before, request, calibrated):
    """[B, T * R]: the deviation that remains if a step's option was replaced by a rival."""
    changed, is_rival = rival_movements(before, request, calibrated)
    whitening = jnp.asarray(calibrated.whitening)[dimension_of(request)]
    remaining = length(jnp.einsum("btkl,btrl->btrk", whitening, rest[:, None, None] - changed))
    possible = is_rival & is_edit(request)[..., None]
    return jnp.where(possible, remaining, _NEVER).reshape(len(rest), -1)


def _added(rest, after, request, calibrated):
    """[B, O * 2]: what remains if an option of a dimension not asked for came last."""
    dimensions = jax.nn.one_hot(dimension_of(request), len(DIMENSIONS), dtype=bool)
    asked = (dimensions & is_edit(request)[..., None]).any(1)
    remaining = []
    for d, (first, count) in enumerate(zip(FIRST, COUNTS, strict=True)):
        base, slope = (
            jnp.asarray(table[first : first + count]).reshape(2 * count, -1)
            for table in (calibrated.base, calibrated.slope)
        )
        unexplained = rest[:, None] - base - slope * after[:, None]
        left = length(unexplained @ jnp.asarray(calibrated.whitening[d]).T)
        remaining.append(jnp.where(asked[:, d, None], _NEVER, left))
    return jnp.concatenate(remaining, axis=1)


def length(vectors: jax.Array) -> jax.Array:
    """Euclidean length of vectors [..., K], [...]; differentiable at 0."""
    return jnp.sqrt((vectors**2).sum(-1) + 1e-8)
