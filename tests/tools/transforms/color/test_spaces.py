"""Colour spaces against hand-computed constants, NumPy in float64 and scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from agentic_styling.tools.transforms.color import spaces
from agentic_styling.utils.errors import InputError
from tests.tools.transforms.color.photographs import NAMES, photograph

GREYS = np.linspace(-0.5, 1.5, 20001)


def _linear(value):
    curved = ((np.maximum(value, 0) + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, value / 12.92, curved)


def _display(value):
    curved = 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(value <= 0.0031308, value * 12.92, curved)


def test_the_transfer_function_is_that_of_the_standard():
    linear = spaces.srgb_to_linear(np.float32(GREYS))
    np.testing.assert_allclose(linear, _linear(GREYS), rtol=1e-6, atol=2e-7)
    display = spaces.linear_to_srgb(np.float32(GREYS))
    np.testing.assert_allclose(display, _display(GREYS), rtol=1e-6, atol=2e-7)
    assert float(spaces.srgb_to_linear(jnp.float32(0))) == 0


def test_there_and_back_is_within_a_millionth():
    values = np.linspace(0, 1, 4097, dtype=np.float32)
    back = spaces.linear_to_srgb(spaces.srgb_to_linear(values))
    np.testing.assert_allclose(back, values, atol=1e-6)


def test_oklab_of_known_colours():
    """White, red and blue as its author gives them, to the digits that he prints."""
    colors = jnp.array([[1, 1, 1], [1, 0, 0], [0, 0, 1.0]]).T[:, :, None]
    lab = np.asarray(spaces.linear_to_oklab(colors))[:, :, 0].T
    known = [[1, 0, 0], [0.62796, 0.22486, 0.12585], [0.45201, -0.03246, -0.31153]]
    np.testing.assert_allclose(lab, known, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_oklab_there_and_back(name):
    linear = spaces.srgb_to_linear(photograph(name))
    back = spaces.oklab_to_linear(spaces.linear_to_oklab(linear))
    np.testing.assert_allclose(back, linear, atol=4e-6)


def test_oklab_there_and_back_outside_the_gamut_and_at_black():
    linear = np.random.default_rng(0).uniform(-0.2, 1.2, (3, 20, 20)).astype(np.float32)
    linear[:, 0] *= 1e-5
    linear[:, 1] = 0
    back = spaces.oklab_to_linear(spaces.linear_to_oklab(linear))
    np.testing.assert_allclose(back, linear, atol=4e-6)


@pytest.mark.parametrize("name", NAMES)
def test_luma_and_luminance(name):
    image = photograph(name)
    theirs = skimage.color.rgb2gray(image, channel_axis=0)  # Rec. 709 to three digits
    np.testing.assert_allclose(spaces.luma(image), theirs, atol=2e-4)
    xyz = skimage.color.rgb2xyz(image, channel_axis=0)
    np.testing.assert_allclose(spaces.luminance(image), xyz[1], atol=1e-4)


@pytest.mark.parametrize(
    "transform",
    [spaces.srgb_to_linear, spaces.linear_to_srgb, spaces.linear_to_oklab, spaces.oklab_to_linear],
)
def test_slopes_are_finite_at_black_grey_and_white(transform):
    edges = jnp.array([0, 1e-6, 0.0031308, 0.04045, 0.5, 1.0], jnp.float32)
    image = jnp.stack([edges] * 3)[:, :, None]
    for at in (image, image.at[0].set(0)):
        slope = jax.jit(jax.grad(lambda x: jnp.sum(transform(x))))(at)
        assert np.all(np.isfinite(slope))
    assert transform(image.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_power_is_exact_but_for_its_foot():
    base = np.linspace(0, 1, 1001, dtype=np.float32)
    for exponent in (0.4, 1.0, 2.5):
        ours = spaces.power(jnp.asarray(base), exponent)
        np.testing.assert_allclose(ours[1:], base[1:] ** exponent, rtol=2e-6)
        slope = jax.grad(lambda x, e=exponent: jnp.sum(spaces.power(x, e)))(jnp.asarray(base))
        assert np.all(np.isfinite(slope))
    assert float(spaces.power(jnp.float32(0), 0.4)) == 0


def test_integers_are_refused_in_one_line():
    with pytest.raises(InputError, match=r"^image: uint8; give floats in \[0, 1\], as image / 255"):
        spaces.srgb_to_linear(np.zeros((3, 2, 2), np.uint8))
