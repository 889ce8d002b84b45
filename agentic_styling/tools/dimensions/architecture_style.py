"""architecture_style: the palette, light and surfaces of a style of building."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.look_params import by_option, look
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import coarse_factor, ramp
from agentic_styling.tools.transforms.filters.materials import relief_of
from agentic_styling.tools.transforms.light.light import bloom
from agentic_styling.tools.transforms.scene import enlarge, shrink

# fmt: off
ARCHITECTURE = {
    "modern_minimalist": look(0.35, -0.04, contrast=-0.02, saturation=-0.55, black="#101216",
        white="#fcfcfc"),
    "contemporary_glass": look(0.15, -0.16, -0.03, contrast=0.15, saturation=-0.12, white="#f4fbff",
        shadows=(-0.12, 0.03, 0.12), sky=(0.4, "#8cc4ee")),
    "brutalist_concrete": look(-0.15, -0.03, contrast=0.25, saturation=-0.95, white="#dcdcd8",
        sky=(0.35, "#aeb2b4")),
    "art_deco_geometric": look(-0.1, 0.06, contrast=0.32, saturation=-0.15, black="#07080c",
        white="#fff2c4", shadows=(-0.1, 0.0, 0.08), highlights=(0.15, 0.1, -0.25), vignette=0.25),
    "victorian_ornate": look(-0.28, 0.1, 0.02, contrast=0.08, saturation=-0.15, black="#180a0e",
        white="#f4e2c8", shadows=(0.16, -0.06, -0.02), foliage=(0.0, -0.15, -0.05), vignette=0.35),
    "medieval_stone": look(-0.3, 0.03, contrast=0.08, saturation=-0.6, black="#0c0c0a",
        white="#d4d0c2", foliage=(0.05, -0.1, -0.1), haze=(0.12, "#88867c"), sky=(0.3, "#9aa0a0")),
    "renaissance_classical": look(0.1, 0.12, contrast=-0.06, saturation=-0.05, black="#20160e",
        white="#faecd0", highlights=(0.1, 0.04, -0.12), shadows=(0.08, 0.02, -0.06),
        sky=(0.3, "#8cb8dc"), side=(-0.22, -0.2, -0.14)),
    "baroque_elaborate": look(-0.25, 0.12, contrast=0.32, saturation=0.1, black="#120a04",
        white="#ffe8b8", shadows=(0.16, 0.0, -0.12), highlights=(0.14, 0.08, -0.25), vignette=0.45),
    "japanese_traditional": look(0.08, 0.04, -0.04, contrast=-0.12, saturation=-0.3,
        black="#16160f", white="#f6f2e2", shadows=(-0.05, 0.05, 0.0), foliage=(-0.1, 0.05, 0.0),
        haze=(0.12, "#e0e2d8")),
    "moroccan_islamic": look(0.1, 0.16, 0.02, contrast=0.1, saturation=0.12, white="#fff2de",
        shadows=(-0.18, 0.04, 0.16), highlights=(0.18, 0.02, -0.16), foliage=(0.1, 0.0, 0.1),
        sky=(0.4, "#3c9cd8"), ground=(0.35, "#c8744c")),
    "greek_classical": look(0.4, contrast=0.12, saturation=-0.12, white="#fffffa",
        highlights=(-0.02, 0.0, 0.04), foliage=(0.2, 0.0, 0.05), sky=(0.55, "#3484e4")),
    "roman_imperial": look(0.08, 0.12, 0.03, contrast=0.16, saturation=-0.15, black="#160a06",
        shadows=(0.14, -0.03, -0.08), foliage=(0.3, -0.1, -0.1), ground=(0.35, "#b88c68")),
    "gothic_cathedral": look(-0.75, -0.08, 0.02, contrast=0.28, saturation=-0.4, black="#06060e",
        white="#c4c4e0", shadows=(-0.06, -0.06, 0.2), highlights=(0.08, 0.0, 0.0),
        sky=(0.5, "#5c6080"), vignette=0.5, top=0.35),
    "industrial_warehouse": look(-0.2, 0.06, contrast=0.28, saturation=-0.55, black="#0c0c0c",
        white="#e4dac8", shadows=(-0.06, 0.02, 0.06), highlights=(0.1, 0.0, -0.12),
        ground=(0.3, "#5c524a")),
    "steampunk_mechanical": look(-0.3, 0.08, contrast=0.26, saturation=-0.28, black="#130b05",
        white="#fadcae", shadows=(0.06, 0.06, -0.1), highlights=(0.22, 0.02, -0.25),
        foliage=(0.2, -0.15, 0.0), sky=(0.3, "#a08c70"), vignette=0.4),
    "cyberpunk_neon": look(-0.65, -0.12, 0.04, contrast=0.25, saturation=0.1, black="#080418",
        white="#f4d8ff", shadows=(-0.05, -0.15, 0.35), highlights=(0.2, -0.18, 0.2),
        foliage=(-0.1, -0.5, 0.2), sky=(0.7, "#241448"), side=(0.4, -0.2, -0.1)),
    "futuristic_sleek": look(0.22, -0.2, contrast=0.26, saturation=-0.4, black="#040a12",
        white="#f0faff", shadows=(-0.14, 0.0, 0.16), sky=(0.35, "#e4eef8"), top=0.2),
    "organic_biomorphic": look(0.12, 0.07, -0.03, contrast=-0.08, saturation=0.08, black="#10160c",
        white="#fcfcf0", shadows=(-0.06, 0.07, -0.04), highlights=(0.08, 0.03, -0.08),
        foliage=(-0.1, 0.25, -0.15)),
    "fantasy_magical": look(0.05, -0.06, 0.06, contrast=-0.02, saturation=0.2, black="#120a2c",
        white="#fff0ff", shadows=(0.1, -0.15, 0.3), highlights=(0.08, -0.06, 0.06),
        foliage=(-0.3, 0.1, 0.4), sky=(0.45, "#a8a0f0")),
    "ruins_ancient": look(0.05, 0.1, contrast=-0.12, saturation=-0.5, black="#1c1812",
        white="#eee4cc", foliage=(0.25, 0.0, -0.2), haze=(0.25, "#c4b698")),
}
# fmt: on

DETAIL_LEVEL = {
    "minimal": look(contrast=-0.1, saturation=-0.15),
    "moderate": look(),
    "ornate": look(contrast=0.1, saturation=0.12),
}

MATERIAL = {
    "stone": look(saturation=-0.25, white="#eae8e2"),
    "wood": look(-0.08, 0.12, highlights=(0.1, 0.02, -0.12)),
    "metal": look(warm=-0.1, contrast=0.18, saturation=-0.25),
    "glass": look(0.12, -0.12, -0.04, contrast=0.06),
    "concrete": look(saturation=-0.45, black="#161616"),
    "brick": look(-0.05, 0.1, 0.06, shadows=(0.12, -0.04, -0.04)),
    "marble": look(0.28, saturation=-0.25),
    "mixed": look(),
}

LOOKS = {
    "target_style": ARCHITECTURE,
    "detail_level": DETAIL_LEVEL,
    "material_type": MATERIAL,
}

_MATERIALS = VOCABULARY["architecture_style"].parameters["material_type"].values
_MIXED = _MATERIALS.index("mixed")
_MODERATE = 1  # detail_level


def _surface(clarity: float = 0.0, material: str = "mixed", amount: float = 0.0, glow: float = 0.0):
    return (clarity, _MATERIALS.index(material), amount, glow)


# What each style draws, its own material where none is asked for; see _draw_surface.
_SURFACES = {
    "modern_minimalist": _surface(-0.35),
    "contemporary_glass": _surface(0.25, "glass", 0.6),
    "brutalist_concrete": _surface(0.4, "concrete", 0.8),
    "art_deco_geometric": _surface(0.4),
    "victorian_ornate": _surface(0.3, "brick", 0.5),
    "medieval_stone": _surface(0.3, "stone", 0.8),
    "baroque_elaborate": _surface(0.35),
    "japanese_traditional": _surface(-0.2, "wood", 0.5),
    "greek_classical": _surface(0.0, "marble", 0.6),
    "roman_imperial": _surface(0.2, "stone", 0.4),
    "gothic_cathedral": _surface(0.4, "stone", 0.5),
    "industrial_warehouse": _surface(0.2, "brick", 0.6),
    "steampunk_mechanical": _surface(0.2, "metal", 0.6),
    "cyberpunk_neon": _surface(0.1, glow=0.9),
    "futuristic_sleek": _surface(-0.1, "metal", 0.35),
    "organic_biomorphic": _surface(-0.5),
    "fantasy_magical": _surface(-0.2, glow=0.7),
    "ruins_ancient": _surface(0.4, "stone", 1.0),
}
_SURFACE_ROWS = by_option("architecture_style", "target_style", _SURFACES, _surface())
_CLARITY = np.array([-0.6, 0.0, 0.7], np.float32)  # of minimal, moderate, ornate
_DEPTH = 0.5  # of the relief


@renderer
def _draw_surface(image, scene, options, seed):
    """Local contrast, the relief of the material on what is built, and the glow of lights."""
    clarity, own, amount, glow = jnp.asarray(_SURFACE_ROWS)[options[1]]
    asked = options[3] != _MIXED
    material = jnp.where(asked, options[3], own.astype(jnp.int32))
    amount = _DEPTH * jnp.where(asked, 1.0, amount)
    clarity = clarity + jnp.asarray(_CLARITY)[options[2]]
    stages = (
        (clarity != 0, lambda x: _clear(x, clarity)),
        (amount > 0, lambda x: _cover(x, scene, amount, material, seed)),
        (glow > 0, lambda x: _glow(x, glow)),
    )
    for needed, stage in stages:
        image = where_used(needed, stage, image)
    return image


def _cover(image, scene, amount, material, seed):
    relief = relief_of(material, *image.shape[1:], seed)
    return image + (amount * _walls(image, scene) * relief) * image * (1 - image)


def _glow(image, amount):
    return bloom(
        image, amount, jnp.array([1.0, 0.7, 1.0]), threshold=0.5, sigma=0.03, channel_axis=0
    )


def _clear(image, amount):
    """Local contrast up (positive) or down, less at strong edges, so that none gets a halo."""
    height, width = image.shape[1:]
    factor = coarse_factor(height, width)
    luma = luma_of(image)
    around = enlarge(spread(shrink(luma[None], factor), 0.02), factor, height, width)[0]
    detail = luma - around
    detail = detail / (1 + 4 * jnp.abs(detail))
    return jnp.clip(image + 4 * amount * detail * image * (1 - image), 0.0, 1.0)


def _walls(image, scene):
    """[H, W]: what may be a wall: not sky, water or leaves, and a subject only if it is built."""
    built = _built(image)
    green = jnp.maximum(image[1] - jnp.maximum(image[0], image[2]), 0.0)
    blue = jnp.maximum(image[2] - image[0], 0.0)
    place = built + (1 - built) * 0.3 * (1 - scene.subject) ** 2
    return place * (1 - scene.sky) * (1 - 0.5 * scene.ground) / (1 + 50 * green + 15 * blue)


def _built(image):
    """[H, W]: how far edges around are level and upright, as those of buildings are.

    The mean of cos(4 angle) over the gradients: 0 where all directions are alike.
    """
    height, width = image.shape[1:]
    factor = coarse_factor(height, width)
    padded = jnp.pad(luma_of(shrink(image, factor)), 1, mode="edge")
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) ** 2
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) ** 2
    along = ((dx - dy) ** 2 - 4 * dx * dy) / (dx + dy + 1e-3)
    along, strength = spread(jnp.stack([along, dx + dy]), 0.07)
    built = ramp(along / (strength + 2e-3), 0.04, 0.27)
    return enlarge(built[None], factor, height, width)[0]


RENDERERS = (_draw_surface,)


def renderer_of(options: jax.Array) -> jax.Array:
    """0; -1 where nothing is asked for or the style is there already."""
    own = jnp.any(jnp.asarray(_SURFACE_ROWS)[options[1]][jnp.array([0, 2, 3])] != 0)
    asked = (options[2] != _MODERATE) | (options[3] != _MIXED) | own
    return jnp.where(asked & (options[0] != options[1] + 1), 0, -1)
