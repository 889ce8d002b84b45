"""Reductions of the values of rows to a scalar, by a denominator of the whole batch.

Names are verl's. The values of rows are sums over tokens, so for N rows of l completion tokens
(`lengths`) they are:
  token-mean           sum(values) / sum(l)
  seq-mean-token-sum   sum(values) / N
  seq-mean-token-mean  sum(values / l) / N
The denominator is never a sum of signed weights. Parts of a batch, micro-batches or devices, add up
to the same loss if all are divided by the denominator of the whole batch:

    total = denominator(name, lengths)          # all rows; or axis_name=... inside shard_map
    loss = sum(reduce(values[p], lengths[p], name, total) for p in parts)
"""

import functools

import chex
import jax
import jax.numpy as jnp


def denominator(reduction: str, lengths: jax.Array, axis_name=None) -> jax.Array:
    """The denominator of the sum over all rows, float [].

    lengths: int [B]. axis_name: the axis of shard_map or pmap over which other devices hold other
    rows. Under jit with sharded arrays it is not needed.
    """
    chex.assert_rank(lengths, 1)
    rows = jnp.asarray(lengths.shape[0], jnp.float32)
    own = lengths.sum().astype(rows.dtype) if reduction == "token-mean" else rows
    total = own if axis_name is None else jax.lax.psum(own, axis_name)
    # At least 1: in a round without a signal all completions are empty.
    return jnp.maximum(total, 1)


def row_scales(
    reduction: str, lengths: jax.Array, total: jax.Array | float | None = None
) -> jax.Array:
    """The factors of the rows' values in the sum, float [B].

    total: the denominator, by default that of these rows alone; jnp.abs(weights).sum() of the whole
    batch normalises by weights in place of a count. An empty completion counts as one token.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction {reduction!r} is unknown; use one of {', '.join(REDUCTIONS)}")
    total = denominator(reduction, lengths) if total is None else total
    if reduction == "seq-mean-token-mean":
        return 1 / (jnp.maximum(lengths, 1) * total)
    return jnp.ones(lengths.shape) / total


def reduce(
    values: jax.Array,
    lengths: jax.Array,
    reduction: str,
    total: jax.Array | float | None = None,
) -> jax.Array:
    """The share of these rows in the loss of the batch, float []. values, lengths: [B]."""
    chex.assert_equal_shape([values, lengths])
    return (values * row_scales(reduction, lengths, total)).sum()


# row_scales of each: lengths [B] -> [B].
REDUCTIONS = {
    name: functools.partial(row_scales, name)
    for name in ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean")
}
