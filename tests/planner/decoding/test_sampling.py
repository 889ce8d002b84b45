import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.planner import Inputs, generate
from agentic_styling.planner.decoding.generation import _draw, keep_top_k, keep_top_p, sample
from agentic_styling.utils.errors import InputError

DRAWS, TOKENS = 20_000, 12
top_k_jit, top_p_jit, sample_jit = jax.jit(keep_top_k), jax.jit(keep_top_p), jax.jit(sample)

rows = st.lists(
    st.floats(-30, 30, width=32) | st.sampled_from([-np.inf, 0.0, -0.0, 1.0, 1.0, 2.5]),
    min_size=TOKENS,
    max_size=TOKENS,
).filter(lambda row: np.isfinite(row).any())


def probabilities(logits):
    powers = np.exp(np.asarray(logits, np.float64) - np.max(logits))
    return powers / powers.sum()


def nucleus(logits, p):
    """Holtzman et al.: sorted, summed, cut after the token that crosses p; equals are kept."""
    weights = probabilities(logits)
    order = np.argsort(-np.asarray(logits), kind="stable")
    total = 0.0
    for token in order:
        total += weights[token]
        if total >= p:
            break
    return np.asarray(logits) >= logits[token]


@settings(deadline=None, max_examples=60)
@given(row=rows, k=st.integers(1, TOKENS + 2))
def test_top_k_keeps_the_largest_and_their_equals(row, k):
    row = np.array(row, np.float32)
    smallest = np.sort(row)[::-1][min(k, TOKENS) - 1]
    kept = top_k_jit(jnp.array([row, row[::-1]]), k)
    expected = np.where(row >= smallest, row, -np.inf)
    np.testing.assert_array_equal(kept, [expected, expected[::-1]])


@settings(deadline=None, max_examples=60)
@given(row=rows, p=st.floats(0.001, 0.999))
def test_top_p_keeps_the_nucleus(row, p):
    row = np.array(row, np.float32)
    kept = np.asarray(top_p_jit(jnp.array([row, row[::-1]]), p))
    # Where the sum comes within rounding of p, either cut is right.
    cuts = [np.where(nucleus(row, p + e), row, -np.inf) for e in (-1e-6, 1e-6)]
    assert any(np.array_equal(kept[0], cut) for cut in cuts)
    assert any(np.array_equal(kept[1], cut[::-1]) for cut in cuts)


def test_the_nucleus_holds_the_token_that_crosses():
    logits = jnp.log(jnp.array([[0.4, 0.3, 0.2, 0.1]]))
    for p, size in ((0.39, 1), (0.41, 2), (0.69, 2), (0.71, 3), (0.95, 4)):
        assert np.isfinite(top_p_jit(logits, p)).sum() == size
    assert np.isfinite(top_p_jit(jnp.zeros((1, 4)), 0.1)).sum() == 4


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 3, 1.0), (1.5, 0, 0.7), (2.0, 5, 0.8), (0.7, 1, 1.0)],
)
def test_draws_follow_the_cut_distribution(temperature, top_k, top_p):
    logits = np.random.default_rng(0).normal(size=TOKENS).astype(np.float32)
    logits[3] = -np.inf
    scaled = logits / temperature
    if top_k:
        scaled = np.where(scaled >= np.sort(scaled)[-top_k], scaled, -np.inf)
    if top_p < 1:
        scaled = np.where(nucleus(scaled, top_p), scaled, -np.inf)
    keys = jax.vmap(jax.random.key)(jnp.arange(DRAWS))
    many = jnp.broadcast_to(logits, (DRAWS, TOKENS))
    tokens = sample_jit(many, keys, 7, temperature, top_k, top_p)
    shares = np.bincount(tokens, minlength=TOKENS) / DRAWS
    expected = probabilities(scaled)
    assert not shares[expected == 0].any()
    error = np.sqrt(expected * (1 - expected) / DRAWS)
    assert (np.abs(shares - expected) <= 5 * error).all()


def test_a_draw_depends_on_its_own_row_step_and_key():
    logits = jax.random.normal(jax.random.key(0), (3, 500))
    keys = jax.vmap(jax.random.key)(jnp.arange(3))
    together = sample_jit(logits, keys, 4, 1.0, 50, 0.9)
    for row in range(3):
        alone = sample_jit(logits[row : row + 1], keys[row : row + 1], 4, 1.0, 50, 0.9)
        assert alone.tolist() == [together[row]]
    assert (sample_jit(logits, keys, 5, 1.0, 50, 0.9) != together).any()
    assert (sample_jit(logits, keys[::-1], 4, 1.0, 50, 0.9) != together).any()


def test_temperature_0_takes_the_largest():
    logits = jax.random.normal(jax.random.key(1), (4, 500))
    keys = jax.vmap(jax.random.key)(jnp.arange(4))
    logits = logits.at[0, 17].set(9.0).at[0, 333].set(9.0).at[1, -1].set(9.0)
    largest = np.argmax(logits, axis=1).tolist()
    assert largest[:2] == [17, 499]
    assert sample_jit(logits, keys, 0, 0.0, 0, 1.0).tolist() == largest
    assert sample_jit(logits, keys, 0, 0.0, 5, 0.5).tolist() == largest


def test_many_tokens_are_drawn_by_their_probability():
    """Over several blocks of tokens, one of them empty, and never a token of no probability."""
    logits = np.random.default_rng(2).normal(size=500).astype(np.float32)
    logits[100:300] = -np.inf
    logits[498:] = -np.inf
    keys = jax.vmap(jax.random.key)(jnp.arange(DRAWS))
    tokens = sample_jit(jnp.broadcast_to(logits, (DRAWS, 500)), keys, 0, 1.0, 0, 1.0)
    shares = np.bincount(tokens, minlength=500) / DRAWS
    expected = probabilities(logits)
    assert not shares[expected == 0].any()
    # Pearson's statistic is near its 297 degrees of freedom, with standard deviation 24.4.
    live = expected > 0
    statistic = DRAWS * np.sum((shares - expected)[live] ** 2 / expected[live])
    assert abs(statistic - (live.sum() - 1)) < 5 * 24.4


def test_the_ends_of_the_running_sum():
    """A uniform number of 0, or so near 1 that rounding passes the sum, stays on live tokens."""
    logits = np.full((2, 300), -np.inf, np.float32)
    logits[:, [7, 140, 141, 290]] = 0.0
    assert _draw(jnp.asarray(logits), jnp.array([0.0, 1.0])).tolist()[0] == 7
    assert _draw(jnp.asarray(logits), jnp.array([0.0, 1.0])).tolist()[1] in (
        7,
        140,
        141,
        290,
    )


@pytest.mark.parametrize("temperature", [1e-45, 1e-38, 1e-20, 1e30])
def test_extreme_temperatures_never_take_what_is_refused(temperature):
    logits = np.full((8, 300), -np.inf, np.float32)
    logits[:, [7, 140, 290]] = 3.0, 30.0, 3.0
    keys = jax.vmap(jax.random.key)(jnp.arange(8))
    found = sample_jit(logits, keys, 0, jnp.float32(temperature), 0, 1.0)
    assert set(found.tolist()) <= ({140} if temperature < 1 else {7, 140, 290})


def test_settings_are_data():
    logits, keys = jnp.zeros((2, 30)), jax.vmap(jax.random.key)(jnp.arange(2))
    sample_jit(logits, keys, 0, 1.0, 0, 1.0)
    compiled = sample_jit._cache_size()
    sample_jit(logits, keys, 3, 0.2, 9, 0.4)
    assert sample_jit._cache_size() == compiled


@pytest.mark.parametrize(
    "setting",
    [
        *({"temperature": bad} for bad in (-0.1, float("inf"), float("nan"), 1e31)),
        *({"top_k": -1}, {"top_k": 2**31}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_p": float("nan")}),
    ],
)
def test_settings_out_of_range(setting):
    (name,) = setting
    empty = Inputs(jnp.zeros((1, 1), jnp.int32), jnp.ones((1, 1), bool))
    with pytest.raises(InputError, match=f"{name} {re.escape(str(setting[name]))}: .*; use"):
        generate(None, None, empty, max_new_tokens=1, stop_ids=(0,), **setting)
