"""Lines against a difference of Gaussians by SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import skimage.data
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from agentic_styling.tools.transforms.filters.screens import contours, xdog

LUMA = resize(skimage.data.camera() / 255, (128, 128), anti_aliasing=True).astype(np.float32)
_DRAWN = jax.jit(lambda x: xdog(x, 1.2, 20.0, 0.5, 4.0))
_CONTOURS = jax.jit(lambda x: contours(x, 1.2))


def test_xdog_is_winnemoellers_formula():
    fine, coarse = (gaussian_filter(LUMA, s, mode="nearest", truncate=4) for s in (1.2, 1.92))
    difference = 21 * fine - 20 * coarse - 0.5
    expected = np.where(difference >= 0, 1, np.maximum(1 + np.tanh(4 * difference), 0))
    drawn = np.asarray(_DRAWN(jnp.asarray(LUMA)))
    np.testing.assert_allclose(drawn, expected, atol=4e-3)  # 20 times the blur's own tolerance


def test_contours_lie_on_the_dark_side_of_an_edge_only():
    step = jnp.where(jnp.arange(64) < 32, 0.4, 0.7) * jnp.ones((64, 1))
    line = np.asarray(_CONTOURS(step))
    assert line[32, 30] > 0.5 and line[32, 34] < 0.01 and line[32, 8] < 0.01
    np.testing.assert_array_equal(_CONTOURS(jnp.full((64, 64), 0.5)), 0.0)


def test_gradients_are_finite_on_black_and_white():
    flat = jnp.stack([jnp.zeros((16, 32)), jnp.ones((16, 32))]).reshape(32, 32)
    for lines in (_DRAWN, _CONTOURS):
        assert np.isfinite(jax.jit(jax.grad(lambda x, f=lines: f(x).sum()))(flat)).all()
