"""artistic_medium: 22 media, how paint is put on, and what an art movement makes of it.

A medium is drawn by the kernel of its family (artistic/), then the movement by that of its own.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.look_params import TEAL_ORANGE, look
from agentic_styling.tools.transforms.media import draw, flat, mosaic, movements, paint, photo, wash
from agentic_styling.tools.transforms.media.finish import finish, soften, technique_of, texture_of
from agentic_styling.tools.transforms.media.flatten import flatten
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
_MEDIA = _PARAMETERS["target_medium"].values
_MOVEMENTS = _PARAMETERS["art_movement"].values


def _kernels(families: tuple, names: tuple) -> np.ndarray:
    """Of each name its family and its place there [names, 2]; -1 where none draws it."""
    places = {name: (i, k) for i, family in enumerate(families) for k, name in enumerate(family)}
    return np.array([places.get(name, (-1, 0)) for name in names], np.int32)


_FAMILIES = (
    *(module.MEDIA for module in (photo, paint, wash, draw, flat)),
    ("low_poly",),
    ("pixel_art",),
    ("collage_mixed_media",),
)
_OF_MEDIUM = _kernels(_FAMILIES, _MEDIA)
_OF_MOVEMENT = _kernels(
    (
        movements.DABS,
        ("cubism",),
        ("surrealism",),
        ("abstract_expressionism",),
        movements.GRAPHICS,
        ("baroque", "renaissance"),
    ),
    _MOVEMENTS,
)
_DRAW_MEDIUM = (
    photo.photograph,
    paint.paint,
    wash.wash,
    draw.draw,
    flat.flat,
    mosaic.low_poly,
    mosaic.pixel_art,
    mosaic.collage,
)
_DRAW_MOVEMENT = (
    movements.dabs,
    movements.facets,
    movements.dream,
    movements.action,
    movements.graphic,
    movements.chiaroscuro,
)
# How far canvas and paper stand out under the media of a family.
_SURFACES = np.array(
    [(0, 0), (0.16, 0), (0, 0.3), (0, 0.28), (0, 0.12), (0, 0), (0, 0), (0, 0.3)], np.float32
)


def render(image: jax.Array, scene: Scene, options: jax.Array, seed: jax.Array) -> jax.Array:
    """[3, H, W] in [0, 1] in the medium, unless it was there before, and the movement upon it.

    float32 or bfloat16 in and out. One renderer, for all families share their first and last
    parts; each family is a branch, so that only the needed one runs where rows are not vmapped.
    """
    out = jax.lax.cond(
        _is_new(options), _medium, lambda image, *_: image, image.astype(jnp.float32), options, seed
    )
    family, row = jnp.asarray(_OF_MOVEMENT)[options[3]]
    kernels = [lambda image, *_: image, *_DRAW_MOVEMENT]
    seed = seed + jnp.uint32(101)
    out = jax.lax.switch(family + 1, kernels, out, row, texture_of(options), seed)
    return jnp.clip(out, 0.0, 1.0).astype(image.dtype)


def _medium(image, options, seed):
    technique, texture = technique_of(options), texture_of(options)
    family, row = jnp.asarray(_OF_MEDIUM)[options[1]]
    out = soften(image, technique, seed + jnp.uint32(50))
    flat_family = (family >= 1) & (family <= 4) | (options[1] == _MEDIA.index("3d_rendered"))
    plain = jax.lax.cond(flat_family, flatten, lambda x: x, out)
    out = jax.lax.switch(family, _DRAW_MEDIUM, out, plain, row, technique, texture, seed)
    surfaces = texture * jnp.asarray(_SURFACES)[family]
    return jnp.clip(finish(jnp.clip(out, 0.0, 1.0), technique, surfaces, seed), 0.0, 1.0)


def _is_new(options):
    """Whether the medium is another than the source's."""
    return options[0] != options[1] + 1


RENDERERS = (render,)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where neither the medium is new nor a movement wanted."""
    moves = jnp.asarray(_OF_MOVEMENT)[options[3], 0] >= 0
    return jnp.where(_is_new(options) | moves, 0, -1)
