"""What building materials do to light: relief [H, W] of about -1 to 1, drawn from noise.

All take rows [H, 1] and columns [1, W] in parts of the shorter side, the size of a pixel in that
unit, and a seed. Flat on the picture: a photograph does not tell how its walls are turned.
"""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.filters.fields import hash_noise, value_noise


def _octaves(y, x, seed, count: int):
    """Octaves of value noise, each at twice the scale of the last, about -1 to 1."""
    total, weight, whole = 0.0, 1.0, 0.0
    for octave in range(count):
        noise = value_noise(y + 5.3 * octave, x + 9.1 * octave, seed + jnp.uint32(octave))
        total, whole = total + weight * (2 * noise - 1), whole + weight
        y, x, weight = 2.1 * y, 2.1 * x, 0.6 * weight
    return 1.6 * total / whole


def _lines(at: jax.Array, width: float, pixel: float) -> jax.Array:
    """1 on the lines at whole numbers of `at`, 0 beside; width and pixel in its unit."""
    away = jnp.abs(at - jnp.round(at))
    return jnp.clip((width / 2 - away) / pixel + 0.5, 0.0, 1.0)


def stone(y, x, pixel, seed):
    """Weathered and mottled, in blocks that differ."""
    rows = 9 * y
    row = jnp.floor(rows)
    columns = 5 * x + hash_noise(row, row, seed)
    block = hash_noise(row, jnp.floor(columns), seed + jnp.uint32(1)) - 0.5
    joints = jnp.maximum(_lines(rows, 0.05, 9 * pixel), _lines(columns, 0.03, 5 * pixel))
    return 0.9 * _octaves(22 * y, 22 * x, seed + jnp.uint32(2), 3) + 0.6 * block - 0.7 * joints


def wood(y, x, pixel, seed):
    """Boards, each with its own grain."""
    boards = 7 * x
    board = jnp.floor(boards)
    tone = hash_noise(board, board, seed) - 0.5
    bend = value_noise(2.5 * y + 31 * tone, 9 * x, seed + jnp.uint32(1))
    grain = _octaves(3.5 * y + 40 * tone, 42 * x + 5 * bend, seed + jnp.uint32(2), 3)
    return 0.9 * grain + 0.7 * tone - _lines(boards, 0.04, 7 * pixel)


def metal(y, x, pixel, seed):
    """Brushed sheets with a broad sheen."""
    brushed = 2 * value_noise(160 * y, 5 * x, seed) - 1
    sheen = 2 * value_noise(1.2 * y, 3.5 * x + 1.5 * y, seed + jnp.uint32(1)) - 1
    seams = jnp.maximum(_lines(3 * y, 0.012, 3 * pixel), _lines(4 * x, 0.012, 4 * pixel))
    return 0.45 * brushed + 1.3 * sheen - 0.9 * seams


def glass(y, x, pixel, seed):
    """Panes in thin frames, each with its own slanting reflection."""
    rows, columns = 6 * y, 8 * x
    pane = hash_noise(jnp.floor(rows), jnp.floor(columns), seed)
    slant = value_noise(0 * y, 3 * (x + 0.6 * y) + 0.5 * pane, seed + jnp.uint32(1))
    reflection = jnp.clip(3 * slant - 1.1, 0.0, 1.0)
    frames = jnp.maximum(_lines(rows, 0.05, 6 * pixel), _lines(columns, 0.05, 8 * pixel))
    return (1.4 * reflection - 0.7 + 0.8 * (pane - 0.5)) * (1 - frames) - 0.8 * frames


def concrete(y, x, pixel, seed):
    """Stained, with pores and the seams of its formwork."""
    stains = _octaves(4 * y, 7 * x, seed, 3)
    pores = jnp.clip(5 * value_noise(90 * y, 90 * x, seed + jnp.uint32(3)) - 4, 0.0, 1.0)
    seams = jnp.maximum(_lines(4 * y, 0.014, 4 * pixel), 0.6 * _lines(2.5 * x, 0.01, 2.5 * pixel))
    return 0.8 * stains - 1.4 * pores - 0.9 * seams


def brick(y, x, pixel, seed):
    """Courses in running bond, mortar lighter than brick."""
    rows = 30 * y
    row = jnp.floor(rows)
    columns = 11 * x + 0.5 * (row - 2 * jnp.floor(row / 2))
    tone = hash_noise(row, jnp.floor(columns), seed) - 0.5
    mortar = jnp.maximum(_lines(rows, 0.14, 30 * pixel), _lines(columns, 0.05, 11 * pixel))
    return (0.9 * tone - 0.35) * (1 - mortar) + 0.9 * mortar


def marble(y, x, pixel, seed):
    """Polished, clouded, with thin dark veins."""
    bend = value_noise(4 * y, 4 * x, seed + jnp.uint32(4))
    other = value_noise(5 * y + 2 * bend, 5 * x, seed + jnp.uint32(5))
    cloud = _octaves(3 * y + 2 * bend, 3 * x + 2 * other, seed, 2)
    across = (5 * y + 6 * x + 3 * bend, 4 * x - 2 * y + 3 * other)
    vein = jnp.abs(_octaves(*across, seed + jnp.uint32(6), 3))
    faint = jnp.clip(1 - 4 * jnp.abs(cloud - 0.15), 0.0, 1.0)
    return 0.5 * cloud + 0.25 - 1.1 * jnp.clip(1 - 14 * vein, 0.0, 1.0) - 0.25 * faint


def plain(y, x, pixel, seed):
    """No relief."""
    return jnp.zeros(jnp.broadcast_shapes(y.shape, x.shape))


MATERIALS = {
    "stone": stone,
    "wood": wood,
    "metal": metal,
    "glass": glass,
    "concrete": concrete,
    "brick": brick,
    "marble": marble,
    "mixed": plain,
}


def relief_of(index: jax.Array, height: int, width: int, seed: jax.Array) -> jax.Array:
    """The relief [H, W] of one of MATERIALS by its index (int32, traced)."""
    pixel = 1 / min(height, width)
    y = ((jnp.arange(height, dtype=jnp.float32) + 0.5) * pixel)[:, None]
    x = ((jnp.arange(width, dtype=jnp.float32) + 0.5) * pixel)[None, :]
    draws = [lambda y, x, s, draw=draw: draw(y, x, pixel, s) for draw in MATERIALS.values()]
    return jax.lax.switch(index, draws, y, x, seed)
