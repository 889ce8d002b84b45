"""A mesh of triangles whose corners lie on the picture's edges."""

import functools
from typing import NamedTuple

import dm_pix
import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.fields import at_places, hash_noise, shrink, slopes


class Mesh(NamedTuple):
    """A triangulated grid of points over a picture of H x W pixels.

    triangles: float32 [rows, columns, 2, 3, 2], corners (y, x) in pixels of two triangles for each
    2 x 2 block of the points; cell: the grid's pitch in pixels.
    """

    triangles: jax.Array
    cell: int


def mesh_of(image: jax.Array, parts: int, seed: jax.Array) -> Mesh:
    """One corner in each square cell, `parts` to the shorter side, where the edge is strongest."""
    height, width = image.shape[1:]
    cell = max(6, round(min(height, width) / parts))
    rows, columns = -(-height // cell) + 3, -(-width // cell) + 3
    points = _corners(image, cell, rows, columns, seed)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]
    falling = jnp.stack([jnp.stack([a, b, c], -2), jnp.stack([a, c, d], -2)], 2)
    rising = jnp.stack([jnp.stack([a, b, d], -2), jnp.stack([b, c, d], -2)], 2)
    valid = [jnp.min(_area(split), axis=-1) for split in (falling, rising)]
    # The diagonal that joins corners of like tone follows an edge; it must lie within the block.
    tone = luma_of(shrink(image, max(1, cell // 4)))
    at_a, at_b, at_c, at_d = (
        at_places(tone, p[..., 0] / height, p[..., 1] / width) for p in (a, b, c, d)
    )
    unlike = jnp.abs(at_a - at_c) - jnp.abs(at_b - at_d)
    pick = jnp.where(jnp.minimum(*valid) > 0, unlike > 0, valid[1] > valid[0])
    return Mesh(jnp.where(pick[..., None, None, None], rising, falling), cell)


def _corners(image, cell, rows, columns, seed):
    """The points [rows, columns, 2]; the grid starts one and a half cells outside."""
    height, width = image.shape[1:]
    luma = jax.lax.stop_gradient(luma_of(image))
    down, across = slopes(luma)
    edge = jnp.abs(down) + jnp.abs(across)
    before = cell + cell // 2
    after = rows * cell - height - before, columns * cell - width - before
    edge = jnp.pad(edge, ((before, after[0]), (before, after[1])))
    blocks = edge.reshape(rows, cell, columns, cell).transpose(0, 2, 1, 3)
    margin = max(1, cell // 8)
    blocks = blocks[:, :, margin:-margin, margin:-margin]
    inner = blocks.shape[2]
    row, column = jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij")
    noise = [hash_noise(row, column, seed + k) for k in range(2)]
    jitter = jnp.stack(noise, -1) * (cell - 2 * margin)
    best = jnp.argmax(blocks.reshape(rows, columns, -1), axis=-1)
    strongest = jnp.stack([best // inner, best % inner], -1) + 0.5
    clear = jnp.max(blocks, axis=(2, 3)) > 0.08
    place = jnp.where(clear[..., None], strongest, jitter) + margin
    return jnp.stack([row, column], -1) * cell + place - before


def _area(split):
    """Twice the signed areas of triangles [..., 3, 2] (y, x)."""
    a, b, c = split[..., 0, :], split[..., 1, :], split[..., 2, :]
    return _cross(b - a, c - a)


def _cross(u, v):
    return u[..., 1] * v[..., 0] - u[..., 0] * v[..., 1]


def _sample(planes, y, x):
    """Values [C, ...] of planes [C, h, w], linear between pixels, at places in parts of the height
    and width."""
    c, h, w = planes.shape
    at = jnp.stack([jnp.clip(y * h - 0.5, 0, h - 1), jnp.clip(x * w - 0.5, 0, w - 1)])
    read = functools.partial(
        dm_pix.flat_nd_linear_interpolate, coordinates=at, unflattened_vol_shape=(h, w)
    )
    return jax.vmap(read)(planes.reshape(c, -1))


def fill(mesh: Mesh, values: jax.Array, height: int, width: int) -> jax.Array:
    """Values [C, rows, columns, 2] of the triangles as planes [C, height, width].

    Each pixel is tried against the eight triangles that can reach it; borders blend over a pixel.
    """
    cell, rows, columns = mesh.cell, *mesh.triangles.shape[:2]
    at = jnp.arange(cell, dtype=jnp.float32) + 0.5
    start = -(cell + cell // 2)
    y = (start + (jnp.arange(rows + 1) * cell)[:, None] + at)[:, :, None, None]
    x = (start + (jnp.arange(columns + 1) * cell)[:, None] + at)[None, None]

    def reaching(v):
        """The eight triangles that can reach a cell: [8, rows + 1, columns + 1, ...]."""
        ends = [(0, 0)] * (v.ndim - 3)
        corners = [(i, j) for i in (0, 1) for j in (0, 1)]
        moved = [jnp.pad(v, ((i, 1 - i), (j, 1 - j), (0, 0), *ends), "edge") for i, j in corners]
        return jnp.concatenate([jnp.moveaxis(m, 2, 0) for m in moved])

    def add(carry, one):
        corners, value = one
        inside = _inside(corners, y, x)
        value = jnp.moveaxis(value, -1, 0)[:, :, None, :, None]
        return (carry[0] + inside * value, carry[1] + inside), None

    empty = jnp.zeros((rows + 1, cell, columns + 1, cell), jnp.float32)
    # A scan, as XLA on CPU would find everything again for every use of a fused sum.
    carry = jnp.broadcast_to(empty, (values.shape[0], *empty.shape)), empty + 1e-6
    numbers = reaching(mesh.triangles), reaching(jnp.moveaxis(values, 0, -1))
    (total, weight), _ = jax.lax.scan(add, carry, numbers)
    planes = (total / weight).reshape(-1, (rows + 1) * cell, (columns + 1) * cell)
    return planes[:, -start : -start + height, -start : -start + width]


def _inside(corners, y, x):
    """How much [rows, cell, columns, cell] pixels lie within triangles [rows, columns, 3, 2]."""
    inside = 1.0
    for k in range(3):
        p, q = corners[:, :, k], corners[:, :, (k + 1) % 3]
        way = q - p
        length = jnp.sqrt(jnp.sum(way * way, axis=-1) + 1e-6)
        normal = [(v / length)[:, None, :, None] for v in (way[..., 1], -way[..., 0])]
        offset = ((way[..., 1] * p[..., 0] - way[..., 0] * p[..., 1]) / length)[:, None, :, None]
        distance = y * normal[0] + x * normal[1] - offset
        inside = inside * jnp.clip(distance + 0.5, 0.0, 1.0)
    return inside


def colors_of(image: jax.Array, mesh: Mesh) -> jax.Array:
    """Mean colours [3, rows, columns, 2] of the triangles, from seven places in each."""
    height, width = image.shape[1:]
    small = shrink(image, max(1, mesh.cell // 8))
    weights = jnp.array(
        [[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4], [2, 2, 0.5], [0.5, 2, 2], [2, 0.5, 2]]
    )
    weights = weights / jnp.sum(weights, axis=1, keepdims=True)
    places = jnp.einsum("sk,rctkd->rctsd", weights, mesh.triangles)
    colors = _sample(small, places[..., 0] / height, places[..., 1] / width)
    return jnp.mean(colors, axis=-1)
