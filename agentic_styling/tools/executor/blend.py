"""How the results of a group's steps are combined: layer modes, and sums of changes."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.plans.encode import COMBINE

_DARKEST = 0.02  # added to both sides of a quotient, so that a change of black has one


def blend(lower: jax.Array, upper: jax.Array, mode: jax.Array) -> jax.Array:
    """`upper` over `lower`, both [3, H, W] in [0, 1]; mode: index into COMBINE of a layer mode.

    Source: W3C Compositing and Blending Level 1, section 10.1, separable blend modes, on display
    values; but soft_light is Pegtop's formula, which is smooth.
    """
    multiply, screen = lower * upper, lower + upper - lower * upper
    modes = {
        "normal": upper,
        "multiply": multiply,
        "screen": screen,
        "overlay": jnp.where(lower <= 0.5, 2 * multiply, 2 * screen - 1),
        "soft_light": (1 - 2 * upper) * lower * lower + 2 * upper * lower,
        "hard_light": jnp.where(upper <= 0.5, 2 * multiply, 2 * screen - 1),
        "add": jnp.minimum(lower + upper, 1.0),
    }
    return sum(jnp.where(mode == COMBINE.index(name), out, 0.0) for name, out in modes.items())


def is_layer(mode: jax.Array) -> jax.Array:
    """Whether a step is combined as a layer; mode: index into COMBINE."""
    return (mode >= COMBINE.index("normal")) & (mode <= COMBINE.index("add"))


def combine(
    current: jax.Array,
    base: jax.Array,
    result: jax.Array,
    mode: jax.Array,
    opacity: jax.Array,
    members: jax.Array,
) -> jax.Array:
    """The picture after a member of a group; pictures are [3, H, W] in [0, 1].

    Args:
      current: the picture so far.
      base: what the member was applied to.
      result: what the member made of `base`.
      mode: index into COMBINE.
      opacity: of a layer, times its strength.
      members: how many members the group has.
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
