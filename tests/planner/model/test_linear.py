"""The product of projections, and what rematerialisation keeps of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner.model.linear import (
    REMAT_POLICIES,
    Compute,
    Linear,
    linear,
    low_rank_matmul,
    matmul,
)


@pytest.mark.parametrize(("narrow", "wide"), [(3, 8), (8, 3)])
def test_the_gradient_of_the_product_is_the_automatic_one(narrow, wide):
    keys = jax.random.split(jax.random.key(0), 3)
    x, kernel = (
        jax.random.normal(keys[0], (2, 5, narrow)),
        jax.random.normal(keys[1], (narrow, wide)),
    )
    weight = jax.random.normal(keys[2], (2, 5, wide))
    found = jax.grad(lambda *a: (matmul(*a) * weight).sum(), (0, 1))(x, kernel)
    expected = jax.grad(lambda *a: ((a[0] @ a[1]) * weight).sum(), (0, 1))(x, kernel)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_gradient_of_the_low_rank_product_is_the_automatic_one():
    keys = jax.random.split(jax.random.key(0), 4)
    shapes = (2, 5, 7), (7, 2), (2, 6), (2, 5, 6)
    *given, weight = (jax.random.normal(*of) for of in zip(keys, shapes, strict=True))
    found = jax.value_and_grad(lambda *g: (low_rank_matmul(*g) * weight).sum(), (0, 1, 2))
    expected = jax.value_and_grad(lambda x, a, b: (x @ a @ b * weight).sum(), (0, 1, 2))
    pairs = zip(jax.tree.leaves(found(*given)), jax.tree.leaves(expected(*given)), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_dots_keeps_the_wide_and_the_narrow_array_of_a_projection_with_an_adapter():
    """Of two projections after one another, their results; what lies between is made again."""
    size, rank = 8, 2
    first, second = linear(size, "first", Compute()), linear(size, "second", Compute())
    given = {
        "params": {"kernel": jnp.eye(size)},
        "lora": {"a": jnp.ones((size, rank)), "b": jnp.ones((rank, size))},
    }

    def layer(given, x):
        y = jnp.sin(first.apply(given, x))
        return jnp.sin(second.apply(given, y)).sum()

    def saved(policy):
        kept = jax.checkpoint(layer, policy=REMAT_POLICIES[policy])
        _, pull = jax.vjp(kept, given, jnp.ones((4, size)))
        return sorted(x.shape for x in jax.tree.leaves(pull) if x.ndim and x.shape[0] == 4)

    assert isinstance(first, Linear)
    assert saved("dots") == 2 * [(4, rank)] + 3 * [(4, size)]  # the input too
    assert saved("full") == [(4, size)]
