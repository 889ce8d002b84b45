"""Layer modes against Pillow and by hand, and how the results of a group meet."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageChops

from agentic_styling.tools import COMBINE
from agentic_styling.tools.executor.stages import blend, combine, is_layer
from tests.tools.planned import planes

BLEND, JOIN = jax.jit(blend), jax.jit(combine)
MODES = ("normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "add")
LOWER = planes(32, 48)
UPPER = planes(48, 32).transpose(0, 2, 1)[:, ::-1]


def _mode(name):
    return jnp.int32(COMBINE.index(name))


def _join(current, base, result, mode, opacity=1.0, members=2):
    return np.asarray(JOIN(current, base, result, _mode(mode), opacity, members))


def test_the_modes_of_layers_are_told_from_the_others():
    assert [name for i, name in enumerate(COMBINE) if is_layer(jnp.int32(i))] == list(MODES)


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_mode_is_pillows(mode):
    steps = [np.round(np.asarray(x) * 255).astype(np.uint8) for x in (LOWER, UPPER)]
    images = [Image.fromarray(x.transpose(1, 2, 0)) for x in steps]
    wanted = np.asarray(getattr(ImageChops, mode)(*images)).transpose(2, 0, 1) / 255
    out = BLEND(*(jnp.asarray(x / 255, jnp.float32) for x in steps), _mode(mode))
    assert np.abs(np.asarray(out) - wanted).max() < 3 / 255  # it rounds down, more than once


def test_modes_by_hand():
    lower, upper = jnp.full((3, 1, 1), 0.25), jnp.full((3, 1, 1), 0.75)
    wanted = {
        "normal": 0.75,
        "multiply": 0.1875,
        "screen": 0.8125,
        "overlay": 0.375,  # twice the product, as the lower is dark
        "soft_light": 0.34375,  # (1 - 1.5) / 16 + 1.5 / 4
        "hard_light": 0.625,  # screen of 0.25 and 0.5, as the upper is light
        "add": 1.0,
    }
    for mode, value in wanted.items():
        np.testing.assert_allclose(BLEND(lower, upper, _mode(mode)), value, atol=1e-7, err_msg=mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_lies_on_the_picture_as_far_as_it_is_opaque(mode):
    base = jnp.full_like(LOWER, 0.9)  # what the layer was made from does not count
    half, full, none = (_join(LOWER, base, UPPER, mode, opacity=o) for o in (0.5, 1.0, 0.0))
    np.testing.assert_allclose(full, BLEND(LOWER, UPPER, _mode(mode)), atol=1e-6)
    np.testing.assert_allclose(half, (LOWER + full) / 2, atol=1e-6)
    assert np.array_equal(none, LOWER)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("replace", 0.7),
        ("additive", 0.8),
        ("multiplicative", 0.62 * 0.72 / 0.52 - 0.02),
        ("average", 0.6 + 0.2 / 4),
        ("max_effect", 0.7),
    ],
)
def test_parallel_steps_by_hand(mode, wanted):
    """The picture has come from 0.5 to 0.6 when a step makes 0.7 of the 0.5."""
    current, base, result = (jnp.full((3, 2, 2), v) for v in (0.6, 0.5, 0.7))
    out = _join(current, base, result, mode, members=4)
    np.testing.assert_allclose(out, wanted, atol=1e-6)


@pytest.mark.parametrize("mode", ["additive", "multiplicative", "max_effect", "replace"])
def test_one_member_alone_is_its_result(mode):
    np.testing.assert_allclose(_join(LOWER, LOWER, UPPER, mode), UPPER, atol=1e-6)


@pytest.mark.parametrize("mode", ["additive", "multiplicative", "average", "max_effect"])
def test_a_member_that_changes_nothing_leaves_the_picture(mode):
    np.testing.assert_allclose(_join(UPPER, LOWER, LOWER, mode), UPPER, atol=1e-6)


def test_the_larger_change_is_that_of_the_whole_pixel():
    base = jnp.full((3, 1, 2), 0.5)
    current = base.at[0].set(jnp.array([0.9, 0.6]))  # red moved by 0.4 and by 0.1
    result = base + jnp.array([0.2, 0.2])  # all moved by 0.2, which is 0.35 in all
    out = _join(current, base, result, "max_effect")
    np.testing.assert_allclose(out[:, 0, 0], [0.9, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(out[:, 0, 1], 0.7, atol=1e-6)


@pytest.mark.parametrize("mode", COMBINE)
def test_results_and_gradients_stay_finite_in_black_and_white(mode):
    bars = jnp.array([0.0, 0.5, 1.0])
    lower, upper, base = (x[:, None, None, None] for x in jnp.meshgrid(bars, bars, bars))
    cubes = [jnp.broadcast_to(x.reshape(1, 9, 3), (3, 9, 3)) for x in (lower, base, upper)]

    def total(*pictures):
        return jnp.sum(combine(*pictures, _mode(mode), 0.5, 2))

    out = _join(*cubes, mode, opacity=0.5)
    assert out.min() >= 0 and out.max() <= 1
    assert all(np.isfinite(g).all() for g in jax.grad(total, argnums=(0, 1, 2))(*cubes))
