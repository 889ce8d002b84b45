"""The point-wise grade: looks come off again, and mean what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools import DIMENSIONS, VOCABULARY
from agentic_styling.tools.grade import _inverse, grade, luma_of
from agentic_styling.tools.looks import LOOKS, RECIPES
from agentic_styling.tools.looks.recipe import FIELDS, SIZE, look, rgb

NEUTRAL = jnp.zeros(SIZE)
IMAGE = jnp.asarray(np.random.default_rng(0).random((3, 24, 32), np.float32))
GRADE = jax.jit(grade)


def _recipe(tool, option):
    index = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values.index(option)
    return jnp.asarray(RECIPES[DIMENSIONS.index(tool), 1, index])


def test_neutral_is_the_identity():
    np.testing.assert_allclose(GRADE(IMAGE, NEUTRAL, NEUTRAL), IMAGE, atol=2e-6)


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_a_look_onto_itself_changes_nothing(tool):
    values = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values
    inside = IMAGE * 0.5 + 0.25
    for option in values:
        worn = GRADE(inside, NEUTRAL, _recipe(tool, option))
        again = GRADE(worn, _recipe(tool, option), _recipe(tool, option))
        np.testing.assert_allclose(again, worn, atol=1e-5, err_msg=option)


@pytest.mark.parametrize("tool", [d for d in DIMENSIONS if "target" in VOCABULARY[d].target])
def test_a_look_comes_off_again(tool):
    """In float, within the range that a photograph has; the bound covers the strongest looks."""
    inside = IMAGE * 0.6 + 0.2
    for option in VOCABULARY[tool].parameters[VOCABULARY[tool].target].values:
        worn = GRADE(inside, NEUTRAL, _recipe(tool, option))
        back = GRADE(worn, _recipe(tool, option), NEUTRAL)
        assert np.mean(np.abs(back - inside)) < 0.01, option


def test_night_is_dark_blue_and_keeps_its_highlights():
    night = _recipe("time_of_day", "night_moonlit")
    day = jnp.full((3, 8, 8), 0.7)
    red, _, blue = GRADE(day, NEUTRAL, night).mean(axis=(1, 2))
    assert blue > 1.5 * red
    assert luma_of(GRADE(day, NEUTRAL, night)).mean() < 0.3
    white = luma_of(GRADE(jnp.ones((3, 8, 8)), NEUTRAL, night))[0, -1].mean()
    assert white > 0.4


def test_exposure_by_hand():
    """Mid grey is logit 0; one logit up, within the soft ends of 0.02, is 1.04 s(1) - 0.02."""
    out = GRADE(jnp.full((3, 4, 4), 0.5), NEUTRAL, jnp.asarray(look(1.0)))
    np.testing.assert_allclose(out, 1.04 / (1 + np.exp(-1)) - 0.02, atol=1e-5)


def test_haze_by_hand():
    """Density 1 is 0.4 deep at the foot of the picture, and 1.3 at its top."""
    hazy = GRADE(jnp.full((3, 9, 4), 0.2), NEUTRAL, jnp.asarray(look(haze=(1.0, "#ffffff"))))
    np.testing.assert_allclose(hazy[:, -1], 1 - 0.8 * np.exp(-0.4), atol=1e-5)
    np.testing.assert_allclose(hazy[:, 0], 1 - 0.8 * np.exp(-1.3), atol=1e-5)


def test_desaturation_greys_and_mixers_keep_greys():
    grey = GRADE(IMAGE, NEUTRAL, jnp.asarray(look(saturation=-9.0)))
    np.testing.assert_allclose(grey[0], grey[2], atol=1e-3)
    ramp = jnp.broadcast_to(jnp.linspace(0, 1, 16), (3, 4, 16))
    for rows in LOOKS.values():
        for options in rows.values():
            for recipe in options.values():
                start = list(FIELDS).index("mix")
                at = sum(list(FIELDS.values())[:start])
                mixed = jnp.zeros(SIZE).at[at : at + 9].set(recipe[at : at + 9])
                np.testing.assert_allclose(GRADE(ramp, NEUTRAL, mixed), ramp, atol=1e-5)


def test_inverse_is_numpys():
    matrix = np.random.default_rng(2).normal(size=(3, 3)).astype(np.float32)
    np.testing.assert_allclose(_inverse(jnp.asarray(matrix)), np.linalg.inv(matrix), rtol=1e-4)


def test_every_target_option_has_a_look():
    for name in DIMENSIONS[:9]:
        tool = VOCABULARY[name]
        assert set(LOOKS[name][tool.target]) == set(tool.parameters[tool.target].values)


def test_rgb():
    np.testing.assert_allclose(rgb("#ff8000"), [1, 128 / 255, 0])
