"""The reward: how well a result shows what was asked for, from the pixels alone.

The request (the goal's target options, with the photograph's true source options) is rendered
once as a reference, step by step. Each step moves the probes by some vector; the result is asked
how far along each of those vectors it went, what else moved, and whether structure and detail
survived. The plan under test is never seen, so any plan that reaches the look scores alike.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.errors import InputError
from agentic_styling.rewards.probes import at_probe_size, blur, opponent, probes
from agentic_styling.rewards.scores import PARTS, Scores, combine
from agentic_styling.tools import PlanArrays, execute_steps


class Reference(NamedTuple):
    """What a request looks like on its photographs, at the probes' size S.

    source: float32 [B, S, S, 3]; frames: its rendering step by step [B, T + 1, S, S, 3]; twin:
    its result once more, with other random numbers and lit from the other side [B, S, S, 3].
    """

    source: jax.Array
    frames: jax.Array
    twin: jax.Array


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
    if source.shape != result.shape:
        raise InputError(
            f"score: source {tuple(source.shape)} and result {tuple(result.shape)} differ; "
            "give as many of each, of one size"
        )
    return score_against(render_reference(source, request), result)


def render_reference(source: jax.Array, request: PlanArrays) -> Reference:
    """What `score` compares results with: once for as many results as there are. As for `score`."""
    _check("source", source, len(request.tool))
    source = at_probe_size(source)
    # Again from the mirror, with its own snowflakes: what two good results may differ by.
    both = jnp.concatenate([source, source[:, :, ::-1]])
    twice = jax.tree.map(lambda x: jnp.concatenate([x, x]), request)
    frames, twin = jnp.split(execute_steps(both, twice, jax.random.key(0)), 2)
    return Reference(source, frames, twin[:, -1, :, ::-1])


def score_against(reference: Reference, result: jax.Array) -> Scores:
    """`score` of results float32 [B, H, W, 3] whose reference is rendered already.

    Differentiable in the result.
    """
    _check("result", result, len(reference.source))
    return _score(reference, at_probe_size(result))


def _check(name, images, rows):
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != jnp.float32:
        raise InputError(
            f"score: {name} is {images.dtype} {tuple(images.shape)}; give float32 [B, H, W, 3]"
        )
    if len(images) != rows:
        raise InputError(
            f"score: {len(images)} rows of {name} for {rows} requests; give as many of each"
        )


@jax.jit
def _score(expected, result):
    source, strip, twin = expected
    batch, frames = strip.shape[:2]
    measured = probes(strip.reshape(-1, *strip.shape[2:])).reshape(batch, frames, -1)
    steps, reference = jnp.diff(measured, axis=1), strip[:, -1]

    def parts(edit):
        found = _movement_parts(probes(edit) - measured[:, 0], steps)
        kept = _structure(edit, reference, source)
        found["coherence"] *= kept
        burnt = jnp.exp(-5 * _burnt(edit, reference, source))
        found["visual_quality"] = burnt * _detail_alike(edit, reference)
        # A negative or noise lies near in tone, but is no edit of the photograph at all.
        there = jnp.minimum(kept / 0.25, 1.0)
        near = jnp.exp(-_distance(edit, reference) / 0.12)
        found["technical_execution"] = burnt * there * near
        return found

    # Against what the request itself scores with other random numbers: nothing is tolerated but
    # what two good results differ by.
    best = parts(twin)
    share = {name: part / jnp.maximum(best[name], 0.05) for name, part in parts(result).items()}
    return combine({name: 100 * jnp.maximum(share[name], _LEAST[name]) for name in PARTS})


# An edit that went elsewhere is worth a little, one that took the picture apart next to nothing.
_LEAST = dict.fromkeys(PARTS, 0.001)
_LEAST |= dict.fromkeys(
    ("instruction_following", "transformation_strength", "semantic_accuracy"), 0.05
)


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
    asked = weight.sum(-1)
    hit = jnp.exp(-1.2 * jnp.abs(1 - progress))
    following = (weight * hit).sum(-1) / jnp.maximum(asked, 1e-6)

    left = moved - jnp.einsum("bt,btk->bk", progress, steps)
    unasked = jnp.sqrt((left**2).sum(-1) + 1e-8)
    nothing = asked == 0
    still = jnp.exp(-went / 4)
    return {
        "instruction_following": jnp.where(nothing, still, following),
        "transformation_strength": jnp.where(nothing, still, jnp.exp(-jnp.abs(1 - along))),
        "semantic_accuracy": jnp.where(nothing, still, jnp.maximum(cosine, 0.0) ** 1.5),
        "coherence": jnp.exp(-unasked / (6 + 0.5 * length)),
    }


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
