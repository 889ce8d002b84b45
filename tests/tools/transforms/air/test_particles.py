"""Falling and floating things: as many as asked for, in their colours, at every size."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.transforms.air import particles
from agentic_styling.tools.transforms.conventions import Scene

SEED = jnp.uint32(11)
WHITE = jnp.ones(3)
FALL = jax.jit(functools.partial(particles.falling, channel_axis=0))
KINDS = particles.KINDS


def _grey(size):
    return jnp.full((3, size, size), 0.3)


def _fall(kind, amount=1.0, size=96, seed=SEED):
    return np.asarray(FALL(_grey(size), jnp.zeros((size, size)), kind, amount, WHITE, seed))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_more_is_more_and_none_is_none(kind):
    light = [(_fall(kind, amount) - 0.3).mean() for amount in (0.0, 0.4, 0.8, 1.2)]
    assert abs(light[0]) < 1e-7  # c + 1 * (i - c) rounds
    assert 0.001 < light[1] < light[2] < light[3] < 0.3


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_larger_picture_has_the_same_in_the_mean_and_in_place(kind):
    small, large = _fall(kind, 1.0, 96)[0], _fall(kind, 1.0, 384)[0]
    large = large.reshape(96, 4, 96, 4).mean((1, 3))
    assert abs(small.mean() - large.mean()) < 0.2 * (large.mean() - 0.3)
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.7


def _extent(rows, columns):
    return [np.abs(np.diff(a, axis=k)).mean() for k, a in ((0, rows), (1, columns))]


def test_rain_falls_and_sand_drives_sideways():
    rain_down, rain_across = _extent(*[_fall(KINDS["rain"], size=192)[0]] * 2)
    sand_down, sand_across = _extent(*[_fall(KINDS["sand"], size=192)[0]] * 2)
    assert rain_across > 2 * rain_down and sand_down > 2 * sand_across


def test_a_subject_hides_what_falls_behind_it():
    subject = jnp.ones((96, 96))
    hidden = FALL(_grey(96), subject, KINDS["snow"], 1.0, WHITE, SEED)
    assert 0.2 < (np.mean(hidden) - 0.3) / (_fall(KINDS["snow"]).mean() - 0.3) < 0.8


def test_another_seed_is_another_fall():
    a, b = _fall(KINDS["snow"]), _fall(KINDS["snow"], seed=jnp.uint32(12))
    assert np.array_equal(a, _fall(KINDS["snow"])) and np.abs(a - b).mean() > 0.02


@pytest.mark.parametrize("shape", [particles.leaf, particles.petal, particles.shard])
def test_solids_take_their_colors_and_are_whole(shape):
    size = 192
    scene = Scene(*[jnp.zeros((size, size))] * 4)
    image = jnp.full((3, size, size), 0.5)
    colors = jnp.array([[0.9, 0.4, 0.1], [0.6, 0.2, 0.1]])
    draw = jax.jit(
        lambda share: particles.solids(
            image, scene, shape, 0.3, share, colors, SEED, channel_axis=0
        )
    )
    none, some = np.asarray(draw(0.0)), np.asarray(draw(0.5))
    np.testing.assert_array_equal(none, image)
    drawn = np.abs(some - 0.5).max(0) > 0.1
    assert 0.01 < drawn.mean() < 0.35
    red, green, blue = some[:, drawn].mean(-1)
    assert red > green > blue
    # A particle that its cell cut off would end in long straight runs along rows or columns.
    edges = np.diff(drawn.astype(int), axis=0) != 0
    runs = [len(r) for row in edges for r in "".join("x" if v else " " for v in row).split()]
    assert max(runs) < 0.1 * size


def test_few_solids_are_drawn_before_the_subject():
    size = 192
    maps = jnp.zeros((size, size))
    drawn = []
    for subject in (maps, maps + 1):
        edit = particles.solids(
            jnp.ones((3, size, size)), Scene(maps, maps, maps, subject), particles.shard, 0.2, 0.6,
            jnp.zeros((2, 3)), SEED, channel_axis=0,
        )  # fmt: skip
        drawn.append(float((edit[0] < 0.5).mean()))
    assert 0 < drawn[1] < 0.4 * drawn[0]


@pytest.mark.parametrize("shape", [particles.leaf, particles.petal, particles.shard])
def test_a_shape_ends_within_its_circle(shape):
    s, t = np.mgrid[-3:3:0.05, -3:3:0.05]
    for own in (0.0, 0.5, 0.99):
        cover = np.asarray(shape(s, t, 0.02, own)[0])
        assert cover[np.hypot(s, t) > 1.2].max() == 0 < cover.max() == 1
