"""The reward: how well a result shows what was asked for, from the pixels alone.

The request (the goal's target options, with the photograph's true source options) is rendered
once as a reference, step by step. Each step moves the probes by some vector; the result is asked
how far along each of those vectors it went, whether it reads as other options would, what moved
that no dimension asked for explains, and whether structure and detail survived. The plan under
test is never seen, so any plan that reaches the look scores alike.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.errors import InputError
from agentic_styling.rewards.calibration import calibration
from agentic_styling.rewards.parts import parts_of, whitening
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.rewards.scores import PARTS, Scores, combine
from agentic_styling.tools import PlanArrays, execute_steps


class Reference(NamedTuple):
    """What a request looks like on its photographs, at the probes' size S.

    source: float32 [B, S, S, 3]; renderings [2, B, T + 1, S, S, 3]: step by step, the photograph
    first, and once more with other random numbers and lit from the other side; request: the
    PlanArrays that were rendered; tolerance [2, 6, B]: what each of PARTS loses (-log) when one
    rendering is judged by the other.
    """

    source: jax.Array
    renderings: jax.Array
    request: PlanArrays
    tolerance: jax.Array


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
      InputError: shapes, dtypes or ranges are not as above. Ranges are looked at outside jit only.
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
    both = jnp.concatenate([source, source[:, :, ::-1]])
    twice = jax.tree.map(lambda x: jnp.concatenate([x, x]), request)
    one, other = jnp.split(execute_steps(both, twice, jax.random.key(0)), 2)
    renderings = jnp.stack([one, other[..., ::-1, :]])
    ends = renderings[::-1, :, -1]
    return Reference(source, renderings, request, _lost_each(source, renderings, ends, request))


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
    if isinstance(images, jax.core.Tracer) or not images.size:
        return
    least, most, unset = map(float, _range(images))
    if unset:
        raise InputError(f"score: {name} has {unset:g} NaN values; give 0 to 1")
    if least < 0 or most > 1:
        raise InputError(f"score: {name} has values from {least:g} to {most:g}; give 0 to 1")


@jax.jit
def _range(images):
    # Minima on a CPU pass over NaN.
    return images.min(), images.max(), jnp.isnan(images).sum()


@jax.jit
def _score(expected, result):
    source, renderings, request, tolerance = expected
    lost = _lost_each(source, renderings, jnp.stack([result, result]), request)
    # What two renderings of one request differ by costs little, but never nothing: of two good
    # results the one nearer to the request stays ahead.
    beyond = jnp.sqrt(lost**2 + tolerance**2 + _TINY) - jnp.sqrt(tolerance**2 + _TINY)
    nearer = beyond[0].sum(0) <= beyond[1].sum(0)
    shares = jnp.exp(-jnp.where(nearer, *beyond))
    return combine(dict(zip(PARTS, 100 * shares, strict=True)))


_TINY = 1e-6  # keeps the slope finite where nothing is lost


@jax.jit
def _lost_each(source, renderings, edits, request):
    """-log of PARTS, [2, 6, B], of each of edits [2, B, S, S, 3] judged by its rendering."""

    unexplained = whitening(request, calibration())

    def lost(frames, edit):
        parts = parts_of(source, frames, edit, request, unexplained, calibration())
        return -jnp.log(jnp.clip(jnp.stack([parts[name] for name in PARTS]), 0.001, 1.0))

    return jnp.stack([lost(*pair) for pair in zip(renderings, edits, strict=True)])
