"""Pictures made of pieces: triangles, pixels and torn paper."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of, saturated
from agentic_styling.tools.transforms.filters.fields import hash_noise, shrink
from agentic_styling.tools.transforms.filters.screens import halftone
from agentic_styling.tools.transforms.filters.surfaces import lattice_noise, wave
from agentic_styling.tools.transforms.media.finish import Technique
from agentic_styling.tools.transforms.media.low_poly import colors_of, fill, mesh_of
from agentic_styling.tools.transforms.media.palette import MOST, nearest_colors, palette_of

_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 15 / 32


def low_poly(image, plain, scene, _, technique: Technique, texture, seed):
    """[3, H, W] as triangles, each tilted a little to the light."""
    mesh = mesh_of(image, 20, seed)
    colors = colors_of(image, mesh)
    rows, columns = colors.shape[1:3]
    tilt = hash_noise(
        jnp.arange(rows)[:, None, None] * 2 + jnp.arange(2),
        jnp.arange(columns)[None, :, None],
        seed + 9,
    )
    colors = colors * (1 + 0.08 * texture * (tilt - 0.5) * 2)
    return fill(mesh, colors, *image.shape[1:])


def pixel_art(image, plain, scene, _, technique: Technique, texture, seed):
    """[3, H, W] in square pixels of 16 colours, dithered as far as texture is visible."""
    height, width = image.shape[1:]
    factor = max(2, round(min(height, width) / 72))
    small = shrink(image, factor)
    small = saturated(small, 1.25)
    h, w = small.shape[1:]
    tiles = np.tile(_BAYER, (-(-h // 4), -(-w // 4)))[:h, :w].astype(np.float32)
    dithered = jnp.clip(small + 0.09 * texture * tiles, 0, 1)
    few = nearest_colors(dithered, palette_of(small, jnp.int32(MOST)), 0.00004)
    return jnp.repeat(jnp.repeat(few, factor, axis=1), factor, axis=2)[:, :height, :width]


def collage(image, plain, scene, _, technique: Technique, texture, seed):
    """[3, H, W] as torn pieces of printed paper, one upon the other."""
    height, width = image.shape[1:]
    short = min(height, width)
    ragged = lattice_noise(height, width, 34, seed) + 0.5 * lattice_noise(
        height, width, 90, seed + 1
    )
    ragged = (ragged - 0.75) * short / 38
    prints = _prints(image)
    out = _printed(prints, jnp.zeros((1, 1)), jnp.ones((1, 1)))
    for number, (part, down, right) in enumerate(_PIECES):
        out = _pieces(out, prints, ragged, part * short, (down, right), texture, seed + 10 * number)
    return out


# Sizes of the pieces in parts of the shorter side and where their grids start, in cells.
_PIECES = ((0.72, 0.0, 0.3), (0.6, 0.5, 0.0), (0.5, 0.25, 0.6), (0.4, 0.7, 0.45))


def _prints(image):
    """What the pieces are printed with: as it is, newsprint, kraft, faded, duotone [5, 3, H, W]."""
    luma = luma_of(image)
    dots = halftone(jnp.clip(1.05 - luma, 0, 1), 62.0, 0.6)

    def tint(low, high):
        low, high = (jnp.array(c)[:, None, None] for c in (low, high))
        return low + luma * (high - low)

    news = jnp.array([0.93, 0.90, 0.82])[:, None, None] * (1 - 0.82 * dots)
    kraft = tint((0.20, 0.12, 0.07), (0.86, 0.70, 0.50))
    vivid = saturated(image, 1.7)
    blue = tint((0.06, 0.14, 0.30), (0.86, 0.93, 0.94))
    return [image, vivid, news, kraft, blue]


def _printed(prints, kind, warmth):
    """The print of each place by a number [H, W] from 0 to 1."""
    share = [0.45, 0.2, 0.12, 0.11, 0.12]
    out, low = 0.0, 0.0
    for k, page in enumerate(prints):
        high = 1.01 if k == len(prints) - 1 else low + share[k]
        out = out + jnp.where((kind >= low) & (kind < high), 1.0, 0.0) * page
        low = high
    return out * (0.94 + 0.08 * warmth)


def _pieces(below, prints, ragged, size, start, texture, seed):
    """One torn piece in each cell of a grid, with its pale rim and its shadow."""
    height, width = ragged.shape
    cell = max(8, round(size))
    top, left = round(start[0] * cell), round(start[1] * cell)
    y = jnp.arange(height, dtype=jnp.int32)[:, None] + top
    x = jnp.arange(width, dtype=jnp.int32)[None] + left
    noise = [hash_noise(y // cell, x // cell, seed + k) for k in range(6)]
    dy = (y % cell + 0.5) / cell - 0.5 - 0.1 * (noise[0] - 0.5)
    dx = (x % cell + 0.5) / cell - 0.5 - 0.1 * (noise[1] - 0.5)
    turn = 0.18 * (noise[2] - 0.5)
    cos, sin = wave(turn + 0.25), wave(turn)
    v, u = cos * dy + sin * dx, cos * dx - sin * dy
    half_v, half_u = 0.2 + 0.13 * noise[3], 0.2 + 0.13 * noise[4]

    def inside(v, u):
        return jnp.minimum(half_v - jnp.abs(v), half_u - jnp.abs(u)) * cell

    short = min(height, width)
    there = jnp.where(noise[5] < 0.8, 1.0, 0.0)
    edge = inside(v, u) + ragged
    rim = jnp.clip(edge + 0.5, 0, 1) * there
    page = jnp.clip(edge - short / 75 - 0.7 * ragged + 0.5, 0, 1) * there
    away = inside(v - 0.012 * short / cell, u - 0.012 * short / cell) + ragged
    shadow = jnp.clip(away / (short / 45) + 0.5, 0, 1) * there * 0.42
    out = below * (1 - shadow * (0.5 + 0.5 * jnp.minimum(texture, 1.0)))
    out = out + rim * (0.95 - 0.05 * noise[3] - out)
    kind = hash_noise(y // cell, x // cell, seed + 7)
    return out + page * (_printed(prints, kind, noise[4]) - out)
