"""The six parts of the reward: what a result's pixels say beside the rendered request's.

Each is exp(-cost), the cost a sum over what a person would call a fault of that kind, [B] in
[0, 1] and differentiable in the edit.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.calibration import Calibration, is_edit, of_steps
from agentic_styling.rewards.looks import Look, distance, look_of, structure_alike
from agentic_styling.rewards.probes import COLOURS, TEXTURE, by_row, probes
from agentic_styling.rewards.scores import PARTS
from agentic_styling.rewards.slips import NOISE, chance, off_by, taken_for_rivals
from agentic_styling.tools import PlanArrays

# What a fault costs, by experiments/fit_reward.py, rounded; and the faults of each part.
WEIGHTS = {
    "off": 0.24,
    "hit": 0.1,
    "band": 0.1,
    "reading": 0.03,
    "colour": 0.8,
    "texture": 0.25,
    "detail": 0.35,
    "burnt": 1.85,
    "near": 0.55,
    "structure": 0.65,
    "lost": 0.5,
}
FAULTS = {
    "instruction_following": ("off", "hit"),
    "visual_quality": ("burnt", "detail", "texture"),
    "transformation_strength": ("colour", "band"),
    "coherence": ("off", "lost"),
    "semantic_accuracy": ("off", "reading"),
    "technical_execution": ("burnt", "near", "structure"),
}
_FOUR = math.log(5 / 4)  # the mean cost of a result that scores 4 of 5


class Target(NamedTuple):
    """What a request looks like, measured: what results are compared with.

    frames [2, B, T + 1, K]: probes of the photograph and after each of the request's steps, as
    rendered and as if lit from the other side, which nobody asked about; source and asked: the Look
    of the photograph and of the request's rendering; kept [B]: the structure that two renderings of
    the request have in common; request: the PlanArrays.
    """

    frames: jax.Array
    source: Look
    asked: Look
    kept: jax.Array
    request: PlanArrays


def target_of(frames: jax.Array, request: PlanArrays, calibrated: Calibration) -> Target:
    """The Target of a request rendered step by step, frames float32 [B, T + 1, S, S, 3]."""
    measured = by_row(probes, frames)
    sides = jnp.cumsum(of_steps(calibrated.side, request), axis=1)
    measured = jnp.stack([measured, measured.at[:, 1:].add(-2 * sides)])
    kept = of_steps(calibrated.kept[..., None] - 1, request)[..., 0] + 1
    looks = look_of(frames[:, 0]), look_of(frames[:, -1])
    return Target(measured, *looks, jnp.prod(kept, axis=1), request)


def parts_of(target: Target, edit: jax.Array, calibrated: Calibration) -> dict[str, jax.Array]:
    """The six parts, [B] in [0, 1] each, of edits float32 [B, S, S, 3]."""
    costs = [
        [sum(WEIGHTS[fault] * found[fault] for fault in FAULTS[part]) for part in PARTS]
        for found in faults_of(target, edit, calibrated)
    ]
    one, other = map(jnp.stack, costs)
    stacked = jnp.where(one.mean(0) <= other.mean(0), one, other)
    # Near what was asked little is made of a fault, far from it much: so the good are told apart
    # from the good by little, and from the bad by all there is. Ranks stay as they are.
    stacked = stacked * ((stacked.mean(0) + 1e-6) / _FOUR) ** 0.6
    return dict(zip(PARTS, jnp.exp(-stacked), strict=True))


def faults_of(
    target: Target, edit: jax.Array, calibrated: Calibration
) -> list[dict[str, jax.Array]]:
    """Faults of edits float32 [B, S, S, 3], [B] from 0 up each: by the one side, and the other."""
    measured, look = probes(edit), look_of(edit)
    return [
        _movement_faults(frames, measured, target.request, calibrated)
        | _picture_faults(target, look)
        for frames in target.frames
    ]


def _movement_faults(frames, measured, request, calibrated):
    """How the probes went elsewhere than asked; frames [B, T + 1, K] of one side."""
    steps, moved = jnp.diff(frames, axis=1), measured - frames[:, 0]
    deviations = chance(request, calibrated)
    # In visible steps, of which a probe has fewer that differs by chance.
    left = (moved - steps.sum(1)) / (deviations / NOISE**0.5)
    asked_for = _size(steps.sum(1) / deviations)
    off = off_by(moved, frames, request, calibrated) / (4 + 0.3 * asked_for)
    hit, band = _progress(moved, steps)
    return {
        "off": jnp.log1p(3 * off) ** 3,
        "hit": -jnp.log(hit),
        "band": -jnp.log(band),
        "reading": -jnp.log(_reads_as_asked(moved, frames, request, calibrated)),
        "colour": jnp.log1p(_size(left[:, COLOURS])),
        "texture": jnp.log1p(_size(left[:, TEXTURE])),
    }


def _picture_faults(target, look):
    """What is wrong with the picture itself, beside the request's rendering and the photograph."""
    structure = _structure(target, look)
    burnt = look.clipped - jnp.maximum(target.asked.clipped, target.source.clipped)
    return {
        "detail": jnp.abs(look.detail - target.asked.detail),
        "burnt": jnp.maximum(burnt, 0),
        "near": distance(look, target.asked),
        "structure": 1 - structure,
        # A negative, noise, another picture.
        "lost": -jnp.log(jnp.clip(structure / 0.25, 1e-3, 1.0)),
    }


_ASKED = 0.5  # half a visible step; below that there is nothing to ask for


def _size(steps):
    return jnp.sqrt((steps**2).sum(-1) + 1e-8)


def _structure(target, look):
    """Share of the structure kept, [B] in [0, 1]: the request's, or for less the photograph's.

    As much as two renderings of the request have in common is all of it.
    """
    asked = structure_alike(look, target.asked) / target.kept
    found = jnp.maximum(asked, 0.6 * structure_alike(look, target.source))
    return jnp.clip(found, 0.0, 1.0)


def _progress(moved, steps):
    """How far along each step the result went, and how far in all, [B] each; 1 as far as asked.

    moved [B, K] by the result, steps [B, T, K] by the request.
    """
    size = _size(steps)  # [B, T]
    weight = jnp.where(size > _ASKED, jnp.sqrt(size), 0.0)
    whole = steps.sum(1)
    along = (moved * whole).sum(-1) / ((whole**2).sum(-1) + 0.25)

    # Progress of each step: least squares, drawn towards the overall progress where two steps
    # move the picture alike and cannot be told apart.
    gram = jnp.einsum("btk,bsk->bts", steps, steps)
    ridge = (0.1 * size**2 + 0.05)[..., None] * jnp.eye(steps.shape[1])
    pull = jnp.clip(along, 0.0, 1.5)[:, None]
    right = jnp.einsum("btk,bk->bt", steps, moved) + (0.1 * size**2 + 0.05) * pull
    asked = weight.sum(-1)
    hits = jnp.exp(-1.2 * jnp.abs(1 - _solved(gram + ridge, right)))
    hit = (weight * hits).sum(-1) / jnp.maximum(asked, 1e-6)
    nothing = asked == 0
    still = jnp.exp(-_size(moved) / 4)
    return jnp.where(nothing, still, hit), jnp.where(nothing, still, jnp.exp(-jnp.abs(1 - along)))


def _solved(matrix, right):
    """x of matrix [B, T, T] x = right [B, T], by Gauss and Jordan; positive definite.

    Two LAPACK calls at once can wait for each other for ever on a CPU of two threads.
    """
    rows = jnp.concatenate([matrix, right[..., None]], axis=-1)
    for k in range(right.shape[-1]):
        pivot = rows[:, k] / rows[:, k, k, None]
        rows = (rows - rows[:, :, k, None] * pivot[:, None]).at[:, k].set(pivot)
    return rows[..., -1]


def _reads_as_asked(moved, frames, request, calibrated):
    """How far the result reads as the requested options and not as their neighbours, [B] above 0.

    For each step the odds of its option among all of its tool's, and "nothing", under equal
    Gaussians around where each would have moved the picture; 1 where the request itself stands.
    """
    steps = jnp.diff(frames, axis=1)
    rivals, is_rival = taken_for_rivals(frames[:, :-1], request, calibrated)
    away = jnp.concatenate([rivals, -steps[:, :, None]], axis=2)  # [B, T, R + 1, K]
    is_rival = jnp.concatenate([is_rival, is_edit(request)[..., None]], axis=2)
    whole = steps.sum(1)
    spread = 2 * (1 + 0.15 * _size(whole)) ** 2
    left = (moved - whole)[:, None, None]
    apart = (away**2).sum(-1)
    nearer = (apart - 2 * (away * left).sum(-1)) / spread[:, None, None]
    odds = jax.nn.logsumexp(-nearer, axis=-1, b=is_rival, keepdims=True)
    usual = jax.nn.logsumexp(-apart / spread[:, None, None], axis=-1, b=is_rival, keepdims=True)
    share = jnp.exp(jax.nn.softplus(usual) - jax.nn.softplus(odds))[..., 0]
    size = _size(steps)
    weight = jnp.where(is_edit(request) & (size > _ASKED), jnp.sqrt(size), 0.0)
    asked = weight.sum(-1)
    found = (weight * jnp.minimum(share, 1.0)).sum(-1) / jnp.maximum(asked, 1e-6)
    return jnp.where(asked == 0, 1.0, jnp.maximum(found, 1e-3))
