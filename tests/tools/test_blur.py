"""Blurs against SciPy and OpenCV, and at the borders."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.filters import gaussian

from agentic_styling.tools.blur import gaussian_blur, kuwahara, motion_blur, shift

IMAGE = np.random.default_rng(0).random((3, 40, 56), np.float32)


@pytest.mark.parametrize("sigma", [0.8, 2.0])
def test_gaussian_is_scikit_image_inside(sigma):
    ours = np.asarray(gaussian_blur(IMAGE, sigma))
    theirs = gaussian(IMAGE, sigma, channel_axis=0, truncate=6)
    edge = int(6 * sigma) + 1
    inside = (slice(None), slice(edge, -edge), slice(edge, -edge))
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-5)


def test_motion_blur_is_an_opencv_box_inside():
    ours = np.asarray(motion_blur(IMAGE, 5.0))
    theirs = np.stack([cv2.blur(plane, (5, 1)) for plane in IMAGE])
    np.testing.assert_allclose(ours[..., 5:-5], theirs[..., 5:-5], atol=1e-5)


@pytest.mark.parametrize(
    "blur", [lambda x: gaussian_blur(x, 3.0), lambda x: motion_blur(x, 9), lambda x: kuwahara(x, 3)]
)
def test_no_dark_borders(blur):
    np.testing.assert_allclose(blur(jnp.full((3, 20, 30), 0.7)), 0.7, atol=1e-5)


def test_shift_repeats_the_border():
    row = jnp.arange(5.0).reshape(1, 1, 5)
    assert shift(row, 0, 2).ravel().tolist() == [0, 0, 0, 1, 2]
    assert shift(row, 0, -2).ravel().tolist() == [2, 3, 4, 4, 4]


def test_kuwahara_keeps_a_step_and_removes_noise():
    rng = np.random.default_rng(1)
    step = np.where(np.arange(32) < 16, 0.2, 0.8)[None, None] * np.ones((3, 32, 1))
    noisy = (step + rng.normal(0, 0.02, step.shape)).astype(np.float32)
    out = np.asarray(kuwahara(noisy, 3))
    assert np.std((out - step)[:, 4:-4, 4:-4]) < 0.6 * np.std((noisy - step)[:, 4:-4, 4:-4])
    assert np.all(out[..., 15] < 0.35)
    assert np.all(out[..., 16] > 0.65)
