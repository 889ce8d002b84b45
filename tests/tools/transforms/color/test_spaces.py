"""Luma against scikit-image, saturation against colorsys, and matrices over every pixel."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from agentic_styling.tools.transforms.color.spaces import apply_matrix, luma_of, saturated
from tests.tools.transforms.color.photographs import NAMES, photograph


@pytest.mark.parametrize("name", NAMES)
def test_luma_is_that_of_bt_601(name):
    image = photograph(name)
    yuv = skimage.color.rgb2yuv(image, channel_axis=0)
    np.testing.assert_allclose(luma_of(image), yuv[0], atol=1e-3)
    assert luma_of(jnp.ones((3, 1, 1)))[0, 0] == pytest.approx(1.0, abs=1e-7)


def test_a_matrix_is_applied_to_every_pixel():
    image = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    matrix = np.random.default_rng(1).normal(size=(2, 3))
    expected = np.tensordot(matrix, image, 1)
    np.testing.assert_allclose(apply_matrix(jnp.asarray(image), matrix), expected, atol=1e-6)


_GREYS = np.repeat(np.array([[0.0], [0.4], [1.0]], np.float32), 3, axis=1).T[:, None]
_PURE = np.array([[1, 0, 0], [0, 0.5, 0.5], [0.2, 0, 0.9]], np.float32).T[:, None]
_RANDOM = np.random.default_rng(0).random((3, 1, 500)).astype(np.float32)
_COLORS = np.concatenate([_GREYS, _PURE, _RANDOM], axis=2)


@pytest.mark.parametrize("factor", [0.0, 0.75, 1.0, 1.7, 30.0])
def test_saturation_is_scaled_as_in_hsv_jitted_or_not(factor):
    expected = []
    for color in _COLORS[:, 0].T.tolist():
        hue, saturation, value = colorsys.rgb_to_hsv(*color)
        expected.append(colorsys.hsv_to_rgb(hue, min(saturation * factor, 1.0), value))
    new = saturated(jnp.asarray(_COLORS), factor)
    np.testing.assert_allclose(new[:, 0], np.transpose(expected), atol=1e-6)
    np.testing.assert_allclose(jax.jit(saturated)(_COLORS, factor), new, atol=1e-6)


def test_saturation_has_finite_slopes_on_black_grey_white_and_pure_colors():
    faint = 1e-20 * _PURE
    colors = np.concatenate([_COLORS, faint], axis=2)

    def total(image, factor):
        return jnp.sum(saturated(image, factor) ** 2 + saturated(image, factor))

    for factor in (0.0, 1.0, 1.7):
        for slope in jax.jit(jax.grad(total, argnums=(0, 1)))(colors, factor):
            assert np.isfinite(slope).all(), factor
