"""mood_lighting: a mood, its accent lights and the depth of its shadows."""

import jax.numpy as jnp

from agentic_styling.tools.transforms.color.look_params import by_option, look, rgb
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.light import lamps, light

# fmt: off
MOOD = {
    "bright_cheerful": look(0.5, 0.06, contrast=0.06, saturation=0.2, vignette=-0.15),
    "soft_cozy": look(0.0, 0.14, contrast=-0.18, black="#1c1410", white="#fff4e4",
        shadows=(0.15, -0.02, -0.15), highlights=(0.25, 0.03, -0.25), vignette=0.4),
    "mysterious_shadowy": look(-0.95, contrast=0.12, saturation=-0.35, black="#03080b",
        white="#b8c6c8", shadows=(-0.25, 0.0, 0.2), vignette=1.0),
    "dramatic_cinematic": look(-0.25, contrast=0.36, saturation=-0.08, shadows=(-0.3, 0.02, 0.15),
        highlights=(0.2, 0.02, -0.2), vignette=0.6),
    "ominous_dark": look(-1.2, 0.02, contrast=0.3, saturation=-0.7, black="#060505",
        white="#a8a09c", sky=(0.5, "#2c2a2e"), vignette=0.8),
    "romantic_intimate": look(-0.05, 0.1, 0.06, contrast=-0.1, black="#180c14", white="#fff0ec",
        shadows=(0.2, -0.12, 0.1), highlights=(0.3, -0.1, -0.05), vignette=0.55),
    "energetic_vibrant": look(0.12, contrast=0.26, saturation=0.4),
    "melancholic_somber": look(-0.4, -0.14, contrast=-0.18, saturation=-0.65, black="#10141a",
        white="#d0d6dd", vignette=0.25),
    "whimsical_playful": look(0.3, tint=0.05, contrast=-0.08, saturation=0.3, black="#180f20",
        shadows=(0.1, -0.2, 0.4), highlights=(0.2, -0.06, 0.0)),
    "nostalgic_sepia": look(0.0, 0.28, 0.02, contrast=-0.12, saturation=-0.85, black="#241911",
        white="#fbeed6", vignette=0.45),
    "tense_suspenseful": look(-0.35, -0.04, -0.04, contrast=0.42, saturation=-0.45,
        shadows=(-0.3, 0.14, 0.0), highlights=(-0.05, 0.06, -0.1), vignette=0.55),
    "serene_calm": look(0.28, -0.1, contrast=-0.26, saturation=-0.12, black="#10161c",
        shadows=(-0.1, 0.02, 0.15), haze=(0.12, "#dcecf4")),
    "eerie_unsettling": look(-0.55, 0.0, -0.16, contrast=0.12, saturation=-0.5, black="#060d09",
        white="#c8d8c0", shadows=(-0.15, 0.12, -0.05), haze=(0.2, "#6f8878"), vignette=0.5),
    "epic_grand": look(-0.1, 0.03, contrast=0.24, saturation=0.15, shadows=(-0.15, -0.04, 0.3),
        highlights=(0.4, 0.1, -0.45), top=0.12, vignette=0.35),
    "hopeful_uplifting": look(0.3, 0.08, contrast=-0.06, saturation=0.08,
        highlights=(0.2, 0.06, -0.15), top=0.35),
}
# fmt: on

ACCENT = {
    "neon_signs": look(-0.7, contrast=0.12, shadows=(0.05, -0.1, 0.3)),
    "candlelit_warm": look(-0.85, 0.22, contrast=-0.05, shadows=(0.25, 0.0, -0.3)),
    "spotlight_dramatic": look(-0.25, contrast=0.1),
    "rim_lighting": look(-0.55, contrast=0.12),
    "backlit_silhouette": look(0.0, contrast=0.3, saturation=-0.2),
    "god_rays": look(-0.3, 0.06),
    "volumetric_fog_light": look(-0.35, contrast=-0.1, haze=(0.55, "#aeb8c4")),
    "colored_gels": look(-0.25, contrast=0.1),
    "practical_lights": look(-0.6, 0.0, contrast=0.08, highlights=(0.5, 0.1, -0.6)),
    "ambient_glow": look(0.15, contrast=-0.15),
}

SHADOW_DEPTH = {
    "none": look(0.22, contrast=-0.3, black="#1c1c1c"),
    "soft": look(0.1, contrast=-0.12, black="#0b0b0b"),
    "moderate": look(),
    "deep": look(-0.15, contrast=0.15),
    "dramatic": look(-0.35, contrast=0.32, vignette=0.3),
}

LOOKS = {
    "target_mood": MOOD,
    "accent_lighting": ACCENT,
    "shadow_depth": SHADOW_DEPTH,
}


# How much the bright parts glow, in which colour, from which display value and how far.
_NO_GLOW = (0.0, 1.0, 1.0, 1.0, 0.6, 0.05)
_MOOD_GLOW = by_option(
    "mood_lighting",
    "target_mood",
    {
        "soft_cozy": (0.35, *rgb("#ffdcb0"), 0.5, 0.05),
        "romantic_intimate": (0.45, *rgb("#ffd0c8"), 0.45, 0.05),
        "whimsical_playful": (0.4, *rgb("#ffd8f8"), 0.5, 0.04),
        "nostalgic_sepia": (0.3, *rgb("#ffe8c8"), 0.5, 0.04),
        "serene_calm": (0.3, *rgb("#e4f2ff"), 0.55, 0.06),
        "epic_grand": (0.35, *rgb("#ffc880"), 0.6, 0.06),
        "hopeful_uplifting": (0.5, *rgb("#fff0cc"), 0.55, 0.07),
    },
    _NO_GLOW,
)
# The same for an accent; then what its lamps shine with.
_ACCENT_GLOW = by_option(
    "mood_lighting",
    "accent_lighting",
    {
        "ambient_glow": (0.9, *rgb("#fff0dc"), 0.35, 0.05, 0.0),
        "practical_lights": (0.75, *rgb("#ffb060"), 0.35, 0.06, 1.0),
    },
    (*_NO_GLOW, 0.0),
)
_LAMP = rgb("#ffb464")

# Of two lights from the sides: left colour, right colour, share of the picture's own colour that
# stays, and how much the air around them glows.
_SIDES = by_option(
    "mood_lighting",
    "accent_lighting",
    {
        "neon_signs": (*rgb("#20e0ff"), *rgb("#ff30b8"), 0.65, 0.5),
        "colored_gels": (*rgb("#ff5a28"), *rgb("#2f6bff"), 0.3, 0.0),
    },
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
)


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


RENDERERS = (
    draw_glow,
    draw_side_lights,
    draw_candles,
    draw_spotlight,
    draw_rim,
    draw_silhouette,
    draw_sun_rays,
    draw_beams,
)
_RENDERER_OF = by_option(
    "mood_lighting",
    "accent_lighting",
    {
        "neon_signs": 1,
        "candlelit_warm": 2,
        "spotlight_dramatic": 3,
        "rim_lighting": 4,
        "backlit_silhouette": 5,
        "god_rays": 6,
        "volumetric_fog_light": 7,
        "colored_gels": 1,
    },
    0,
)


def renderer_of(options):
    """The renderer that a step needs, -1 for none; without an accent the mood's own glow."""
    glows = (options[0] != options[1] + 1) & (jnp.asarray(_MOOD_GLOW)[options[1], 0] > 0)
    renderer_index = jnp.asarray(_RENDERER_OF).astype(jnp.int32)[options[2]]
    return jnp.where((options[2] == 0) & ~glows, -1, renderer_index).astype(jnp.int32)
