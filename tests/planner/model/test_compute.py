"""Stacks of layers, as a loop and unrolled."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner.model.linear import Compute

LAYERS, SIZE = 3, 4


class Layer(nn.Module):
    """x and what is added to it, of this layer and of all."""

    size: int

    @nn.compact
    def __call__(self, x, own, shared):
        return jnp.sin(nn.Dense(self.size)(x)) + own + shared, None


def gradient(compute):
    """(a jitted gradient of a stack's sum, what it is called with)."""
    stack = compute.stack(Layer, LAYERS, (0, nn.broadcast))(SIZE)
    given = jnp.ones((2, SIZE)), jnp.arange(3.0).reshape(LAYERS, 1, 1), jnp.ones(SIZE)
    params = jax.jit(stack.init)(jax.random.key(0), *given)
    return jax.jit(jax.grad(lambda params, *x: stack.apply(params, *x)[0].sum())), (params, *given)


@pytest.mark.parametrize("remat", ["none", "full"])
def test_an_unrolled_stack_is_the_same_without_a_loop(remat):
    loop, given = gradient(Compute(remat=remat))
    unrolled, same = gradient(Compute(remat=remat, unroll=True))
    for one, other in zip(jax.tree.leaves(given), jax.tree.leaves(same), strict=True):
        # Drawn by two programs: the same but for a few ulps.
        np.testing.assert_allclose(one, other, rtol=1e-6)
    found, expected = unrolled(*given), loop(*given)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.shape[0] == LAYERS
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert "stablehlo.while" in loop.lower(*given).as_text()
    assert "stablehlo.while" not in unrolled.lower(*given).as_text()


def test_what_an_unrolled_stack_computes_again_is_kept_apart_from_the_first_time():
    for compute, apart in (
        (Compute(remat="full", unroll=True), True),
        (Compute(remat="full"), False),
        (Compute(unroll=True), False),
    ):
        step, given = gradient(compute)
        assert ("optimization_barrier" in step.lower(*given).as_text()) == apart
