"""mood_lighting: a mood, its accent lights and the depth of its shadows."""

import jax.numpy as jnp

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.color.look_params import rgb
from agentic_styling.tools.transforms.conventions import computed, renderer, where_used
from agentic_styling.tools.transforms.light import lamps, light

OPTIONS = Options("mood_lighting")
LOOKS = OPTIONS.looks

# How much the bright parts glow, in which colour, from which display value and how far; then how
# far its lamps shine, in the picture and beside it.
_NO_GLOW = [0.0, 1.0, 1.0, 1.0, 0.6, 0.05, 0.0]
_MOOD_GLOW = OPTIONS.table("target_mood", "glow", _NO_GLOW)
_ACCENT_GLOW = OPTIONS.table("accent_lighting", "glow", _NO_GLOW)
_LAMP = rgb("#ffb464")

# Of two lights from the sides: left colour, right colour, share of the picture's own colour that
# stays, and how much the air around them glows.
_SIDES = OPTIONS.table("accent_lighting", "sides", [1.0] * 7 + [0.0])


def _lamps(image, scene, amount):
    lit = lamps.lamp_beside(image, scene, amount, jnp.asarray(_LAMP), channel_axis=0)
    return lamps.lamps(computed(lit), scene, amount, jnp.asarray(_LAMP), channel_axis=0)


@renderer
def draw_glow(image, scene, options, seed):
    """The bright parts glow; lamps shine warm."""
    accent, mood = jnp.asarray(_ACCENT_GLOW)[options[2]], jnp.asarray(_MOOD_GLOW)[options[1]]
    row = jnp.where(options[2] > 0, accent, mood)
    image = where_used(row[6] > 0, _lamps, image, scene, row[6])
    return light.bloom(image, row[0], row[1:4], threshold=row[4], sigma=row[5], channel_axis=0)


@renderer
def draw_side_lights(image, scene, options, seed):
    """Neon signs or coloured gels: two lights from the sides."""
    row = jnp.asarray(_SIDES)[options[2]]
    return lamps.side_lights(image, scene, row[0:3], row[3:6], row[6], row[7], channel_axis=0)


@renderer
def _sun_rays(image, scene, options, seed):
    return light.god_rays(image, scene, 1.1, jnp.array([1.0, 0.88, 0.66]), seed, channel_axis=0)


def _of_scene(draw, seeded: bool = True):
    """A renderer of draw(image, scene, seed), or of draw(image, scene)."""
    return renderer(
        lambda image, scene, options, seed: draw(
            image, scene, *((seed,) if seeded else ()), channel_axis=0
        )
    )


_KINDS = {
    "glow": draw_glow,
    "side_lights": draw_side_lights,
    "candles": _of_scene(lamps.candlelight),
    "spotlight": _of_scene(lamps.spot_on_subject, seeded=False),
    "rim": _of_scene(lamps.rim_light, seeded=False),
    "silhouette": _of_scene(lamps.silhouette, seeded=False),
    "sun_rays": _sun_rays,
    "beams": _of_scene(lamps.beams),
}
RENDERERS = tuple(_KINDS.values())
_RENDERER_OF = OPTIONS.choices("accent_lighting", "draws", _KINDS)


def renderer_of(options):
    """The renderer that a step needs, -1 for none; without an accent the mood's own glow."""
    glows = is_new(options) & (jnp.asarray(_MOOD_GLOW)[options[1], 0] > 0)
    renderer_index = jnp.asarray(_RENDERER_OF)[options[2]]
    return jnp.where((options[2] == 0) & ~glows, -1, renderer_index).astype(jnp.int32)
