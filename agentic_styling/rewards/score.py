"""The reward: how well a result shows what was asked for, from the pixels alone.

The request (the goal's target options, with the photograph's true source options) is rendered
once as a reference, step by step. Each step moves the probes by some vector; the result is asked
how far along each of those vectors it went, what else moved, and whether structure and detail
survived. The plan under test is never seen, so any plan that reaches the look scores alike.
"""

import jax
import jax.numpy as jnp

from agentic_styling.errors import InputError
from agentic_styling.rewards.probes import at_probe_size, blur, opponent, probes
from agentic_styling.rewards.scores import Scores, combine
from agentic_styling.tools import PlanArrays, execute_steps


def score(source: jax.Array, result: jax.Array, request: PlanArrays) -> Scores:
    """Score edited pictures against what was asked for.

    Args:
      source: float32 [B, H, W, 3] in [0, 1], the photographs.
      result: float32 [B, H, W, 3] in [0, 1], the edits.
      request: PlanArrays of B rows: the goal's target options at the strength asked for and its
        preservation constraints; never the plan under test.

    Returns:
      Scores. A request without steps asks for nothing, so any visible change scores low.

    Raises:
      InputError: shapes or dtypes are not as above.
    """
    for name, images in (("source", source), ("result", result)):
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != jnp.float32:
            raise InputError(
                f"score: {name} is {images.dtype} {tuple(images.shape)}; give float32 [B, H, W, 3]"
            )
    if source.shape != result.shape or request.tool.shape[0] != source.shape[0]:
        raise InputError(
            f"score: source {tuple(source.shape)}, result {tuple(result.shape)} and"
            f" {request.tool.shape[0]} requests differ; give as many of each, of one size"
        )
    # Outside _score, so that pictures of any size share its one program.
    source, result = at_probe_size(source), at_probe_size(result)
    # Twice, as every row has its own snowflakes: what two good results may differ by.
    twice = jax.tree.map(lambda x: jnp.concatenate([x, x]), (source, request))
    return _score(source, result, execute_steps(*twice, jax.random.key(0)))


@jax.jit
def _score(source, result, frames):
    strip, twin = jnp.split(frames, 2)
    twin = twin[:, -1]
    batch, frames = strip.shape[:2]
    measured = probes(strip.reshape(-1, *strip.shape[2:])).reshape(batch, frames, -1)
    moved = probes(result) - measured[:, 0]
    reference = strip[:, -1]
    parts = _movement_parts(moved, jnp.diff(measured, axis=1))
    parts["coherence"] *= _structure(result, reference, twin)
    parts["visual_quality"] = _quality(result, reference, source)
    parts["technical_execution"] = _placement(result, reference, twin)
    return combine({name: 100 * part for name, part in parts.items()})


def _movement_parts(moved, steps):
    """Parts read off the probes: moved [B, K] by the result, steps [B, T, K] by the request."""
    size = jnp.sqrt((steps**2).sum(-1) + 1e-8)  # [B, T]
    active = size > 0.5  # half a visible step; below that there is nothing to ask for
    weight = jnp.where(active, jnp.sqrt(size), 0.0)
    whole = steps.sum(1)
    length = jnp.sqrt((whole**2).sum(-1) + 1e-8)
    went = jnp.sqrt((moved**2).sum(-1) + 1e-8)
    along = (moved * whole).sum(-1) / (length**2 + 0.25)  # 1 when as far as asked
    cosine = (moved * whole).sum(-1) / (length * went + 0.25)

    # Progress of each step: least squares, drawn towards the overall progress where two steps
    # move the picture alike and cannot be told apart.
    gram = jnp.einsum("btk,bsk->bts", steps, steps)
    ridge = (0.1 * size**2 + 0.05)[..., None] * jnp.eye(steps.shape[1])
    pull = jnp.clip(along, 0.0, 1.5)[:, None]
    right = jnp.einsum("btk,bk->bt", steps, moved) + (0.1 * size**2 + 0.05) * pull
    progress = jnp.linalg.solve(gram + ridge, right[..., None])[..., 0]
    hit = jnp.clip(1.15 - jnp.abs(1 - progress), 0.0, 1.0)
    asked = weight.sum(-1)
    following = (weight * hit).sum(-1) / jnp.maximum(asked, 1e-6)

    left = moved - jnp.einsum("bt,btk->bk", progress, steps)
    unasked = jnp.sqrt((left**2).sum(-1) + 1e-8)
    nothing = asked == 0
    still = jnp.exp(-went / 4)
    return {
        "instruction_following": jnp.where(nothing, still, following),
        "transformation_strength": jnp.where(
            nothing, still, jnp.clip(1.2 - jnp.abs(1 - along), 0.0, 1.0)
        ),
        "semantic_accuracy": jnp.where(nothing, still, jnp.clip((cosine - 0.3) / 0.65, 0.0, 1.0)),
        "coherence": jnp.exp(-jnp.maximum(unasked - 1.0, 0) / (6 + 0.5 * length)),
    }


def _structure(result, reference, twin):
    """Share of the reference's structure kept, against what its twin keeps of it, [B]."""
    kept = _correlation(result, reference) / jnp.maximum(_correlation(twin, reference), 0.2)
    return jnp.clip((kept - 0.2) / 0.6, 0.0, 1.0)


def _correlation(one, other):
    """Mean correlation of lightness in two bands of detail, [B]."""
    x, y = (opponent(p)[..., 0] for p in (one, other))
    kept = []
    for small, large in ((1, 4), (3, 12)):
        bx, by = (blur(p, small) - blur(p, large) for p in (x, y))
        size = jnp.sqrt((bx**2).mean((1, 2)) * (by**2).mean((1, 2)))
        kept.append(((bx * by).mean((1, 2)) + 1e-5) / (size + 1e-5))
    return sum(kept) / len(kept)


def _quality(result, reference, source):
    """Faults that neither the photograph nor the look asked for bring: clipping, noise, blur."""

    def clipped(p):
        return ((p <= 0.002) | (p >= 0.998)).all(-1).mean((1, 2))

    def detail(p):
        lightness = opponent(p)[..., 0]
        return jnp.log(jnp.abs(lightness - blur(lightness, 1)).mean((1, 2)) + 2e-3)

    allowed = jnp.maximum(clipped(reference), clipped(source))
    burnt = jnp.maximum(clipped(result) - allowed - 0.01, 0)
    off = jnp.abs(detail(result) - detail(reference))
    return jnp.exp(-5 * burnt) * jnp.exp(-jnp.maximum(off - 0.15, 0) / 0.8)


def _placement(result, reference, twin):
    """How near the result lies to the reference place by place: kept regions are as asked, [B]."""
    further = _distance(result, reference) - _distance(twin, reference)
    return jnp.exp(-jnp.maximum(further - 0.01, 0) / 0.12)


def _distance(one, other):
    """Mean distance in lightness and colour over a 16 x 16 division, [B]."""
    side = one.shape[1] // 16
    apart = opponent(one) - opponent(other)
    cells = apart.reshape(one.shape[0], 16, side, 16, side, 3).mean((2, 4))
    return jnp.sqrt((cells**2 * jnp.array([1.0, 2.0, 2.0])).sum(-1) + 1e-10).mean((1, 2))
