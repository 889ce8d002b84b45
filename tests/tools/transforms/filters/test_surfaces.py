"""Surfaces: even in the mean, alike at every size, lit from the upper left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.transforms.filters import surfaces

SEED = jnp.uint32(7)
paper = jax.jit(surfaces.paper, static_argnums=(0, 1))
canvas = jax.jit(surfaces.canvas, static_argnums=(0, 1))
lattice_noise = jax.jit(surfaces.lattice_noise, static_argnums=(0, 1, 2), static_argnames="stretch")
relief, wave = jax.jit(surfaces.relief), jax.jit(surfaces.wave)


def test_wave_is_about_a_sine():
    turns = jnp.linspace(-3, 3, 2001)
    np.testing.assert_allclose(wave(turns), np.sin(2 * np.pi * np.asarray(turns)), atol=0.0566)
    assert float(wave(jnp.array(0.25))) == pytest.approx(1.0)


def test_lattice_noise_is_uniform_and_as_coarse_as_asked():
    noise = np.asarray(lattice_noise(200, 300, 20, SEED))
    assert noise.shape == (200, 300) and noise.min() >= 0 and noise.max() <= 1
    assert noise.mean() == pytest.approx(0.5, abs=0.03)
    wide = np.asarray(lattice_noise(200, 300, 20, SEED, stretch=5.0))
    assert np.abs(np.diff(wide, axis=1)).mean() < 0.4 * np.abs(np.diff(wide, axis=0)).mean()


@pytest.mark.parametrize("surface", [paper, canvas])
def test_surfaces_are_level_and_differ_by_seed(surface):
    height = np.asarray(surface(160, 200, SEED))
    assert height.shape == (160, 200) and np.abs(height).max() < 1.6
    assert abs(height.mean()) < 0.2 and height.std() > 0.1
    assert np.abs(height - np.asarray(surface(160, 200, SEED + 1))).mean() > 0.02


def test_canvas_has_its_threads():
    height = np.asarray(canvas(256, 256, SEED, threads=32.0))
    power = np.abs(np.fft.fft2(height - height.mean())) ** 2
    for axis in (0, 1):
        spectrum = power.sum(axis)
        assert spectrum[30:35].max() > 10 * np.median(spectrum[20:45])


def test_threads_of_a_canvas_lie_above_and_below_each_other_by_turns():
    height, threads = np.asarray(canvas(256, 256, SEED, threads=32.0)), 32.0
    bend = 0.5 * np.asarray(lattice_noise(256, 256, 12, SEED))
    at = np.pi * ((np.arange(256) + 0.5) / 256 * threads)
    weft, warp = np.cos(at[:, None] + np.pi * bend), np.cos(at[None] + np.pi * bend)
    above = weft * warp * (np.abs(weft) - np.abs(warp))
    assert np.corrcoef(height.ravel(), above.ravel())[0, 1] > 0.2


def test_relief_is_light_where_the_surface_faces_the_upper_left():
    y, x = np.mgrid[:64, :64]
    bump = np.exp(-((y - 32) ** 2 + (x - 32) ** 2) / 100)
    light = np.asarray(relief(jnp.asarray(bump, jnp.float32)))
    assert light[26, 26] > 0.02 and light[38, 38] < -0.02
    np.testing.assert_allclose(light[26, 26], -light[38, 38], atol=1e-3)
    np.testing.assert_array_equal(relief(jnp.full((32, 32), 0.3)), 0.0)
