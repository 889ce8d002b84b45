"""season: light, plants, and what lies on the ground."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.conventions import computed, renderer, where_used
from agentic_styling.tools.transforms.filters.fields import ramp
from agentic_styling.tools.transforms.ground import foliage, ground

OPTIONS = Options("season")
LOOKS = OPTIONS.looks

_PARAMETERS = VOCABULARY["season"].parameters
_REDDER = np.array([0.25, -0.55, -0.1], np.float32)  # from one tree to the next in autumn

# What leaves turn to, in logits that are added to greens alone; how much they differ from each
# other; blossoms; how thin the leaves are. Of the plants that are asked for, or a season's own.
_PLANTS_OF = OPTIONS.table("vegetation_state", "plants")
_BY_STATE = dict(zip(_PARAMETERS["vegetation_state"].values, _PLANTS_OF, strict=True))
_OWN_PLANTS = OPTIONS.table("target_season", "plants", names=_BY_STATE)
# What a season has done to the greens of a photograph that is said to show it; 0: unknown.
_SOURCE = np.concatenate([np.zeros((1, 3), np.float32), _OWN_PLANTS[:, :3]])

# The ground of a season, where no other is asked for; 0 is none.
_OWN_GROUND = OPTIONS.choices("target_season", "cover", _PARAMETERS["ground_cover"].values)
# Strewn things: three colours, their distance, their share, how round they are. Grass: dark, light.
_STREWN = OPTIONS.table("ground_cover", "strewn", [0.0] * 9 + [1.0, 0.0, 0.0])
_GRASS = OPTIONS.table("ground_cover", "grass")


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
    image = where_used(row[5] > 0, foliage.thinned, image, scene, leaves, row[5], seed)
    image = where_used(row[4] > 0, foliage.blossoms, image, scene, leaves, row[4], seed)
    return computed(image, leaves)


def _cover(options):
    """What lies on the ground, as an index into the values of `ground_cover`."""
    own = jnp.where(is_new(options), jnp.asarray(_OWN_GROUND)[options[1]], 0)
    return jnp.where(options[3] > 0, options[3], own)


@renderer
def draw_plants(image, scene, options, seed):
    """Plants, the ground left as it is."""
    return _plants(image, scene, options, seed)[0]


@renderer
def draw_snow(image, scene, options, seed):
    """Plants, and snow on the ground and on what faces up."""
    image, leaves = _plants(image, scene, options, seed)
    return ground.snow(image, scene, 0.5 * leaves, 1.0, seed, channel_axis=0)


@renderer
def draw_strewn(image, scene, options, seed):
    """Plants, and fallen leaves or flowers on the ground."""
    image, _ = _plants(image, scene, options, seed)
    row = jnp.asarray(_STREWN)[_cover(options)]
    share = row[10] * jnp.where(options[3] > 0, 1.0, 0.8)
    # Flowers grow in patches, and on their own only among what is green.
    green = ramp(foliage.leaves_of(image, channel_axis=0), 0.03, 0.25)
    patches = 0.1 + 1.3 * ramp(ground.noise_of(scene, 6.0, seed + jnp.uint32(2)), 0.42, 0.62)
    grown = patches * jnp.where(options[3] > 0, 1.0, green)
    share = share * jnp.where(row[11] > 0.5, grown, 1.0)
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
_RENDERER_OF = OPTIONS.choices(
    "ground_cover", "draws", ("plants", "snow", "strewn", "grass", "mud")
)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the season already and nothing is asked."""
    asked = is_new(options) | (options[2] != 0) | (options[3] != 0)
    return jnp.where(asked, jnp.asarray(_RENDERER_OF)[_cover(options)], -1)
