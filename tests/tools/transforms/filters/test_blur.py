"""Blurs against OpenCV, borders included, on a photograph."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from agentic_styling.tools.transforms.filters import blur
from agentic_styling.tools.transforms.filters.blur import (
    gaussian_blur,
    motion_blur,
    shift,
)

PHOTO = (data.astronaut()[60:158, 160:291] / 255).astype(np.float32)  # 98 x 131, odd on purpose
PLANES = PHOTO.transpose(2, 0, 1)
BORDER = cv2.BORDER_REPLICATE
traced_gaussian = jax.jit(lambda x, sigma: gaussian_blur(x, sigma, channel_axis=0))
by_gaussian_matrices = jax.jit(blur._by_gaussian_matrices)
traced_motion = jax.jit(lambda x, length, angle: motion_blur(x, length, angle, channel_axis=0))


def kernel_of(inside, reach=16):
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernel = inside(y, x)
    return kernel / kernel.sum()


def opencv(kernel):
    return cv2.filter2D(PHOTO, -1, kernel, borderType=BORDER).transpose(2, 0, 1)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0, 5.7, 5.8, 11.4, 11.6, 60.0])
def test_gaussian_is_opencv_borders_included(sigma):
    size = (2 * int(np.ceil(6 * sigma)) + 1,) * 2  # out to 6 sigma: no tails cut off
    theirs = cv2.GaussianBlur(PHOTO, size, sigma, borderType=BORDER).transpose(2, 0, 1)
    np.testing.assert_allclose(traced_gaussian(PLANES, sigma), theirs, atol=1e-4)
    np.testing.assert_allclose(by_gaussian_matrices(PLANES, sigma), theirs, atol=2e-6)


@pytest.mark.parametrize("sigma", [2.3, 15.0])
def test_a_known_sigma_gives_what_a_traced_one_gives(sigma):
    np.testing.assert_allclose(
        jax.jit(lambda x: gaussian_blur(x, sigma, channel_axis=0))(PLANES),
        traced_gaussian(PLANES, sigma),
        0,
        5e-5,
    )


def test_another_sigma_compiles_nothing():
    traced_gaussian(PLANES, 1.0)
    compiled = traced_gaussian._cache_size()
    for sigma in (0.0, 7.0, 40.0):
        traced_gaussian(PLANES, sigma)
    assert traced_gaussian._cache_size() == compiled


def test_sigma_zero_is_the_identity():
    np.testing.assert_allclose(traced_gaussian(PLANES, 0.0), PLANES, atol=1e-6)
    known = jax.jit(lambda x: gaussian_blur(x, 0, channel_axis=0))(PLANES)
    np.testing.assert_allclose(known, PLANES, atol=1e-6)


@jax.jit
def energy(planes, sigma):
    return jnp.sum(traced_gaussian(planes, sigma) ** 2)


slopes = jax.jit(jax.grad(energy, (0, 1)))


@pytest.mark.parametrize("sigma", [2.0, 7.0])
def test_gaussian_gradients_are_slopes(sigma):
    by_image, by_sigma = slopes(PLANES, sigma)
    slope = (energy(PLANES, sigma + 0.05) - energy(PLANES, sigma - 0.05)) / 0.1
    np.testing.assert_allclose(by_sigma, slope, rtol=0.01)
    nudge = np.random.default_rng(0).normal(size=PLANES.shape).astype(np.float32)
    slope = (energy(PLANES + 0.01 * nudge, sigma) - energy(PLANES - 0.01 * nudge, sigma)) / 0.02
    np.testing.assert_allclose(np.sum(np.asarray(by_image) * nudge), slope, rtol=0.01)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 50.0])
def test_gaussian_gradients_are_finite(sigma):
    for planes in (PLANES, np.zeros_like(PLANES), np.ones_like(PLANES)):
        assert all(np.all(np.isfinite(slope)) for slope in slopes(planes, sigma))


def test_each_image_of_a_batch_has_its_own_sigma():
    sigmas = jnp.array([0.7, 9.0])
    out = jax.jit(jax.vmap(lambda x, sigma: gaussian_blur(x, sigma, channel_axis=0)))(
        np.stack([PLANES, PLANES]), sigmas
    )
    np.testing.assert_allclose(out[0], traced_gaussian(PLANES, 0.7), atol=1e-5)
    np.testing.assert_allclose(out[1], traced_gaussian(PLANES, 9.0), atol=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2, 2.5])
def test_motion_is_a_line_of_that_angle(angle):
    def line(y, x):
        along = y * np.sin(angle) + x * np.cos(angle)
        across = y * np.cos(angle) - x * np.sin(angle)
        return np.clip(8 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)

    ours = traced_motion(PLANES, 15.0, angle)
    np.testing.assert_allclose(ours, opencv(kernel_of(line)), atol=3e-6)


def test_motion_along_x_is_a_box():
    theirs = cv2.blur(PHOTO, (5, 1), borderType=BORDER).transpose(2, 0, 1)
    np.testing.assert_allclose(traced_motion(PLANES, 5.0, 0.0), theirs, atol=3e-6)


BLURS = [
    lambda x: gaussian_blur(x, 3.0, channel_axis=0),
    lambda x: gaussian_blur(x, 9.0, channel_axis=0),
    lambda x: motion_blur(x, 5.0, 1.0, channel_axis=0),
]


@pytest.mark.parametrize("blurred", [jax.jit(f) for f in BLURS])
def test_no_dark_borders_and_bfloat16(blurred):
    np.testing.assert_allclose(blurred(jnp.full((3, 20, 30), 0.7)), 0.7, atol=1e-5)
    half = blurred(jnp.asarray(PLANES[:, :20, :30], jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(half.astype(np.float32), blurred(PLANES[:, :20, :30]), atol=0.01)


def test_shift_repeats_the_border():
    row = jnp.arange(5.0).reshape(1, 1, 5)
    assert shift(row, 0, 2).ravel().tolist() == [0, 0, 0, 1, 2]
    assert shift(row, 0, -2).ravel().tolist() == [2, 3, 4, 4, 4]
