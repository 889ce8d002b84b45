"""Online losses: values and gradients by hand, wrong maths, KL estimators, extremes, padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling import losses
from agentic_styling.losses import LOSSES
from agentic_styling.losses.online import clipped_surrogate
from agentic_styling.utils.errors import InputError
from tests.losses.rows import columns

ONLINE = ("grpo", "dr_grpo", "gspo")
LN2 = 0.6931471805599453
# Ratios 1.5, 0.5, 1 and 1.5, 0.5 with advantages 2 and -2, or 1 and -2 without the deviation. The
# reference has half of the probability of the first row's tokens.
RATIOS = np.array([[1.5, 0.5, 1.0], [1.5, 0.5, 9.0]], np.float32)
TOKENS = np.array([[-2.0, -1.0, -3.0], [-1.5, -2.5, -7.0]], np.float32)
BATCH = {
    "token_logps": TOKENS,
    "mask": np.array([[True, True, True], [True, True, False]]),
    "old_token_logps": TOKENS - np.log(RATIOS),
    "rewards": np.array([5.0, 2.0], np.float32),
    "mean": np.array([4.0, 4.0], np.float32),
    "std": np.array([0.5, 1.0], np.float32),
}
REFERENCE = {"ref_token_logps": TOKENS - np.array([[LN2], [0.0]], np.float32)}

# By hand: the first row's terms are 1.2, 0.5 and 1, for A > 0 clips above; the second's 1.5 and
# 0.8. Ratios of completions are 0.75^(1/3), within the clip range, and 0.75^(1/2), below 0.9.
CASES = {
    "grpo": ({}, [-2 * 2.7, 2 * 2.3]),
    "dr_grpo": ({}, [-2.7, 2 * 2.3]),
    "gspo": ({"clip_low": 0.1, "clip_high": 0.1}, [-3 * 2 * 0.9085602964160698, 2 * 2 * 0.9]),
}


def variant(
    *,
    ratio=lambda d, n: jnp.exp(d),
    objective=lambda p, a: jnp.minimum(p * a, jnp.clip(p, 0.8, 1.2) * a),
    advantage=lambda r, mean, std: (r - mean) / std,
    total=lambda x, mask: (x * mask).sum(axis=1),
):
    """The loss written anew, with parts to be changed."""

    def function(token_logps, mask, old_token_logps, rewards, mean, std):
        moves = (token_logps - old_token_logps) * mask
        ratios = ratio(moves, mask.sum(axis=1, keepdims=True))
        values = objective(ratios, advantage(rewards, mean, std)[:, None])
        return -total(jnp.broadcast_to(values, mask.shape), mask)

    return function


def narrow(p, a):
    return jnp.minimum(p * a, jnp.clip(p, 0.9, 1.1) * a)


def of_sequence(d, n):
    return jnp.exp(d.sum(axis=1, keepdims=True) / n)


def only_mean(r, mean, std):
    return r - mean


RIGHT = {
    "grpo": variant(),
    "dr_grpo": variant(advantage=only_mean),
    "gspo": variant(ratio=of_sequence, objective=narrow),
}
# Without a clip, always clipped, the larger term, the ratio upside down, padding counted, means
# over tokens, another advantage, another sign; gspo: a product of ratios, a mean of ratios.
MUTANTS = {
    "grpo": [
        variant(objective=lambda p, a: p * a),
        variant(objective=lambda p, a: jnp.clip(p, 0.8, 1.2) * a),
        variant(objective=lambda p, a: jnp.maximum(p * a, jnp.clip(p, 0.8, 1.2) * a)),
        variant(objective=lambda p, a: -jnp.minimum(p * a, jnp.clip(p, 0.8, 1.2) * a)),
        variant(objective=narrow),
        variant(ratio=lambda d, n: jnp.exp(-d)),
        variant(total=lambda x, mask: x.sum(axis=1)),
        variant(total=lambda x, mask: (x * mask).sum(axis=1) / mask.sum(axis=1)),
        variant(advantage=only_mean),
        variant(advantage=lambda r, mean, std: (r - mean) / std**2),
        variant(advantage=lambda r, mean, std: r / std),
    ],
    "dr_grpo": [
        variant(),
        variant(total=lambda x, mask: (x * mask).sum(axis=1) / mask.sum(axis=1)),
        variant(advantage=lambda r, mean, std: r),
    ],
    "gspo": [
        variant(objective=narrow),
        variant(ratio=of_sequence),
        variant(ratio=lambda d, n: jnp.exp(d.sum(axis=1, keepdims=True)), objective=narrow),
        variant(ratio=lambda d, n: jnp.exp(d).sum(axis=1, keepdims=True) / n, objective=narrow),
        variant(ratio=of_sequence, objective=narrow, total=lambda x, mask: (x * mask).mean(axis=1)),
    ],
}


def check(name, function):
    """Raises where `function` differs from the values computed by hand for `name`."""
    np.testing.assert_allclose(function(**BATCH), CASES[name][1], rtol=1e-5)


@pytest.mark.parametrize("name", ONLINE)
def test_values_by_hand(name):
    options, _ = CASES[name]
    check(name, jax.jit(lambda **batch: LOSSES[name](batch, **options)))
    check(name, RIGHT[name])
    half = {k: jnp.asarray(v, jnp.bfloat16) if "logps" in k else v for k, v in BATCH.items()}
    assert jax.jit(LOSSES[name])(half).dtype == jnp.float32


@pytest.mark.parametrize("name", ONLINE)
def test_the_check_catches_wrong_maths(name):
    for mutant in MUTANTS[name]:
        with pytest.raises(AssertionError):
            check(name, mutant)


@pytest.mark.parametrize(
    ("kind", "value"), [("k1", LN2), ("k2", LN2**2 / 2), ("k3", 0.5 - 1 + LN2)]
)
@pytest.mark.parametrize("name", ONLINE)
def test_the_penalty_is_added_to_every_token(name, kind, value):
    options, expected = CASES[name]
    found = LOSSES[name](BATCH | REFERENCE, **options, kl_coef=0.5, kl_estimator=kind)
    np.testing.assert_allclose(found, np.add(expected, [3 * 0.5 * value, 0]), rtol=1e-5)


def test_gradients_by_hand():
    """-A * rho on tokens within the clip range, or outside of it on the side that A leads back."""

    def gradient(name):
        def total(tokens):
            return LOSSES[name](BATCH | {"token_logps": tokens}, **CASES[name][0]).sum()

        return jax.jit(jax.grad(total))(TOKENS)

    np.testing.assert_allclose(gradient("grpo"), [[0, -1, -2], [3, 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(gradient("dr_grpo"), [[0, -0.5, -1], [3, 0, 0]], rtol=1e-5)
    row = [-2 * 0.9085602964160698] * 3
    np.testing.assert_allclose(gradient("gspo"), [row, [0, 0, 0]], rtol=1e-5)


@pytest.mark.parametrize("name", ONLINE)
def test_at_a_ratio_of_1_the_gradient_is_that_of_reinforce(name):
    """The advantages of swift, or of rloo times (n - 1) / n; contexts have four rows."""
    made = columns()
    made["old_token_logps"] = made["token_logps"]
    of_tokens = jax.grad(lambda x: LOSSES[name](made | {"token_logps": x}).sum())
    reinforce, scale = ("rloo", 3 / 4) if name == "dr_grpo" else ("swift", 1)

    def of_sums(tokens):
        sums = jnp.where(made["mask"], tokens, 0).sum(axis=1)
        return scale * LOSSES[reinforce](made | {"logps": sums}).sum()

    found = of_tokens(made["token_logps"])
    np.testing.assert_allclose(found, jax.grad(of_sums)(made["token_logps"]), rtol=1e-5, atol=1e-6)
    assert abs(found).max() > 0.5


FLOATS = st.floats(-3, 3, width=32)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=6, max_size=6))
def test_the_surrogate_never_promises_more_than_the_ratio(rows):
    """A lower bound of rho * A, equal to it where there is a gradient, constant where not."""
    moves, advantages = (jnp.array(x, jnp.float32) for x in zip(*rows, strict=True))

    def surrogate(moves):
        return clipped_surrogate(jnp.exp(moves)[:, None], advantages, 0.2, 0.28)[:, 0]

    values, plain = surrogate(moves), -jnp.exp(moves) * advantages
    slopes = jax.grad(lambda x: surrogate(x).sum())(moves)
    assert (values >= plain - 1e-5).all()
    np.testing.assert_allclose(jnp.where(slopes == 0, 0, slopes - plain), 0, atol=1e-5)
    inside = (jnp.exp(moves) > 0.801) & (jnp.exp(moves) < 1.279)
    assert ((slopes != 0) | ~inside | (advantages == 0)).all()


def policies():
    """Logits of a policy and of its reference over five tokens, not close."""
    return jnp.array([0.3, -1.0, 0.8, 0.0, -0.4]), jnp.array([-0.2, 0.5, 0.1, -1.5, 0.6])


def divergence(logits, others):
    own, other = jax.nn.log_softmax(logits), jax.nn.log_softmax(others)
    return (jnp.exp(own) * (own - other)).sum()


@pytest.mark.parametrize("kind", losses.KL_ESTIMATORS)
def test_means_of_the_kl_estimators_over_all_tokens(kind):
    """Values: k1 and k3 are unbiased. Gradients: none, of the reverse and of the forward KL."""
    logits, reference = policies()
    ref_logps = jax.nn.log_softmax(reference)
    share = jax.nn.softmax(logits)  # of the samples: no gradient flows into it

    def mean(logits):
        return (share * losses.kl_estimate(jax.nn.log_softmax(logits), ref_logps, kind)).sum()

    value, gradient = jax.value_and_grad(mean)(logits)
    reverse = jax.grad(divergence)(logits, reference)
    forward = jax.grad(divergence, argnums=1)(reference, logits)
    expected = {"k1": jnp.zeros(5), "k2": reverse, "k3": forward}[kind]
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    assert abs(reverse - forward).max() > 0.1
    if kind == "k2":
        assert abs(value - divergence(logits, reference)) > 0.01
    else:
        np.testing.assert_allclose(value, divergence(logits, reference), rtol=1e-5)


def test_an_unknown_estimator_or_a_missing_reference_is_refused():
    with pytest.raises(InputError) as caught:
        LOSSES["grpo"](BATCH | REFERENCE, kl_coef=0.1, kl_estimator="k33")
    assert str(caught.value) == "kl_estimator: 'k33' is unknown; did you mean 'k3'?"
    with pytest.raises(ValueError, match="give ref_token_logps"):
        LOSSES["gspo"](BATCH, kl_coef=0.1)
    with pytest.raises(AssertionError):
        LOSSES["grpo"](BATCH | {"old_token_logps": TOKENS[:, :2]})


@pytest.mark.parametrize("name", ONLINE)
def test_finite_for_log_ratios_of_ten_thousand(name):
    moves = jnp.array([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4])
    moves = jnp.stack([moves, moves])[..., None]  # one token a row, for the two signs of A
    made = {"mask": jnp.ones((14, 1), bool), "old_token_logps": jnp.full((14, 1), -1.0)}
    made |= {"rewards": jnp.repeat(jnp.array([5.0, 3.0]), 7), "mean": jnp.full(14, 4.0)}
    made |= {"std": jnp.ones(14), "ref_token_logps": made["old_token_logps"]}
    tokens = moves.reshape(14, 1) - 1.0

    def total(tokens, coefficient):
        values = LOSSES[name](made | {"token_logps": tokens}, kl_coef=coefficient)
        return values.sum(), values

    both = jax.jit(jax.value_and_grad(total, has_aux=True))
    (_, values), gradient = both(tokens, 0.0)
    assert np.isfinite(values).all() and np.isfinite(gradient).all()
    # Rows to be made likelier have no gradient once they are, nor those less likely that are less.
    signs = np.sign(np.asarray(gradient).reshape(2, 7))
    assert signs[0, 1:4].tolist() == [-1, -1, -1] and signs[0, 4:].tolist() == [0, 0, 0]
    assert signs[1, :3].tolist() == [0, 0, 0] and signs[1, 3:].tolist() == [1, 1, 1, 1]
    # The penalty leads back to the reference, however far away.
    (_, values), with_penalty = both(tokens, 1e3)
    assert np.isfinite(values).all()
    penalty = np.asarray(with_penalty - gradient).reshape(2, 7)[0]
    assert (penalty[:3] < 0).all() and (penalty[4:] > 0).all()


@pytest.mark.parametrize("name", ONLINE)
def test_padding_has_no_effect(name):
    options = {"kl_coef": 0.1}
    whole = BATCH | REFERENCE

    def both(padding):
        made = {k: v.copy() for k, v in whole.items()}
        for key in ("token_logps", "old_token_logps", "ref_token_logps"):
            made[key][1, 2] = padding

        def total(tokens):
            values = LOSSES[name](made | {"token_logps": tokens}, **options)
            return values.sum(), values

        gradient, values = jax.grad(total, has_aux=True)(made["token_logps"])
        found = LOSSES[name].diagnostics(made, **options)
        return [values, gradient, *found.values()]

    for other in (np.nan, -np.inf, 3.0):
        for one, two in zip(both(0.0), both(other), strict=True):
            np.testing.assert_array_equal(one, two)


GROUPS = np.repeat(np.arange(4), [1, 3, 7, 8])


@jax.jit
def equal_groups(rewards):
    mean, std, size = losses.context_statistics(rewards, GROUPS, 4)
    kinds = losses.group_advantages(rewards, mean, std), losses.group_advantages(rewards, mean)
    return *kinds, losses.rloo(jnp.ones_like(rewards), rewards, mean=mean, count=size)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 5, width=32), min_size=4, max_size=4))
def test_a_group_of_equal_rewards_has_no_advantage(rewards):
    """Also where the sum of its rewards, such as of three times 4.3, is rounded."""
    for found in equal_groups(np.array(rewards, np.float32)[GROUPS]):
        np.testing.assert_array_equal(found, 0)


def test_advantages_by_hand():
    """They are of the population's deviation. A reward that is NaN makes its group NaN."""
    rewards = np.array([1, 5, 3, 3])
    mean, std, _ = losses.context_statistics(np.float32(rewards), np.array([0, 0, 1, 1]), 2)
    np.testing.assert_allclose(losses.group_advantages(rewards, mean, std), [-1, 1, 0, 0])
    np.testing.assert_allclose(losses.group_advantages(rewards, mean), [-2, 2, 0, 0])
    bad = np.array([np.nan, 5, 3, 3], np.float32)
    mean, std, _ = losses.context_statistics(bad, np.array([0, 0, 1, 1]), 2)
    for found in (losses.group_advantages(bad, mean, std), losses.group_advantages(bad, mean)):
        assert np.isnan(found[:2]).all() and (found[2:] == 0).all()


def test_diagnostics_by_hand():
    """Of five tokens, 1.5 is clipped in the first row and 0.5 in the second."""
    found = jax.jit(lambda made: LOSSES["grpo"].diagnostics(made))(BATCH | REFERENCE)
    k3 = RATIOS - 1 - np.log(RATIOS)
    expected = {
        "clip_fraction": 2 / 5,
        "ratio": 5 / 5,
        "approx_kl": k3[BATCH["mask"]].mean(),
        "kl": 3 / 5 * (LN2 - 0.5),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5)
    wide = LOSSES["grpo"].diagnostics(BATCH, clip_high=0.6)
    assert "kl" not in wide
    np.testing.assert_allclose(wide["clip_fraction"], 1 / 5)
    found = LOSSES["gspo"].diagnostics(BATCH, **CASES["gspo"][0])
    np.testing.assert_allclose(found["clip_fraction"], 2 / 5)
    ratio = (3 * 0.75 ** (1 / 3) + 2 * 0.75**0.5) / 5
    np.testing.assert_allclose(found["ratio"], ratio, rtol=1e-5)
    assert LOSSES["dft"].diagnostics(BATCH) == {}


@pytest.mark.parametrize("name", ONLINE)
def test_diagnostics_of_parts_add_up(name):
    made = columns()
    whole = LOSSES[name].diagnostics(made)
    parts = [{k: v[rows] for k, v in made.items()} for rows in (slice(5), slice(5, 16))]
    for key, value in whole.items():
        total = sum(LOSSES[name].token_diagnostics(part)[key].sum() for part in parts)
        np.testing.assert_allclose(total / made["lengths"].sum(), value, rtol=1e-5)
    assert 0 < whole["clip_fraction"] < 1
