"""SSIM against scikit-image and dm-pix."""

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from agentic_styling.tools.transforms.filters.ssim import ssim

PHOTOS = [data.coffee()[100:196, 150:278], data.chelsea()[80:176, 120:248]]
A, B = ((photo / 255).astype(np.float32) for photo in PHOTOS)
NOISE = np.random.default_rng(0).normal(0, 0.08, A.shape).astype(np.float32)
fast = jax.jit(ssim)


def planes(photo):
    return jnp.moveaxis(jnp.asarray(photo), -1, 0)


@pytest.mark.parametrize(
    "other", [B, A**1.7, np.clip(A + NOISE, 0, 1), 1 - A, np.full_like(A, 0.5)]
)
def test_ssim_is_scikit_images_and_dm_pixs(other):
    ours = float(fast(planes(A), planes(other)))
    theirs = structural_similarity(
        A,
        other,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=2,
    )
    assert ours == pytest.approx(theirs, abs=2e-5)
    assert ours == pytest.approx(float(dm_pix.ssim(A, other)), abs=2e-5)
    assert ours == pytest.approx(float(fast(planes(other), planes(A))), abs=1e-5)


@pytest.mark.parametrize("photo", [A, np.zeros_like(A), np.ones_like(A)])
def test_equal_pictures_have_ssim_one_and_no_slope(photo):
    value, slope = jax.value_and_grad(fast)(planes(photo), planes(photo))
    assert float(value) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(slope, 0.0, atol=1e-5)


def test_bfloat16_pictures_are_compared_in_float32():
    half = planes(A).astype(jnp.bfloat16)
    value = fast(half, planes(B))
    assert value.dtype == jnp.float32
    assert float(value) == pytest.approx(float(fast(half.astype(jnp.float32), planes(B))), abs=1e-5)
