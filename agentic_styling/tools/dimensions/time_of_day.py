"""time_of_day: the sun or moon, the sky, and where the shadows fall."""

import jax.numpy as jnp

from agentic_styling.tools.transforms.color.look_params import COLOR_VALUES, by_option, look, rgb
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.fields import full_grid
from agentic_styling.tools.transforms.light import daylight
from agentic_styling.tools.transforms.light.lamps import lamps as shine
from agentic_styling.tools.transforms.light.light import screen

# fmt: off
TIME_OF_DAY = {
    "pre_dawn": look(-0.85, -0.16, 0.06, -0.08, -0.45, black="#0c0e1a", white="#a4a8c8",
        shadows=(-0.1, -0.05, 0.25)),
    "sunrise_golden": look(0.15, 0.14, 0.06, -0.12, 0.05, black="#18121a", white="#fff6e8",
        shadows=(-0.05, -0.1, 0.25), highlights=(0.3, 0.02, -0.25), side=(-0.3, -0.22, -0.1)),
    "morning_bright": look(0.4, -0.13, 0.0, -0.06, 0.08, sky=(0.3, "#c4e4ff"),
        side=(-0.25, -0.22, -0.15), top=0.08),
    "midday_overhead": look(0.35, 0.0, -0.01, 0.33, 0.04, sky=(0.4, "#3884d8"), top=0.35),
    "afternoon_warm": look(0.1, 0.2, 0.0, 0.1, 0.05, shadows=(0.0, -0.03, 0.08),
        highlights=(0.2, 0.06, -0.2), sky=(0.1, "#d8e4ea"), side=(0.3, 0.25, 0.15)),
    "golden_hour_sunset": look(-0.15, 0.2, 0.04, 0.05, 0.05, black="#0c0a12", white="#fff0d0",
        shadows=(-0.1, -0.12, 0.35), highlights=(0.55, 0.1, -0.55), foliage=(0.05, -0.2, 0.0),
        side=(0.5, 0.35, 0.1)),
    "dusk_twilight": look(-0.75, 0.0, 0.14, -0.02, -0.15, black="#0c0816", white="#d0b4cc",
        shadows=(0.0, -0.12, 0.35), highlights=(0.25, -0.05, -0.1)),
    "blue_hour": look(-0.75, -0.36, 0.02, 0.02, -0.1, black="#050c1e", white="#a8c0ee",
        shadows=(-0.25, -0.03, 0.4), foliage=(0.15, -0.2, 0.0)),
    "night_moonlit": look(-1.25, -0.22, -0.02, 0.12, -0.9, black="#04070f", white="#9aaccc",
        shadows=(-0.2, 0.0, 0.35), foliage=(0.2, -0.25, 0.0), top=0.2),
    "midnight_dark": look(-1.5, -0.16, 0.0, 0.05, -1.2, black="#030409", white="#687088",
        shadows=(-0.1, 0.0, 0.2), vignette=0.5),
}
# fmt: on

# Where the shadows fall to; the light comes from the other side.
SHADOW_DIRECTION = {
    "east": look(side=(-0.6, -0.6, -0.55)),
    "southeast": look(side=(-0.35, -0.35, -0.3), top=0.3),
    "south": look(top=0.5),
    "southwest": look(side=(0.35, 0.35, 0.3), top=0.3),
    "west": look(side=(0.6, 0.6, 0.55)),
    "overhead": look(top=0.2, contrast=0.18, exposure=0.05),
    "none": look(contrast=-0.25, exposure=0.1),
}

LOOKS = {
    "target_time": TIME_OF_DAY,
    "shadow_direction": SHADOW_DIRECTION,
}

# Where the shadow of a point falls from its foot (down, right), for a height of one.
_FALLS = by_option(
    "time_of_day",
    "shadow_direction",
    {
        "east": (0.3, 1.1),
        "southeast": (0.5, 0.7),
        "south": (0.7, 0.0),
        "southwest": (0.5, -0.7),
        "west": (0.3, -1.1),
    },
    (0.0, 0.0),
)


def _light(zenith, horizon, paint, sun=0.0, sun_color="#000000", at=0.0, lamps=0.0, night=0.0):
    """The sky's colours and how much of them; the low sun and where (-1 left, 1 right); how far
    lamps shine; stars and moon."""
    return (*rgb(zenith), *rgb(horizon), paint, sun, *rgb(sun_color), at, lamps, night)


_LIGHTS = by_option(
    "time_of_day",
    "target_time",
    {
        "pre_dawn": _light("#2c3458", "#9c90a8", 0.85, lamps=0.4),
        "sunrise_golden": _light("#9cbcdc", "#ffd8b0", 0.7, 0.8, "#ffc890", -0.8),
        "golden_hour_sunset": _light("#7d8cb4", "#ffb468", 0.8, 1.0, "#ffa048", 0.8),
        "dusk_twilight": _light("#3c3a6c", "#e08c80", 0.85, lamps=0.5),
        "blue_hour": _light("#14357c", "#78a4dc", 0.8, lamps=0.8),
        "night_moonlit": _light("#070d20", "#1c2c50", 0.95, lamps=0.7, night=1.0),
        "midnight_dark": _light("#020308", "#090e1c", 0.95, lamps=0.5, night=0.45),
    },
    _light("#7db0e8", "#dce8f4", 0.0),  # by day the sky stays, unless a colour is asked for
)
_LAMP = rgb("#ffb060")
_MOON = rgb("#dfe8ff")


def _sky(image, scene, row, option):
    """The sky of the hour, or in the colour that was asked for as bright as it would be."""
    zenith, horizon = row[0:3], row[3:6]
    color, asked = jnp.asarray(COLOR_VALUES)[option], option > 0
    zenith = jnp.where(asked, color * (0.15 + 0.95 * jnp.max(zenith)), zenith)
    horizon = jnp.where(asked, (0.75 * color + 0.25) * (0.15 + 0.9 * jnp.max(horizon)), horizon)
    amount = jnp.where(asked, 0.85, row[6])
    return where_used(amount > 0, daylight.paint_sky, image, scene, zenith, horizon, amount)


def _shadows(image, scene, direction):
    """Light on the subject from one side, and its shadow on the ground on the other."""
    fall = jnp.asarray(_FALLS)[direction]

    def draw(image):
        turned = daylight.facing(scene, -0.7 * fall[0], -0.8 * fall[1])
        shade = daylight.cast_shadow(scene, fall[0], fall[1])
        gain = 1 + 0.9 * jnp.maximum(turned, 0.0) + 0.35 * jnp.minimum(turned, 0.0)
        return daylight.relight(image, gain * (1 - 0.6 * shade))

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
    dy = y - daylight.horizon_of(scene) * height / short
    dx = x - (0.5 + 0.5 * at) * width / short
    away = dy * dy * 1.6 + dx * dx
    veil = (0.25 + 0.75 * scene.depth) * (0.9 / (1 + away / 0.012) + 0.55 / (1 + away / 0.12))
    lit = amount * daylight.facing(scene, -0.3, at)
    color = color[:, None, None]
    gain = (1 + 0.9 * jnp.maximum(lit, 0.0) * color) * (1 + 0.35 * jnp.minimum(lit, 0.0))
    return screen(daylight.relight(image, gain), 0.75 * amount * veil * color)


@renderer
def draw_after_dark(image, scene, options, seed):
    """The sky without a sun, perhaps stars and the moon, its light on the subject, and lamps."""
    row = jnp.asarray(_LIGHTS)[options[1]]
    lamps, night = row[12], row[13]
    image = _sky(image, scene, row, options[2])
    image = where_used(night > 0, _starlit, image, scene, night, seed)
    image = where_used(night > 0.5, daylight.moonlight, image, scene, night, jnp.asarray(_MOON))
    image = where_used(lamps > 0, shine, image, scene, lamps, jnp.asarray(_LAMP))
    return _shadows(image, scene, options[3])


def _starlit(image, scene, amount, seed):
    """Stars, and the moon's light on what faces up."""
    moon = jnp.asarray(_MOON)[:, None, None]
    stars = daylight.starlight(scene, seed) * jnp.maximum(1 - 1.5 * luma_of(image), 0.0)
    rim = jnp.maximum(daylight.facing(scene, -1.0, 0.3), 0.0)
    lit = daylight.relight(image, 1 + 1.3 * amount * rim * moon)
    return screen(lit, jnp.minimum(2.0 * amount, 1.0) * stars * moon)


RENDERERS = (draw_day, draw_low_sun, draw_after_dark)


def renderer_of(options):
    """The renderer that a step needs, -1 for none."""
    row = jnp.asarray(_LIGHTS)[options[1]]
    new = options[0] != options[1] + 1
    asked = (options[2] > 0) | (jnp.asarray(_FALLS)[options[3], 0] > 0)
    by_hour = jnp.where(row[7] > 0, 1, 2)
    return jnp.where(new & (row[6] > 0), by_hour, jnp.where(asked, 0, -1)).astype(jnp.int32)
