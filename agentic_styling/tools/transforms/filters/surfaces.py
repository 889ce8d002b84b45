"""What a picture is painted on: heights of paper and canvas, and the light on a relief.

Sizes are in parts of the shorter side, so a larger picture gets larger threads and fibres.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.filters.fields import hash_noise, pixel_grid


def wave(turns: jax.Array) -> jax.Array:
    """sin(2 pi turns) by parabolas, 0.056 off at most: XLA's sine costs many times more on CPU."""
    f = turns - jnp.floor(turns + 0.5)
    return 16 * f * (0.5 - jnp.abs(f))


def lattice_noise(height: int, width: int, cells: float, seed, stretch: float = 1.0):
    """Smooth noise [height, width], about uniform in [0, 1], `cells` to the shorter side.

    stretch: cells are so many times wider than high. Interpolated as products of matrices.
    """
    short = min(height, width)
    rows = max(2, round(height / short * cells))
    columns = max(2, round(width / short * cells / stretch))
    grid = jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij")
    down, across = _interpolation(rows, height), _interpolation(columns, width)
    return down @ hash_noise(*grid, seed) @ across.T


def _interpolation(cells: int, size: int) -> np.ndarray:
    """Linear interpolation from cells to pixels as a constant matrix [size, cells]."""
    at = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(cells)), 0).astype(np.float32)


def paper(height: int, width: int, seed: jax.Array) -> jax.Array:
    """Height of cold-pressed paper [height, width], about -1 to 1, mean 0."""
    bumps = lattice_noise(height, width, 110, seed)
    fibres = lattice_noise(height, width, 230, seed + 1, stretch=1.5)
    return 1.5 * (0.6 * bumps + 0.4 * fibres - 0.5) * 1.4


def canvas(height: int, width: int, seed: jax.Array, threads=None) -> jax.Array:
    """Height of a plain weave [height, width], -1 to 1.

    threads: to the shorter side; None is a cloth of 4 to 10 pixels a thread, about 90 threads.
    """
    short = min(height, width)
    threads = min(short / 4, max(90.0, short / 10)) if threads is None else threads
    y, x = pixel_grid(height, width)
    bend = 0.5 * lattice_noise(height, width, 12, seed)
    down, across = y * threads + bend, x * threads + bend
    # A thread shows where it lies above the one that crosses it: at every second crossing.
    over = wave(down / 2 + 0.25) * wave(across / 2 + 0.25)
    weft = jnp.abs(wave(down / 2 + 0.25)) * (0.5 + 0.5 * over)
    warp = jnp.abs(wave(across / 2 + 0.25)) * (0.5 - 0.5 * over)
    uneven = 0.35 * (lattice_noise(height, width, 45, seed + 1) - 0.5)
    return (weft + warp) * 1.6 - 1.06 + uneven


def relief(surface: jax.Array) -> jax.Array:
    """Light from the upper left on a height field [H, W]: about -1 to 1, 0 where it is flat.

    The slope is over 1/400 of the shorter side, one pixel at least.
    """
    step = max(1, round(min(surface.shape) / 400))
    padded = jnp.pad(surface, step, mode="edge")
    size = slice(step, -step)
    down = padded[2 * step :, size] - padded[: -2 * step, size]
    right = padded[size, 2 * step :] - padded[size, : -2 * step]
    slope = 0.5 * (down + right)
    return slope / (1 + jnp.abs(slope))
