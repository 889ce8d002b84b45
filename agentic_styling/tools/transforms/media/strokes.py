"""Brush strokes: passes of oriented dabs, coarse to fine, coloured by the picture beneath them.

Every pass divides the picture into square cells and paints one stroke within each, so that a pixel
meets one stroke a pass and nothing is gathered but a few values a stroke (after Hertzmann 1998,
"Painterly rendering with curved brush strokes of multiple sizes"). Strokes follow the smoothed
structure tensor (Kyprianidis and Kang 2011).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import small_blur
from agentic_styling.tools.transforms.filters.fields import at_places, hash_noise, shrink, slopes
from agentic_styling.tools.transforms.filters.surfaces import wave

# Cells of the layers in parts of the shorter side and, in half cells, where
# the grids of their passes start.
CELLS = (1 / 8, 1 / 15, 1 / 32)
LAYERS = (0, 1, 2)
_STARTS = ((0, 0), (1, 1), (0, 1), (1, 0))


class Brush(NamedTuple):
    """How strokes look; scalars, traced.

    length, width: in cells, length**2 + width**2 below 1. scale of fineness `detail`: 0 paints
    only the coarse passes, 1 the fine ones wherever the picture has detail, 2 everywhere.
    bristle: how far strokes are streaked, 0 to 1. jitter: of the colours. opacity: of a stroke.
    follow: 1 along the edges, 0 along `angle` (turns). swirl: how far a noise turns them.
    """

    length: jax.Array
    width: jax.Array
    detail: jax.Array
    bristle: jax.Array
    jitter: jax.Array
    opacity: jax.Array
    follow: jax.Array
    angle: jax.Array
    swirl: jax.Array


def structure(image: jax.Array) -> jax.Array:
    """Double angle of the edges' direction, times their clarity: float32 [2, h, w] at about 1/96.

    Length 0 (nothing to follow) to 1; the vector is (cos 2a, sin 2a) with a along the edge.
    """
    luma = luma_of(shrink(image, factor_of(image, 96)))
    dy, dx = (slope / 2 for slope in slopes(luma))
    tensor = jnp.stack([dy * dy - dx * dx, -2 * dx * dy, dy * dy + dx * dx])
    near = small_blur(tensor, 1.5)
    wide = small_blur(tensor, 6.0)
    # Where the near edges are faint the wide ones lead.
    total = near + 0.15 * wide
    return total[:2] / (total[2:] + 4e-4)


def factor_of(image: jax.Array, short: int) -> int:
    """By how much to shrink a picture for a shorter side of about `short` pixels."""
    return max(1, round(min(image.shape[1:]) / short))


def paint_strokes(image, canvas, brush: Brush, seed, layers=LAYERS) -> tuple[jax.Array, jax.Array]:
    """Strokes in the colours of `image` painted over `canvas`, both [3, H, W].

    Returns the painting [3, H, W] and the height of its paint [H, W], about 0 to 1.
    """
    field = jax.lax.stop_gradient(structure(image))
    planes = jnp.concatenate([canvas, jnp.full_like(canvas[:1], 0.3)])
    for layer in layers:
        base = layer == layers[0]
        planes = _layer(image, field, planes, brush, seed + 1000 * layer, layer, base)
    shade = 1 + 0.3 * brush.bristle * (planes[3] - 0.6)
    return planes[:3] * shade, planes[3]


def _layer(image, field, planes, brush, seed, layer, base):
    """Four passes of strokes of one size, whose grids start half a cell apart."""
    height, width = image.shape[1:]
    half = max(2, round(min(height, width) * CELLS[layer] / 2))
    cell = 2 * half
    rows, columns = -(-height // cell) + 1, -(-width // cell) + 1
    samples = shrink(image, max(1, round(cell / 5))), shrink(image, max(1, round(cell / 1.6)))
    blocks = 2 * rows - 1, 2 * columns - 1
    starts = jnp.asarray(_STARTS, jnp.int32)
    by_pass = jax.vmap(
        lambda corner, seed: _strokes(
            samples, field, brush, seed, layer, base, corner, cell, (rows, columns), (height, width)
        )
    )(half * (starts - 1), seed + 16 * jnp.arange(len(_STARTS), dtype=jnp.uint32))
    # By half cells: each quarter of a cell has the numbers of its stroke.
    by_pass = jnp.repeat(jnp.repeat(by_pass, 2, axis=2), 2, axis=3)
    passes = [
        strokes[:, 1 - down : 1 - down + blocks[0], 1 - right : 1 - right + blocks[1]]
        for strokes, (down, right) in zip(by_pass, _STARTS, strict=True)
    ]
    strokes = jnp.stack(passes)[:, :, :, None, :, None]
    # A scan, as XLA on CPU would find the shapes again for every plane.
    _, (alpha, streak) = jax.lax.scan(
        lambda carry, shape: (carry, _shapes(shape, half, brush)), 0, strokes[:, 3:]
    )
    pad = ((0, blocks[0] * half - height), (0, blocks[1] * half - width))
    painted = []
    for k, plane in enumerate(planes):
        window = jnp.pad(plane, pad).reshape(blocks[0], half, blocks[1], half)
        for p in range(len(_STARTS)):
            color = strokes[p, k] if k < 3 else streak[p]
            window = window + alpha[p] * (color - window)
        window = window.reshape(blocks[0] * half, blocks[1] * half)
        painted.append(window[:height, :width])
    return jnp.stack(painted)


def _strokes(samples, field, brush, seed, layer, base, corner, cell, grid, size):
    """One stroke in each cell of a grid: colour and shape [12, rows, columns].

    Places are in pixels of the picture, the shape's centre counted from the picture's corner.
    """
    row, column = jnp.meshgrid(jnp.arange(grid[0]), jnp.arange(grid[1]), indexing="ij")
    noise = [hash_noise(row, column, seed + k) for k in range(8)]
    y, x = corner[0] + row * cell, corner[1] + column * cell
    middle = (y + 0.5 * cell) / size[0], (x + 0.5 * cell) / size[1]
    cos, sin = _direction(field, *middle, brush, noise[2])
    half = 0.5 * cell * (0.8 + 0.2 * noise[3]) * brush.length
    thick = 0.5 * cell * (0.7 + 0.3 * noise[4]) * brush.width
    # A stroke lies within its cell, whichever way it turns.
    reach_y = jnp.abs(sin) * half + jnp.abs(cos) * thick
    reach_x = jnp.abs(cos) * half + jnp.abs(sin) * thick
    center_y = y + noise[0] * (cell - 2 * reach_y) + reach_y
    center_x = x + noise[1] * (cell - 2 * reach_x) + reach_x
    color, opacity = _paint_of(
        samples, center_y / size[0], center_x / size[1], brush, noise, layer, base
    )
    along = cos / half, sin / half, -sin / thick, cos / thick
    shape = [center_y, center_x, *along, half, thick, opacity, noise[5], noise[6]]
    return jnp.stack([jnp.broadcast_to(v, row.shape) for v in (*color, *shape)])


def _direction(field, y, x, brush, noise):
    """Cosine and sine of the strokes' direction: edges, a swirling noise, or one angle."""
    y, x = jnp.broadcast_arrays(y, x)
    double = brush.follow * at_places(field, y, x)
    strength = jnp.sqrt(jnp.sum(double * double, axis=0) + 1e-8)
    turn = 2 * (brush.angle + brush.swirl * (_swirl(y, x) - 0.5))
    rest = jnp.maximum(1 - strength, 0.05)
    cos = double[0] + rest * wave(turn + 0.25)
    sin = double[1] + rest * wave(turn)
    angle = 0.5 * jnp.arctan2(sin, cos + 1e-6) + 0.35 * (noise - 0.5)
    return jnp.cos(angle), jnp.sin(angle)


def _swirl(y, x):
    """A smooth field that turns slowly over the picture."""
    return wave(1.1 * y + 0.6 * x + 0.35 * wave(1.7 * x - 0.4 * y)) + 0.5 * wave(1.3 * x + 2.1 * y)


def _paint_of(samples, y, x, brush, noise, layer, base):
    """Colour [3, rows, columns] of the strokes, and their opacity by how much they would add."""
    color, around = (at_places(planes, y, x) for planes in samples)
    detail = jnp.sqrt(jnp.sum((color - around) ** 2, axis=0) + 1e-6)
    detail = jax.lax.stop_gradient(detail)
    wanted = jnp.clip(
        12 * brush.detail * detail + 1.2 * (brush.detail - 1) - 0.15 * layer, 0.0, 1.0
    )
    opacity = brush.opacity * (1.0 if base else wanted)
    tone = (noise[5] - 0.5) * 1.2
    tints = jnp.stack([noise[6] - 0.5, noise[7] - 0.5, 1 - noise[6] - noise[7]])
    color = color * (1 + brush.jitter * tone) + 0.35 * brush.jitter * tints
    return jnp.clip(color, 0.0, 1.0), opacity


def _shapes(shape, half, brush):
    """Coverage and streaks [rows, half, columns, half] of the strokes of a pass."""
    center_y, center_x, ux, uy, vx, vy, long, thick, opacity, first, second = shape
    rows, columns = shape.shape[1], shape.shape[3]
    y = (jnp.arange(rows * half, dtype=jnp.float32) + 0.5).reshape(rows, half, 1, 1)
    x = (jnp.arange(columns * half, dtype=jnp.float32) + 0.5).reshape(1, 1, columns, half)
    dy, dx = y - center_y, x - center_x
    along, across = ux * dx + uy * dy, vx * dx + vy * dy
    across = across + 0.5 * (second - 0.5) * (1 - along * along)
    rough = wave(0.7 * across + first) + 0.6 * wave(1.9 * across + 5 * second + 0.2 * along)
    streak = 0.5 + 0.2 * rough + 0.12 * wave(4.3 * across + 9 * first)
    end = 1 - jnp.abs(along) - 0.35 * brush.bristle * streak - 0.22 * across * across
    side = 1 - jnp.abs(across)
    edge = jnp.clip(side * thick * 0.7, 0.0, 1.0) * jnp.clip(end * long * 0.35, 0.0, 1.0)
    gaps = jnp.clip((streak - brush.bristle * (0.25 + 0.55 * jnp.abs(along)) + 0.35) * 4, 0.0, 1.0)
    return opacity * edge * gaps, 0.3 + 0.7 * streak
