"""How the steps of a group meet: the layer modes of retouching programs, and sums of changes."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.plans.encode import COMBINE

_DARKEST = 0.02  # added to what is divided, so that a change of black has a quotient


def blend(lower: jax.Array, upper: jax.Array, mode: jax.Array) -> jax.Array:
    """`upper` over `lower` in [0, 1], both [3, H, W], mode: index into COMBINE of a layer mode.

    Modes on display values, as in the W3C's compositing level 1 (separable blend modes); soft
    light is Pegtop's, which has no kink.
    """
    multiply, screen = lower * upper, lower + upper - lower * upper
    hard = jnp.where(upper <= 0.5, 2 * multiply, 2 * screen - 1)
    over = jnp.where(lower <= 0.5, 2 * multiply, 2 * screen - 1)
    modes = {
        "normal": upper,
        "multiply": multiply,
        "screen": screen,
        "overlay": over,
        "soft_light": (1 - 2 * upper) * lower * lower + 2 * upper * lower,
        "hard_light": hard,
        "add": jnp.minimum(lower + upper, 1.0),
    }
    return sum(jnp.where(mode == COMBINE.index(name), out, 0.0) for name, out in modes.items())


def is_layer(mode: jax.Array) -> jax.Array:
    """Whether a step joins the picture as a layer."""
    return (mode >= COMBINE.index("normal")) & (mode <= COMBINE.index("add"))


def combine(
    current: jax.Array,
    base: jax.Array,
    result: jax.Array,
    mode: jax.Array,
    opacity: jax.Array,
    members: jax.Array,
) -> jax.Array:
    """The picture after a member of a group, all [3, H, W] in [0, 1].

    current: the picture so far; base: what the member was applied to; result: what it made of it;
    mode: index into COMBINE; opacity: of a layer, its strength in it; members: how many the group
    has.
    """
    change = result - base
    parallel = {
        "replace": result,
        "additive": current + change,
        "multiplicative": (current + _DARKEST) * (result + _DARKEST) / (base + _DARKEST) - _DARKEST,
        "average": current + change / members,
        "max_effect": jnp.where(_size(change) >= _size(current - base), result, current),
    }
    out = sum(jnp.where(mode == COMBINE.index(name), p, 0.0) for name, p in parallel.items())
    layer = current + opacity * (blend(current, result, mode) - current)
    return jnp.clip(jnp.where(is_layer(mode), layer, out), 0.0, 1.0)


def _size(change):
    return jnp.sum(change * change, axis=0, keepdims=True)
