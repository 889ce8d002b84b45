"""A picture in a medium, by the kernel of the medium's family, and what a movement makes of it."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.conventions import Scene, image_transform
from agentic_styling.tools.transforms.filters.smoothing import flatten
from agentic_styling.tools.transforms.media import (
    draw,
    flat,
    mosaic,
    movements,
    paint,
    photo,
    rendered,
    wash,
)
from agentic_styling.tools.transforms.media.finish import Technique, finish, soften

# Of each family: its media; what draws one, from a picture [3, H, W], its plain areas, the scene,
# the medium's place in the family, the technique, how visible the texture is (0 to 2) and a seed.
FAMILIES = (
    (photo.MEDIA, photo.photograph),
    (("3d_rendered",), rendered.rendered),
    (paint.MEDIA, paint.paint),
    (wash.MEDIA, wash.wash),
    (draw.MEDIA, draw.draw),
    (flat.MEDIA, flat.flat),
    (("low_poly",), mosaic.low_poly),
    (("pixel_art",), mosaic.pixel_art),
    (("collage_mixed_media",), mosaic.collage),
)
_MOVEMENTS = (
    (movements.DABS, movements.dabs),
    (("cubism",), movements.facets),
    (("surrealism",), movements.dream),
    (("abstract_expressionism",), movements.action),
    (movements.GRAPHICS, movements.graphic),
    (("baroque", "renaissance"), movements.chiaroscuro),
)
_DRAW_MEDIUM = tuple(draws for _, draws in FAMILIES)
_DRAW_MOVEMENT = tuple(draws for _, draws in _MOVEMENTS)
_PLAIN = (*paint.MEDIA, *wash.MEDIA, *draw.MEDIA)
# How far canvas and paper stand out under a medium.
_SURFACES = {
    **dict.fromkeys(paint.MEDIA, (0.07, 0.0)),
    **dict.fromkeys(wash.MEDIA, (0.0, 0.3)),
    **dict.fromkeys(draw.MEDIA, (0.0, 0.28)),
    "pastel_drawing": (0.0, 0.2),
    "digital_painting": (0.0, 0.0),
    "collage_mixed_media": (0.0, 0.3),
}


def media_table(names: tuple[str, ...]) -> np.ndarray:
    """int32 [names, 3] for `in_medium`: the family, the place in it, and whether it needs plain
    areas; the family is -1 for a name that no family has."""
    places = _places([media for media, _ in FAMILIES], names)
    return np.concatenate([places, [[name in _PLAIN] for name in names]], axis=1).astype(np.int32)


def surfaces_table(names: tuple[str, ...]) -> np.ndarray:
    """float32 [names, 2] for `in_medium`: how far canvas, and paper, stand out."""
    return np.array([_SURFACES.get(name, (0.0, 0.0)) for name in names], np.float32)


def movements_table(names: tuple[str, ...]) -> np.ndarray:
    """int32 [names, 2] for `in_movement`: the kind and the place in it; the kind is -1 for none."""
    return _places([kinds for kinds, _ in _MOVEMENTS], names)


def _places(families: list, names: tuple[str, ...]) -> np.ndarray:
    places = {name: (i, k) for i, family in enumerate(families) for k, name in enumerate(family)}
    return np.array([places.get(name, (-1, 0)) for name in names], np.int32)


@image_transform
def in_medium(image, scene: Scene, row, surfaces, technique: Technique, texture, seed):
    """A picture drawn in a medium.

    Args:
      row: int32 [3] of `media_table`; a family that is an int is compiled alone.
      surfaces: float32 [2] of `surfaces_table`.
      technique: how paint is put on.
      texture: how visible the surface is, 0 to 2.

    Returns:
      The picture in [0, 1]. Of the families only the one that is needed is computed.
    """
    family, place, plain = row
    out = soften(image, technique, seed + jnp.uint32(50))
    areas = jax.lax.cond(plain > 0, flatten, lambda x: x, out)
    drawing = out, areas, scene, place, technique, texture, seed
    if isinstance(family, int):
        out = _DRAW_MEDIUM[family](*drawing)
    else:
        out = jax.lax.switch(family, _DRAW_MEDIUM, *drawing)
    surfaces = texture * surfaces
    return jnp.clip(finish(jnp.clip(out, 0.0, 1.0), technique, surfaces, seed), 0.0, 1.0)


@image_transform
def in_movement(image: jax.Array, row: jax.Array, texture: jax.Array, seed: jax.Array) -> jax.Array:
    """A picture as an art movement would have it; row: int32 [2] of `movements_table`."""
    kind, place = row
    return jax.lax.switch(kind + 1, (lambda x, *_: x, *_DRAW_MOVEMENT), image, place, texture, seed)
