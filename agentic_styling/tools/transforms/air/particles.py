"""Things that fall or float: rain, snow and the like, and leaves, petals, debris.

Layers from near to far, each a lattice of cells with one particle at most, so that the cost does
not depend on how many there are. Near ones are large, few and out of focus; far ones are hidden
by a subject that stands before them.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.fields import four_randoms, full_grid, ramp
from agentic_styling.utils.package_data import read_beside

_GOLDEN = 0.618034


# What falls, float32 [25] by name: three layers from far to near, then their angle from the
# vertical. A layer has the width and length of a cell across and along the fall, a particle's half
# width and half length, all in parts of the shorter side; the share of cells with a particle; how
# soft it is, 0 a disc with a clean rim to 1 a blur; alpha; how far the subject hides it.
KINDS = {
    name: np.array([*np.ravel(kind["layers"]), kind["angle"]], np.float32)
    for name, kind in read_beside(__file__, "particles.json").items()
}


@image_transform
def falling(image, subject, row, amount, color, seed, glow=0.0):
    """Draws rain, snow, hail, dust or sand in front of a picture.

    A particle thinner than a pixel is drawn a pixel wide and fainter.

    Args:
      subject: [H, W] in [0, 1], what hides the far layers.
      row: float32 [25], one of KINDS.
      amount: 1 as the row says, 0 none.
      glow: 0: the particles cover; 1: they add light.
    """
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    pixel = 0.75 / min(height, width)
    layers, angle = row[:24].reshape(3, 8), row[24]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    v, u = y * cos - x * sin, y * sin + x * cos
    clear = 1.0
    for i in range(3):
        cover = _fall(v, u, layers[i], amount, pixel, seed + jnp.uint32(64 * i))
        clear = clear * (1 - cover * (1 - layers[i, 7] * subject))
    color = color[:, None, None].astype(jnp.float32)
    covered = color + clear * (image - color)
    lit = image + (1 - clear) * color * (1 - image)
    return covered + glow * (lit - covered)


def _fall(v, u, layer, amount, pixel, seed):
    """Opacity [H, W] of one layer."""
    cell_u, cell_v, across, along, share, soft, alpha = (layer[k] for k in range(7))
    u, v = u / cell_u, v / cell_v
    column = jnp.floor(u)
    v = v + _GOLDEN * column  # or the particles would stand in rows
    row = jnp.floor(v)
    present, ry, rx, size = four_randoms(row, column, seed)
    size = 0.6 + 0.6 * size * size
    across, along = across * size, along * size
    drawn_u, drawn_v = jnp.maximum(across, pixel), jnp.maximum(along, pixel)
    alpha = alpha * (across / drawn_u) * (along / drawn_v)  # at least a pixel, and fainter for it
    radius_u, radius_v = drawn_u / cell_u, drawn_v / cell_v
    du = (u - column - radius_u - rx * (1 - 2 * radius_u)) / radius_u
    dv = (v - row - radius_v - ry * (1 - 2 * radius_v)) / radius_v
    rim = jnp.clip((1 - du * du - dv * dv) / (0.25 + 0.75 * soft), 0.0, 1.0)
    shown = jnp.minimum(alpha * (0.5 + 0.5 * jnp.minimum(amount, 1.6)), 1.0)
    return jnp.where(present < share * amount, rim * (shown * (0.55 + 0.45 * size)), 0.0)


Shape = Callable[[Array, Array, Array, Array], tuple[Array, Array]]
_FAR_TO_NEAR = ((0.36, 0.85, 0.05), (0.6, 1.0, 0.04), (1.0, 1.0, 0.12))  # scale, alpha, rim


@image_transform
def solids(image, scene, shape: Shape, cell: float, share, colors, seed):
    """Draws leaves, petals or debris in the air, each turned and tilted its own way.

    Args:
      shape: `leaf`, `petal` or `shard`.
      cell: distance of the nearest ones, in parts of the shorter side.
      share: of the cells that hold one, 0 to 1.
      colors: float [2, 3]; each has a mixture of the two.
    """
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    light = 0.5 + 0.75 * jnp.mean(luma_of(image))  # they stand in the light of the picture
    # Few are before the subject, unless it fills the picture; the others are whole behind it.
    hides = ramp(scene.subject, 0.3, 0.6) * (1 - 0.25 * jnp.mean(scene.subject))
    for i, (scale, alpha, rim) in enumerate(_FAR_TO_NEAR):
        size = cell * scale
        rim = jnp.maximum(rim, 2.4 / (size * min(height, width)))
        shown = share * (1 - (1.0, 1.0, 0.85)[i] * hides)
        cover, shade, mix = _turned(shape, y / size, x / size, shown, rim, seed + jnp.uint32(i))
        color = colors[0, :, None, None] + mix * (colors[1] - colors[0])[:, None, None]
        opaque = alpha * cover
        image = image + opaque * (jnp.minimum(color * (shade * light), 1.0) - image)
    return image


def _turned(shape, v, u, share, rim, seed):
    """Opacity, shade and mix of colours, [H, W] each, of one layer of solids."""
    column = jnp.floor(u)
    v = v + _GOLDEN * column
    row = jnp.floor(v)
    present, ry, rx, mix = four_randoms(row, column, seed)
    cos, sin, tilt, size = four_randoms(row, column, seed + jnp.uint32(0x9E37))
    cos, sin = cos - 0.5, sin - 0.4983
    norm = jax.lax.rsqrt(cos * cos + sin * sin)
    radius = 0.2 + 0.2 * size * size
    dy = (v - row - radius - ry * (1 - 2 * radius)) / radius
    dx = (u - column - radius - rx * (1 - 2 * radius)) / radius
    along = (dy * cos - dx * sin) * norm
    across = (dy * sin + dx * cos) * norm / (0.3 + 0.7 * tilt)
    cover, shade = shape(along, across, rim, mix)
    shade = shade * (0.7 + 0.45 * tilt)
    return jnp.where(present < share, cover, 0.0), shade, mix


def leaf(s: Array, t: Array, rim: Array, own: Array) -> tuple[Array, Array]:
    """Cover and shade of a leaf with its stem and veins, along s and across t in [-1, 1]."""
    s = 1.2 * s + 0.2  # the stem begins at -1
    side = jnp.abs(t)
    inside = jnp.maximum(1 - s * s, 0.0)
    half = inside * (0.46 - 0.2 * jnp.clip(s, -1.0, 1.0)) * (0.85 + 0.4 * own)
    teeth = jnp.abs((7 * s + 0.3) % 1 - 0.5)
    blade = jnp.clip((half - side + 0.05 * teeth * inside) / (2 * rim), 0.0, 1.0)
    stem = jnp.clip((0.045 - side) / rim, 0.0, 1.0) * (s < -0.9) * (s > -1.0 - 0.3)
    ribs = jnp.abs((4.5 * s - 3.2 * side) % 1 - 0.5)
    veins = jnp.clip(1 - ribs * 7, 0.0, 1.0) * 0.18 + jnp.clip(1 - side * 14, 0.0, 1.0) * 0.3
    curl = jnp.where(t > 0, 1.1, 0.84) - 0.25 * side / (half + 0.3)
    return jnp.maximum(blade, stem), curl * (1 - veins * (s > -0.95)) + 0.08 * teeth


def petal(s: Array, t: Array, rim: Array, own: Array) -> tuple[Array, Array]:
    """Cover and shade of a petal: narrow at its base, notched at its tip, cupped."""
    side = jnp.abs(t)
    half = jnp.maximum(1 - s * s, 0.0) * (0.6 + 0.4 * jnp.clip(s, -1.0, 1.0)) * (0.8 + 0.4 * own)
    notch = jnp.clip((s - 0.72) * 0.7 - side, -1.0, 1.0)
    edge = jnp.minimum(half - side, -notch * 1.4)
    cover = jnp.clip(edge / (2 * rim), 0.0, 1.0)
    cup = 1.02 - 0.28 * (side / (half + 0.2)) ** 2 - 0.18 * jnp.clip(-s, 0.0, 1.0)
    streaks = 0.04 * jnp.abs((6 * t / (half + 0.3)) % 1 - 0.5)
    return cover, cup - streaks - 0.12 * (t > 0.12 * s)


_SIDES = tuple((np.cos(a), np.sin(a)) for a in np.array([0.2, 1.5, 2.7, 3.9, 5.2]))


def shard(s: Array, t: Array, rim: Array, own: Array) -> tuple[Array, Array]:
    """Cover and shade of a broken piece: five straight edges, two or three facets."""
    edge = 1.0
    for k, (a, b) in enumerate(_SIDES):
        reach = 0.3 + 0.5 * ((own * (k + 2.7) * 3.1) % 1)
        edge = jnp.minimum(edge, reach - (a * s + b * t))
    cover = jnp.clip(edge / (2 * rim), 0.0, 1.0)
    bend = s * (own - 0.4) + 0.6 * t
    facet = jnp.where(bend > 0.06, 1.35, jnp.where(s > 0.15, 0.75, 1.0))
    return cover, facet + 0.35 * jnp.clip(1 - edge * 9, 0.0, 1.0) * (bend > 0)
