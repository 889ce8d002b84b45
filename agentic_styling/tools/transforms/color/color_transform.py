"""The point-wise part of a step: take the source's look off a picture, put the target's on.

Looks act on soft logits of the display value, where exposure, temperature and tint are shifts,
contrast and saturation a matrix, faded blacks and whites a slope, and air draws a value towards
its own: no transcendental but the air's. So a run of steps costs one logit and one sigmoid, and
every look can be taken off again.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.look_params import FIELDS, SOFT, WHITE_LOGIT
from agentic_styling.tools.transforms.color.spaces import LUMA
from agentic_styling.tools.transforms.conventions import Scene

_DEEPEST = 1.8  # the most optical density, so that transmission stays above 0.16
_LEAST_LEFT = 0.1  # beyond a faded black or white nothing can be brought back
_ENDS = dict(zip(FIELDS, np.cumsum(list(FIELDS.values())), strict=True))


def color_transform(image, scene, sources, targets, strength):
    """A run of steps on one picture [3, H, W]: `color_transform_rows` of one row."""
    rows = jax.tree.map(lambda x: x[None], (image, scene, sources, targets, strength))
    return color_transform_rows(*rows)[0]


def color_transform_rows(images, scenes, sources, targets, strength):
    """Runs of adjacent steps on pictures, with one logit and one sigmoid a run.

    Args:
      images: float [B, 3, H, W] in [0, 1], planes.
      scenes: the photographs' maps, [B, H, W] each.
      sources, targets: look parameters [B, N, SIZE], taken off and put on, one after the other.
      strength: [B, N] in [0, 1], of each step's change.

    Returns:
      [B, 3, H, W]; the same bits in rows where every strength is 0.
    """

    def step(logits, inputs):
        amounts = inputs[2]

        def change():
            return jax.vmap(_partly)(logits, scenes, *inputs)

        return jax.lax.cond(jnp.any(amounts > 0), change, lambda: logits), None

    logits = [soft_logit(images[:, k].astype(jnp.float32)) for k in range(3)]
    by_step = [jnp.moveaxis(x, 1, 0) for x in (sources, targets, strength)]
    logits, _ = jax.lax.scan(step, logits, tuple(by_step))
    edits = jnp.stack([display_value(channel) for channel in logits], axis=1).astype(images.dtype)
    changed = jnp.any(strength > 0, axis=1)[:, None, None, None]
    return jnp.where(changed, edits, images)


def _partly(logits, scene, source, target, amount):
    """Logits, a list of three channels [H, W], moved to another look as far as `amount`.

    Channels apart, as a product over the channels of one array would be computed for each again.
    """
    share = amount * (1 - _field(target, "hold")[0] * scene.subject)
    new = _step(logits, _places(scene), source, target)
    return [old + share * (out - old) for old, out in zip(logits, new, strict=True)]


def _places(scene: Scene) -> dict[str, jax.Array]:
    """What a look may depend on, by place: [H, W] or narrower."""
    height, width = scene.depth.shape
    y = jnp.linspace(-1.0, 1.0, height)[:, None]
    x = jnp.linspace(-1.0, 1.0, width)[None, :]
    places = {"haze": 0.4 + 0.9 * scene.depth, "sky": scene.sky, "ground": scene.ground}
    return places | {"side": x, "top": -y, "vignette": -(x * x + y * y) / 2}


def soft_logit(value: jax.Array) -> jax.Array:
    """The logit of a display value in [0, 1], finite at black and white."""
    return jnp.log((value + SOFT) / (1 + SOFT - value))


def display_value(logits: jax.Array) -> jax.Array:
    """The opposite of `soft_logit`, in [0, 1]."""
    return jnp.clip((1 + 2 * SOFT) * jax.nn.sigmoid(logits) - SOFT, 0.0, 1.0)


def _field(look: jax.Array, name: str) -> list[jax.Array]:
    """The numbers of a field; a single one is broadcast to all channels."""
    values = list(look[_ENDS[name] - FIELDS[name] : _ENDS[name]])
    return values * 3 if len(values) == 1 else values


def _step(logits, places, source, target):
    """Logits, a list of three channels [H, W], under a look to those under another, within those
    of black and white."""
    matrix = _matrix(target) @ _inverse(_matrix(source))
    plain = _remove_tints(_remove_fade(_remove_air(logits, source, places), source), source, places)
    mixed = [sum(matrix[c, k] * plain[k] for k in range(3)) for c in range(3)]
    out = _add_air(_add_fade(_add_tints(mixed, target, places), target), target, places)
    return [jnp.clip(channel, -WHITE_LOGIT, WHITE_LOGIT) for channel in out]


def _matrix(look: jax.Array) -> jax.Array:
    grey = jnp.broadcast_to(LUMA, (3, 3))
    chroma = jnp.exp(_field(look, "saturation")[0]) * (jnp.eye(3) - grey) + grey
    mix = jnp.eye(3) + jnp.stack(_field(look, "mix")).reshape(3, 3)
    return jnp.exp(_field(look, "contrast")[0]) * (chroma @ mix)


def _inverse(matrix: jax.Array) -> jax.Array:
    """The inverse of a 3x3 matrix by its adjugate: no LAPACK call for nine numbers."""
    a, b, c = matrix
    columns = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=1)
    return columns / jnp.dot(a, columns[:, 0])


def _tones(logits, look):
    """Tints of shadows and highlights by luma, which they leave as it is."""
    luma = sum(weight * channel for weight, channel in zip(LUMA, logits, strict=True))
    light = 0.5 + 0.5 * luma / (1 + jnp.abs(luma))
    tones = zip(_field(look, "shadows"), _field(look, "highlights"), strict=True)
    return [dark + light * (bright - dark) for dark, bright in tones]


def greens_of(logits) -> jax.Array:
    """How much [H, W] a pixel looks like foliage: more green than blue, and than red or so."""
    red, green, blue = logits
    excess = jnp.maximum(jnp.minimum(green - blue, 2 * (green - red) + 0.3), 0.0)
    return excess / (0.4 + excess)


def _lights(look, places):
    """Shifts of the channels by place, [H, W] each."""
    names = ("side", "top", "vignette")
    by_name = [[places[name] * value for value in _field(look, name)] for name in names]
    shifts = zip(_field(look, "shift"), *by_name, strict=True)
    return [sum(parts) for parts in shifts]


def _plus(one, other, sign=1):
    return [a + sign * b for a, b in zip(one, other, strict=True)]


def _foliage(greens, look):
    return [greens * value for value in _field(look, "foliage")]


def _add_tints(logits, look, places):
    logits = _plus(logits, _foliage(greens_of(logits), look))
    logits = _plus(logits, _lights(look, places))
    return _plus(logits, _tones(logits, look))


def _remove_tints(logits, look, places):
    """Exact but for the greens, which are looked for where they would be without their change."""
    logits = _plus(logits, _tones(logits, look), -1)
    logits = _plus(logits, _lights(look, places), -1)
    without = _plus(logits, _field(look, "foliage"), -1)
    return _plus(logits, _foliage(greens_of(without), look), -1)


def _bends(look):
    return zip(*(_field(look, name) for name in ("dark", "light", "offset")), strict=True)


def _add_fade(logits, look):
    """Dark and light tones bent towards a lifted black and a lowered white."""
    out = []
    for value, (dark, light, offset) in zip(logits, _bends(look), strict=True):
        bend = jnp.where(value < 0, dark, light)
        out.append(value / (1 + bend * jnp.abs(value)) + offset)
    return out


def _remove_fade(logits, look):
    out = []
    for value, (dark, light, offset) in zip(logits, _bends(look), strict=True):
        value = value - offset
        bend = jnp.where(value < 0, dark, light)
        out.append(value / jnp.maximum(1 - bend * jnp.abs(value), _LEAST_LEFT))
    return out


def _air(look, places) -> tuple[jax.Array, list[jax.Array]]:
    """Transmission [H, W] and logits of the air's colour, [H, W] each."""
    layers = [(places[name], _field(look, name)) for name in ("haze", "sky", "ground")]
    density, *colors = (sum(place * field[k] for place, field in layers) for k in range(4))
    density = jnp.maximum(density, 0.0)
    clear = jnp.exp(-jnp.minimum(density, _DEEPEST))
    return clear, [color / (density + 1e-6) for color in colors]


def _add_air(logits, look, places):
    clear, color = _air(look, places)
    return [air + clear * (channel - air) for channel, air in zip(logits, color, strict=True)]


def _remove_air(logits, look, places):
    clear, color = _air(look, places)
    return [air + (channel - air) / clear for channel, air in zip(logits, color, strict=True)]
