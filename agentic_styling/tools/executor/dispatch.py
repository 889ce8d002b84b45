"""Dispatch of a batch's rows to the kernels that they need.

Under vmap a `lax.switch` over rows runs every branch. So rows are sorted by kernel into chunks of
one kernel each, as a mixture of experts sorts tokens; a chunk's kernel is then a scalar.
"""

import jax
import jax.numpy as jnp


def rows_at_once() -> int:
    """Rows of a chunk: one on a CPU, which a row keeps busy, several where launches cost."""
    return 1 if jax.default_backend() == "cpu" else 4


def map_by_kernel(run, kernels: jax.Array, rows, size: int):
    """Maps `run(kernel, rows) -> rows` over chunks of rows that need the same kernel.

    Args:
      run: gets a scalar kernel and rows [size, ...], some of which may be copies.
      kernels: int32 [B], the kernel of each row.
      rows: a pytree of [B, ...].
      size: rows of a chunk.

    Returns:
      A pytree of [B, ...], in the order of `rows`.
    """
    batch = kernels.shape[0]
    if batch == 1:
        return run(kernels[0], rows)
    chunk_kernels, index = _schedule(kernels, size)
    out = jax.lax.map(
        lambda c: run(c[0], jax.tree.map(lambda x: x[jnp.minimum(c[1], batch - 1)], rows)),
        (chunk_kernels, index),
    )
    # The inverse permutation: every row is in exactly one chunk.
    slots = jnp.arange(index.size, dtype=jnp.int32)
    places = jnp.zeros(batch, jnp.int32).at[index.ravel()].set(slots, mode="drop")
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[places], out)


def _schedule(kernels, size):
    """The kernel [B] of each chunk and its rows [B, size], `batch` where there is none.

    There are never more chunks than rows; the last ones may be empty.
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
