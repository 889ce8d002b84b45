"""artistic_medium: 22 media, how paint is put on, and what an art movement makes of it.

A medium is drawn by the kernel of its family (transforms/media), then the movement by its own.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
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
    branch: int | None = None,
) -> jax.Array:
    """The medium, unless it was there before, and the movement upon it.

    One renderer, as all families share their first and last parts; each family is a branch, so
    that only the needed one runs where rows are not vmapped. With the `branch_of` these options no
    other is compiled, and no movement.
    """
    texture = texture_of(options)

    def drawn(image):
        family, place, plain = jnp.asarray(_MEDIA)[options[1]]
        row = (family if branch is None else branch), place, plain
        surfaces, technique = jnp.asarray(_SURFACES)[options[1]], technique_of(options)
        return in_medium(image, scene, row, surfaces, technique, texture, seed, channel_axis=0)

    out = where_used(is_new(options), drawn, image)
    if branch is not None:
        return out
    row = jnp.asarray(_MOVEMENTS)[options[3]]
    return in_movement(out, row, texture, seed + jnp.uint32(101), channel_axis=0)


def branch_of(options: np.ndarray) -> int | None:
    """The family of a medium without a movement, else None.

    A movement is seldom asked for, and each with each family would be a program of its own.
    """
    return int(_MEDIA[options[1], 0]) if _MOVEMENTS[options[3], 0] < 0 else None


RENDERERS = (draw_medium,)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where neither the medium is new nor a movement wanted."""
    moves = jnp.asarray(_MOVEMENTS)[options[3], 0] >= 0
    return jnp.where(is_new(options) | moves, 0, -1)
