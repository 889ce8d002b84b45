"""architecture_style: the palette, light and surfaces of a style of building."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import coarse, ramp, slopes, to_full
from agentic_styling.tools.transforms.filters.materials import relief_of
from agentic_styling.tools.transforms.ground.foliage import lighter_than_around
from agentic_styling.tools.transforms.light.light import bloom

OPTIONS = Options("architecture_style")
LOOKS = OPTIONS.looks

_MATERIALS = VOCABULARY["architecture_style"].parameters["material_type"].values
_MIXED = _MATERIALS.index("mixed")
_MODERATE = 1  # detail_level

# What a style draws: local contrast, its own material where none is asked for, how far that stands
# out, and how far lights glow; see _draw_surface.
_INDEX = {name: index for index, name in enumerate(_MATERIALS)}
_SURFACE_ROWS = OPTIONS.table("target_style", "surface", [0.0, "mixed", 0.0, 0.0], _INDEX)
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
    detail = lighter_than_around(image)
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
    dy, dx = (slope**2 for slope in slopes(luma_of(coarse(image))))
    along = ((dx - dy) ** 2 - 4 * dx * dy) / (dx + dy + 1e-3)
    along, strength = spread(jnp.stack([along, dx + dy]), 0.07)
    built = ramp(along / (strength + 2e-3), 0.04, 0.27)
    return to_full(built, height, width)


RENDERERS = (_draw_surface,)


def renderer_of(options: jax.Array) -> jax.Array:
    """0; -1 where nothing is asked for or the style is there already."""
    own = jnp.any(jnp.asarray(_SURFACE_ROWS)[options[1]][jnp.array([0, 2, 3])] != 0)
    asked = (options[2] != _MODERATE) | (options[3] != _MIXED) | own
    return jnp.where(asked & is_new(options), 0, -1)
