"""The Kuwahara and the guided filter: what they keep and what they take away."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from agentic_styling.tools.transforms.filters.smoothing import clean_surfaces, kuwahara

PHOTO = (data.astronaut()[60:156, 160:288] / 255).astype(np.float32)
PLANES = PHOTO.transpose(2, 0, 1)
smooth = jax.jit(lambda x: kuwahara(x, 4.0, channel_axis=0))
slope = jax.jit(jax.grad(lambda x: jnp.sum(smooth(x) ** 2)))
traced = jax.jit(lambda x, radius: kuwahara(x, radius, channel_axis=0))


def test_smoothing_keeps_a_step_and_removes_noise():
    step = np.where(np.arange(64) < 32, 0.2, 0.8)[None, None] * np.ones((3, 64, 1))
    noise = np.random.default_rng(1).normal(0, 0.02, step.shape)
    out = np.asarray(smooth(jnp.asarray(step + noise, jnp.float32)))
    assert np.std((out - step)[..., 8:24]) < 0.6 * np.std(noise)
    assert np.mean(out[..., 31]) < 0.3
    assert np.mean(out[..., 32]) > 0.7


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures_stay_and_gradients_are_finite(value):
    flat = jnp.full((3, 64, 64), value, jnp.float32)
    np.testing.assert_allclose(smooth(flat), value, atol=1e-5)
    assert jnp.all(jnp.isfinite(slope(flat)))


def test_clean_surfaces_keep_edges_as_crisp_as_they_are():
    step = np.where(np.arange(64) < 32, 0.2, 0.8)[None, None] * np.ones((3, 64, 1))
    noise = np.random.default_rng(1).normal(0, 0.02, step.shape)
    clean = jax.jit(lambda x: clean_surfaces(x, 0.05))
    out = np.asarray(clean(jnp.asarray(step + noise, jnp.float32)))
    assert np.std((out - step)[..., 8:24]) < 0.3 * np.std(noise)
    np.testing.assert_allclose(out[..., 31:33].mean((0, 1)), [0.2, 0.8], atol=0.03)
    np.testing.assert_allclose(clean(jnp.full((3, 64, 64), 0.4)), 0.4, atol=1e-5)


def test_bfloat16_comes_back():
    part = PLANES[:, 16:80, 32:96]
    out = smooth(jnp.asarray(part, jnp.bfloat16))
    assert out.dtype == jnp.bfloat16
    assert np.abs(out.astype(np.float32) - smooth(part)).mean() < 0.005


def test_kuwahara_paints_with_the_colours_at_hand():
    out = np.asarray(traced(PLANES, 5.0))
    reach = np.ones((27, 27), np.uint8)  # shifted by a radius, blurred to 4 sigma
    for ours, plane in zip(out, PLANES, strict=True):
        assert np.all(ours <= cv2.dilate(plane, reach) + 1e-5)
        assert np.all(ours >= cv2.erode(plane, reach) - 1e-5)


def test_kuwahara_strokes_follow_the_edge():
    y, x = np.mgrid[:96, :128]
    stripes = 0.5 + 0.3 * np.sin((x + y) * 2 * np.pi / 24)
    noise = np.random.default_rng(2).normal(0, 0.1, stripes.shape)
    noisy = np.broadcast_to((stripes + noise)[None], (3, 96, 128)).astype(np.float32)
    out = np.asarray(traced(noisy, 5.0))[0, 16:-16, 16:-16]
    along, across = np.abs(out[1:, :-1] - out[:-1, 1:]), np.abs(out[1:, 1:] - out[:-1, :-1])
    assert along.mean() < 0.7 * across.mean()
    assert np.std(out - stripes[16:-16, 16:-16]) < 0.8 * np.std(noise)


def test_a_wider_kuwahara_flattens_more_without_compiling():
    paint = traced
    paint(PLANES, 2.0)
    compiled = paint._cache_size()
    detail = [np.abs(np.diff(paint(PLANES, radius))).mean() for radius in (2.0, 4.0, 8.0)]
    assert detail[0] > detail[1] > detail[2]
    assert paint._cache_size() == compiled
