"""weather: sky, air, wet or white ground, and what falls."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.air import particles, sky
from agentic_styling.tools.transforms.air.haze import fog, haze, veil
from agentic_styling.tools.transforms.color.look_params import by_option, look, rgb
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.ground import foliage, ground

_TOOL = "weather"

WEATHER = {
    "clear_sunny": look(
        0.28, 0.06, 0.0, 0.2, 0.15, shadows=(-0.06, 0.0, 0.12), highlights=(0.1, 0.04, -0.12)
    ),
    "partly_cloudy": look(0.06, -0.02, 0.0, 0.0, 0.02),
    "overcast_gray": look(-0.12, -0.06, 0.0, -0.24, -0.4, white="#eceef0"),
    "light_rain": look(-0.32, -0.1, -0.02, -0.08, -0.3, haze=(0.12, "#98a4ae")),
    "heavy_rain": look(-0.6, -0.13, -0.02, -0.05, -0.5, white="#dde3e8", haze=(0.3, "#7c8892")),
    "thunderstorm": look(
        -0.95, -0.1, 0.04, 0.16, -0.4, black="#08080e", white="#c8c8d8", vignette=0.3
    ),
    "light_snow": look(0.12, -0.12, 0.01, -0.08, -0.3, haze=(0.15, "#e2e9f1")),
    "heavy_snow_blizzard": look(0.15, -0.12, 0.01, -0.18, -0.6, haze=(0.7, "#e2e8ef")),
    "fog_dense": look(0.0, 0.0, 0.0, -0.1, -0.3, haze=(0.9, "#cdd0d2")),
    "mist_light": look(0.05, -0.04, 0.0, -0.08, -0.12, haze=(0.4, "#d9e2e6")),
    "sandstorm": look(-0.1, 0.1, 0.0, -0.1, -0.25, haze=(0.45, "#cfa878")),
    "hail": look(-0.3, -0.08, 0.0, 0.04, -0.4, haze=(0.2, "#aab6bc")),
}
LOOKS = {"weather_type": WEATHER}


def _skies(zenith, horizon, lit, shade, cover, amount):
    """Colours of the open sky and of clouds; cover; how much of the own sky is replaced."""
    return (*rgb(zenith), *rgb(horizon), *rgb(lit), *rgb(shade), cover, amount)


_SKY = by_option(
    _TOOL,
    "weather_type",
    {
        "clear_sunny": _skies("#3f86dc", "#b4d8f4", "#ffffff", "#d8e4f0", 0.0, 0.75),
        "partly_cloudy": _skies("#4a8ad4", "#bcd8ee", "#ffffff", "#a4b0c0", 0.5, 0.9),
        "overcast_gray": _skies("#b4babf", "#d4d8da", "#d0d4d7", "#a8aeb4", 0.8, 0.92),
        "light_rain": _skies("#96a0aa", "#c0c8ce", "#b4bcc4", "#8c969f", 0.85, 0.9),
        "heavy_rain": _skies("#6c7680", "#98a2aa", "#8e98a0", "#5c666f", 0.9, 0.92),
        "thunderstorm": _skies("#343a46", "#7a828e", "#7c8494", "#262a36", 0.95, 0.95),
        "light_snow": _skies("#c4ccd6", "#e4e9ee", "#dce2e8", "#bcc5cf", 0.8, 0.85),
        "heavy_snow_blizzard": _skies("#cdd4db", "#e6eaee", "#dfe4e9", "#c6ced6", 0.8, 0.9),
        "hail": _skies("#7c8890", "#b4bec2", "#a8b4b8", "#68747c", 0.85, 0.9),
    },
    (0.0,) * 14,
)
# What lies and falls: water, snow and hail on the ground, what falls at amount 1 and how far it
# glows rather than covers, lightning.
_NOTHING = (0.0, 0.0, 0.0, *np.zeros(25), 0.0, 0.0)
_FALL = by_option(
    _TOOL,
    "weather_type",
    {
        "light_rain": (0.55, 0.0, 0.0, *particles.RAIN.row(), 0.35, 0.0),
        "heavy_rain": (1.0, 0.0, 0.0, *particles.RAIN.row(), 0.35, 0.0),
        "thunderstorm": (0.85, 0.0, 0.0, *particles.RAIN.row(), 0.35, 1.0),
        "light_snow": (0.0, 0.55, 0.0, *particles.SNOW.row(), 0.0, 0.0),
        "heavy_snow_blizzard": (0.0, 1.0, 0.0, *particles.BLIZZARD.row(), 0.0, 0.0),
        "sandstorm": (0.0, 0.0, 0.0, *particles.SAND.row(), 0.0, 0.0),
        "hail": (0.4, 0.0, 0.35, *particles.HAIL.row(), 0.1, 0.0),
    },
    _NOTHING,
)
# Colour of the air and of what falls; banks of fog in it; how much falls.
_AIR = by_option(
    _TOOL,
    "weather_type",
    {
        "clear_sunny": (*rgb("#c4d6e8"), *rgb("#ffffff"), 0.0, 0.0),
        "partly_cloudy": (*rgb("#c8d2dc"), *rgb("#ffffff"), 0.0, 0.0),
        "overcast_gray": (*rgb("#c6cace"), *rgb("#ffffff"), 0.0, 0.0),
        "light_rain": (*rgb("#aab4bc"), *rgb("#d8e2ea"), 0.0, 1.0),
        "heavy_rain": (*rgb("#8a949c"), *rgb("#d8e2ea"), 0.0, 2.2),
        "thunderstorm": (*rgb("#5c6470"), *rgb("#ccd6e4"), 0.0, 1.6),
        "light_snow": (*rgb("#dde4ea"), *rgb("#fbfdff"), 0.0, 1.1),
        "heavy_snow_blizzard": (*rgb("#e0e6ec"), *rgb("#fbfdff"), 0.5, 1.1),
        "fog_dense": (*rgb("#d0d3d5"), *rgb("#ffffff"), 1.3, 0.0),
        "mist_light": (*rgb("#dbe3e7"), *rgb("#ffffff"), 0.5, 0.0),
        "sandstorm": (*rgb("#d2ae80"), *rgb("#ecd0a0"), 0.9, 1.0),
        "hail": (*rgb("#a8b2b8"), *rgb("#f2f6fa"), 0.0, 0.9),
    },
    None,
)
_INTENSITY = np.array([0.5, 1.0, 1.4, 1.8], np.float32)  # light, moderate, heavy, extreme
_LOOK_SCALE = np.array([0.65, 1.0, 1.2, 1.4], np.float32)
_VISIBILITY = np.array([0.0, 0.45, 0.95, 1.7], np.float32)  # optical density at the far end
_HAIL = np.tile(np.array([0.93, 0.95, 0.97], np.float32), (3, 1))


def _sky(image, scene, options, seed):
    """The sky of the weather. Clouds close as it gets more intense."""
    row = jnp.asarray(_SKY)[options[1]]
    amount = jnp.asarray(_INTENSITY)[options[2]]
    cover = jnp.clip(row[12] * (0.7 + 0.3 * amount), 0.0, 1.0)
    strong = 1 - (1 - row[13]) ** (0.4 + 0.6 * amount)
    level = ground.level_of(image, channel_axis=0)
    colors = row[:12].reshape(4, 3)
    return where_used(strong > 0, sky.paint, image, scene, colors, cover, strong, level, seed)


def _air(image, scene, options, seed):
    """Haze by visibility, and banks of fog."""
    row = jnp.asarray(_AIR)[options[1]]
    density = jnp.asarray(_VISIBILITY)[options[3]]
    color = row[:3] * ground.level_of(image, channel_axis=0)
    image = where_used(density > 0, haze, image, scene.depth, density, color)
    thick = row[6] * jnp.asarray(_INTENSITY)[options[2]]
    return where_used(
        thick > 0, lambda image: veil(image, thick * fog(scene, seed), color, channel_axis=0), image
    )


def _falls(image, scene, options, seed):
    """Rain, snow, hail or sand in the air."""
    row, air = jnp.asarray(_FALL)[options[1]], jnp.asarray(_AIR)[options[1]]
    amount = options[4] * air[7] * jnp.asarray(_INTENSITY)[options[2]]
    color = jnp.clip(air[3:6] * (0.2 + 0.85 * ground.level_of(image, channel_axis=0)), 0.0, 1.0)
    return where_used(
        amount > 0, particles.falling, image, scene.subject, row[3:28], amount, color, seed, row[28]
    )


@renderer
def draw_dry(image, scene, options, seed):
    """A sky, and the air before it."""
    return _air(_sky(image, scene, options, seed), scene, options, seed)


@renderer
def draw_thick(image, scene, options, seed):
    """Fog, mist or sand that hides the sky."""
    image = _air(image, scene, options, seed)
    return _falls(image, scene, options, seed)


@renderer
def draw_wet(image, scene, options, seed):
    """Rain or hail, on the ground and in the air, and lightning."""
    row = jnp.asarray(_FALL)[options[1]]
    amount = jnp.asarray(_INTENSITY)[options[2]]
    water = jnp.minimum(row[0] * (0.4 + 0.6 * amount), 1.2)
    image = where_used(water > 0, ground.wet, image, scene, water, seed)
    image = _sky(image, scene, options, seed)
    image = where_used(
        row[2] > 0,
        lambda image: ground.strewn(
            image,
            scene,
            jnp.asarray(_HAIL),
            0.019,
            jnp.minimum(row[2] * amount, 1.0),
            1.0,
            seed,
            channel_axis=0,
        ),
        image,
    )
    image = _air(image, scene, options, seed)
    image = where_used(row[29] > 0, sky.lightning, image, scene, row[29] * amount**0.5, seed)
    return _falls(image, scene, options, seed)


@renderer
def draw_white(image, scene, options, seed):
    """Snow on the ground and in the air."""
    lying = jnp.asarray(_FALL)[options[1], 1] * (0.5 + 0.5 * jnp.asarray(_INTENSITY)[options[2]])
    leaves = foliage.leaves_of(image, channel_axis=0) * (1 - scene.sky)
    lying = jnp.minimum(lying, 1.0)
    image = where_used(lying > 0, ground.snow, image, scene, leaves, lying, seed)
    image = _sky(image, scene, options, seed)
    image = _air(image, scene, options, seed)
    return _falls(image, scene, options, seed)


RENDERERS = (draw_dry, draw_thick, draw_wet, draw_white)
_RENDERER_OF = by_option(
    _TOOL,
    "weather_type",
    {
        "light_rain": 2,
        "heavy_rain": 2,
        "thunderstorm": 2,
        "hail": 2,
        "light_snow": 3,
        "heavy_snow_blizzard": 3,
        "fog_dense": 1,
        "mist_light": 1,
        "sandstorm": 1,
    },
    0,
).astype(np.int32)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the weather already."""
    return jnp.where(options[0] == options[1] + 1, -1, jnp.asarray(_RENDERER_OF)[options[1]])


def look_scale(options: jax.Array) -> jax.Array:
    """How much of the weather's look its intensity asks for."""
    return jnp.asarray(_LOOK_SCALE)[options[2] % len(_LOOK_SCALE)]
