"""A second reward, of other measurements than the training reward's, to check gains against.

Nothing here is trained on. It compares a result with the rendered request by what a person could
name: CIE L*a*b* attributes with their units (attributes.py), where the picture changed, and its
edges; the training reward sees opponent probes, progress by step and bands of detail. An
improvement counts when both rise.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.rewards.attributes import ATTRIBUTES, attributes, thumbnails
from agentic_styling.rewards.score import Reference

_STEPS = np.array([attribute.step for attribute in ATTRIBUTES.values()], np.float32)


def held_out_reward(reference: Reference, result: jax.Array) -> jax.Array:
    """float32 [B] in [0, 5]: five times the geometric mean of four shares in [0.01, 1].

    How alike the attributes' movement is in direction, and in length; how near each place is to
    the request's; how alike the edges are. reference: of rewards.render_reference; result: float32
    [B, H, W, 3] in [0, 1].
    """
    pictures = (reference.source, reference.rendering, result)
    return _combined(*(x for p in pictures for x in (attributes(p), thumbnails(p))))


@jax.jit
def _combined(before, place_before, asked, place_asked, found, place_found):
    wanted, moved = (_squashed((x - before) / _STEPS) for x in (asked, found))
    length, went = (jnp.sqrt((x**2).sum(1) + 1e-6) for x in (wanted, moved))
    direction = ((wanted * moved).sum(1) + 1) / (length * went + 1)
    reach = jnp.minimum(length + 1, went + 1) / jnp.maximum(length + 1, went + 1)
    shares = (
        jnp.clip((direction - 0.2) / 0.7, 0, 1),
        jnp.clip(1.15 * reach, 0, 1),
        _nearness(place_before, place_asked, place_found),
        _edges_alike(place_asked[..., 0], place_found[..., 0]),
    )
    return 5 * jnp.exp(sum(jnp.log(jnp.clip(s, 0.01, 1)) for s in shares) / len(shares))


def _squashed(steps):
    """Steps beyond a few count less and less: one attribute alone decides nothing."""
    return jnp.sign(steps) * jnp.log1p(jnp.abs(steps))


def _nearness(before, asked, found):
    """How much nearer each place is to the request's than where nothing changed, [B]."""

    def apart(one, other):
        return jnp.sqrt(((one - other) ** 2).sum(-1) + 1e-6).mean((1, 2))

    return jnp.clip(1.15 - apart(found, asked) / (apart(before, asked) + 4.0), 0, 1)


def _edges_alike(asked, found):
    """Correlation of the gradients' sizes, [B]."""

    def edges(lightness):
        down, across = jnp.diff(lightness, axis=1)[:, :, 1:], jnp.diff(lightness, axis=2)[:, 1:]
        size = jnp.sqrt(down**2 + across**2 + 0.01)
        return size - size.mean((1, 2), keepdims=True)

    one, other = edges(asked), edges(found)
    both = jnp.sqrt((one**2).mean((1, 2)) * (other**2).mean((1, 2)))
    return jnp.clip(((one * other).mean((1, 2)) + 0.05) / (both + 0.05), 0, 1)
