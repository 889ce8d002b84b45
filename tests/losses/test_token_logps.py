"""Chunked token log-probabilities against a dense float64 softmax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.losses import token_logps

B, S, D, V = 3, 13, 8, 37


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(B, S, D)).astype(np.float32)
    embedding = rng.normal(size=(V, D)).astype(np.float32)
    labels = rng.integers(0, V, size=(B, S)).astype(np.int32)
    mask = rng.random((B, S)) < 0.7
    weight = rng.normal(size=(B, S))
    return hidden, embedding, labels, mask, weight


def dense(hidden, embedding, labels, mask, weight):
    """Values and the gradients of sum(weight * logps), in float64."""
    hidden, embedding = hidden.astype(np.float64), embedding.astype(np.float64)
    logits = hidden @ embedding.T
    shifted = logits - logits.max(-1, keepdims=True)
    probs = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    onehot = np.eye(V)[labels]
    values = np.where(mask, np.log((probs * onehot).sum(-1)), 0.0)
    d_logits = (onehot - probs) * (weight * mask)[..., None]
    return values, d_logits @ embedding, np.einsum("bsv,bsd->vd", d_logits, hidden)


@pytest.mark.parametrize("chunk", [1, 4, 5, 7, 64])
def test_values_and_gradients_match_dense(arrays, chunk):
    hidden, embedding, labels, mask, weight = arrays

    def total(hidden, embedding):
        out = token_logps(hidden, embedding, labels, mask, chunk=chunk)
        return jnp.sum(out * weight), out

    gradient = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))
    (d_hidden, d_embedding), values = gradient(hidden, embedding)
    expected, expected_hidden, expected_embedding = dense(*arrays)
    assert values.dtype == jnp.float32
    np.testing.assert_allclose(values, expected, atol=2e-6)
    np.testing.assert_allclose(d_hidden, expected_hidden, atol=2e-6)
    np.testing.assert_allclose(d_embedding, expected_embedding, atol=1e-5)


def test_masked_positions_are_0_and_carry_no_gradient(arrays):
    hidden, embedding, labels, mask, _ = arrays
    out = token_logps(hidden, embedding, labels, mask)
    np.testing.assert_array_equal(np.asarray(out)[~mask], 0.0)
    assert (np.asarray(out)[mask] < 0).all()
    other = np.where(mask, labels, (labels + 5) % V)
    np.testing.assert_array_equal(token_logps(hidden, embedding, other, mask), out)
    grad = jax.grad(lambda h: token_logps(h, embedding, labels, mask).sum())(hidden)
    np.testing.assert_array_equal(np.asarray(grad)[~mask], 0.0)


def test_bfloat16_states_give_float32_log_probabilities(arrays):
    hidden, embedding, labels, mask, weight = arrays
    hidden, embedding = (np.asarray(jnp.asarray(x, jnp.bfloat16)) for x in (hidden, embedding))
    out = token_logps(hidden, embedding, labels, mask)
    assert out.dtype == jnp.float32
    expected, _, _ = dense(hidden, embedding, labels, mask, weight)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_extreme_logits_stay_finite():
    hidden = jnp.full((1, 2, 2), 100.0)
    embedding = jnp.array([[100.0, 0.0], [-100.0, 0.0]])
    value, grad = jax.value_and_grad(
        lambda h: token_logps(h, embedding, jnp.array([[0, 1]]), jnp.ones((1, 2), bool)).sum()
    )(hidden)
    np.testing.assert_allclose(value, -20000.0)
    assert np.isfinite(grad).all()


def sizes(jaxpr):
    """The number of elements of every array that a jaxpr and its sub-jaxprs make."""
    for equation in jaxpr.eqns:
        yield from (v.aval.size for v in equation.outvars)
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from sizes(inner)


@pytest.mark.parametrize("length", [6, 300])
def test_no_array_of_batch_by_length_by_vocabulary(length):
    hidden, embedding = jnp.zeros((2, length, 4)), jnp.zeros((1000, 4))
    labels, mask = jnp.zeros((2, length), int), jnp.ones((2, length), bool)
    loss = jax.grad(lambda h, e: token_logps(h, e, labels, mask).sum(), argnums=(0, 1))
    made = list(sizes(jax.make_jaxpr(loss)(hidden, embedding).jaxpr))
    assert max(made) < 2 * length * 1000
    assert max(made) >= length * 1000  # it does see a chunk's logits
