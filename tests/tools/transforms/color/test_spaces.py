"""Luma against scikit-image's own matrix, and matrices over every pixel."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from agentic_styling.tools.transforms.color.spaces import apply_matrix, luma_of
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
