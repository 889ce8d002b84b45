"""A second reward from other measurements, to check gains of the training reward.

Nothing is trained on it. It compares a result with the rendered request by CIE L*a*b* attributes
with units (attributes.py), the places that changed, and edges; the training reward uses opponent
colours, progress by step and bands of detail. An improvement counts if both rewards rise.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.rewards.attributes import ATTRIBUTES, attributes, thumbnails
from agentic_styling.rewards.score import Reference
from agentic_styling.utils.precision import in_32_bits

_STEPS = np.array([attribute.step for attribute in ATTRIBUTES.values()], np.float32)


class Measured(NamedTuple):
    """A reference in CIE L*a*b*: attributes and thumbnails of its source and its renderings."""

    before: tuple[jax.Array, jax.Array]
    asked: list[tuple[jax.Array, jax.Array]]


@in_32_bits
def measure_reference(reference: Reference) -> Measured:
    """Measures a reference from `rewards.render_reference` once, for any number of results."""
    return Measured(_look(reference.source), [_look(x) for x in reference.renderings])


@in_32_bits
def held_out_reward(reference: Reference | Measured, result: jax.Array) -> jax.Array:
    """Five times the geometric mean of four similarities in [0.01, 1].

    They are those of the attributes' movement in direction and in length, of each place to the
    request's, and of the edges. Of the request's renderings in two orders the nearer one counts.

    Args:
      reference: from `rewards.render_reference` or `measure_reference`.
      result: float32 [B, H, W, 3] in [0, 1].

    Returns:
      float32 [B] in [0, 5].
    """
    measured = reference if isinstance(reference, Measured) else measure_reference(reference)
    after = _look(result)
    rewards = [_combined(*measured.before, *asked, *after) for asked in measured.asked]
    return jnp.stack(rewards).max(0)


def _look(pictures):
    return attributes(pictures), thumbnails(pictures)


@jax.jit
def _combined(before, place_before, asked, place_asked, result, place_result):
    wanted, moved = (_log_scaled((x - before) / _STEPS) for x in (asked, result))
    length, went = (jnp.sqrt((x**2).sum(1) + 1e-6) for x in (wanted, moved))
    direction = ((wanted * moved).sum(1) + 1) / (length * went + 1)
    reach = jnp.minimum(length + 1, went + 1) / jnp.maximum(length + 1, went + 1)
    shares = (
        jnp.clip((direction - 0.2) / 0.7, 0, 1),
        jnp.clip(1.15 * reach, 0, 1),
        _nearness(place_before, place_asked, place_result),
        _edges_alike(place_asked[..., 0], place_result[..., 0]),
    )
    return 5 * jnp.exp(sum(jnp.log(jnp.clip(s, 0.01, 1)) for s in shares) / len(shares))


def _log_scaled(steps):
    """Logarithmic beyond a step, so that no single attribute dominates."""
    return jnp.sign(steps) * jnp.log1p(jnp.abs(steps))


def _nearness(before, asked, result):
    """How much nearer each place is to the request's than it was before, [B]."""

    def distance(one, other):
        return jnp.sqrt(((one - other) ** 2).sum(-1) + 1e-6).mean((1, 2))

    return jnp.clip(1.15 - distance(result, asked) / (distance(before, asked) + 4.0), 0, 1)


def _edges_alike(asked, result):
    """Correlation of the gradients' sizes, [B]."""

    def edges(lightness):
        down, across = jnp.diff(lightness, axis=1)[:, :, 1:], jnp.diff(lightness, axis=2)[:, 1:]
        size = jnp.sqrt(down**2 + across**2 + 0.01)
        return size - size.mean((1, 2), keepdims=True)

    one, other = edges(asked), edges(result)
    both = jnp.sqrt((one**2).mean((1, 2)) * (other**2).mean((1, 2)))
    return jnp.clip(((one * other).mean((1, 2)) + 0.05) / (both + 0.05), 0, 1)
