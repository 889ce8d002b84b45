"""time_of_day: the sun or moon, the sky, and where the shadows fall."""

import jax.numpy as jnp

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.air import sky
from agentic_styling.tools.transforms.color.look_params import COLOR_VALUES, rgb
from agentic_styling.tools.transforms.color.spaces import luma_of, relight, screen
from agentic_styling.tools.transforms.conventions import computed, renderer, where_used
from agentic_styling.tools.transforms.filters.fields import full_grid
from agentic_styling.tools.transforms.light.lamps import lamps as shine

OPTIONS = Options("time_of_day")
LOOKS = OPTIONS.looks

# Where the shadow of a point falls from its foot (down, right), for a height of one.
_FALLS = OPTIONS.table("shadow_direction", "falls")
# The sky's colours at the zenith and the horizon, and how much of them; the low sun, its colour and
# where it is (-1 left, 1 right); how far lamps shine; stars and moon. By day the sky stays, unless
# a colour is asked for.
_DAY = ["#7db0e8", "#dce8f4", 0.0, 0.0, "#000000", 0.0, 0.0, 0.0]
_LIGHTS = OPTIONS.table("target_time", "light", _DAY)
_LAMP = rgb("#ffb060")
_MOON = rgb("#dfe8ff")


def _sky(image, scene, row, option):
    """The sky of the hour, or in the colour that was asked for as bright as it would be."""
    zenith, horizon = row[0:3], row[3:6]
    color, asked = jnp.asarray(COLOR_VALUES)[option], option > 0
    zenith = jnp.where(asked, color * (0.15 + 0.95 * jnp.max(zenith)), zenith)
    horizon = jnp.where(asked, (0.75 * color + 0.25) * (0.15 + 0.9 * jnp.max(horizon)), horizon)
    amount = jnp.where(asked, 0.85, row[6])
    return where_used(amount > 0, sky.paint_sky, image, scene, zenith, horizon, amount)


def _shadows(image, scene, direction):
    """Light on the subject from one side, and its shadow on the ground on the other."""
    fall = jnp.asarray(_FALLS)[direction]

    def draw(image):
        turned = sky.facing(scene, -0.7 * fall[0], -0.8 * fall[1])
        shade = sky.cast_shadow(scene, fall[0], fall[1])
        gain = 1 + 0.9 * jnp.maximum(turned, 0.0) + 0.35 * jnp.minimum(turned, 0.0)
        return relight(image, gain * (1 - 0.6 * shade))

    return where_used(fall[0] > 0, draw, image)


@renderer
def draw_day(image, scene, options, seed):
    """Shadows that fall towards one side, a sky of one colour."""
    image = _sky(image, scene, jnp.asarray(_LIGHTS)[options[1]], options[2])
    return _shadows(image, scene, options[3])


@renderer
def draw_low_sun(image, scene, options, seed):
    """The sky with the sun at its rim: a glow there, light on what faces it, long shadows."""
    row = jnp.asarray(_LIGHTS)[options[1]]
    fall = jnp.asarray(_FALLS)[options[3]]
    at = jnp.where(jnp.abs(fall[1]) > 0.1, -jnp.sign(fall[1]) * 0.8, row[11])
    image = _sky(image, scene, row, options[2])
    image = where_used(row[7] > 0, _sunlight, image, scene, row[7], row[8:11], at)
    return _shadows(image, scene, options[3])


def _sunlight(image, scene, amount, color, at):
    """A low sun at the horizon, `at` from -1 left to 1 right: its veil, and its light on things."""
    height, width = image.shape[1:]
    short = min(height, width)
    y, x = full_grid(height, width)
    dy = y - sky.horizon_of(scene) * height / short
    dx = x - (0.5 + 0.5 * at) * width / short
    away = dy * dy * 1.6 + dx * dx
    veil = (0.25 + 0.75 * scene.depth) * (0.9 / (1 + away / 0.012) + 0.55 / (1 + away / 0.12))
    lit = amount * sky.facing(scene, -0.3, at)
    color = color[:, None, None]
    gain = (1 + 0.9 * jnp.maximum(lit, 0.0) * color) * (1 + 0.35 * jnp.minimum(lit, 0.0))
    return screen(relight(image, gain), 0.75 * amount * veil * color)


@renderer
def draw_after_dark(image, scene, options, seed):
    """The sky without a sun, perhaps stars and the moon, its light on the subject, and lamps."""
    row = jnp.asarray(_LIGHTS)[options[1]]
    # A rim of day would show around towers at night.
    scene = scene._replace(sky=computed(sky.sky_matte(image, scene, channel_axis=0)))
    lamps, night = row[12], row[13]
    image = _sky(image, scene, row, options[2])
    image = where_used(night > 0, _starlit, image, scene, night, seed)
    image = where_used(night > 0.5, sky.moonlight, image, scene, night, jnp.asarray(_MOON))
    image = where_used(lamps > 0, shine, image, scene, lamps, jnp.asarray(_LAMP))
    return _shadows(image, scene, options[3])


def _starlit(image, scene, amount, seed):
    """Stars, and the moon's light on what faces up."""
    moon = jnp.asarray(_MOON)[:, None, None]
    stars = sky.starlight(scene, seed) * jnp.maximum(1 - 1.5 * luma_of(image), 0.0)
    rim = jnp.maximum(sky.facing(scene, -1.0, 0.3), 0.0)
    lit = relight(image, 1 + 1.3 * amount * rim * moon)
    return screen(lit, jnp.minimum(2.0 * amount, 1.0) * stars * moon)


RENDERERS = (draw_day, draw_low_sun, draw_after_dark)


def renderer_of(options):
    """The renderer that a step needs, -1 for none."""
    row = jnp.asarray(_LIGHTS)[options[1]]
    asked = (options[2] > 0) | (jnp.asarray(_FALLS)[options[3], 0] > 0)
    by_hour = jnp.where(row[7] > 0, 1, 2)
    return jnp.where(is_new(options) & (row[6] > 0), by_hour, jnp.where(asked, 0, -1)).astype(
        jnp.int32
    )
