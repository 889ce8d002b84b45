"""What is watched beside a loss, by hand and against NumPy; bad rows are refused by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling import losses
from agentic_styling.losses import LOSSES
from agentic_styling.utils.errors import InputError
from tests.losses.rows import KINDS, columns, options, take
from tests.slow import slow_but

TRL = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")
TRL += ("logps/chosen", "logps/rejected")
LOGPS = jnp.array([-4.0, -6.0, -9.0, -10.0])
LENGTHS = jnp.array([2, 2, 3, 5])


def rounded(found):
    return {name: round(float(value), 5) for name, value in found.items()}


def test_weights_by_hand():
    found = losses.weight_diagnostics(LOGPS, jnp.array([2.0, 0.0, -2.0, -0.5]), LENGTHS, clip=1.0)
    assert rounded(found) == {
        "effective_sample_size": round(2.5**2 / 2.25, 5),  # of 1, 0, -1, -0.5
        "clipped_weights": 0.5,
        "nll_positive": 2.0,
        "nll_negative": round(19 / 8, 5),
    }
    none = losses.weight_diagnostics(LOGPS, jnp.zeros(4), LENGTHS)
    assert none["effective_sample_size"] == 0
    assert np.isnan(none["nll_negative"]) and np.isnan(none["nll_positive"])


def test_the_weights_are_those_of_the_loss():
    """SW: (r - 3.5) / 0.5 = 3, 1, 0, -3, clipped to 2, the last tapered by exp(-1)."""
    made = {
        "logps": LOGPS,
        "lengths": LENGTHS,
        "rewards": jnp.array([5.0, 4.0, 3.5, 2.0]),
        "ref_logps": LOGPS + jnp.array([0.0, 2.0, 0.0, 1.0]),
    }
    given = {"mean": 3.5, "std": 0.5, "clip": 2.0, "taper": True, "kl_coef": 0.3}
    found = rounded(LOSSES["standardized_reward_weighted"].diagnostics(made, **given))
    weights = np.array([2, 1, 0, -3 * np.exp(-1)])
    expected = abs(weights).sum() ** 2 / (weights**2).sum()
    np.testing.assert_allclose(found["effective_sample_size"], expected, rtol=1e-5)
    assert found["clipped_weights"] == 0.25
    assert (found["nll_positive"], found["nll_negative"]) == (2.5, 2.0)
    assert found["kl"] == round((2 + 0.5) / 4, 5)


def test_pairs_by_hand():
    args = [jnp.array(x) for x in ([-3.0, -5.0], [-4.0, -2.0], [-4.0, -4.0], [-4.0, -3.0])]
    assert rounded(losses.pair_diagnostics(*args, beta=0.5)) == {
        "rewards/chosen": 0.0,  # 0.5 * (1, -1)
        "rewards/rejected": 0.25,  # 0.5 * (0, 1)
        "rewards/margins": -0.25,
        "rewards/accuracies": 0.5,
        "logps/chosen": -4.0,
        "logps/rejected": -3.0,
        "kl": 0.375,
    }
    free = rounded(losses.pair_diagnostics(*args[:2], beta=0.5))
    assert free["rewards/chosen"] == -2.0 and "kl" not in free


def test_good_and_bad_by_hand():
    good = jnp.array([True, False, True, False])
    found = losses.binary_diagnostics(LOGPS, LOGPS - jnp.arange(4.0), good, beta=0.5)
    assert rounded(found) == {
        "rewards/chosen": 0.5,
        "rewards/rejected": 1.0,
        "rewards/margins": -0.5,
        "logps/chosen": -6.5,
        "logps/rejected": -8.0,
    }


@pytest.mark.parametrize("name", slow_but(LOSSES, *KINDS))
def test_every_loss_has_its_diagnostics_under_jit(name):
    made, given, needs = take(columns(), name), options(name), LOSSES[name].needs
    if "reference" not in needs:
        made = {k: v for k, v in made.items() if not k.startswith("ref_")}
    found = jax.jit(lambda made: LOSSES[name].diagnostics(made, **given))(made)
    assert all(value.shape == () for value in found.values())
    # Not every loss pushes rows away.
    assert all(np.isfinite(v) for k, v in found.items() if k != "nll_negative")
    if "pairs" in needs:
        assert set(TRL) <= found.keys()
    elif "old" in needs:
        assert {"clip_fraction", "ratio", "approx_kl"} <= found.keys()
    elif "rewards" in needs:
        watched = {"effective_sample_size", "clipped_weights", "nll_positive", "nll_negative"}
        assert watched <= found.keys()
    assert ("kl" in found) == ("reference" in needs)
    if name in ("kto", "bco", "npo"):
        assert "rewards/margins" in found


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4))
def test_effective_sample_size_is_between_1_and_n(weights):
    weights = np.array(weights, np.float32)
    size = losses.weight_diagnostics(LOGPS, weights, LENGTHS)["effective_sample_size"]
    if abs(weights).max() > 1e-6:
        assert 1 - 1e-4 <= size <= 4 + 1e-4
    else:
        assert 0 <= size <= 4 + 1e-4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"rewards": [1.0, float("nan")]}, "rewards: row 1 is nan, not a finite number; compute"),
        ({"ref_logps": [float("-inf"), 0]}, "ref_logps: row 0 is -inf, not a finite number"),
        ({"token_logps": [[0.0, 1.0], [0.0, float("inf")]]}, "token_logps: row 1 is inf"),
        ({"lengths": [3, 0, 2]}, "lengths: row 1 has an empty completion (0 tokens); drop the row"),
        ({"rejected_lengths": [0]}, "rejected_lengths: row 0 has an empty completion"),
    ],
)
def test_bad_rows_are_named(rows, message):
    good = {"rewards": np.ones(2, np.float32), "lengths": np.array([1, 7])}
    losses.check_rows(good)
    with pytest.raises(InputError) as caught:
        losses.check_rows(good | {name: np.array(column) for name, column in rows.items()})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_nan_is_never_hidden():
    """An unchecked NaN comes out as NaN, not as a number."""
    logps = LOGPS.at[1].set(float("nan"))
    assert np.isnan(losses.standard(logps)[1])
    assert np.isnan(losses.reward_weighted(LOGPS, jnp.full(4, float("nan")))).all()
    sw = losses.standardized_reward_weighted(LOGPS, jnp.full(4, float("nan")), mean=3.0, std=1.0)
    assert np.isnan(sw).all()
