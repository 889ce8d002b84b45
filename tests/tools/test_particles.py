"""Particles: as many as asked for, in their colours, at every size."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.particles import EFFECT_PARTICLES, WEATHER_PARTICLES, draw_particles
from agentic_styling.tools.vocabulary import VOCABULARY

SEED = jnp.uint32(11)
GREY = jnp.full((3, 64, 64), 0.4)
DRAW = jax.jit(draw_particles)
EFFECTS = VOCABULARY["atmospheric_effects"].parameters["effect_type"].values
LEAVES = EFFECT_PARTICLES[EFFECTS.index("leaves_falling")]
SNOW = EFFECT_PARTICLES[EFFECTS.index("snow_falling")]


def _cover(row, amount, image=GREY):
    return float(np.mean(np.any(np.abs(DRAW(image, row, amount, SEED) - image) > 0.02, axis=0)))


def test_more_is_more_and_none_is_none():
    covers = [_cover(SNOW, amount) for amount in (0.0, 0.5, 1.0, 1.5)]
    assert covers[0] == 0
    assert 0.02 < covers[1] < covers[2] < covers[3] < 0.8


def test_leaves_are_brown_and_snow_is_white():
    for row, ordered in ((LEAVES, True), (SNOW, False)):
        out = np.asarray(DRAW(GREY, row, 1.0, SEED))
        red, _, blue = out[:, np.any(np.abs(out - 0.4) > 0.2, axis=0)].mean(-1)
        assert (red > blue + 0.2) == ordered


def test_size_follows_the_shorter_side():
    large = jnp.full((3, 160, 160), 0.4)
    assert abs(_cover(LEAVES, 1.0) - _cover(LEAVES, 1.0, large)) < 0.06


def test_a_row_of_zeros_draws_nothing():
    clear = VOCABULARY["weather"].parameters["weather_type"].values.index("clear_sunny")
    assert np.array_equal(DRAW(GREY, WEATHER_PARTICLES[clear], 1.0, SEED), GREY)
