"""The five losses: hand-computed values, a NumPy oracle, and checks that catch wrong maths."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling import losses
from agentic_styling.losses import LOSSES

LOGPS = np.array([-2.0, -10.0, -0.5, -7.0], np.float32)
REWARDS = np.array([5.0, 4.0, 3.5, 2.0], np.float32)
STATISTICS = {"mean": 3.5, "std": 0.5}
PAIR = (
    np.array([-10.0, -20.0], np.float32),  # chosen
    np.array([-12.0, -11.0], np.float32),  # rejected
    np.array([-11.0, -20.0], np.float32),  # chosen, reference
    np.array([-11.0, -16.0], np.float32),  # rejected, reference
)

# By hand: -w * s with w = 1; 1, 1, 0, 0; 2, 1, .5, 0; 3, 1, 0, -3. DPO: delta_w - delta_l is
# 1 - (-1) = 2 and 0 - 5 = -5; times 0.1; log(1 + exp(-0.2)) and log(1 + exp(0.5)).
CASES = {
    "standard": ((LOGPS,), {}, [2.0, 10.0, 0.5, 7.0]),
    "reward_filtered": ((LOGPS, REWARDS), {}, [2.0, 10.0, 0.0, 0.0]),
    "reward_weighted": ((LOGPS, REWARDS), {}, [4.0, 10.0, 0.25, 0.0]),
    "standardized_reward_weighted": ((LOGPS, REWARDS), STATISTICS, [6.0, 10.0, 0.0, -21.0]),
    "dpo": (PAIR, {}, [0.5981388693815918, 0.9740769841801067]),
}

# What each must not be: sign flipped, reward ignored, divided by its own weights, ...
MUTANTS = {
    "standard": [lambda s: s, lambda s: -s.mean(keepdims=True), lambda s: -s / s.shape[0]],
    "reward_filtered": [
        lambda s, r: (r >= 4.0) * s,
        lambda s, r: -s,
        lambda s, r: -1.0 * (r > 4.0) * s,
        lambda s, r: -1.0 * (r >= 4.0) * s / (r >= 4.0).sum(),
    ],
    "reward_weighted": [
        lambda s, r: jnp.maximum(r - 3.0, 0.0) * s,
        lambda s, r: -(r - 3.0) * s,
        lambda s, r: -r * s,
        lambda s, r: -jnp.maximum(r - 3.0, 0.0) * s / jnp.maximum(r - 3.0, 0.0).sum(),
    ],
    "standardized_reward_weighted": [
        lambda s, r, mean, std: (r - mean) / std * s,
        lambda s, r, mean, std: -(r - r.mean()) / r.std() * s,
        lambda s, r, mean, std: -(r - mean) / std**2 * s,
        lambda s, r, mean, std: -(r - mean) * s / jnp.abs(r - mean).sum(),
        lambda s, r, mean, std: -jnp.abs(r - mean) / std * s,
    ],
    "dpo": [
        lambda w, l, rw, rl: -jax.nn.log_sigmoid(-0.1 * ((w - rw) - (l - rl))),
        lambda w, l, rw, rl: -jax.nn.log_sigmoid(0.1 * (w - l)),
        lambda w, l, rw, rl: -jax.nn.log_sigmoid((w - rw) - (l - rl)),
        lambda w, l, rw, rl: -jax.nn.log_sigmoid(0.1 * ((w - rw) + (l - rl))),
        lambda w, l, rw, rl: jax.nn.log_sigmoid(0.1 * ((w - rw) - (l - rl))),
    ],
}


def check(name, function):
    """Raises where `function` differs from the values computed by hand for `name`."""
    args, kwargs, expected = CASES[name]
    out = function(*args, **kwargs)
    assert out.shape == (len(expected),)
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_values_by_hand(name, jit):
    function = LOSSES[name].function
    check(name, jax.jit(function) if jit else function)
    args, kwargs, _ = CASES[name]
    assert function(*args, **kwargs).dtype == jnp.float32
    half = [jnp.asarray(x, jnp.bfloat16) for x in args]
    assert function(*half, **kwargs).dtype == jnp.float32


@pytest.mark.parametrize("name", CASES)
def test_the_check_catches_wrong_maths(name):
    for mutant in MUTANTS[name]:
        with pytest.raises(AssertionError):
            check(name, mutant)


def test_gradients_by_hand():
    scored = {
        "standard": [-1, -1, -1, -1],
        "reward_filtered": [-1, -1, 0, 0],
        "reward_weighted": [-2, -1, -0.5, 0],
        "standardized_reward_weighted": [-3, -1, 0, 3],
    }
    for name, expected in scored.items():
        args, kwargs, _ = CASES[name]
        function = LOSSES[name].function
        grad = jax.grad(lambda s, f=function, a=args, k=kwargs: f(s, *a[1:], **k).sum())(LOGPS)
        np.testing.assert_allclose(grad, expected, rtol=1e-6)
    chosen, rejected, reference, _ = jax.grad(
        lambda args: losses.dpo(*args).sum(), allow_int=False
    )(PAIR)
    # -beta * sigmoid(-beta * x), with x = 2 and -5.
    expected = [-0.1 / (1 + math.exp(0.2)), -0.1 / (1 + math.exp(-0.5))]
    np.testing.assert_allclose(chosen, expected, rtol=1e-6)
    np.testing.assert_allclose(rejected, -chosen)
    np.testing.assert_allclose(reference, -chosen)


def test_dpo_is_ln_2_at_the_reference():
    out = losses.dpo(PAIR[0], PAIR[1], PAIR[0], PAIR[1])
    np.testing.assert_allclose(out, math.log(2), rtol=1e-7)


def test_equal_rewards_have_weight_0():
    equal = np.full(4, 4.3, np.float32)
    sw = losses.standardized_reward_weighted
    np.testing.assert_array_equal(sw(LOGPS, equal, mean=4.3, std=0.0), 0.0)
    # A mean that rounding moved, with the deviation that follows from it.
    np.testing.assert_array_equal(sw(LOGPS, equal, mean=4.3 + 5e-7, std=5e-7), 0.0)
    gradient = jax.grad(lambda s: sw(s, equal, mean=4.3, std=0.0).sum())(LOGPS)
    np.testing.assert_array_equal(gradient, 0.0)
    mean, std, count = losses.context_statistics(equal, np.array([0, 0, 0, 1]), 2)
    np.testing.assert_array_equal(std, 0.0)
    np.testing.assert_array_equal(losses.swift(LOGPS, equal, mean=mean, std=std), 0.0)
    np.testing.assert_allclose(losses.rloo(LOGPS, equal, mean=mean, count=count), 0.0, atol=1e-5)


def test_statistics_of_contexts_by_hand():
    rewards, contexts = np.array([1.0, 5.0, 3.0, 4.0, 2.0]), np.array([0, 2, 0, 2, 1])
    mean, std, count = losses.context_statistics(rewards, contexts, 3)
    np.testing.assert_allclose(mean, [2, 4.5, 2, 4.5, 2])
    np.testing.assert_allclose(std, [1, 0.5, 1, 0.5, 0])
    np.testing.assert_allclose(count, [2, 2, 2, 2, 1])
    ones = np.ones(5, np.float32)
    np.testing.assert_allclose(losses.swift(ones, rewards, mean=mean, std=std), [1, -1, -1, 1, 0])
    # Leave one out: 1 - 3, 5 - 4, 3 - 1, 4 - 5, and none to compare with.
    np.testing.assert_allclose(
        losses.rloo(ones, rewards, mean=mean, count=count), [2, -1, -2, 1, 0]
    )


def test_quantiles_of_contexts_by_hand():
    rewards = np.array([1.0, 5.0, 3.0, 5.0, 2.0, 2.0, 4.0])
    contexts = np.array([0, 2, 0, 2, 1, 0, 2])
    # Context 0: 1, 3, 2; context 2: 5, 5, 4, the equal ones in the middle of their places.
    expected = [1 / 6, 4 / 6, 5 / 6, 4 / 6, 1 / 2, 3 / 6, 1 / 6]
    np.testing.assert_allclose(losses.context_quantiles(rewards, contexts, 3), expected, rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=20))
def test_quantiles_are_shares_of_lower_rewards(rows):
    contexts, rewards = np.array([c for c, _ in rows]), np.array([r / 2 for _, r in rows])
    found = losses.context_quantiles(rewards, contexts, 5)
    for row, quantile in enumerate(np.asarray(found)):
        own = rewards[contexts == contexts[row]]
        lower, equal = (own < rewards[row]).mean(), (own == rewards[row]).mean()
        np.testing.assert_allclose(quantile, lower + equal / 2, rtol=1e-5)


QUANTILES = np.array([0.875, 0.625, 0.375, 0.125], np.float32)
RATIOS = np.array([1.0, 0.0, -2.0, 3.0], np.float32)


def test_qrpo_by_hand():
    """At beta 1 Z is e - 1, its logarithm 0.541324854612918."""
    out = losses.qrpo(LOGPS, LOGPS - RATIOS, quantile=QUANTILES, beta=1.0)
    log_z = 0.541324854612918
    expected = [(q - log_z - d) ** 2 for q, d in zip(QUANTILES, RATIOS, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-5)
    # At beta 0.001 exp(1 / beta) is infinite; 1 + 0.001 log(0.001) is not.
    out = losses.qrpo(LOGPS, LOGPS, quantile=QUANTILES, beta=0.001)
    np.testing.assert_allclose(out, (QUANTILES - 0.993092244721018) ** 2, rtol=1e-5)
    # At beta 1000 1 - exp(-1 / beta) has lost four of its digits.
    out = losses.qrpo(LOGPS, LOGPS, quantile=QUANTILES, beta=1000.0)
    np.testing.assert_allclose(out, (QUANTILES - 0.500041666666319) ** 2, atol=2e-4)


def test_qrpo_is_least_at_the_tilted_reference():
    """pi = pi_ref exp(q / beta) / Z adds up to 1 over quantiles, and is where the loss is 0."""
    beta, q = 0.25, (np.arange(4000, dtype=np.float32) + 0.5) / 4000
    at_0 = losses.qrpo(np.zeros_like(q), np.zeros_like(q), quantile=q, beta=beta)
    shift = (q[-1] - np.sqrt(at_0[-1])) / beta  # log Z, from where the quantile exceeds it
    ratios = q / beta - shift
    np.testing.assert_allclose(np.exp(ratios).mean(), 1.0, rtol=1e-4)
    at_best = losses.qrpo(ratios, np.zeros_like(q), quantile=q, beta=beta)
    np.testing.assert_allclose(at_best, 0.0, atol=1e-10)


def test_qrpo_raises_the_best_and_lowers_the_worst_until_they_are_there():
    gradient = jax.grad(lambda s, ref: losses.qrpo(s, ref, quantile=QUANTILES).sum())
    # beta log Z is 0.7697: at the reference only the best of four is raised.
    np.testing.assert_array_equal(np.sign(gradient(LOGPS, LOGPS)), [-1, 1, 1, 1])
    np.testing.assert_array_equal(np.sign(gradient(LOGPS, LOGPS - 5)), [1, 1, 1, 1])
    np.testing.assert_array_equal(np.sign(gradient(LOGPS, LOGPS + 7)), [-1, -1, -1, -1])


def test_options_by_hand():
    """Weights 3, 1, 0, -3 of STATISTICS; shift 0.5 adds 1; clip 2; taper exp(-1) of the last."""
    reference = np.array([-2.0, -10.0, -1.5, -6.0], np.float32)  # log-ratios 0, 0, 1, -1
    args = (LOGPS, REWARDS, reference)

    def weights(**options):
        return -losses.standardized_reward_weighted(*args, **STATISTICS, **options) / LOGPS

    np.testing.assert_allclose(weights(shift=0.5), [4, 2, 1, -2], rtol=1e-6)
    np.testing.assert_allclose(weights(clip=2.0), [2, 1, 0, -2], rtol=1e-6)
    np.testing.assert_allclose(weights(taper=True), [3, 1, 0, -3 * math.exp(-1)], rtol=1e-6)
    out = losses.standard(LOGPS, reference, kl_coef=0.2)  # + 0.1 * log-ratio^2
    np.testing.assert_allclose(out, [2.0, 10.0, 0.6, 7.1], rtol=1e-6)


def test_released_code_loses_its_weight_and_its_sign():
    """The faults it is kept for: a single row is plain NLL; a negative sum turns the loss round."""
    for reward in (5.0, 2.0):
        out = losses.released_code(LOGPS[:1], jnp.array([reward]), **STATISTICS)
        np.testing.assert_allclose(out, [2.0], rtol=1e-6)
    rewards = np.array([5.0, 1.0], np.float32)  # weights 3 and -5, their sum -2: the good is pushed
    gradient = jax.grad(lambda s: losses.released_code(s, rewards, **STATISTICS).sum())(LOGPS[:2])
    np.testing.assert_allclose(gradient, [3.0, -5.0], rtol=1e-6)
    near_0 = losses.released_code(LOGPS[:2], np.array([5.0, 2.01], np.float32), **STATISTICS)
    assert abs(near_0).max() > 66 * abs(3 * LOGPS[0])
    zero = losses.released_code(LOGPS[:2], np.array([5.0, 2.0], np.float32), **STATISTICS)
    np.testing.assert_array_equal(zero, 0.0)


def oracle(name, args, kwargs):
    """The same formulas in float64 NumPy, written anew."""
    args = [np.asarray(x, np.float64) for x in args]
    if name == "dpo":
        w, l, rw, rl = args
        return np.logaddexp(0.0, -kwargs.get("beta", 0.1) * (w - l - rw + rl))
    s, r = args[0], args[-1]
    weights = {
        "standard": lambda: np.ones_like(s),
        "reward_filtered": lambda: np.where(r < kwargs.get("threshold", 4.0), 0.0, 1.0),
        "reward_weighted": lambda: np.clip(r - kwargs.get("floor", 3.0), 0.0, None),
        "standardized_reward_weighted": lambda: (r - kwargs["mean"]) / kwargs["std"],
    }
    return -weights[name]() * s


EXTREME = st.lists(st.floats(-1e4, 1e4, width=32), min_size=4, max_size=4)
JITTED = {name: jax.jit(LOSSES[name].function) for name in CASES}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    columns=st.lists(EXTREME, min_size=4, max_size=4),
    rewards=st.lists(st.integers(0, 20).map(lambda k: k / 4), min_size=4, max_size=4),
    option=st.integers(1, 16).map(lambda k: k / 4),
)
def test_agrees_with_numpy_and_stays_finite(columns, rewards, option):
    columns = [np.array(c, np.float32) for c in columns]
    rewards = np.array(rewards, np.float32)
    options = {
        "standard": {},
        "reward_filtered": {"threshold": option},
        "reward_weighted": {"floor": option},
        "standardized_reward_weighted": {"mean": 3.0, "std": option},
        "dpo": {"beta": option},
    }
    for name, kwargs in options.items():
        args = {"standard": columns[:1], "dpo": columns}.get(name, [columns[0], rewards])
        out = JITTED[name](*args, **kwargs)
        assert np.isfinite(out).all()
        np.testing.assert_allclose(out, oracle(name, args, kwargs), rtol=1e-5, atol=0.02)
    gradient = jax.grad(lambda c: JITTED["dpo"](*c).sum())(columns)
    assert np.isfinite(np.stack(gradient)).all()


def test_shapes_and_types_are_checked():
    with pytest.raises(AssertionError):
        losses.reward_weighted(LOGPS, REWARDS[:2])
    with pytest.raises(AssertionError):
        losses.standard(LOGPS[None])
    with pytest.raises(AssertionError):
        losses.dpo(PAIR[0], PAIR[1], PAIR[2], PAIR[3][:1])
