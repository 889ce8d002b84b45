"""Looks: structure against NumPy's correlation, places and faults by hand.

A correlation is up to 0.4 % less than 1: what keeps it finite for flat pictures.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.rewards import parts
from agentic_styling.rewards.parts import distance
from agentic_styling.rewards.probes import SIZE, blur, opponent

look_of, structure_alike = jax.jit(parts.look_of), jax.jit(parts.structure_alike)


@pytest.fixture(scope="module")
def pictures():
    blocks = jax.random.uniform(jax.random.key(0), (3, SIZE // 8, SIZE // 8, 3))
    return 0.1 + 0.8 * jnp.repeat(jnp.repeat(blocks, 8, axis=1), 8, axis=2)


def test_structure_is_the_mean_correlation_of_two_bands(pictures):
    one, other = look_of(pictures[:1]), look_of(0.5 * pictures[:1] + 0.5 * pictures[1:2])
    lightness = opponent(pictures)[0]
    found = []
    for small, large in ((1, 4), (3, 12)):
        bands = blur(lightness, small) - blur(lightness, large)
        x, y = np.asarray(bands[0]).ravel(), np.asarray(bands[0] + bands[1]).ravel() / 2
        found.append((x @ y) / np.sqrt((x @ x) * (y @ y)))
    np.testing.assert_allclose(structure_alike(one, other)[0], np.mean(found), rtol=4e-3)


def test_structure_is_blind_to_tone_and_sees_negatives(pictures):
    look = look_of(pictures)
    dimmer, negative = look_of(0.5 * pictures + 0.2), look_of(1 - pictures)
    np.testing.assert_allclose(structure_alike(look, dimmer), 1, atol=4e-3)
    np.testing.assert_allclose(structure_alike(look, negative), -1, atol=4e-3)


def test_distance_is_by_cell_in_lightness_and_twice_in_colour():
    grey = jnp.full((1, SIZE, SIZE, 3), 0.5)
    lighter = grey.at[:, : SIZE // 2].add(0.1)  # the upper half
    np.testing.assert_allclose(distance(look_of(grey), look_of(lighter)), 0.05, rtol=1e-3)
    red = grey.at[..., 0].add(0.1)
    expected = np.sqrt(0.02126**2 + 2 * 0.05**2 + 2 * 0.025**2)
    np.testing.assert_allclose(distance(look_of(grey), look_of(red)), expected, rtol=1e-3)


def test_clipped_is_black_and_white_only(pictures):
    half = pictures.at[:, : SIZE // 2].set(1.0).at[:, : SIZE // 4].set(0.0)
    np.testing.assert_allclose(look_of(half).clipped, 0.5)
    red = pictures.at[..., 0].set(1.0)
    np.testing.assert_allclose(look_of(red).clipped, 0)
