"""season: light, plants, and what lies on the ground."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.look_params import by_option, look, rgb
from agentic_styling.tools.transforms.conventions import computed, renderer, where_used
from agentic_styling.tools.transforms.ground import foliage, ground

_TOOL = "season"
# What leaves turn to, in logits: added to greens alone.
_FRESH = (0.35, 0.4, -0.35)
_LUSH = (-0.35, 0.15, -0.45)
_AUTUMN = (1.2, 0.05, -0.35)
_BARE = (0.7, -0.25, 0.5)
_EVERGREEN = (-1.0, -0.45, -0.05)
_WITHERED = (0.85, 0.1, -0.1)
_REDDER = np.array([0.25, -0.55, -0.1], np.float32)  # from one tree to the next in autumn

# fmt: off
SEASON = {
    "spring_blooming": look(0.26, 0.0, -0.01, -0.06, 0.14),
    "summer_lush": look(0.12, 0.1, 0.0, 0.16, 0.14, sky=(0.25, "#5ca8ec"),
        highlights=(0.08, 0.03, -0.1)),
    "autumn_falling": look(-0.06, 0.08, -0.03, 0.04, 0.02, haze=(0.08, "#e4d8bc"),
        shadows=(0.08, -0.02, -0.04), highlights=(0.1, 0.04, -0.16)),
    "winter_bare": look(0.1, -0.16, 0.02, -0.04, -0.36, white="#f4f8ff", haze=(0.12, "#dfe6ee"),
        sky=(0.45, "#d5dde6"), shadows=(-0.08, 0.0, 0.14)),
}
# fmt: on
LOOKS = {"target_season": SEASON}

# The plants of a season, where no others are asked for; then those that can be asked for.
# What leaves turn to; how much they differ from each other; blossoms; how thin the leaves are.
_PLANTS = {
    "blooming_flowers": (*_FRESH, 0.15, 1.0, 0.0),
    "full_green": (*_LUSH, 0.1, 0.0, 0.0),
    "autumn_colors": (*_AUTUMN, 1.0, 0.0, 0.0),
    "bare_branches": (*_BARE, 0.1, 0.0, 1.0),
    "evergreen": (*_EVERGREEN, 0.1, 0.0, 0.0),
    "dead_withered": (*_WITHERED, 0.5, 0.0, 0.35),
}
_PLANTS_OF = by_option(_TOOL, "vegetation_state", _PLANTS, (0.0,) * 6)
_OWN_PLANTS = by_option(
    _TOOL,
    "target_season",
    {
        "spring_blooming": _PLANTS["blooming_flowers"],
        "summer_lush": _PLANTS["full_green"],
        "autumn_falling": _PLANTS["autumn_colors"],
        "winter_bare": _PLANTS["bare_branches"],
    },
    None,
)
# What a season has done to the greens of a photograph that is said to show it; 0: unknown.
_SOURCE = np.concatenate([np.zeros((1, 3), np.float32), _OWN_PLANTS[:, :3]])

# The ground of a season, where no other is asked for; 0 is none.
_OWN_GROUND = by_option(
    _TOOL,
    "target_season",
    {"spring_blooming": 3, "summer_lush": 0, "autumn_falling": 2, "winter_bare": 1},
    0,
).astype(np.int32)


def _things(first, second, third, cell, share, round_):
    return (*rgb(first), *rgb(second), *rgb(third), cell, share, round_)


_STREWN = by_option(
    _TOOL,
    "ground_cover",
    {
        "autumn_leaves": _things("#8c3a14", "#d8781c", "#e8b840", 0.05, 0.7, 0.0),
        "spring_flowers": _things("#f6efe4", "#ec84b4", "#f0cc40", 0.03, 0.24, 0.8),
    },
    (0.0,) * 9 + (1.0, 0.0, 0.0),
)
_GRASS = by_option(
    _TOOL,
    "ground_cover",
    {
        "lush_grass": (*rgb("#24480f"), *rgb("#8cc048")),
        "dry_grass": (*rgb("#80683a"), *rgb("#e6d29a")),
    },
    (0.0,) * 6,
)


def _plants(image, scene, options, seed):
    """The plants as they were asked for, or as the season has them; and where they are."""
    asked = options[2] > 0
    own = jnp.asarray(_OWN_PLANTS)[options[1]]
    row = jnp.where(asked, jnp.asarray(_PLANTS_OF)[options[2]], own)
    old = jnp.asarray(_SOURCE)[options[0]]
    new = row[:3, None, None] + row[3] * foliage.mottled(scene, seed) * _REDDER[:, None, None]
    # Grass turns less than trees; a subject keeps more of its green, unless plants are asked for.
    held = jnp.where(asked, 0.0, 0.4) * scene.subject
    amount = (1 - held) * (1 - scene.sky) * (1 - 0.35 * scene.ground)
    image, leaves = foliage.turn(image, old, new, amount)
    leaves = leaves * (1 - 0.75 * scene.subject)
    image = where_used(row[5] > 0, foliage.thinned, image, scene, leaves, row[5])
    image = where_used(row[4] > 0, foliage.blossoms, image, scene, leaves, row[4], seed)
    return computed(image, leaves)


def _cover(options):
    """What lies on the ground, as an index into the values of `ground_cover`."""
    new = options[0] != options[1] + 1
    own = jnp.where(new, jnp.asarray(_OWN_GROUND)[options[1]], 0)
    return jnp.where(options[3] > 0, options[3], own)


@renderer
def draw_plants(image, scene, options, seed):
    """Plants, the ground left as it is."""
    return _plants(image, scene, options, seed)[0]


@renderer
def draw_snow(image, scene, options, seed):
    """Plants, and snow on the ground and on what faces up."""
    image, leaves = _plants(image, scene, options, seed)
    return ground.snow(image, scene, leaves, 1.0, seed, channel_axis=0)


@renderer
def draw_strewn(image, scene, options, seed):
    """Plants, and fallen leaves or flowers on the ground."""
    image, _ = _plants(image, scene, options, seed)
    row = jnp.asarray(_STREWN)[_cover(options)]
    share = row[10] * jnp.where(options[3] > 0, 1.0, 0.8)
    return ground.strewn(
        image, scene, row[:9].reshape(3, 3), row[9], share, row[11], seed, channel_axis=0
    )


@renderer
def draw_grass(image, scene, options, seed):
    """Plants, and grass on the ground."""
    image, _ = _plants(image, scene, options, seed)
    row = jnp.asarray(_GRASS)[_cover(options)]
    return ground.grass(image, scene, row[:3], row[3:], seed, channel_axis=0)


@renderer
def draw_mud(image, scene, options, seed):
    """Plants, and wet mud on the ground."""
    return ground.mud(_plants(image, scene, options, seed)[0], scene, seed, channel_axis=0)


RENDERERS = (draw_plants, draw_snow, draw_strewn, draw_grass, draw_mud)
_RENDERER_OF = by_option(
    _TOOL,
    "ground_cover",
    {
        "snow_covered": 1,
        "autumn_leaves": 2,
        "spring_flowers": 2,
        "lush_grass": 3,
        "dry_grass": 3,
        "mud_wet": 4,
    },
    0,
).astype(np.int32)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the season already and nothing is asked."""
    same = (options[0] == options[1] + 1) & (options[2] == 0) & (options[3] == 0)
    return jnp.where(same, -1, jnp.asarray(_RENDERER_OF)[_cover(options)])
