"""3D lookup tables with tetrahedral interpolation; any point-wise look as one."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import column, in_float32
from agentic_styling.utils.errors import InputError


@in_float32
def apply_lut(
    image: jax.Array,
    table: jax.Array,
    low: jax.Array | float = 0.0,
    high: jax.Array | float = 1.0,
) -> jax.Array:
    """[3, H, W] through a table [N, N, N, 3] indexed by red, green, blue; in [0, 1].

    low, high: scalars or [3], the colours of the table's first and last entries; outside them the
    nearest entry counts. Table and limits may be traced. Each cell is six tetrahedra about its
    diagonal, so that greys are interpolated between greys alone.
    Source: Sakamoto (US patent 4275413, 1981); Kasson et al., Tetrahedral interpolation (1995).
    """
    size = table_size(table)
    corners, (most, middle, least) = _tetrahedron(image, size, low, high)
    planes = jnp.asarray(table, jnp.float32).reshape(-1, 3).T

    def channel(plane):
        a, b, c, d = (_take(plane, corner) for corner in corners)
        return a + most * (b - a) + middle * (c - b) + least * (d - c)

    return jnp.clip(jnp.stack([channel(planes[k]) for k in range(3)]), 0.0, 1.0)


def table_size(table: jax.Array) -> int:
    """N of a table [N, N, N, 3]. InputError for any other shape, and for N < 2."""
    shape = jnp.shape(table)
    if len(shape) != 4 or shape[1:] != (shape[0], shape[0], 3) or shape[0] < 2:
        raise InputError(f"table: shape {shape}; give [N, N, N, 3] with N of 2 or more")
    return shape[0]


def bake(transform: Callable[[jax.Array], jax.Array], size: int = 33) -> jax.Array:
    """The table float32 [size, size, size, 3] of a point-wise transform of [3, H, W] in [0, 1]."""
    steps = jnp.linspace(0.0, 1.0, size)
    colors = jnp.stack(jnp.meshgrid(steps, steps, steps, indexing="ij"))
    out = transform(colors.reshape(3, size, size * size))
    return jnp.moveaxis(out.astype(jnp.float32).reshape(3, size, size, size), 0, -1)


def _tetrahedron(image, size: int, low, high):
    """Entries of the four corners around each pixel, and its three fractions in falling order."""
    span = jnp.maximum(column(high) - column(low), 1e-6)
    at = jnp.clip((image - column(low)) / span, 0.0, 1.0) * (size - 1)
    cell = jnp.minimum(at.astype(jnp.int32), size - 2)
    r, g, b = at - cell.astype(jnp.float32)
    most = jnp.maximum(jnp.maximum(r, g), b)
    least = jnp.minimum(jnp.minimum(r, g), b)
    middle = r + g + b - most - least
    first = (cell[0] * size + cell[1]) * size + cell[2]
    whole = size * size + size + 1
    red, green, blue = size * size, size, 1
    rg, rb, gb = r > g, r > b, g > b
    along = jnp.where(rg, jnp.where(rb, red, blue), jnp.where(gb, green, blue))
    across = jnp.where(rg, jnp.where(gb, blue, green), jnp.where(rb, blue, red))
    return (first, first + along, first + whole - across, first + whole), (most, middle, least)


def _take(plane, index):
    return plane.at[index].get(mode="promise_in_bounds", wrap_negative_indices=False)
