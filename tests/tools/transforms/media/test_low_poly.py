"""The mesh tiles the picture; its triangles are flat and have the picture's colours."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from skimage.metrics import structural_similarity
from skimage.transform import resize

from agentic_styling.tools.transforms.media.low_poly import Mesh, colors_of, fill, mesh_of

SHAPE = (96, 121)
PHOTO = resize(skimage.data.chelsea() / 255, SHAPE, anti_aliasing=True)
PHOTO = jnp.asarray(PHOTO.transpose(2, 0, 1), jnp.float32)
PARTS, CELL = 4, 24


def low_poly(image, parts, seed):
    mesh = mesh_of(image, parts, seed)
    return fill(mesh, colors_of(image, mesh), *image.shape[1:])


@functools.cache
def _triangles():
    return np.asarray(jax.jit(lambda x: mesh_of(x, PARTS, jnp.uint32(1)).triangles)(PHOTO))


def test_triangles_tile_the_picture():
    triangles = _triangles().reshape(-1, 3, 2)
    a, b, c = (triangles[:, k] for k in range(3))
    u, v = b - a, c - a
    area = (u[:, 1] * v[:, 0] - u[:, 0] * v[:, 1]) / 2
    assert area.min() >= 0
    # A point of the picture lies in one triangle, whichever is asked.
    points = np.random.default_rng(0).uniform((2, 2), (SHAPE[0] - 2, SHAPE[1] - 2), (400, 2))
    inside = np.ones((400, len(triangles)), bool)
    for k in range(3):
        p, q = triangles[:, k], triangles[:, (k + 1) % 3]
        way = q - p
        side = way[:, 1] * (points[:, None, 0] - p[:, 0]) - way[:, 0] * (
            points[:, None, 1] - p[:, 1]
        )
        inside &= side >= 0
    assert (inside.sum(1) == 1).mean() > 0.995


def test_fill_finds_the_same_triangle_as_scikit_image_draws():
    from skimage.draw import polygon2mask

    triangles = jnp.asarray(_triangles())
    mesh = Mesh(triangles, CELL)
    rows, columns = triangles.shape[:2]
    for at in ((2, 3, 0), (3, 4, 1)):
        values = jnp.zeros((1, rows, columns, 2)).at[(0, *at)].set(1.0)
        drawn = np.asarray(fill(mesh, values, *SHAPE))[0] > 0.5
        expected = polygon2mask(SHAPE, np.asarray(triangles)[at] - 0.5)
        assert (drawn ^ expected).sum() <= 0.06 * expected.sum()


def test_low_poly_is_flat_and_like_the_picture():
    poly = jax.jit(low_poly, static_argnums=1)
    out = np.asarray(poly(PHOTO, PARTS, jnp.uint32(1)))
    assert out.shape == PHOTO.shape
    down, right = (np.abs(np.diff(out[:, 1:-1, 1:-1], axis=k)).max(0) for k in (1, 2))
    assert (down < 1e-3).mean() > 0.75 and (right < 1e-3).mean() > 0.75
    out = np.asarray(poly(PHOTO, 12, jnp.uint32(1)))
    assert structural_similarity(out, np.asarray(PHOTO), channel_axis=0, data_range=1) > 0.4
    assert np.abs(out.mean((1, 2)) - np.asarray(PHOTO).mean((1, 2))).max() < 0.02


@functools.cache
def _summed():
    return jax.jit(jax.value_and_grad(lambda x: low_poly(x, 12, jnp.uint32(2)).sum()))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_picture_stays_as_it_is(value):
    even = jnp.full((3, 40, 56), value)
    out, slope = _summed()(even)
    assert float(out) == pytest.approx(float(even.sum()), rel=1e-4)
    assert np.isfinite(slope).all()
