"""artistic_medium: 22 media, how paint is put on, and what an art movement makes of it.

A medium is drawn by the kernel of its family (transforms/media), then the movement by its own.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.conventions import Scene, renderer, where_used
from agentic_styling.tools.transforms.media.finish import technique_of, texture_of
from agentic_styling.tools.transforms.media.medium import (
    in_medium,
    in_movement,
    media_table,
    movements_table,
    surfaces_table,
)

LOOKS = Options("artistic_medium").looks

_PARAMETERS = VOCABULARY["artistic_medium"].parameters
_MEDIA = media_table(_PARAMETERS["target_medium"].values)
_SURFACES = surfaces_table(_PARAMETERS["target_medium"].values)
_MOVEMENTS = movements_table(_PARAMETERS["art_movement"].values)


@renderer
def draw_medium(
    image: jax.Array,
    scene: Scene,
    options: jax.Array,
    seed: jax.Array,
    kinds: tuple[int, int] | None = None,
) -> jax.Array:
    """The medium, unless it was there before, and the movement upon it.

    One renderer, as all families share their first and last parts; each family is a branch, so
    that only the needed one runs where rows are not vmapped. With `kinds_of` these options only
    that one is compiled.
    """
    texture = texture_of(options)
    family, movement = kinds or (_family(options), _movement(options))

    def drawn(image):
        _, *row = jnp.asarray(_MEDIA)[options[1]]
        surfaces, technique = jnp.asarray(_SURFACES)[options[1]], technique_of(options)
        medium = family, *row
        return in_medium(image, scene, medium, surfaces, technique, texture, seed, channel_axis=0)

    out = where_used(_is_new(options), drawn, image)
    row = movement, jnp.asarray(_MOVEMENTS)[options[3], 1]
    return in_movement(out, row, texture, seed + jnp.uint32(101), channel_axis=0)


def kinds_of(options: np.ndarray) -> tuple[int, int]:
    """The medium's family and the movement's kind, of options that are known before compiling."""
    return int(_family(options)), int(_movement(options))


def _family(options):
    return jnp.asarray(_MEDIA)[options[1], 0]


def _movement(options):
    return jnp.asarray(_MOVEMENTS)[options[3], 0]


def _is_new(options):
    """Whether the medium is another than the source's."""
    return options[0] != options[1] + 1


RENDERERS = (draw_medium,)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where neither the medium is new nor a movement wanted."""
    return jnp.where(_is_new(options) | (_movement(options) >= 0), 0, -1)
