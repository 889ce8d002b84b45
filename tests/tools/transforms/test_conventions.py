"""Transforms speak dm-pix's conventions: image first, channels last or at channel_axis, batched by
vmap, differentiable, in the image's dtype, and one of dm-pix's functions fits in their place."""

import functools

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.transforms.camera.lens import film_grain
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.light.light import bloom, vignette
from tests.tools.planned import photograph

IMAGE = jnp.asarray(photograph(32, 48))
TRANSFORMS = {
    "gaussian_blur": lambda image, **axis: gaussian_blur(image, 1.5, **axis),
    "vignette": lambda image, **axis: vignette(image, 0.8, **axis),
    "bloom": lambda image, **axis: bloom(image, 0.5, jnp.ones(3), **axis),
    "film_grain": lambda image, **axis: film_grain(image, 0.1, jnp.uint32(1), **axis),
    "dm_pix.adjust_hue": lambda image, **axis: dm_pix.adjust_hue(image, 0.1, **axis),
    "dm_pix.adjust_saturation": lambda image, **axis: dm_pix.adjust_saturation(image, 1.5, **axis),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_channels_may_be_last_or_first_and_images_batched(transform):
    last = np.asarray(jax.jit(transform)(IMAGE))
    assert last.shape == IMAGE.shape and np.abs(last - IMAGE).max() > 0.01
    planes = jnp.moveaxis(IMAGE, -1, 0)
    first = jax.jit(functools.partial(transform, channel_axis=0))(planes)
    np.testing.assert_allclose(np.moveaxis(first, 0, -1), last, atol=1e-5)
    batch = jax.jit(jax.vmap(transform))(jnp.stack([IMAGE, IMAGE[::-1]]))
    np.testing.assert_allclose(batch[0], last, atol=1e-5)
    slope = jax.jit(jax.grad(lambda image: jnp.sum(transform(image) ** 2)))(IMAGE)
    assert slope.shape == IMAGE.shape and np.isfinite(slope).all()


def test_bfloat16_comes_back_close_to_float32():
    half = bloom(IMAGE.astype(jnp.bfloat16), 0.5, jnp.ones(3))
    assert half.dtype == jnp.bfloat16
    assert dm_pix.psnr(half.astype(jnp.float32), bloom(IMAGE, 0.5, jnp.ones(3))) > 40


def test_more_grain_is_less_like_the_photograph():
    likeness = [
        float(dm_pix.ssim(IMAGE, film_grain(IMAGE, amount, jnp.uint32(1))))
        for amount in (0.0, 0.1, 0.2)
    ]
    assert likeness[0] == pytest.approx(1, abs=1e-5) and likeness == sorted(likeness)[::-1]
    assert likeness[2] < 0.99


def test_a_renderer_clips_and_a_step_that_is_not_used_changes_nothing():
    brighter = renderer(lambda planes, scene, options, seed: planes + 0.5)
    np.testing.assert_allclose(brighter(IMAGE, None, None, None), jnp.clip(IMAGE + 0.5, 0, 1))
    planes = jnp.moveaxis(IMAGE, -1, 0)
    for used in (False, True):
        out = where_used(used, vignette, planes, 1.0)
        expected = vignette(planes, 1.0, channel_axis=0) if used else planes
        np.testing.assert_allclose(out, expected, atol=1e-6)
