"""How far a result is from what was asked for, once the slip that explains most is allowed for.

A person sees "as asked, but with snow on top" where a distance sees only that everything moved. So
the movement that the request leaves unexplained is compared with what each single slip would leave:
a step forgotten, its option taken for another, a step that nobody asked for, all of it too weak or
too strong. What slips do to photographs is calibrated (calibration.py).
"""

import jax
import jax.numpy as jnp
import numpy as np

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
PRICE = 6.0  # of a slip, in deviations: as far as a result may be off by chance
_NEVER = 1e6


def chance(request: PlanArrays, calibrated: Calibration) -> jax.Array:
    """Deviations [B, K] of the probes between two executions of the request."""
    return jnp.sqrt(NOISE + of_steps(calibrated.noise, request).sum(1))


def off_by(
    moved: jax.Array, frames: jax.Array, request: PlanArrays, calibrated: Calibration
) -> jax.Array:
    """Deviations that neither the request nor one slip explains, and PRICE if it was a slip; [B].

    moved: the result's movement from the photograph, [B, K] probes; frames: probes of the request's
    rendering, photograph first, [B, T + 1, K].
    """
    deviations = chance(request, calibrated)
    steps, whole = jnp.diff(frames, axis=1), frames[:, -1] - frames[:, 0]
    left = moved - whole
    squared = (whole**2).sum(-1) + 1e-6
    # Half of it missing, or half as much again, is a slip; to do nothing is four.
    share = jnp.clip(-(left * whole).sum(-1) / squared, -1.0, 1.0)
    scaled = _size((left + share[:, None] * whole) / deviations) + PRICE * (4 * share**2 - 1)
    forgotten = _size((left[:, None] + steps) / deviations[:, None])
    share = jnp.clip((steps * whole[:, None]).sum(-1) / squared[:, None], 0.5, 1.0)
    there = is_edit(request) & ((steps**2).sum(-1) > 0.25)
    forgotten = jnp.where(there, forgotten + PRICE * (4 * share**2 - 1), _NEVER)
    slips = [
        scaled[:, None],
        forgotten,
        _taken_for_another(left, frames[:, :-1], request, calibrated),
        _added(left, frames[:, -1], request, calibrated),
    ]
    as_asked = _size(left / deviations)
    return jnp.minimum(as_asked, jnp.concatenate(slips, axis=1).min(1) + PRICE)


def taken_for_rivals(
    before: jax.Array, request: PlanArrays, calibrated: Calibration
) -> tuple[jax.Array, jax.Array]:
    """How a movement changes if a step's option is taken for a rival of its tool, [B, T, R, K].

    before: probes before each step, [B, T, K]. And bool [B, T, R]: is one.
    """
    base, is_rival = of_rivals(calibrated.base, request)
    slope, _ = of_rivals(calibrated.slope, request)
    own = [of_steps(table, request)[:, :, None] for table in (calibrated.base, calibrated.slope)]
    return base - own[0] + (slope - own[1]) * before[:, :, None], is_rival


def _taken_for_another(left, before, request, calibrated):
    """[B, T * R]: what is left where a step's option was a rival of it."""
    changed, is_rival = taken_for_rivals(before, request, calibrated)
    whitening = jnp.asarray(calibrated.whitening)[dimension_of(request)]
    found = _size(jnp.einsum("btkl,btrl->btrk", whitening, left[:, None, None] - changed))
    is_slip = is_rival & is_edit(request)[..., None]
    return jnp.where(is_slip, found, _NEVER).reshape(len(left), -1)


def _added(left, after, request, calibrated):
    """[B, O * 2]: what is left where an option of a dimension not asked for came last."""
    dimensions = jax.nn.one_hot(dimension_of(request), len(DIMENSIONS), dtype=bool)
    asked = (dimensions & is_edit(request)[..., None]).any(1)
    found = []
    for d, (first, count) in enumerate(zip(FIRST, COUNTS, strict=True)):
        base, slope = (
            jnp.asarray(table[first : first + count]).reshape(2 * count, -1)
            for table in (calibrated.base, calibrated.slope)
        )
        rest = left[:, None] - base - slope * after[:, None]
        size = _size(rest @ np.asarray(calibrated.whitening[d]).T)
        found.append(jnp.where(asked[:, d, None], _NEVER, size))
    return jnp.concatenate(found, axis=1)


def _size(rest):
    return jnp.sqrt((rest**2).sum(-1) + 1e-8)
