"""Edit errors by hand, on a calibration of three probes in which four options are near."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.data.photos.states import make_step
from agentic_styling.rewards.calibration import OPTIONS, Calibration
from agentic_styling.rewards.edit_errors import (
    ERROR_COST,
    NOISE,
    deviation,
    execution_deviations,
)
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, encode_plans

DEVIATION = jax.jit(deviation)
STEPS = {  # what each option does to the three probes, at any strength
    ("season", "winter_bare"): (0.0, 12.0, 0.0),
    ("color_grading", "cool_blue"): (12.0, 0.0, 0.0),
    ("color_grading", "warm_sunset"): (-12.0, 0.0, 0.0),
    ("weather", "fog_dense"): (0.0, 0.0, 18.0),
}


def made(slope=0.0, noise=0.0):
    base = np.full((len(OPTIONS), 2, 3), 99.0, np.float32)  # what no result here is near to
    for option, movement in STEPS.items():
        base[OPTIONS.index(option)] = movement
    one = np.zeros_like(base)
    whitening = np.broadcast_to(np.eye(3, dtype=np.float32) / NOISE**0.5, (len(DIMENSIONS), 3, 3))
    return Calibration(base, one + slope, one, one + noise, whitening, np.ones((len(OPTIONS), 2)))


def asked(*options):
    steps = tuple(make_step(tool, UNKNOWN, option, 1.0) for tool, option in options)
    return encode_plans([Plan({}, steps)], 3)


def off(moved, *options, calibrated=None, before=(0.0, 0.0, 0.0)):
    """deviation of a result that moved so from `before`, for a request rendered as calibrated."""
    frames = [np.array(before, np.float32)]
    for t in range(3):
        frames.append(frames[-1] + (STEPS[options[t]] if t < len(options) else 0))
    calibrated = calibrated or made()
    moved = jnp.asarray([moved], jnp.float32)
    return float(DEVIATION(moved, jnp.stack(frames)[None], asked(*options), calibrated)[0])


BLUE, WINTER = ("color_grading", "cool_blue"), ("season", "winter_bare")


@pytest.mark.parametrize(
    "moved, errors",
    [
        ((12, 12, 0), 0),  # as asked
        ((12, 0, 0), 1),  # winter forgotten
        ((-12, 12, 0), 1),  # warm for cool
        ((12, 12, 18), 1),  # fog was not asked for
        ((6, 6, 0), 1),  # half of it
        ((18, 18, 0), 1),  # half as much again
        ((0, 0, 0), 4),  # nothing done
    ],
)
def test_each_error_has_its_cost(moved, errors):
    assert off(moved, BLUE, WINTER) == pytest.approx(errors * ERROR_COST, abs=2e-4)


def test_to_forget_the_only_step_is_to_do_nothing():
    assert off((0, 0, 0), BLUE) == pytest.approx(4 * ERROR_COST, abs=2e-4)


def test_what_no_error_explains_counts_in_deviations_of_chance():
    """Two errors at once: one is explained, and the other remains, in deviations of the noise."""
    warm_and_fog = off((-12, 12, 18), BLUE, WINTER)
    assert warm_and_fog == pytest.approx(ERROR_COST + 18 / NOISE**0.5, rel=1e-3)
    near = off((12, 12, 0.2), BLUE, WINTER)
    assert near == pytest.approx(0.2 / NOISE**0.5, rel=1e-3)


def test_the_more_two_executions_differ_the_less_a_difference_counts():
    noisy = made(noise=0.45)
    deviations = np.asarray(execution_deviations(asked(BLUE, WINTER), noisy))[0]
    np.testing.assert_allclose(deviations, 1.0, rtol=1e-6)  # 0.1 + 2 * 0.45
    assert off((12, 12, 0.5), BLUE, WINTER, calibrated=noisy) == pytest.approx(0.5, rel=1e-3)


def test_a_movement_depends_on_where_the_picture_was():
    """Fog moves a probe by 18 - p / 2: on a picture that is at 4 after the request, by 16."""
    calibrated = made()
    calibrated.slope[OPTIONS.index(("weather", "fog_dense"))] = (0, 0, -0.5)
    found = off((12, 12, 16), BLUE, WINTER, calibrated=calibrated, before=(0, 0, 4))
    assert found == pytest.approx(ERROR_COST, abs=2e-4)


def test_nothing_asked_for_and_nothing_done_is_no_error():
    assert off((0, 0, 0)) == pytest.approx(0, abs=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("moved", [(12.0, 12.0, 0.0), (0.0, 0.0, 0.0), (-12.0, 12.0, 18.0)])
def test_gradients_are_finite(moved):
    frames = jnp.asarray([[[0, 0, 0], [12, 0, 0], [12, 12, 0], [12, 12, 0]]], jnp.float32)
    request, calibrated = asked(BLUE, WINTER), made()
    slope = jax.grad(lambda m: DEVIATION(m, frames, request, calibrated).sum())(jnp.array([moved]))
    assert np.isfinite(slope).all()
