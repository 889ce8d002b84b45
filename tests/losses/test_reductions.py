"""From rows to a scalar: by hand, in parts, over devices, and with faults that have to show."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from agentic_styling import losses
from agentic_styling.losses import LOSSES, REDUCTIONS
from agentic_styling.losses import reductions as reductions_module
from tests.losses.rows import columns, options, take
from tests.slow import slow_but

PAPER = ("standard", "reward_filtered", "reward_weighted", "standardized_reward_weighted", "dpo")


def test_by_hand():
    values, lengths = jnp.array([6.0, -2.0]), jnp.array([3, 1])
    expected = {"token-mean": 1.0, "seq-mean-token-sum": 2.0, "seq-mean-token-mean": 0.0}
    for name, value in expected.items():
        assert losses.reduce(values, lengths, name) == value
        assert (values * REDUCTIONS[name](lengths)).sum() == value
    assert losses.reduce(values, lengths, "token-mean", 8.0) == 0.5  # such as sum(|w|)
    with pytest.raises(ValueError, match="'mean' is unknown; use one of token-mean"):
        losses.reduce(values, lengths, "mean")


def test_rows_that_are_all_empty_have_a_loss_of_0():
    for name in REDUCTIONS:
        assert losses.reduce(jnp.zeros(2), jnp.zeros(2, int), name) == 0.0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=8, max_size=8),
    parts=st.sampled_from([1, 2, 4, 8]),
    name=st.sampled_from(sorted(REDUCTIONS)),
)
def test_micro_batches_of_any_lengths_add_up(lengths, parts, name):
    lengths = jnp.array(lengths)
    values = jnp.linspace(-3.0, 5.0, 8)
    total = losses.denominator(name, lengths)
    split = zip(jnp.split(values, parts), jnp.split(lengths, parts), strict=True)
    added = sum(losses.reduce(v, n, name, total) for v, n in split)
    np.testing.assert_allclose(added, losses.reduce(values, lengths, name), rtol=1e-5, atol=1e-6)


def objective(name, reduction, made, total=None):
    """The scalar loss of columns; pairs are counted by their chosen."""
    values = LOSSES[name](made, **options(name))
    lengths = made["chosen_lengths" if "pairs" in LOSSES[name].needs else "lengths"]
    return losses.reduce(values, lengths, reduction, total)


SPREAD = [(name, r) for name in (*PAPER, "swift", "kto", "rpo", "dft") for r in REDUCTIONS]


@pytest.mark.parametrize(
    ("name", "reduction"),
    slow_but(
        SPREAD,
        ("standardized_reward_weighted", "token-mean"),
        ("dpo", "seq-mean-token-sum"),
        ("dft", "seq-mean-token-mean"),
    ),
)
def test_one_device_is_eight(name, reduction):
    """Under jit over a mesh, and under shard_map with a denominator of all devices."""
    made = take(columns(), name)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    whole = objective(name, reduction, made)
    spread = jax.device_put(made, NamedSharding(mesh, P("data")))
    assert len(spread["lengths"].sharding.device_set) == 8
    jitted = jax.jit(functools.partial(objective, name, reduction))
    np.testing.assert_allclose(jitted(spread), whole, rtol=1e-5)

    @functools.partial(jax.shard_map, mesh=mesh, in_specs=P("data"), out_specs=P())
    def by_device(part):
        lengths = part["chosen_lengths" if "pairs" in LOSSES[name].needs else "lengths"]
        total = losses.denominator(reduction, lengths, axis_name="data")
        return jax.lax.psum(objective(name, reduction, part, total), "data")

    np.testing.assert_allclose(jax.jit(by_device)(spread), whole, rtol=1e-5)


# From token log-probabilities to the scalar, as a trainer goes; two rows of two completions.
TOKENS = np.array([[-1.0, -2.0, -4.0], [-3.0, -1.0, -7.0], [-2.0, -2.0, -1.0], [-5.0, -0.5, -9.0]])
MASK = np.array([[0, 1, 1], [0, 1, 0], [0, 1, 1], [0, 1, 0]], bool)
REFERENCE = np.array([-5.0, -2.0, -3.5, -0.25])
REWARDS = np.array([5.0, 4.0, 3.5, 2.0])
STATISTICS = {"mean": 3.5, "std": 0.5}


def pipeline(name):
    """The loss of the four rows in two micro-batches, which are the pairs too."""
    pairs = name == "dpo"
    lengths = jnp.array(MASK.sum(axis=1))
    total = losses.denominator("token-mean", lengths)
    loss = 0.0
    for rows in np.array([[0, 2], [1, 3]]):  # of four and of two tokens
        embedding = jnp.eye(2)
        # Hidden states whose log-softmax at label 0 is the token's log-probability.
        logits = np.stack([TOKENS[rows], np.log1p(-np.exp(TOKENS[rows]))], axis=-1)
        labels = jnp.zeros(TOKENS[rows].shape, int)
        logps = losses.token_logps(jnp.array(logits, jnp.float32), embedding, labels, MASK[rows])
        logps, reference = logps.sum(axis=1), jnp.array(REFERENCE, jnp.float32)[rows]
        if pairs:
            values = LOSSES[name].function(logps[:1], logps[1:], reference[:1], reference[1:])
            loss += losses.reduce(values, lengths[rows][:1], "token-mean", total)
            continue
        scored = "rewards" in LOSSES[name].needs
        args = (logps, jnp.array(REWARDS, jnp.float32)[rows]) if scored else (logps,)
        given = STATISTICS if name == "standardized_reward_weighted" else {}
        values = LOSSES[name].function(*args, **given)
        loss += losses.reduce(values, lengths[rows], "token-mean", total)
    return float(loss)


# By hand: s is -6, -1, -3, -0.5 over 6 tokens. dpo: delta -1, 1, 0.5, -0.25, margins -1.5, 1.25.
EXPECTED = {
    "standard": 10.5 / 6,
    "reward_filtered": 7.0 / 6,
    "reward_weighted": (2 * 6 + 1 + 0.5 * 3) / 6,
    "standardized_reward_weighted": (3 * 6 + 1 - 3 * 0.5) / 6,
    "dpo": (np.log1p(np.exp(0.15)) + np.log1p(np.exp(-0.125))) / 6,
}


def flipped_sign(monkeypatch, name):
    function = LOSSES[name].function
    flipped = losses.Loss(lambda *a, **k: -function(*a, **k), LOSSES[name].needs)
    monkeypatch.setitem(LOSSES, name, flipped)


def missing_mask(monkeypatch, name):
    honest = losses.token_logps
    monkeypatch.setattr(losses, "token_logps", lambda h, e, l, m: honest(h, e, l, m | True))


def denominator_of_each_micro_batch(monkeypatch, name):
    honest = losses.reduce
    monkeypatch.setattr(losses, "reduce", lambda v, n, r, _: honest(v, n, r) / 2)


def denominator_of_padded_tokens(monkeypatch, name):
    monkeypatch.setattr(losses, "denominator", lambda r, n: jnp.asarray(float(MASK.size)))


def denominator_of_rows(monkeypatch, name):
    monkeypatch.setattr(reductions_module, "denominator", None)
    monkeypatch.setattr(losses, "denominator", lambda r, n: jnp.asarray(float(len(n))))


FAULTS = (
    flipped_sign,
    missing_mask,
    denominator_of_each_micro_batch,
    denominator_of_padded_tokens,
    denominator_of_rows,
)


@pytest.mark.parametrize("name", PAPER)
def test_from_tokens_to_a_scalar_by_hand(name):
    np.testing.assert_allclose(pipeline(name), EXPECTED[name], rtol=1e-5)


TOLD = [(name, fault) for name in PAPER for fault in FAULTS]
QUICK = [(PAPER[i], fault) for i, fault in enumerate(FAULTS)]


@pytest.mark.parametrize(
    ("name", "fault"), slow_but(TOLD, *QUICK), ids=[f"{f.__name__}-{name}" for name, f in TOLD]
)
def test_faults_show(name, fault, monkeypatch):
    fault(monkeypatch, name)
    assert abs(pipeline(name) - EXPECTED[name]) > 1e-3
