"""The state of training: updates that are skipped, moving averages, moments."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from agentic_styling.losses import TokenStatistics
from agentic_styling.training import default_config
from agentic_styling.training.batches.data_iterator import put
from agentic_styling.training.state import Health, decayed, make_optimizer, stored_as
from agentic_styling.training.step import make_step
from tests.training.fixtures import batch_of, state_of


def test_decay_spares_norms_and_biases(planner):
    tree = jax.tree_util.tree_leaves_with_path(decayed(planner.params))
    spared = {path[-1].key for path, decay in tree if not decay}
    assert spared == {"scale", "bias"}
    assert {path[-1].key for path, decay in tree if decay} == {"kernel", "embedding"}


def fake_gradient(params, frozen, batch, key):
    """The loss is the first reward and so is every gradient."""
    value = batch.reward[0, 0]
    zero = jnp.zeros(batch.reward.size)
    grads = jax.tree.map(lambda x: jnp.full_like(x, value), params)
    return value, grads, TokenStatistics(zero, zero, zero), None


@pytest.fixture(scope="module")
def small(planner):
    """The planner with two parameters in place of all: the gradient asks for no more."""
    params = {"norm": {"scale": jnp.ones(2)}, "head": {"kernel": jnp.ones((2, 2))}}
    return SimpleNamespace(model=planner.model, params=params, data=planner.data)


@pytest.fixture(scope="module")
def fake_run(small):
    """(losses, **options of make_step) -> the state and metrics after each step."""
    batch = batch_of(small)

    def run(values, change=lambda optimizer: optimizer, **options):
        state, frozen, optimizer, layouts = state_of(small, ema=bool(options.get("ema_decay")))
        optimizer = change(optimizer)
        step = make_step(fake_gradient, lambda *_: {}, optimizer, *layouts, **options)
        found = []
        for value in values:
            rewarded = batch.replace(reward=np.full_like(batch.reward, value))
            state, metrics = step(state, frozen, put(rewarded, layouts[2]))
            found.append((jax.device_get(state), jax.device_get(metrics)))
        return found

    return run


def leaf(state):
    return np.asarray(state.params["norm"]["scale"])[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_update_that_is_not_finite_is_skipped_and_counted(fake_run, bad):
    (good, _), (skipped, metrics), (after, last) = fake_run([1.0, bad, 1.0])
    for name in ("params", "opt_state"):
        same = jax.tree.map(np.array_equal, getattr(good, name), getattr(skipped, name))
        assert all(jax.tree.leaves(same))
    assert (metrics["skipped"], last["skipped"]) == (1, 1)
    assert int(skipped.step) == 2
    assert leaf(after) < leaf(skipped)


def test_an_optimizer_whose_update_is_not_finite_changes_nothing(fake_run, small):
    """As of an infinite learning rate, with a good loss and a good gradient."""

    def change(optimizer):
        def update(grads, state, params):
            updates, state = optimizer.update(grads, state, params)
            return jax.tree.map(lambda x: x * jnp.inf, updates), state

        return optax.GradientTransformation(optimizer.init, update)

    ((state, metrics),) = fake_run([1.0], change)
    assert (metrics["skipped"], state.health.good) == (1, 0)
    same = jax.tree.map(np.array_equal, state.params, jax.device_get(small.params))
    assert all(jax.tree.leaves(same))


def test_a_spike_is_skipped_once_the_usual_norm_is_known(fake_run):
    found = fake_run([9.0] + [1.0] * 20 + [9.0, 1.0], spike=4.0)
    assert [int(metrics["skipped"]) for _, metrics in found] == [0] * 21 + [1, 1]
    assert int(fake_run([1.0] * 21 + [9.0])[-1][1]["skipped"]) == 0  # unless asked for


def test_health_by_hand():
    health = Health.new()
    for norm in (2.0, 4.0):
        good, health = health.after(jnp.ones(()), jnp.float32(norm), jnp.ones(()), 0.0)
        assert bool(good)
    assert (float(health.grad_norm), int(health.good)) == (3.0, 2)


def test_the_moving_average_by_hand(fake_run):
    (first, _), (second, _) = fake_run([1.0, 1.0], ema_decay=0.75)
    mean = 0.75 * (0.75 * 1.0 + 0.25 * leaf(first)) + 0.25 * leaf(second)
    found = second.ema["norm"]["scale"][0]
    np.testing.assert_allclose(found, mean, rtol=1e-6)
    assert found != leaf(second)


def test_moments_are_stored_in_another_dtype():
    params = {"x": jnp.ones(3)}
    optimizer = stored_as(optax.adam(1e-2), jnp.bfloat16)
    state = optimizer.init(params)
    updates, state = jax.jit(optimizer.update)({"x": jnp.full(3, 0.3)}, state, params)
    assert {x.dtype for x in jax.tree.leaves(state) if x.ndim} == {jnp.dtype(jnp.bfloat16)}
    assert updates["x"].dtype == jnp.float32
    np.testing.assert_allclose(updates["x"], -1e-2, rtol=1e-3)


def test_moments_of_muon_are_stored_in_another_dtype_but_not_its_coefficients():
    params = {"layer": {"kernel": jnp.ones((4, 4)), "bias": jnp.ones(4)}}
    config = default_config()
    config.update(optimizer="muon", steps=9, moment_dtype="bfloat16")
    optimizer = make_optimizer(config)
    state = optimizer.init(params)
    for _ in range(2):
        leaves = jax.tree_util.tree_leaves_with_path(state)
        dtypes = {jax.tree_util.keystr(path): x.dtype for path, x in leaves if x.ndim}
        coefficients = [name for name in dtypes if name.endswith(".ns_coeffs")]
        assert [dtypes.pop(name) for name in coefficients] == [jnp.float32]
        assert list(dtypes.values()) == [jnp.bfloat16] * 3  # mu of both, nu of the bias
        _, state = jax.jit(optimizer.update)(params, state, params)


def test_muon_makes_the_updates_of_hidden_matrices_orthogonal():
    """Each matrix of a stack by itself; the rest has AdamW with Nesterov momentum."""
    rng = np.random.default_rng(0)
    shapes = {"layers": {"kernel": (2, 6, 9)}, "lm_head": {"embedding": (6, 9)}}
    shapes |= {"mlp": {"experts": {"gate_up_proj": (2, 6, 9)}}}
    shapes |= {"norm": {"scale": (6,)}, "embed_tokens": {"embedding": (9, 6)}}
    is_shape = {"is_leaf": lambda x: isinstance(x, tuple)}
    grads = jax.tree.map(lambda shape: np.float32(rng.normal(size=shape)), shapes, **is_shape)
    config = default_config()
    config.update(optimizer="muon", steps=9, warmup_steps=0, learning_rate=1e-3, weight_decay=0.0)
    optimizer = make_optimizer(config)
    updates, _ = optimizer.update(grads, optimizer.init(grads), grads)
    hidden = [(*tree["layers"]["kernel"], *tree["mlp"]["experts"]["gate_up_proj"])
              for tree in (grads, updates)]  # fmt: skip
    for gradient, update in zip(*hidden, strict=True):
        u, _, v = np.linalg.svd(gradient, full_matrices=False)
        turned = u.T @ update @ v.T / -(10 * 1e-3 * np.sqrt(9 / 6))  # wide: by Jordan's rule
        np.testing.assert_allclose(turned, np.eye(6), atol=0.35)  # five Newton-Schulz steps
        np.testing.assert_allclose(np.linalg.svd(turned)[1].mean(), 0.95, atol=0.15)
        assert abs(turned - np.diag(np.diag(turned))).max() < 1e-3
    for name in ("lm_head", "norm", "embed_tokens"):
        ((key, update),) = updates[name].items()
        first = 1 + 0.9 * 0.1 / (1 - 0.9**2)  # of the gradient, both moments unbiased
        np.testing.assert_allclose(update, -1e-3 * first * np.sign(grads[name][key]), rtol=1e-4)


def test_both_optimizers_decay_weights_alike():
    params = {"layer": {"kernel": jnp.ones((4, 4)), "bias": jnp.ones(4)}}
    zero = jax.tree.map(jnp.zeros_like, params)
    for name in ("adamw", "muon"):
        config = default_config()
        config.update(optimizer=name, steps=9, warmup_steps=0, learning_rate=0.5, weight_decay=0.1)
        optimizer = make_optimizer(config)
        updates, _ = optimizer.update(zero, optimizer.init(params), params)
        np.testing.assert_allclose(updates["layer"]["kernel"], -0.05, rtol=1e-5)
        np.testing.assert_array_equal(updates["layer"]["bias"], 0)
