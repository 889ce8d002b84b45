"""The six parts of the reward: a result's pixels compared with the rendered request's.

Each is exp(-cost), the cost a weighted sum of penalties, [B] in [0, 1] and differentiable in the
edit.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.calibration import Calibration, is_edit, of_steps
from agentic_styling.rewards.edit_errors import (
    NOISE,
    deviation,
    execution_deviations,
    length,
    rival_movements,
)
from agentic_styling.rewards.probes import COLOURS, TEXTURE, blur, by_row, divided, opponent, probes
from agentic_styling.rewards.scores import PARTS
from agentic_styling.tools import PlanArrays
from agentic_styling.utils.package_data import read_beside

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


# Of the penalties, fitted by experiments/fit_reward.py; then the penalties of each part.
WEIGHTS = read_beside(__file__, "weights.json")
PENALTIES = {
    "instruction_following": ("deviation", "step_progress"),
    "visual_quality": ("clipping", "detail", "texture"),
    "transformation_strength": ("colour", "whole_progress"),
    "coherence": ("deviation", "other_scene"),
    "semantic_accuracy": ("deviation", "option_odds"),
    "technical_execution": ("clipping", "distance", "structure"),
}
_FOUR = math.log(5 / 4)  # the mean cost of a result that scores 4 of 5


class Target(NamedTuple):
    """Measurements of a request's rendering, with which results are compared.

    frames: float32 [2, B, T + 1, K], probes of the photograph and after each of the request's
        steps: as rendered, and as if lit from the other side, which a request leaves open.
    offsets: float32 [2, B, K], 0, and by how much the probes of the backward rendering are more.
    source: the Look of the photograph. asked: of both renderings, [2, ...] each.
    kept: float32 [B], the structure that two renderings of the request have in common.
    request: the request, B rows.
    """

    frames: jax.Array
    offsets: jax.Array
    source: Look
    asked: Look
    kept: jax.Array
    request: PlanArrays


def target_of(
    frames: jax.Array, backward: jax.Array, request: PlanArrays, calibrated: Calibration
) -> Target:
    """The Target of a request.

    Args:
      frames: float32 [B, T + 1, S, S, 3], the photograph and the picture after each step.
      backward: float32 [B, S, S, 3], the picture after all steps in reverse.
      request: the request, B rows.
      calibrated: how options move probes.
    """
    measured = by_row(probes, frames)
    offset = by_row(probes, backward[:, None])[:, 0] - measured[:, -1]
    sides = jnp.cumsum(of_steps(calibrated.side, request), axis=1)
    measured = jnp.stack([measured, measured.at[:, 1:].add(-2 * sides)])
    kept = of_steps(calibrated.kept[..., None] - 1, request)[..., 0] + 1
    return Target(
        measured,
        jnp.stack([jnp.zeros_like(offset), offset]),
        look_of(frames[:, 0]),
        jax.tree.map(lambda *x: jnp.stack(x), look_of(frames[:, -1]), look_of(backward)),
        jnp.prod(kept, axis=1),
        request,
    )


def parts_of(target: Target, edit: jax.Array, calibrated: Calibration) -> dict[str, jax.Array]:
    """The six parts, [B] in [0, 1] each, of edits float32 [B, S, S, 3]."""
    penalties = penalties_of(target, edit, calibrated)
    costs = jnp.stack(
        [sum(WEIGHTS[name] * penalties[name] for name in PENALTIES[part]) for part in PARTS]
    )
    costs = costs.reshape(len(PARTS), -1, len(edit))
    nearest = costs.mean(0).argmin(0)
    costs = jnp.take_along_axis(costs, nearest[None, None], axis=1)[:, 0]
    # Small costs are made smaller and large ones larger: good results then differ little from each
    # other and much from bad ones. The order of results stays.
    costs = costs * ((costs.mean(0) + 1e-6) / _FOUR) ** 0.6
    return dict(zip(PARTS, jnp.exp(-costs), strict=True))


def penalties_of(target: Target, edit: jax.Array, calibrated: Calibration) -> dict[str, jax.Array]:
    """Penalties of edits float32 [B, S, S, 3], at least 0: [2, 2, B] for both orders and sides."""
    measured, look = probes(edit), look_of(edit)

    def in_order(offset, asked):
        picture = _picture_penalties(target, asked, look)

        def from_side(frames):
            moved = measured - offset - frames[:, 0]
            return _movement_penalties(moved, frames, target.request, calibrated) | picture

        return jax.vmap(from_side)(target.frames)

    return jax.vmap(in_order)(target.offsets, target.asked)


def _movement_penalties(moved, frames, request, calibrated):
    """Penalties for probes that moved otherwise than asked; frames [B, T + 1, K] of one side."""
    steps = jnp.diff(frames, axis=1)
    deviations = execution_deviations(request, calibrated)
    # In visible steps, fewer for a probe that differs by chance.
    rest = (moved - steps.sum(1)) / (deviations / NOISE**0.5)
    asked_for = length(steps.sum(1) / deviations)
    relative = deviation(moved, frames, request, calibrated) / (4 + 0.3 * asked_for)
    by_step, whole = _progress(moved, steps)
    return {
        "deviation": jnp.log1p(3 * relative) ** 3,
        "step_progress": -jnp.log(by_step),
        "whole_progress": -jnp.log(whole),
        "option_odds": -jnp.log(_option_odds(moved, frames, request, calibrated)),
        "colour": jnp.log1p(length(rest[:, COLOURS])),
        "texture": jnp.log1p(length(rest[:, TEXTURE])),
    }


def _picture_penalties(target, asked, look):
    """Penalties for a picture that is worse than the request's rendering and the photograph."""
    structure = _structure(target, asked, look)
    clipped = look.clipped - jnp.maximum(asked.clipped, target.source.clipped)
    return {
        "detail": jnp.abs(look.detail - asked.detail),
        "clipping": jnp.maximum(clipped, 0),
        "distance": distance(look, asked),
        "structure": 1 - structure,
        # For a negative, noise or another picture.
        "other_scene": -jnp.log(jnp.clip(structure / 0.25, 1e-3, 1.0)),
    }


_ASKED = 0.5  # half a visible step; a step that moves the probes less asks for nothing


def _structure(target, asked, look):
    """Share of the request's structure kept, [B] in [0, 1], or at a discount the photograph's."""
    alike = structure_alike(look, asked) / target.kept
    kept = jnp.maximum(alike, 0.6 * structure_alike(look, target.source))
    return jnp.clip(kept, 0.0, 1.0)


def _progress(moved, steps):
    """How near each step's progress, and the whole's, is to what was asked: [B] each, at most 1."""
    size = length(steps)  # [B, T]
    weight = jnp.where(size > _ASKED, jnp.sqrt(size), 0.0)
    whole = steps.sum(1)
    along = (moved * whole).sum(-1) / ((whole**2).sum(-1) + 0.25)

    # Progress of each step by least squares, regularised towards the overall progress, since two
    # steps may move the probes alike.
    gram = jnp.einsum("btk,bsk->bts", steps, steps)
    ridge = (0.1 * size**2 + 0.05)[..., None] * jnp.eye(steps.shape[1])
    pull = jnp.clip(along, 0.0, 1.5)[:, None]
    right = jnp.einsum("btk,bk->bt", steps, moved) + (0.1 * size**2 + 0.05) * pull
    asked = weight.sum(-1)
    steps_near = jnp.exp(-1.2 * jnp.abs(1 - _solve(gram + ridge, right)))
    by_step = (weight * steps_near).sum(-1) / jnp.maximum(asked, 1e-6)
    unmoved = jnp.exp(-length(moved) / 4)
    near = by_step, jnp.exp(-jnp.abs(1 - along))
    return tuple(jnp.where(asked == 0, unmoved, x) for x in near)


def _solve(matrix, right):
    """x of matrix [B, T, T] x = right [B, T], positive definite, by Gauss-Jordan elimination."""
    # Not by LAPACK: two of its calls at once can deadlock on a CPU of two threads.
    rows = jnp.concatenate([matrix, right[..., None]], axis=-1)
    for k in range(right.shape[-1]):
        pivot = rows[:, k] / rows[:, k, k, None]
        rows = (rows - rows[:, :, k, None] * pivot[:, None]).at[:, k].set(pivot)
    return rows[..., -1]


def _option_odds(moved, frames, request, calibrated):
    """Odds of the requested options against their tools' other options, and nothing, in (0, 1]."""
    # Under equal Gaussians around where each would have moved the probes.
    steps = jnp.diff(frames, axis=1)
    rivals, is_rival = rival_movements(frames[:, :-1], request, calibrated)
    away = jnp.concatenate([rivals, -steps[:, :, None]], axis=2)  # [B, T, R + 1, K]
    is_rival = jnp.concatenate([is_rival, is_edit(request)[..., None]], axis=2)
    whole = steps.sum(1)
    spread = 2 * (1 + 0.15 * length(whole)) ** 2
    rest = (moved - whole)[:, None, None]
    apart = (away**2).sum(-1)
    nearer = (apart - 2 * (away * rest).sum(-1)) / spread[:, None, None]
    odds = jax.nn.logsumexp(-nearer, axis=-1, b=is_rival, keepdims=True)
    usual = jax.nn.logsumexp(-apart / spread[:, None, None], axis=-1, b=is_rival, keepdims=True)
    share = jnp.exp(jax.nn.softplus(usual) - jax.nn.softplus(odds))[..., 0]
    size = length(steps)
    weight = jnp.where(is_edit(request) & (size > _ASKED), jnp.sqrt(size), 0.0)
    asked = weight.sum(-1)
    mean = (weight * jnp.minimum(share, 1.0)).sum(-1) / jnp.maximum(asked, 1e-6)
    return jnp.where(asked == 0, 1.0, jnp.maximum(mean, 1e-3))
