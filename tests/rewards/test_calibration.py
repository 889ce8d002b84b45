"""The calibration belongs to the vocabulary and the probes, and holds on other photographs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from agentic_styling.data.photos.states import make_step
from agentic_styling.rewards.calibration import OPTIONS, calibration, of_rivals, of_steps
from agentic_styling.rewards.edit_errors import NOISE
from agentic_styling.rewards.parts import _solve
from agentic_styling.rewards.probes import at_probe_size, probes
from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Plan, Step, encode_plans, execute
from tests.slow import slow


def request(*steps, slots=3):
    """PlanArrays of one plan; each step (tool, option, strength)."""
    return encode_plans([Plan({}, tuple(make_step(t, UNKNOWN, o, s) for t, o, s in steps))], slots)


def test_every_option_has_a_row_and_every_probe_a_column():
    columns = probes(jnp.zeros((1, 128, 128, 3))).shape[1]
    for table in (calibration().base, calibration().slope, calibration().side, calibration().noise):
        assert table.shape == (len(OPTIONS), 2, columns)
    assert calibration().whitening.shape == (len(DIMENSIONS), columns, columns)
    assert calibration().kept.shape == (len(OPTIONS), 2)
    assert len(OPTIONS) == len(set(OPTIONS)) == 171


@pytest.mark.parametrize(
    "strength, weights", [(0.25, (0.5, 0)), (0.5, (1, 0)), (0.75, (0.5, 0.5)), (1.0, (0, 1))]
)
def test_strengths_in_between_are_interpolated(strength, weights):
    table = np.arange(171 * 2, dtype=np.float32).reshape(171, 2, 1) + 1
    found = of_steps(table, request(("season", "winter_bare", strength)))[0, :, 0]
    own = table[OPTIONS.index(("season", "winter_bare"))][:, 0]
    np.testing.assert_allclose(found, [own @ np.array(weights), 0, 0], rtol=1e-6)


def test_rivals_are_the_other_options_of_the_tool():
    table = np.broadcast_to(np.arange(171.0, dtype=np.float32)[:, None, None], (171, 2, 1))
    rows, is_rival = of_rivals(table, request(("season", "summer_lush", 1.0)))
    found = {OPTIONS[int(row)][1] for row in rows[0, 0, :, 0][is_rival[0, 0]]}
    target = VOCABULARY["season"].parameters[VOCABULARY["season"].target].values
    assert found == set(target) - {"summer_lush"}


def test_modifiers_move_nothing():
    plan = Plan({}, (Step("", "exclude_region", {"region_type": "center"}),))
    assert not np.any(of_steps(calibration().base, encode_plans([plan], 2)))


def test_whitening_leaves_unit_noise():
    """Of a dimension's own options less than of another's, in its metric."""
    whitening = np.asarray(calibration().whitening)
    covariance = np.linalg.inv(whitening.transpose(0, 2, 1) @ whitening)
    assert np.linalg.eigvalsh(covariance).min() > 0.9 * NOISE
    assert np.all((calibration().kept > 0) & (calibration().kept <= 1))
    assert np.all(calibration().noise >= 0)


@pytest.mark.parametrize(
    "tool, option",
    [
        ("time_of_day", "midnight_dark"),
        ("color_grading", "cool_blue"),
        ("weather", "fog_dense"),
        slow(("artistic_medium", "pencil_sketch")),
    ],
)
def test_movements_hold_on_a_photograph_that_was_not_measured(tool, option):
    photo = at_probe_size(jnp.asarray(data.astronaut(), jnp.float32)[None] / 255)
    result = execute(photo, request((tool, option, 1.0), slots=1), jax.random.key(0))
    moved = np.asarray(probes(result) - probes(photo))[0]
    base, slope = (t[OPTIONS.index((tool, option)), 1] for t in calibration()[:2])
    usual = base + slope * np.asarray(probes(photo))[0]
    assert moved @ usual / np.linalg.norm(moved) / np.linalg.norm(usual) > 0.7


def test_small_systems_are_solved():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(4, 5, 5))
    matrix = np.float32(half @ half.transpose(0, 2, 1) + np.eye(5))
    right = rng.normal(size=(4, 5)).astype(np.float32)
    expected = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_allclose(_solve(jnp.asarray(matrix), right), expected, rtol=1e-3, atol=1e-5)
