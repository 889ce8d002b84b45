"""time_period: how pictures of a period look: its palette, its light, and what it was made with."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.camera.lens import film_grain
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.blur import gaussian_blur, shift
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    enlarge,
    shrink,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.light.light import bloom

OPTIONS = Options("time_period")
LOOKS = OPTIONS.looks

# What pictures were made with. sharp: 1 doubles the finest detail, -1 takes it away. grain, and
# speckle: how far each channel has its own. mottle: an uneven ground such as plaster. gray: how far
# it is without colour, and its tone (red and blue; green keeps the luma). glow: amount, threshold
# and colour of the light that spreads in an emulsion or a lens. fringe: of a lens.
_FIELDS = ("sharp", "grain", "speckle", "mottle", "gray", "tone", "glow", "fringe")
_STOCK_ROWS = np.column_stack([OPTIONS.table("target_era", name) for name in _FIELDS])

# Of the five levels: what is added to the sharpness, and how much of the faults is left.
_SHARPER = np.array([-0.5, -0.25, 0.0, 0.3, 0.6], np.float32)
_FAULTS = np.array([1.7, 1.3, 1.0, 0.7, 0.4], np.float32)
_BLUR = 0.0028  # sigma of the finest detail, in parts of the shorter side
_FINE = 500  # pixels of the shorter side that it takes
_ACCURATE = np.array([0.8, 1.4], np.float32)  # stylised, historically accurate


@renderer
def _draw_stock(image, scene, options, seed):
    """The picture as the means of its time would have made it."""
    row = jnp.asarray(_STOCK_ROWS)[options[1]]
    sharp, grain, speckle, mottle, gray, red, blue, amount, threshold, *color, fringe = row
    faults = jnp.asarray(_FAULTS)[options[2]] * jnp.asarray(_ACCURATE)[options[3]]
    sharp = jnp.clip(sharp + jnp.asarray(_SHARPER)[options[2]], -1.0, 1.2)
    glow = {"threshold": threshold, "sigma": 0.02, "channel_axis": 0}
    stages = (
        ((sharp != 0) | (fringe > 0), lambda x: _focus(x, sharp, fringe)),
        (amount > 0, lambda x: bloom(x, amount, jnp.stack(color), **glow)),
        (gray > 0, lambda x: _tone(x, gray, red, blue)),
        (mottle > 0, lambda x: _mottle(x, faults * mottle, seed)),
        (grain > 0, lambda x: _grain(x, faults * grain, speckle, seed)),
    )
    for needed, stage in stages:
        image = where_used(needed, stage, image)
    return image


def _focus(image, sharp, fringe):
    """Sharper (positive) or softer (negative), the red beside the blue by `fringe`."""
    step = max(1, round(min(image.shape[1:]) / 320))
    red, blue = shift(image[:1], 0, step)[0], shift(image[2:], 0, -step)[0]
    split = jnp.stack([red, image[1], blue])
    narrow = min(1.0, min(image.shape[1:]) / 320)  # where a pixel is too wide
    image = image + narrow * fringe * (split - image)
    height, width = image.shape[1:]
    factor = max(1, min(height, width) // _FINE)
    sigma = max(0.5, _BLUR * min(height, width) / factor)
    blurred = enlarge(
        gaussian_blur(shrink(image, factor), sigma, channel_axis=0), factor, height, width
    )
    return jnp.clip(image + sharp * (image - blurred), 0.0, 1.0)


def _tone(image, gray, red, blue):
    """Towards the tones of a print without colours, deepest in the middle."""
    luma = luma_of(image)
    green = -(0.299 * red + 0.114 * blue) / 0.587
    print_ = luma + 4 * jnp.stack([red, green, blue])[:, None, None] * luma * (1 - luma)
    return image + gray * (print_ - image)


def _mottle(image, amount, seed):
    """An uneven ground, light and dark in patches, with finer pits."""
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    patches = to_full(turbulence(4 * y, 4 * x, seed, 5) - 0.5, height, width)
    return image + (1.6 * amount * patches) * image * (1 - image)


def _grain(image, amount, speckle, seed):
    """Film grain, with `speckle` of it in each channel apart."""
    together = 1 + speckle * jnp.array([0.0, -1.7, -0.4])
    image = film_grain(image, amount, seed, together, channel_axis=0)
    return film_grain(
        image, amount * speckle, seed + jnp.uint32(1), jnp.array([-0.6, 0.3, 1.2]), channel_axis=0
    )


RENDERERS = (_draw_stock,)


def renderer_of(options: jax.Array) -> jax.Array:
    """0, the stock; -1 where the picture is of that era already."""
    return jnp.where(is_new(options), 0, -1)
