"""Flat areas: of a palette's colours alone, with nothing between two of them."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.media.palette import MOST, flat_areas


def test_a_soft_edge_becomes_a_hard_one_without_a_rim():
    tones = np.resize(np.float32([0.0, 0.5, 1.0, 0.3]), (3, MOST))
    palette = jnp.asarray(tones), jnp.arange(MOST) < 3
    y, x = np.mgrid[:40, :48]
    inside = np.clip(12.5 - np.hypot(y - 20, x - 24), 0, 1)
    disc = jnp.broadcast_to(jnp.asarray(inside, jnp.float32), (3, 40, 48))
    areas = jax.jit(lambda image: flat_areas(image, palette, 3, 118, 143))
    out = np.asarray(areas(disc))[0]
    assert out.shape == (118, 143)
    # Grey is in the palette, and in the picture on the soft edge alone.
    assert (np.abs(out - 0.5) < 0.4).mean() < 0.03
    np.testing.assert_allclose((out > 0.5).mean(), np.pi * 12**2 / (40 * 48), rtol=0.1)
    slope = jax.grad(lambda image: jnp.sum(areas(image) ** 2))(disc)
    assert np.isfinite(slope).all()
