"""artistic_medium: 22 media, how paint is put on, and what an art movement makes of it.

A medium is drawn by the kernel of its family (transforms/media), then the movement by its own.
"""

import jax
import jax.numpy as jnp

from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.look_params import TEAL_ORANGE, look
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.media.finish import technique_of, texture_of
from agentic_styling.tools.transforms.media.medium import (
    in_medium,
    in_movement,
    media_table,
    movements_table,
)
from agentic_styling.tools.transforms.scene import Scene

MEDIUM = {
    "hyperrealistic": look(0.05, contrast=0.12, saturation=0.15),
    "film_photography": look(
        0.05, 0.1, -0.03, 0.05, -0.15, black="#1c1a1a", white="#f8f0dc", vignette=0.4
    ),
    "oil_painting_thick": look(0.05, 0.1, contrast=0.1, saturation=0.25),
    "oil_painting_smooth": look(-0.1, 0.15, contrast=0.08, saturation=0.12, black="#100a04"),
    "watercolor_flowing": look(0.45, contrast=-0.1, saturation=0.4),
    "watercolor_dry": look(0.4, 0.08, contrast=-0.1, saturation=-0.1),
    "acrylic_painting": look(0.1, contrast=0.18, saturation=0.45),
    "gouache": look(0.2, contrast=-0.15, saturation=0.2, black="#201c1c", white="#f4f0ea"),
    "charcoal_sketch": look(-0.1, contrast=0.1),
    "pastel_drawing": look(0.3, contrast=-0.2, saturation=0.25),
    "digital_painting": look(0.05, contrast=0.12, saturation=0.25),
    "vector_art": look(0.1, contrast=0.12, saturation=0.3),
    "3d_rendered": look(0.1, -0.05, contrast=0.08, saturation=0.15, vignette=0.2),
    "low_poly": look(0.05, contrast=0.1, saturation=0.2),
    "pixel_art": look(0.0, contrast=0.12, saturation=0.2),
    "anime_cel_shaded": look(0.3, contrast=0.08, saturation=0.3),
    "cartoon_illustrated": look(0.25, contrast=0.15, saturation=0.35),
    "collage_mixed_media": look(0.05, contrast=0.1),
}
MOVEMENT = {
    "impressionism": look(0.2, contrast=-0.1, saturation=0.25),
    "post_impressionism": look(contrast=0.1, saturation=0.35, mix=TEAL_ORANGE),
    "expressionism": look(-0.1, 0.15, 0.15, 0.3, 0.35),
    "fauvism": look(0.1, 0.1, 0.1, 0.1, 0.5),
    "cubism": look(-0.05, 0.15, contrast=0.15, saturation=-0.45),
    "surrealism": look(0.05, 0.0, 0.1, 0.05, 0.1),
    "abstract_expressionism": look(contrast=0.3, saturation=0.25),
    "pop_art": look(0.15, contrast=0.3, saturation=0.4),
    "minimalism": look(0.35, contrast=-0.1, saturation=-0.45),
    "art_nouveau": look(0.15, 0.15, -0.08, -0.12, -0.15, black="#1c180c", white="#f6ecd0"),
    "art_deco": look(contrast=0.15),
    "baroque": look(-0.1, 0.15, contrast=0.15),
    "renaissance": look(0.0, 0.1, black="#140e08"),
}
LOOKS = {"target_medium": MEDIUM, "art_movement": MOVEMENT}

_PARAMETERS = VOCABULARY["artistic_medium"].parameters
_MEDIA = media_table(_PARAMETERS["target_medium"].values)
_MOVEMENTS = movements_table(_PARAMETERS["art_movement"].values)


@renderer
def draw_medium(image: jax.Array, scene: Scene, options: jax.Array, seed: jax.Array) -> jax.Array:
    """The medium, unless it was there before, and the movement upon it.

    One renderer, as all families share their first and last parts; each family is a branch, so
    that only the needed one runs where rows are not vmapped.
    """
    texture = texture_of(options)

    def drawn(image):
        row = jnp.asarray(_MEDIA)[options[1]]
        return in_medium(image, row, technique_of(options), texture, seed, channel_axis=0)

    out = where_used(_is_new(options), drawn, image)
    row = jnp.asarray(_MOVEMENTS)[options[3]]
    return in_movement(out, row, texture, seed + jnp.uint32(101), channel_axis=0)


def _is_new(options):
    """Whether the medium is another than the source's."""
    return options[0] != options[1] + 1


RENDERERS = (draw_medium,)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where neither the medium is new nor a movement wanted."""
    moves = jnp.asarray(_MOVEMENTS)[options[3], 0] >= 0
    return jnp.where(_is_new(options) | moves, 0, -1)
