"""Rows of a batch grouped by the kernel they need, so that a device runs only those.

A `lax.switch` over rows under vmap runs every branch. So rows are sorted by kernel into chunks of
one kernel each, as tokens are by expert; a chunk's kernel is then a scalar. A batch of one row, as
on a CPU, has nothing to sort.
"""

import jax
import jax.numpy as jnp


def rows_at_once() -> int:
    """Rows a chunk: one where a row fills the machine, several where launches cost."""
    return 1 if jax.default_backend() == "cpu" else 4


def map_buckets(run, kernels: jax.Array, rows, size: int):
    """`run(kernel, chunk of rows) -> chunk of rows` over a batch, by kernel.

    kernels: int32 [B], from 0 to B - 1 or more; rows: a pytree of [B, ...]; run gets a scalar
    kernel and rows [size, ...], of which some may be copies, and returns a pytree of as many.
    """
    batch = kernels.shape[0]
    if batch == 1:
        return run(kernels[0], rows)
    chunk_kernels, index = _schedule(kernels, size)
    out = jax.lax.map(
        lambda c: run(c[0], jax.tree.map(lambda x: x[jnp.minimum(c[1], batch - 1)], rows)),
        (chunk_kernels, index),
    )
    # Where each row came out; every row is in just one chunk.
    places = (
        jnp.zeros(batch, jnp.int32)
        .at[index.ravel()]
        .set(jnp.arange(index.size, dtype=jnp.int32), mode="drop")
    )
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[places], out)


def _schedule(kernels, size):
    """Chunks [N] of one kernel and the rows [N, size] in each, `batch` where there is none.

    A kernel's rows need at most one chunk more than a size-th of them, and there are at most as
    many kernels as rows.
    """
    batch = kernels.shape[0]
    order = jnp.argsort(kernels, stable=True)
    ordered = kernels[order]
    first = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
    rank = jnp.arange(batch) - jax.lax.cummax(jnp.where(first, jnp.arange(batch), 0))
    opens = rank % size == 0
    chunk = jnp.cumsum(opens) - 1
    index = jnp.full((batch, size), batch, jnp.int32)
    index = index.at[chunk, rank % size].set(order.astype(jnp.int32))
    chunk_kernels = jnp.zeros(batch, kernels.dtype).at[chunk].set(ordered)
    return chunk_kernels, index
