"""The point-wise part of a tool: take the source look off a picture, and put the target look on.

A look acts on soft logits of the display value, where exposure and colour temperature are shifts,
contrast and saturation a matrix, so that nothing clips and a look can be taken off again; then the
levels and the airlight (out = in * t + air * (1 - t), with t from a depth guessed by height).
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.looks.recipe import FIELDS

LUMA = jnp.array([0.299, 0.587, 0.114])
_SOFT = 0.02  # how far black and white lie from the ends of the logit
_DEEPEST = 1.8  # the most optical density, so that t stays above 0.16
_ENDS = dict(zip(FIELDS, np.cumsum(list(FIELDS.values())), strict=True))


def column(values: jax.Array) -> jax.Array:
    """One value per channel [C] as [C, 1, 1]."""
    return values[:, None, None]


def luma_of(image: jax.Array) -> jax.Array:
    """Luma (BT.601) [1, H, W] of [3, H, W]."""
    return jnp.sum(image * column(LUMA), axis=0, keepdims=True)


def _field(recipe: jax.Array, name: str) -> jax.Array:
    return column(recipe[_ENDS[name] - FIELDS[name] : _ENDS[name]])


def grade(image: jax.Array, source: jax.Array, target: jax.Array) -> jax.Array:
    """[3, H, W] in [0, 1] turned from the look of one recipe to another's; clipped to [0, 1]."""
    h, w = image.shape[1:]
    y = jnp.linspace(-1.0, 1.0, h)[:, None]
    x = jnp.linspace(-1.0, 1.0, w)[None, :]
    logits = _logit(_remove_levels(_remove_air(image, source, y), source))
    off = logits - _field(source, "shift") - _lights(source, y, x)
    matrix = _matrix(target) @ _inverse(_matrix(source))
    mixed = sum(column(matrix[:, k]) * off[k] for k in range(3))
    logits = mixed + _field(target, "shift") + _lights(target, y, x)
    return jnp.clip(_add_air(_add_levels(_sigmoid(logits), target), target, y), 0.0, 1.0)


def _logit(value: jax.Array) -> jax.Array:
    value = jnp.clip(value, -0.9 * _SOFT, 1 + 0.9 * _SOFT)
    return jnp.log((value + _SOFT) / (1 + _SOFT - value))


def _sigmoid(logits: jax.Array) -> jax.Array:
    return (1 + 2 * _SOFT) * jax.nn.sigmoid(logits) - _SOFT


def _matrix(recipe: jax.Array) -> jax.Array:
    grey = jnp.broadcast_to(LUMA, (3, 3))
    chroma = jnp.exp(_field(recipe, "saturation")[0]) * (jnp.eye(3) - grey) + grey
    mix = jnp.eye(3) + _field(recipe, "mix").reshape(3, 3)
    return jnp.exp(_field(recipe, "contrast")[0]) * (chroma @ mix)


def _inverse(matrix: jax.Array) -> jax.Array:
    """The inverse of a 3x3 matrix by its adjugate: no LAPACK call for nine numbers."""
    a, b, c = matrix
    columns = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=1)
    return columns / jnp.dot(a, columns[:, 0])


def _lights(recipe: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
    corners = (x * x + y * y) / 2
    light = _field(recipe, "side") * x - _field(recipe, "top") * y
    return light - _field(recipe, "vignette") * corners


def _levels(recipe: jax.Array) -> tuple[jax.Array, jax.Array]:
    black = jnp.minimum(_field(recipe, "black"), 0.4)
    return black, jnp.maximum(jnp.exp(_field(recipe, "white")) - black, 0.2)


def _add_levels(value: jax.Array, recipe: jax.Array) -> jax.Array:
    black, span = _levels(recipe)
    return black + span * value


def _remove_levels(value: jax.Array, recipe: jax.Array) -> jax.Array:
    black, span = _levels(recipe)
    return (value - black) / span


def _air(recipe: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Transmission [1, H, 1] and colour of the air [3, H, 1]. The top counts as far away."""
    up = 0.5 - 0.5 * y
    profiles = {"haze": 0.4 + 0.9 * up, "sky": _ramp(up, 0.3, 1.0), "ground": _ramp(-up, -0.6, 0.0)}
    layers = sum(profile * _field(recipe, name) for name, profile in profiles.items())
    density, color = layers[:1], layers[1:] / (layers[:1] + 1e-6)
    return jnp.exp(-jnp.minimum(density, _DEEPEST)), color


def _ramp(value: jax.Array, low: float, high: float) -> jax.Array:
    u = jnp.clip((value - low) / (high - low), 0.0, 1.0)
    return u * u * (3 - 2 * u)


def _add_air(value: jax.Array, recipe: jax.Array, y: jax.Array) -> jax.Array:
    clear, color = _air(recipe, y)
    return value * clear + color * (1 - clear)


def _remove_air(value: jax.Array, recipe: jax.Array, y: jax.Array) -> jax.Array:
    clear, color = _air(recipe, y)
    return (value - color * (1 - clear)) / clear
