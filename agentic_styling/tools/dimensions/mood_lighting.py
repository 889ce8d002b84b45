"""mood_lighting: a mood, its accent lights and the depth of its shadows."""

import jax.numpy as jnp

from agentic_styling.tools.dimensions.options import Options
from agentic_styling.tools.transforms.color.look_params import rgb
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.light import lamps, light

OPTIONS = Options("mood_lighting")
LOOKS = OPTIONS.looks

# How much the bright parts glow, in which colour, from which display value and how far.
_NO_GLOW = [0.0, 1.0, 1.0, 1.0, 0.6, 0.05]
_MOOD_GLOW = OPTIONS.table("target_mood", "glow", _NO_GLOW)
# The same for an accent; then what its lamps shine with.
_ACCENT_GLOW = OPTIONS.table("accent_lighting", "glow", [*_NO_GLOW, 0.0])
_LAMP = rgb("#ffb464")

# Of two lights from the sides: left colour, right colour, share of the picture's own colour that
# stays, and how much the air around them glows.
_SIDES = OPTIONS.table("accent_lighting", "sides", [1.0] * 7 + [0.0])


@renderer
def draw_glow(image, scene, options, seed):
    """The bright parts glow; lamps shine warm."""
    accent = jnp.asarray(_ACCENT_GLOW)[options[2]]
    row = jnp.where(options[2] > 0, accent[:6], jnp.asarray(_MOOD_GLOW)[options[1]])
    image = where_used(accent[6] > 0, lamps.lamps, image, scene, accent[6], jnp.asarray(_LAMP))
    return light.bloom(image, row[0], row[1:4], threshold=row[4], sigma=row[5], channel_axis=0)


@renderer
def draw_side_lights(image, scene, options, seed):
    """Neon signs or coloured gels: two lights from the sides."""
    row = jnp.asarray(_SIDES)[options[2]]
    return lamps.side_lights(image, scene, row[0:3], row[3:6], row[6], row[7], channel_axis=0)


@renderer
def draw_candles(image, scene, options, seed):
    """Candles."""
    return lamps.candlelight(image, scene, seed, channel_axis=0)


@renderer
def draw_spotlight(image, scene, options, seed):
    """A spot on the subject."""
    return lamps.spot_on_subject(image, scene, channel_axis=0)


@renderer
def draw_rim(image, scene, options, seed):
    """A subject with bright borders."""
    return lamps.rim_light(image, scene, channel_axis=0)


@renderer
def draw_silhouette(image, scene, options, seed):
    """A dark subject before a bright background."""
    return lamps.silhouette(image, scene, channel_axis=0)


@renderer
def draw_sun_rays(image, scene, options, seed):
    """Shafts of sunlight."""
    return light.god_rays(image, scene, 1.1, jnp.array([1.0, 0.88, 0.66]), seed, channel_axis=0)


@renderer
def draw_beams(image, scene, options, seed):
    """Beams in fog."""
    return lamps.beams(image, scene, seed, channel_axis=0)


_KINDS = {
    "glow": draw_glow,
    "side_lights": draw_side_lights,
    "candles": draw_candles,
    "spotlight": draw_spotlight,
    "rim": draw_rim,
    "silhouette": draw_silhouette,
    "sun_rays": draw_sun_rays,
    "beams": draw_beams,
}
RENDERERS = tuple(_KINDS.values())
_RENDERER_OF = OPTIONS.choices("accent_lighting", "draws", _KINDS)


def renderer_of(options):
    """The renderer that a step needs, -1 for none; without an accent the mood's own glow."""
    glows = (options[0] != options[1] + 1) & (jnp.asarray(_MOOD_GLOW)[options[1], 0] > 0)
    renderer_index = jnp.asarray(_RENDERER_OF)[options[2]]
    return jnp.where((options[2] == 0) & ~glows, -1, renderer_index).astype(jnp.int32)
