"""weather: sky, air, wet or white ground, and what falls."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.air import particles, sky
from agentic_styling.tools.transforms.air.haze import fog, haze, veil
from agentic_styling.tools.transforms.color.spaces import level_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.ground import foliage, ground

OPTIONS = Options("weather")
LOOKS = OPTIONS.looks

# Colours of the open sky (zenith, horizon) and of clouds (lit, in shade); their cover; how much of
# the picture's own sky is replaced.
_SKY = OPTIONS.table("weather_type", "sky")
# What lies and falls: water, snow and hail on the ground, what falls at amount 1 and how far it
# glows rather than covers, lightning.
_FALL = OPTIONS.table("weather_type", "fall", names=particles.KINDS)
# Colour of the air and of what falls; banks of fog in it; how much falls.
_AIR = OPTIONS.table("weather_type", "air")
_INTENSITY = np.array([0.5, 1.0, 1.4, 1.8], np.float32)  # light, moderate, heavy, extreme
LOOK_SCALES = {"intensity": (0.65, 1.0, 1.2, 1.4)}
_VISIBILITY = np.array([0.0, 0.45, 0.95, 1.7], np.float32)  # optical density at the far end
_INDOORS = 0.35  # of what falls, as if seen through a window
_HAIL = np.tile(np.array([0.93, 0.95, 0.97], np.float32), (3, 1))


def _sky(image, scene, options, seed):
    """The sky of the weather. Clouds close as it gets more intense."""
    row = jnp.asarray(_SKY)[options[1]]
    amount = jnp.asarray(_INTENSITY)[options[2]]
    cover = jnp.clip(row[12] * (0.7 + 0.3 * amount), 0.0, 1.0)
    strong = 1 - (1 - row[13]) ** (0.4 + 0.6 * amount)
    level = level_of(image, channel_axis=0)
    colors = row[:12].reshape(4, 3)
    return where_used(strong > 0, sky.replace_sky, image, scene, colors, cover, strong, level, seed)


def _air(image, scene, options, seed):
    """Haze by visibility, and banks of fog."""
    row = jnp.asarray(_AIR)[options[1]]
    density = jnp.asarray(_VISIBILITY)[options[3]]
    color = row[:3] * level_of(image, channel_axis=0)
    image = where_used(density > 0, haze, image, scene.depth, density, color)
    thick = row[6] * jnp.asarray(_INTENSITY)[options[2]]
    return where_used(
        thick > 0, lambda image: veil(image, thick * fog(scene, seed), color, channel_axis=0), image
    )


def _falls(image, scene, options, seed):
    """Rain, snow, hail or sand in the air."""
    row, air = jnp.asarray(_FALL)[options[1]], jnp.asarray(_AIR)[options[1]]
    amount = options[4] * air[7] * jnp.asarray(_INTENSITY)[options[2]]
    amount = amount * (_INDOORS + (1 - _INDOORS) * scene.outdoors)
    color = jnp.clip(air[3:6] * (0.2 + 0.85 * level_of(image, channel_axis=0)), 0.0, 1.0)
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

    def hailed(image):
        lying = (jnp.asarray(_HAIL), 0.019, jnp.minimum(row[2] * amount, 1.0), 1.0)
        return ground.strewn(image, scene, *lying, seed, channel_axis=0)

    image = where_used(row[2] > 0, hailed, image)
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
_RENDERER_OF = OPTIONS.choices("weather_type", "draws", ("dry", "thick", "wet", "white"))


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the weather already."""
    return jnp.where(is_new(options), jnp.asarray(_RENDERER_OF)[options[1]], -1)
