"""The reward: how well a result shows what was asked for, from pixels alone.

The request (the goal's target options, with the photograph's true source options) is rendered
once as a reference, step by step. Each step moves the probes by some vector. Scored are the
result's progress along each vector, the deviation that no single edit error explains, the odds of
the requested options against others, and the structure and detail that were kept. A goal names no
order of its steps, so the request is rendered backwards too, and the nearer of both counts. The
plan under test is never seen, so all plans with the same result score alike.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.calibration import calibration
from agentic_styling.rewards.parts import Target, parts_of, target_of
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.rewards.scores import Scores, combine
from agentic_styling.tools import PlanArrays, execute_steps
from agentic_styling.tools.plans.encode import is_graduated_picture, is_modifier
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits


class Reference(NamedTuple):
    """A request rendered on its photographs, at the probes' size S.

    source: float32 [B, S, S, 3]. renderings: float32 [2, B, S, S, 3], by the request's steps in
    order and backwards. target: measurements of these.
    """

    source: jax.Array
    renderings: jax.Array
    target: Target


def score(source: jax.Array, result: jax.Array, request: PlanArrays) -> Scores:
    """Scores edited pictures against a request.

    Args:
      source: float32 [B, H, W, 3] in [0, 1], the photographs.
      result: float32 [B, H, W, 3] in [0, 1], the edits.
      request: PlanArrays of B rows: the goal's target options at the strength asked for and its
        preservation constraints; never the plan under test.

    Returns:
      Scores, [B] each. What a request draws at random, such as rain, depends on its row and on B:
      to compare results of one request, score them against one `render_reference`.

    Raises:
      InputError: shapes, dtypes or ranges are not as above, or a request asks for no edit, which
        doing nothing would answer perfectly. Values are checked outside jit only.
    """
    if source.shape != result.shape:
        raise InputError(
            f"score: source {tuple(source.shape)} and result {tuple(result.shape)} differ; "
            "give as many of each, of one size"
        )
    return score_against(render_reference(source, request), result)


@in_32_bits
def render_reference(source: jax.Array, request: PlanArrays) -> Reference:
    """Renders a request once, for `score_against` with any number of results.

    Takes and checks the arguments of `score`.
    """
    _check("source", source, len(request.tool))
    if not isinstance(request.tool, jax.core.Tracer) and not (asking := asks(request)).all():
        raise InputError(
            f"score: request {int(asking.argmin())} asks for no edit, so nothing can be scored "
            "against it; leave it out"
        )
    source = at_probe_size(source)
    backward, differs = _backward(request)
    twice = jax.tree.map(lambda *x: jnp.concatenate(x), (source, request), (source, backward))
    frames = execute_steps(*twice, jax.random.key(0))
    return Reference(source, *_measured(frames, request, differs))


@jax.jit
def _backward(request: PlanArrays) -> tuple[PlanArrays, jax.Array]:
    """The steps last to first, and bool [B]: whether that may be another picture."""
    # Other rows are left empty. The order of a group has a meaning, so it stays.
    differs = (_draws(request).sum(1) > 1) & (request.group == 0).all(1)
    request = request._replace(touches=request.touches[:, :, ::-1])
    backward = jax.tree.map(lambda x: x[:, ::-1], request)
    return backward._replace(tool=jnp.where(differs[:, None], backward.tool, -1)), differs


@jax.jit
def asks(request: PlanArrays) -> jax.Array:
    """bool [B]: whether a request asks for an edit; preserving and excluding alone are none."""
    return _draws(request).any(1)


def _draws(request):
    """bool [B, T]: whether a step changes the picture."""
    draws = ~is_modifier(request.tool) | is_graduated_picture(request.tool, request.options)
    return (request.tool >= 0) & draws & (request.strength > 0)


@in_32_bits
def score_against(reference: Reference, result: jax.Array) -> Scores:
    """Scores results against a rendered request; differentiable in the result.

    Args:
      reference: from `render_reference`.
      result: float32 [B, H, W, 3] in [0, 1], of any size.

    Returns:
      Scores, [B] each.

    Raises:
      InputError: as for `score`.
    """
    _check("result", result, len(reference.source))
    return _score(reference.target, at_probe_size(result))


def _check(name, images, rows):
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != jnp.float32:
        raise InputError(
            f"score: {name} is {images.dtype} {tuple(images.shape)}; give float32 [B, H, W, 3]"
        )
    if len(images) != rows:
        raise InputError(
            f"score: {len(images)} rows of {name} for {rows} requests; give as many of each"
        )
    if isinstance(images, jax.core.Tracer) or not images.size or _in_range(images):
        return
    if count := int(jnp.isnan(images).sum()):
        raise InputError(f"score: {name} has {count} NaN values; give 0 to 1")
    least, most = float(images.min()), float(images.max())
    raise InputError(f"score: {name} has values from {least:g} to {most:g}; give 0 to 1")


@jax.jit
def _in_range(images):
    return ((images >= 0) & (images <= 1)).all()


@jax.jit
def _measured(frames, request, differs):
    """The renderings [2, B, S, S, 3] in both orders, or twice in the only one, and their Target."""
    frames, others = jnp.split(frames, 2)
    backward = jnp.where(differs[:, None, None, None], others[:, -1], frames[:, -1])
    target = target_of(frames, backward, request, calibration())
    return jnp.stack([frames[:, -1], backward]), target


@jax.jit
def _score(target, edit):
    parts = parts_of(target, edit, calibration())
    return combine({name: 100 * share for name, share in parts.items()})
