"""The color transform: looks come off again, and mean what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools import DIMENSIONS, VOCABULARY
from agentic_styling.tools.dimensions import LOOK_TABLE, LOOKS
from agentic_styling.tools.transforms.color.color_transform import _inverse, color_transform
from agentic_styling.tools.transforms.color.look_params import FIELDS, SIZE, look, removable, rgb
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene

NEUTRAL = jnp.zeros(SIZE)
SHAPE = (3, 24, 32)  # of all pictures, for one program
IMAGE = jnp.asarray(np.random.default_rng(0).random(SHAPE, np.float32))


@jax.jit
def _grade(image, sources, targets, strength):
    flat = jnp.zeros(image.shape[1:])
    depth = jnp.broadcast_to(jnp.linspace(1, 0, image.shape[1])[:, None], image.shape[1:])
    return color_transform(image, Scene(depth, flat, flat, flat), sources, targets, strength)


def GRADE(image, source, target, strength=1.0):
    """One step on a picture without sky, ground or subject, far at the top."""
    return _grade(image, source[None], target[None], jnp.array([strength]))


def _target_look(tool, option):
    index = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values.index(option)
    return jnp.asarray(LOOK_TABLE[DIMENSIONS.index(tool), 1, index])


def test_neutral_is_the_identity():
    np.testing.assert_allclose(GRADE(IMAGE, NEUTRAL, NEUTRAL), IMAGE, atol=2e-6)


def test_strength_zero_is_the_identity_bit_for_bit():
    assert np.array_equal(GRADE(IMAGE, NEUTRAL, jnp.asarray(look(1.0)), 0.0), IMAGE)


def test_a_run_is_its_steps_one_after_the_other():
    """But for what the ends clip, nothing of which is in the midst of the range."""
    inside = IMAGE * 0.5 + 0.25
    names = [("time_of_day", "golden_hour_sunset"), ("season", "autumn_falling")]
    first, second = (_target_look(*name) for name in names)
    strength = jnp.array([0.8, 0.5])
    run = _grade(inside, jnp.stack([NEUTRAL, NEUTRAL]), jnp.stack([first, second]), strength)
    steps = GRADE(GRADE(inside, NEUTRAL, first, 0.8), NEUTRAL, second, 0.5)
    np.testing.assert_allclose(run, steps, atol=2e-6)
    assert np.abs(run - GRADE(inside, NEUTRAL, first, 0.8)).max() > 0.02


def test_the_subject_is_held_back():
    subject = jnp.zeros((8, 8)).at[2:5, 2:5].set(1.0)
    scene = Scene(*[jnp.zeros((8, 8))] * 3, subject)
    grey = jnp.full((3, 8, 8), 0.5)
    bright = jnp.asarray(look(1.0, hold=0.75))[None]
    out = jax.jit(color_transform)(grey, scene, NEUTRAL[None], bright, jnp.ones(1))
    held, moved = (float(1.04 / (1 + np.exp(-logit)) - 0.02) for logit in (0.25, 1.0))
    np.testing.assert_allclose(out[:, 3, 3], held, atol=1e-5)
    np.testing.assert_allclose(out[:, 6, 6], moved, atol=1e-5)


def test_no_more_is_removable_than_a_photograph_may_have():
    weak, strong = look(0.3, haze=(0.3, "#8090a0")), look(1.3, haze=(1.2, "#8090a0"))
    assert np.array_equal(removable(weak), weak)
    parts = np.split(removable(strong), np.cumsum(list(FIELDS.values()))[:-1])
    capped = dict(zip(FIELDS, parts, strict=True))
    np.testing.assert_allclose(capped["shift"], 0.65, rtol=1e-6)
    air = np.log((rgb("#8090a0") + 0.02) / (1.02 - rgb("#8090a0")))
    np.testing.assert_allclose(capped["haze"], 0.6 * np.array([1, *air]), rtol=1e-5)


@pytest.mark.parametrize("tool", [d for d in DIMENSIONS if "target" in VOCABULARY[d].target])
def test_a_look_comes_off_again(tool):
    """In float, within the range that a photograph has; but for greens, which are a guess."""
    inside = IMAGE * 0.6 + 0.2
    gaps = []
    for option in VOCABULARY[tool].parameters[VOCABULARY[tool].target].values:
        worn = GRADE(inside, NEUTRAL, _target_look(tool, option))
        back = GRADE(worn, _target_look(tool, option), NEUTRAL)
        gaps.append(np.mean(np.abs(back - inside)))
        assert gaps[-1] < 0.05, option
    assert np.median(gaps) < 0.005


def test_night_is_dark_blue_and_keeps_its_highlights():
    night = _target_look("time_of_day", "night_moonlit")
    day = jnp.full(SHAPE, 0.7)
    red, _, blue = GRADE(day, NEUTRAL, night).mean(axis=(1, 2))
    assert blue > 1.5 * red
    assert luma_of(GRADE(day, NEUTRAL, night)).mean() < 0.4
    white = luma_of(GRADE(jnp.ones(SHAPE), NEUTRAL, night))[-1].mean()
    assert white > 0.4


def test_exposure_by_hand():
    """Mid grey is logit 0; one logit up, within the soft ends of 0.02, is 1.04 s(1) - 0.02."""
    out = GRADE(jnp.full(SHAPE, 0.5), NEUTRAL, jnp.asarray(look(1.0)))
    np.testing.assert_allclose(out, 1.04 / (1 + np.exp(-1)) - 0.02, atol=1e-5)


def test_haze_by_hand():
    """Density 1 is 0.4 deep at the foot of the picture, and 1.3 at its top; white is logit
    ln 51, and black its negative."""
    hazy = GRADE(jnp.zeros(SHAPE), NEUTRAL, jnp.asarray(look(haze=(1.0, "#ffffff"))))
    for row, depth in ((-1, 0.4), (0, 1.3)):
        logit = np.log(51) * (1 - 2 * np.exp(-depth))
        np.testing.assert_allclose(hazy[:, row], 1.04 / (1 + np.exp(-logit)) - 0.02, atol=1e-5)


def test_desaturation_greys_and_mixers_keep_greys():
    grey = GRADE(IMAGE, NEUTRAL, jnp.asarray(look(saturation=-9.0)))
    np.testing.assert_allclose(grey[0], grey[2], atol=1e-3)
    ramp = jnp.broadcast_to(jnp.linspace(0, 1, SHAPE[-1]), SHAPE)
    for rows in LOOKS.values():
        for options in rows.values():
            for row in options.values():
                start = list(FIELDS).index("mix")
                at = sum(list(FIELDS.values())[:start])
                mixed = np.zeros(SIZE, np.float32)
                mixed[at : at + 9] = row[at : at + 9]
                out = GRADE(ramp, NEUTRAL, jnp.asarray(mixed))
                np.testing.assert_allclose(out, ramp, atol=1e-5)


def test_inverse_is_numpys():
    matrix = np.random.default_rng(2).normal(size=(3, 3)).astype(np.float32)
    np.testing.assert_allclose(_inverse(jnp.asarray(matrix)), np.linalg.inv(matrix), rtol=1e-4)


def test_every_target_option_has_a_look():
    for name in DIMENSIONS:
        tool = VOCABULARY[name]
        missing = set(tool.parameters[tool.target].values) - set(LOOKS[name][tool.target])
        assert not missing or name in ("artistic_medium", "atmospheric_effects"), name  # drawn


def test_rgb():
    np.testing.assert_allclose(rgb("#ff8000"), [1, 128 / 255, 0])
