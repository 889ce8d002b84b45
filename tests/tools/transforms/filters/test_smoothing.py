"""Edge-keeping smoothing against OpenCV, and what each is for."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from agentic_styling.tools.transforms.filters.smoothing import (
    bilateral_filter,
    guided_filter,
    kuwahara,
)

PHOTO = (data.astronaut()[60:156, 160:288] / 255).astype(np.float32)
PLANES = PHOTO.transpose(2, 0, 1)
GREY = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)
traced = {f: jax.jit(f) for f in (kuwahara, bilateral_filter, guided_filter)}
SMOOTHERS = [
    jax.jit(lambda x: kuwahara(x, 4.0)),
    jax.jit(lambda x: bilateral_filter(x, 4.0, 0.1)),
    jax.jit(lambda x: guided_filter(x, x, 8.0, 0.01)),
]
slopes = [jax.jit(jax.grad(lambda x, f=smooth: jnp.sum(f(x) ** 2))) for smooth in SMOOTHERS]


def fast_guided_filter(image, guide, radius, epsilon):
    """He and Sun 2015 with OpenCV's resizing and boxes."""
    size = (image.shape[1] // 4, image.shape[0] // 4)
    small, small_guide = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (image, guide))

    def mean(plane):
        return cv2.blur(plane, (2 * radius // 4 + 1,) * 2, borderType=cv2.BORDER_REPLICATE)

    covariance = mean(small * small_guide) - mean(small) * mean(small_guide)
    slope = covariance / (mean(small_guide**2) - mean(small_guide) ** 2 + epsilon)
    offset = mean(small) - slope * mean(small_guide)
    slope, offset = (cv2.resize(mean(p), image.shape[::-1]) for p in (slope, offset))
    return slope * guide + offset


@pytest.mark.parametrize("radius", [4, 12])
def test_guided_filter_is_he_and_suns(radius):
    ours = traced[guided_filter](PLANES, GREY[None], radius, 0.01)
    theirs = [fast_guided_filter(plane, GREY, radius, 0.01) for plane in PLANES]
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    ours = traced[guided_filter](PLANES, PLANES, radius, 0.01)
    theirs = [fast_guided_filter(plane, plane, radius, 0.01) for plane in PLANES]
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_guided_filter_takes_any_size():
    part = PLANES[:, :93, :127]
    out = traced[guided_filter](part, part, 8, 0.01)
    assert out.shape == part.shape
    whole = traced[guided_filter](PLANES, PLANES, 8, 0.01)
    np.testing.assert_allclose(out[:, :60, :90], whole[:, :60, :90], atol=1e-5)


@pytest.mark.parametrize(("sigma_space", "sigma_range"), [(2.0, 0.1), (6.0, 0.1), (6.0, 0.3)])
def test_bilateral_is_opencv(sigma_space, sigma_range):
    size = 2 * int(4 * sigma_space) + 1
    theirs = cv2.bilateralFilter(
        GREY, size, sigma_range, sigma_space, borderType=cv2.BORDER_REPLICATE
    )
    ours = np.asarray(traced[bilateral_filter](GREY[None], sigma_space, sigma_range))[0]
    change = np.abs(theirs - GREY).mean()
    assert np.abs(ours - theirs).mean() < 0.04 * change
    assert np.abs(ours - theirs).max() < 0.02  # linear between 16 levels


@pytest.mark.parametrize("smooth", SMOOTHERS)
def test_smoothing_keeps_a_step_and_removes_noise(smooth):
    step = np.where(np.arange(64) < 32, 0.2, 0.8)[None, None] * np.ones((3, 64, 1))
    noise = np.random.default_rng(1).normal(0, 0.02, step.shape)
    out = np.asarray(smooth(jnp.asarray(step + noise, jnp.float32)))
    assert np.std((out - step)[..., 8:24]) < 0.6 * np.std(noise)
    assert np.mean(out[..., 31]) < 0.3
    assert np.mean(out[..., 32]) > 0.7


@pytest.mark.parametrize(("smooth", "slope"), zip(SMOOTHERS, slopes, strict=True))
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures_stay_and_gradients_are_finite(smooth, slope, value):
    flat = jnp.full((3, 64, 64), value, jnp.float32)
    np.testing.assert_allclose(smooth(flat), value, atol=1e-5)
    assert jnp.all(jnp.isfinite(slope(flat)))


@pytest.mark.parametrize("smooth", SMOOTHERS)
def test_bfloat16_comes_back(smooth):
    part = PLANES[:, 16:80, 32:96]
    out = smooth(jnp.asarray(part, jnp.bfloat16))
    assert out.dtype == jnp.bfloat16
    assert np.abs(out.astype(np.float32) - smooth(part)).mean() < 0.005


def test_kuwahara_paints_with_the_colours_at_hand():
    out = np.asarray(traced[kuwahara](PLANES, 5.0))
    reach = np.ones((27, 27), np.uint8)  # shifted by a radius, blurred to 4 sigma
    for ours, plane in zip(out, PLANES, strict=True):
        assert np.all(ours <= cv2.dilate(plane, reach) + 1e-5)
        assert np.all(ours >= cv2.erode(plane, reach) - 1e-5)


def test_kuwahara_strokes_follow_the_edge():
    y, x = np.mgrid[:96, :128]
    stripes = 0.5 + 0.3 * np.sin((x + y) * 2 * np.pi / 24)
    noise = np.random.default_rng(2).normal(0, 0.1, stripes.shape)
    noisy = np.broadcast_to((stripes + noise)[None], (3, 96, 128)).astype(np.float32)
    out = np.asarray(traced[kuwahara](noisy, 5.0))[0, 16:-16, 16:-16]
    along, across = np.abs(out[1:, :-1] - out[:-1, 1:]), np.abs(out[1:, 1:] - out[:-1, :-1])
    assert along.mean() < 0.7 * across.mean()
    assert np.std(out - stripes[16:-16, 16:-16]) < 0.8 * np.std(noise)


def test_a_wider_kuwahara_flattens_more_without_compiling():
    paint = traced[kuwahara]
    paint(PLANES, 2.0)
    compiled = paint._cache_size()
    detail = [np.abs(np.diff(paint(PLANES, radius))).mean() for radius in (2.0, 4.0, 8.0)]
    assert detail[0] > detail[1] > detail[2]
    assert paint._cache_size() == compiled
