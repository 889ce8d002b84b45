"""The six parts of the reward: what a result's pixels say beside the rendered request's.

Each function maps a batch to [B] in [0, 1], differentiable in the edit.
"""

import jax
import jax.numpy as jnp

from agentic_styling.rewards.calibration import (
    Calibration,
    is_edit,
    moments_of,
    of_rivals,
    of_steps,
)
from agentic_styling.rewards.probes import blur, opponent, probes
from agentic_styling.tools import PlanArrays

_ELSEWHERE = 0.2  # least worth of an edit that went elsewhere: some is better than a wreck


def parts_of(
    source: jax.Array,
    frames: jax.Array,
    edit: jax.Array,
    request: PlanArrays,
    unexplained: jax.Array,
    calibrated: Calibration,
) -> dict[str, jax.Array]:
    """The six parts, [B] in [0, 1] each.

    source, edit: float32 [B, S, S, 3]; frames: the request's rendering [B, T + 1, S, S, 3], whose
    step t is the request's slot t; unexplained: of `whitening`.
    """
    measured = probes(frames.reshape(-1, *frames.shape[2:])).reshape(*frames.shape[:2], -1)
    steps, reference = jnp.diff(measured, axis=1), frames[:, -1]
    moved = probes(edit) - measured[:, 0]
    kept = _structure(edit, reference, source)
    burnt = jnp.exp(-5 * _burnt(edit, reference, source))
    # A negative or noise lies near in tone, but is no edit of the photograph at all.
    there = jnp.minimum(kept / 0.25, 1.0)
    near = jnp.maximum(jnp.exp(-_distance(edit, reference) / 0.12), 0.1)
    found = _movement_parts(moved, steps)
    meant = _reads_as_asked(moved, steps, request, calibrated)
    nothing = (_size(steps) <= _ASKED).all(-1)
    found["semantic_accuracy"] = jnp.where(nothing, found["transformation_strength"], meant)
    found = {name: jnp.maximum(part, _ELSEWHERE) for name, part in found.items()}
    unasked = _size(jnp.einsum("bkl,bl->bk", unexplained, moved - steps.sum(1)))
    return found | {
        "visual_quality": burnt * _detail_alike(edit, reference),
        "coherence": kept * (1 + unasked) ** -2.5,
        "technical_execution": burnt * there * near,
    }


_ASKED = 0.5  # half a visible step; below that there is nothing to ask for


def _size(steps):
    return jnp.sqrt((steps**2).sum(-1) + 1e-8)


def _movement_parts(moved, steps):
    """How far along each step the result went, and how far in all.

    moved [B, K] by the result, steps [B, T, K] by the request.
    """
    size = _size(steps)  # [B, T]
    active = size > _ASKED
    weight = jnp.where(active, jnp.sqrt(size), 0.0)
    whole = steps.sum(1)
    along = (moved * whole).sum(-1) / ((whole**2).sum(-1) + 0.25)  # 1 when as far as asked

    # Progress of each step: least squares, drawn towards the overall progress where two steps
    # move the picture alike and cannot be told apart.
    gram = jnp.einsum("btk,bsk->bts", steps, steps)
    ridge = (0.1 * size**2 + 0.05)[..., None] * jnp.eye(steps.shape[1])
    pull = jnp.clip(along, 0.0, 1.5)[:, None]
    right = jnp.einsum("btk,bk->bt", steps, moved) + (0.1 * size**2 + 0.05) * pull
    progress = _solved(gram + ridge, right)
    asked = weight.sum(-1)
    hit = jnp.exp(-1.2 * jnp.abs(1 - progress))
    following = (weight * hit).sum(-1) / jnp.maximum(asked, 1e-6)
    nothing = asked == 0
    still = jnp.exp(-_size(moved) / 4)
    return {
        "instruction_following": jnp.where(nothing, still, following),
        "transformation_strength": jnp.where(nothing, still, jnp.exp(-jnp.abs(1 - along))),
    }


def _solved(matrix, right):
    """x of matrix [B, T, T] x = right [B, T], by Gauss and Jordan; positive definite.

    Two LAPACK calls at once can wait for each other for ever on a CPU of two threads.
    """
    rows = jnp.concatenate([matrix, right[..., None]], axis=-1)
    for k in range(right.shape[-1]):
        pivot = rows[:, k] / rows[:, k, k, None]
        rows = (rows - rows[:, :, k, None] * pivot[:, None]).at[:, k].set(pivot)
    return rows[..., -1]


def _reads_as_asked(moved, steps, request, calibrated):
    """How far the result reads as the requested options and not as their neighbours, [B].

    For each step the odds of its option among all of its tool's, and "nothing", under equal
    Gaussians around where each would have moved the picture; 1 where the request itself stands.
    """
    own = of_steps(calibrated.movement, request)[:, :, None]  # [B, T, 1, K]
    rivals, is_rival = of_rivals(calibrated.movement, request)
    away = jnp.concatenate([rivals - own, -steps[:, :, None]], axis=2)  # [B, T, R + 1, K]
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
    return (weight * jnp.minimum(share, 1.0)).sum(-1) / jnp.maximum(weight.sum(-1), 1e-6)


def whitening(request: PlanArrays, calibrated: Calibration) -> jax.Array:
    """Float32 [B, K, K] that maps a movement to what the dimensions asked for do not explain.

    The norm of the product is a Mahalanobis distance in visible steps: unit noise, and ten times
    the usual movements of the dimensions asked for.
    """
    moments = moments_of(calibrated, request)
    unit = jnp.broadcast_to(jnp.eye(moments.shape[-1]), moments.shape)
    factor = jnp.linalg.cholesky(unit + 10 * moments)
    return jax.scipy.linalg.solve_triangular(factor, unit, lower=True)


def _structure(edit, reference, source):
    """Share of the structure kept, [B]: the reference's, or for less the photograph's."""
    kept = jnp.maximum(_correlation(edit, reference), 0.6 * _correlation(edit, source))
    return jnp.maximum(kept, 0.0)


def _correlation(one, other):
    """Mean correlation of lightness in two bands of detail, [B]."""
    x, y = (opponent(p)[..., 0] for p in (one, other))
    kept = []
    for small, large in ((1, 4), (3, 12)):
        bx, by = (blur(p, small) - blur(p, large) for p in (x, y))
        size = jnp.sqrt((bx**2).mean((1, 2)) * (by**2).mean((1, 2)))
        kept.append((bx * by).mean((1, 2)) / (size + 1e-5))
    return sum(kept) / len(kept)


def _burnt(edit, reference, source):
    """Share of the picture that is clipped, and neither in the photograph nor as asked, [B]."""

    def clipped(p):
        return ((p <= 0.002) | (p >= 0.998)).all(-1).mean((1, 2))

    return jnp.maximum(clipped(edit) - jnp.maximum(clipped(reference), clipped(source)), 0)


def _detail_alike(edit, reference):
    """1 as sharp or as grainy as the request's, less for noise or blur beyond it, [B]."""

    def detail(p):
        lightness = opponent(p)[..., 0]
        return jnp.log(jnp.abs(lightness - blur(lightness, 1)).mean((1, 2)) + 2e-3)

    return jnp.exp(-jnp.abs(detail(edit) - detail(reference)) / 0.8)


def _distance(one, other):
    """Mean distance in lightness and colour over a 16 x 16 division, [B]."""
    side = one.shape[1] // 16
    apart = opponent(one) - opponent(other)
    cells = apart.reshape(one.shape[0], 16, side, 16, side, 3).mean((2, 4))
    return jnp.sqrt((cells**2 * jnp.array([1.0, 2.0, 2.0])).sum(-1) + 1e-10).mean((1, 2))
