"""Probes against hand-computed colours, SciPy's filters, and looks of known direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from agentic_styling.rewards.probes import (
    LIGHTNESS_STEP,
    SIZE,
    at_probe_size,
    blur,
    opponent,
    probes,
)
from tests.slow import slow

PROBES = jax.jit(probes)
TONES = slice(0, 7)  # lightness quantiles
MIDDLE_B = 10  # b of the middle tones
FINE_DETAIL = -10
BRIGHT_SPECKS = -6
ACROSS_OVER_DOWN = -4


@pytest.fixture(scope="module")
def photo():
    """A smooth picture with some detail, float32 [1, 128, 128, 3], values well inside (0, 1)."""
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE, 3)), (4, 4, 0))
    return jnp.asarray(0.5 + 0.1 * noise / noise.std(), jnp.float32)[None].clip(0.1, 0.9)


def difference(photo, edit):
    return np.asarray(PROBES(edit) - PROBES(photo))[0]


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0)),
        ((0.3, 0.3, 0.3), (0.3, 0.0, 0.0)),
        ((1.0, 0.0, 0.0), (0.2126, 0.5, 0.25)),
        ((0.0, 0.0, 1.0), (0.0722, 0.0, -0.5)),
    ],
)
def test_opponent_colours(rgb, expected):
    found = opponent(jnp.array(rgb, jnp.float32)[None, None, None])
    np.testing.assert_allclose(found[:, 0, 0, 0], expected, atol=1e-6)


SHAPES = [slow((128, 200)), (32, 128), slow((512, 384)), (97, 301)]


@pytest.mark.parametrize("height, width", SHAPES)
def test_pictures_are_resized_as_jax_does(height, width):
    pictures = jax.random.uniform(jax.random.key(0), (2, height, width, 3))
    expected = jax.image.resize(pictures, (2, SIZE, SIZE, 3), "cubic", antialias=True)
    found = at_probe_size(pictures)
    np.testing.assert_allclose(found, np.clip(expected, 0, 1), atol=2e-6)


def test_blur_is_scipys_box_twice():
    x = np.random.default_rng(1).random((2, 24, 20)).astype(np.float32)
    box = x
    for axis in (1, 2):
        for _ in range(2):
            box = ndimage.uniform_filter1d(box, 5, axis=axis, mode="nearest")
    np.testing.assert_allclose(blur(jnp.asarray(x), 2), box, atol=1e-5)


def test_a_lighter_picture_moves_the_lightness_quantiles_by_its_step(photo):
    moved = difference(photo, photo + 0.1)
    np.testing.assert_allclose(moved[TONES], 0.1 / LIGHTNESS_STEP, rtol=1e-3)


def test_a_warmer_picture_moves_the_middle_tones_towards_yellow(photo):
    assert difference(photo, photo * jnp.array([1.1, 1.0, 0.8]))[MIDDLE_B] > 1


def test_a_blurred_picture_loses_fine_detail(photo):
    grainy = photo + 0.05 * jax.random.normal(jax.random.key(0), photo.shape)
    assert difference(photo, grainy)[FINE_DETAIL] > 3


def test_white_dots_are_bright_specks(photo):
    dots = jax.random.uniform(jax.random.key(0), (1, SIZE, SIZE, 1)) < 0.02
    assert difference(photo, jnp.where(dots, 1.0, photo))[BRIGHT_SPECKS] > 0.5


def test_vertical_streaks_change_across_more_than_down(photo):
    columns = jax.random.uniform(jax.random.key(0), (1, 1, SIZE, 1)) * 0.1
    assert difference(photo, photo + columns)[ACROSS_OVER_DOWN] > 1


def test_a_mirrored_picture_differs_only_in_its_layout(photo):
    moved = difference(photo, photo[:, :, ::-1])
    np.testing.assert_allclose(moved[:15], 0, atol=1e-3)


def test_an_enlarged_picture_reads_alike(photo):
    large = jax.image.resize(photo, (1, 256, 256, 3), "linear")
    assert np.abs(difference(photo, large)[:63]).max() < 0.3


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_one_colour_is_finite(value):
    assert np.isfinite(PROBES(jnp.full((1, SIZE, SIZE, 3), value, jnp.float32))).all()
