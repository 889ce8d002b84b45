"""Hash noise: uniform, smooth where it says so, and cells that are nearest-point cells."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.filters.fields import (
    cloud_noise,
    hash_noise,
    pixel_grid,
    value_noise,
    voronoi,
    white_noise,
)

SEED = jnp.uint32(5)


def test_white_noise_is_uniform_and_uncorrelated():
    noise = np.asarray(white_noise(128, 128, SEED))
    counts = np.histogram(noise, 16, (0, 1))[0]
    assert np.all(np.abs(counts - 1024) < 5 * np.sqrt(1024))
    other = np.asarray(white_noise(128, 128, SEED + 1))
    for shifted in (np.roll(noise, 1, 0), np.roll(noise, 1, 1), other):
        assert abs(np.corrcoef(noise.ravel(), shifted.ravel())[0, 1]) < 0.04


def test_value_noise_meets_its_lattice_and_is_smooth():
    y, x = jnp.meshgrid(jnp.arange(-3.0, 3.0), jnp.arange(4.0), indexing="ij")
    np.testing.assert_allclose(value_noise(y, x, SEED), hash_noise(y, x, SEED), atol=1e-6)
    line = value_noise(jnp.zeros(1000), jnp.linspace(0, 8, 1000), SEED)
    assert np.abs(np.diff(line)).max() < 0.015


def test_cloud_noise_is_in_range():
    y, x = pixel_grid(64, 96)
    clouds = np.asarray(cloud_noise(y * 9, x * 9, SEED))
    assert clouds.min() >= 0
    assert clouds.max() < 1
    assert clouds.std() > 0.1


def test_pixel_grid_is_in_units_of_the_shorter_side():
    y, x = pixel_grid(4, 8)
    np.testing.assert_allclose(y[:, 0], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(x[0, -1], 1.875)


def test_voronoi_by_brute_force():
    rng = np.random.default_rng(0)
    y, x = (rng.uniform(3, 6, (5, 7)).astype(np.float32) for _ in range(2))
    rows, columns = (v.ravel() for v in np.mgrid[0:10, 0:10])
    points = np.stack([
        rows + np.asarray(hash_noise(rows, columns, SEED)),
        columns + np.asarray(hash_noise(rows, columns, SEED + 1)),
    ])  # fmt: skip
    distances = np.hypot(y[..., None] - points[0], x[..., None] - points[1])
    values = np.asarray(hash_noise(rows, columns, SEED + 2))[distances.argmin(-1)]
    ours, border = voronoi(y, x, SEED)
    np.testing.assert_allclose(ours, values)
    nearest, second = np.sort(distances, -1)[..., :2].transpose(2, 0, 1)
    assert np.all(border >= second - nearest - 1e-4)  # a neighbour may lie beyond the nine cells
    assert np.mean(np.abs(border - (second - nearest)) < 1e-4) > 0.8
