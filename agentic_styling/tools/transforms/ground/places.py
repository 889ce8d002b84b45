"""The light and the ground of a place: dunes, waves, snow drifts, paving, lava, caustics, stars.

The fields take rows y [h, 1], columns x [1, w] in parts of the shorter side, that of the middle
column, and a seed; `field` draws one over a picture.
"""

import functools

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.air.haze import fog, ground_mist, veil
from agentic_styling.tools.transforms.air.sky import sky_by_color
from agentic_styling.tools.transforms.color.spaces import luma_of, screen
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.fields import (
    enlarge,
    four_randoms,
    full_grid,
    ramp,
    turbulence,
    value_noise,
    voronoi,
)
from agentic_styling.tools.transforms.ground.foliage import leaves_of
from agentic_styling.tools.transforms.ground.ground import bare_ground, grass, strewn
from agentic_styling.tools.transforms.light.light import bloom, spotlight

_HORIZON = 0.42  # of lying ground, in parts of the height
_STARS = 70  # cells to the shorter side, a star in some
_FIELD = 192  # pixels of the shorter side, at least, at which a field is drawn


def field(draw, image: jax.Array, seed: jax.Array) -> jax.Array:
    """What draw(y, x, seed) makes over a picture: [H, W], interpolated from a coarser grid."""
    height, width = image.shape[1:]
    short = min(height, width)
    factor = max(1, short // _FIELD)
    y, x = (jnp.arange(-(-n // factor), dtype=jnp.float32) for n in (height, width))
    y, x = ((at + 0.5) * (factor / short) for at in (y[:, None], x[None, :]))
    drawn = draw(y * (short / height), x - 0.5 * width / short, seed)
    return enlarge(drawn[None], factor, height, width)[0]


def relief(image: jax.Array, height: jax.Array) -> jax.Array:
    """A surface lit by its slope: [3, H, W] lighter and darker by `height` [H, W] in -1 to 1.

    Black and white stay, and nothing clips.
    """
    return image + height * image * (1 - image)


def _lying(y, x):
    """Coordinates on level ground, away and across, and nearness in [0, 1]."""
    below = jnp.maximum(y - _HORIZON, 0.02)
    return 0.25 / below, x * (0.5 / below), ramp(below, 0.0, 0.2)


def dunes(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Wind ripples in sand: relief in -1 to 1."""
    away, across, near = _lying(y, x)
    bend = turbulence(2.2 * away, 1.1 * across, seed, 2)
    phase = 16 * away + 1.5 * across + 5 * bend
    crest = jnp.abs(2 * (phase - jnp.floor(phase)) - 1)
    wide = 2 * value_noise(3 * away, 2 * across, seed + jnp.uint32(5)) - 1
    return near * (1.1 * (crest - 0.5) * bend + 0.5 * wide)


def waves(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """A choppy sea: relief, its crests light."""
    away, across, near = _lying(y, x)
    swell = turbulence(9 * away, 2.2 * across, seed, 3)
    crest = 1 - jnp.abs(2 * turbulence(14 * away, 4 * across, seed + jnp.uint32(7), 3) - 1)
    return near * (1.3 * (swell - 0.5) + 1.6 * (crest * crest - 0.6))


def drifts(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Wind-blown snow: soft relief."""
    away, across, near = _lying(y, x)
    ridge = turbulence(7 * away, 1.6 * across + 1.2 * away, seed, 4)
    return near * (2.2 * (ridge - 0.5) + 0.8 * ramp(ridge, 0.55, 0.7))


def lava(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Glowing cracks in a dark crust: heat in [0, 1.35]."""
    away, across, near = _lying(y, x)
    bend = turbulence(5 * away, 2.5 * across, seed + jnp.uint32(3), 2)
    net = jnp.abs(2 * turbulence(5 * away + bend, 3 * across + bend, seed, 3) - 1)
    return near * (ramp(0.1 - net, 0.0, 0.09) + 0.35 * ramp(0.4 - net, 0.0, 0.4))


def setts(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Paving stones: relief, their joints dark."""
    away, across, near = _lying(y, x)
    value, border = voronoi(22 * away, 15 * across, seed)
    return near * (0.7 * (value - 0.5) + 0.9 * (ramp(border, 0.0, 0.45) - 0.6))


def strata(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Layers of rock, bent and broken: relief."""
    bend = turbulence(1.5 * y, 1.2 * x, seed + jnp.uint32(4), 3)
    level = 14 * (y + 0.35 * bend)
    bands = turbulence(level, 0.4 * x, seed, 3)
    return 2.4 * (bands - 0.5)


def caustics(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """The net of light that waves throw on what lies below: in [0, 1]."""
    bend = value_noise(4 * y, 4 * x, seed + jnp.uint32(9))
    first = value_noise(13 * y + 2 * bend, 7 * x + 2 * bend, seed)
    second = value_noise(11 * y - 2 * bend, 9 * x + 3 * y + bend, seed + jnp.uint32(1))
    net = jnp.minimum(1 - jnp.abs(2 * first - 1), 1 - jnp.abs(2 * second - 1))
    return ramp(net, 0.45, 1.0)


def shafts(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Light that falls slanting through water and fades: in [0, 1]."""
    light = turbulence(0.25 * y, 7 * x - 2.4 * y, seed + jnp.uint32(2), 2)
    return ramp(light, 0.4, 0.8) * ramp(0.95 - y, 0.0, 0.9)


def dapples(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Sun through leaves: relief, spots of light in a shade."""
    leaves = turbulence(6.5 * y + 0.6 * x, 5 * x - 0.6 * y, seed, 3)
    return ramp(leaves, 0.5, 0.68) - 0.4


def stars(image: jax.Array, seed: jax.Array) -> jax.Array:
    """Stars of several magnitudes over a picture: light [H, W] in [0, 1.35]."""
    short = min(image.shape[1:])
    y, x = full_grid(*image.shape[1:])
    row, column = jnp.floor(_STARS * y), jnp.floor(_STARS * x)
    there, at_y, at_x, bright = four_randoms(row.astype(jnp.int32), column.astype(jnp.int32), seed)
    size = max(0.0012, 0.6 / short)
    dy = y - (row + 0.2 + 0.6 * at_y) / _STARS
    dx = x - (column + 0.2 + 0.6 * at_x) / _STARS
    light = jnp.maximum(1 - (dy * dy + dx * dx) / (4 * size * size), 0.0) ** 2
    return light * (there < 0.22) * (0.15 + 1.2 * bright * bright * bright)


# What draws a place, from a Scene, a row of numbers and a seed.


@image_transform
def draw_glow(image, scene, row, seed):
    """Lets bright parts glow.

    row: amount, threshold, width in parts of the shorter side, colour [3].
    """
    return bloom(
        image, row[0], row[3:], threshold=row[1], sigma=jnp.maximum(row[2], 0.01), channel_axis=0
    )


@image_transform
def draw_air(image, scene, row, seed):
    """Draws mist on the ground or drifting haze.

    row: 0 for mist, 1 for haze; optical thickness; colour [3].
    """
    air = jax.lax.switch(row[0].astype(jnp.int32), (ground_mist, fog), scene, seed)
    return veil(image, row[1] * air, row[2:], channel_axis=0)


@image_transform
def draw_ground(image, scene, row, seed):
    """Gives the ground the relief of dunes, waves, snow drifts or paving.

    row: 0 for dunes, 1 for waves, 2 for drifts, 3 for paving; how strong.
    """
    draws = [functools.partial(field, draw) for draw in (dunes, waves, drifts, setts)]
    height = jax.lax.switch(row[0].astype(jnp.int32), draws, image, seed)
    return relief(image, row[1] * bare_ground(image, scene) * height)


@image_transform
def draw_lava(image, scene, amount, seed):
    """Draws glowing cracks in the ground, and their light on what stands near."""
    heat = amount * bare_ground(image, scene) * field(lava, image, seed)
    lit = screen(image, heat * jnp.array([2.2, 0.75, 0.15])[:, None, None])
    return bloom(
        lit, 0.8 * amount, jnp.array([1.0, 0.4, 0.1]), threshold=0.6, sigma=0.04, channel_axis=0
    )


@image_transform
def draw_water(image, scene, amount, seed):
    """Draws sunlight as it falls through the surface of water above."""
    net = field(caustics, image, seed) * (1 - scene.sky) * (1 - 0.7 * scene.depth)
    light = amount * field(shafts, image, seed) * jnp.array([0.45, 0.95, 1.0])[:, None, None]
    return screen(relief(image, 4 * amount * net), light)


@image_transform
def draw_leaves(image, scene, amount, seed):
    """Draws shade under leaves, with warm spots of sun."""
    spots = field(dapples, image, seed)
    spots = amount * spots * (1 - scene.sky) * (1 - 0.35 * scene.subject)
    warm = jnp.array([1.1, 1.0, 0.7])[:, None, None]
    return relief(image, spots * jnp.where(spots > 0, warm, 1.0))


@image_transform
def draw_stars(image, scene, row, seed):
    """Puts a dark sky with stars in the place of a picture's own.

    row: colour of the stars [3]; how far the sky is replaced; its colour [3].
    """
    share = sky_by_color(image, scene, channel_axis=0)
    image = image + row[3] * share * (row[4:, None, None] - image)
    dark = share * ramp(0.5 - luma_of(image), 0.0, 0.3)
    return screen(image, dark * stars(image, seed) * row[:3, None, None])


@image_transform
def draw_grass(image, scene, row, seed):
    """Draws grass on the ground. row: its darkest [3] and its lightest colour [3]."""
    return grass(image, scene, row[:3], row[3:], seed, channel_axis=0)


@image_transform
def draw_stones(image, scene, row, seed):
    """Strews stones over the ground. row: three colours [9]; their distance; their share."""
    # Another place's row, which runs where rows are vectorised, may have no distance.
    cell = jnp.maximum(row[9], 0.01)
    return strewn(image, scene, row[:9].reshape(3, 3), cell, row[10], 0.55, seed, channel_axis=0)


@image_transform
def draw_strata(image, scene, amount, seed):
    """Draws layers of rust and cream in what rises behind the subject, and does not grow."""
    layers = field(strata, image, seed) * (1 - leaves_of(image, channel_axis=0))
    layers = amount * layers * (1 - scene.sky) * (1 - scene.subject) * scene.outdoors
    return relief(image, layers * jnp.array([0.6, 1.0, 1.3])[:, None, None])


@image_transform
def draw_neon(image, scene, amount, seed):
    """Draws cyan light from the left, magenta from the right, and glowing signs."""
    x = jnp.linspace(0.0, 1.0, image.shape[2])
    left, right = (jnp.exp(-((at / 0.45) ** 2)) for at in (x, 1 - x))
    light = left * jnp.array([[0.1], [0.75], [1.0]]) + right * jnp.array([[1.0], [0.1], [0.7]])
    lit = screen(image, amount * light[:, None, :] * image * (1 - 0.7 * scene.sky))
    return bloom(
        lit, amount, jnp.array([1.0, 0.55, 1.0]), threshold=0.45, sigma=0.03, channel_axis=0
    )


@image_transform
def draw_lamp(image, scene, amount, seed):
    """Lights the middle of a dark picture with a warm lamp."""
    height, width = image.shape[1:]
    y, x = 0.52 * height / min(height, width), 0.5 * width / min(height, width)
    return spotlight(image, y, x, 0.42, amount, jnp.array([1.4, 1.0, 0.55]))
