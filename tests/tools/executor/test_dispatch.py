"""Rows by kernel: each goes through the kernel that it needs, in few chunks, in its place."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.tools.executor.dispatch import _schedule, map_by_kernel

BATCH = 7


@functools.partial(jax.jit, static_argnames="size")
def _mapped(kernels, rows, size):
    def run(kernel, rows):
        """Each kernel moves the rows by its own power of ten and turns their second part."""
        first, second = rows
        return first + 10.0**kernel, second * (kernel + 1)

    return map_by_kernel(run, kernels, rows, size)


KERNELS = st.lists(st.integers(0, 5), min_size=BATCH, max_size=BATCH)


@settings(max_examples=30, deadline=None)
@given(KERNELS, st.sampled_from([1, 3, 8]))
def test_every_row_gets_its_kernel_and_its_place(kernels, size):
    kernels = np.array(kernels, np.int32)
    rows = (np.arange(BATCH, dtype=np.float32), np.arange(2 * BATCH).reshape(BATCH, 2))
    first, second = _mapped(kernels, rows, size=size)
    np.testing.assert_allclose(first, rows[0] + 10.0**kernels, rtol=1e-6)
    np.testing.assert_array_equal(second, rows[1] * (kernels + 1)[:, None])


@settings(max_examples=30, deadline=None)
@given(KERNELS, st.sampled_from([1, 3, 8]))
def test_chunks_hold_one_kernel_and_are_as_few_as_may_be(kernels, size):
    kernels = np.array(kernels, np.int32)
    chunks, index = map(np.asarray, _schedule_of(kernels, size=size))
    used = (index < BATCH).any(axis=1)
    assert used.sum() == sum(-(-np.sum(kernels == k) // size) for k in set(kernels.tolist()))
    assert sorted(index[index < BATCH].tolist()) == list(range(BATCH))
    for kernel, rows in zip(chunks[used], index[used], strict=True):
        assert (kernels[rows[rows < BATCH]] == kernel).all()


_schedule_of = jax.jit(_schedule, static_argnames="size")


def test_rows_of_a_chunk_keep_their_order():
    _, index = _schedule(jnp.array([2, 0, 2, 0, 2]), 2)
    assert index[:3].tolist() == [[1, 3], [0, 2], [4, 5]]  # 5 is no row


@pytest.mark.parametrize("size", [1, 3])
def test_gradients_reach_their_rows(size):
    kernels = jnp.array([1, 0, 2, 2, 1, 0, 2], jnp.int32)

    def total(x):
        def run(kernel, rows):
            return (kernel + 1) * rows**2

        return jnp.sum(map_by_kernel(run, kernels, x, size))

    x = jnp.arange(1.0, BATCH + 1)
    np.testing.assert_allclose(jax.grad(total)(x), 2 * x * (kernels + 1), rtol=1e-6)
