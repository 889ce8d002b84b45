"""From the values of rows to one scalar, with a denominator of the whole batch.

Names as in verl. The values of a row are sums over its tokens, so with `lengths`, the completion
tokens of a row, l, and N rows:
  token-mean           sum(values) / sum(l)
  seq-mean-token-sum   sum(values) / N
  seq-mean-token-mean  sum(values / l) / N
The denominator is never a sum of signed weights. Parts of a batch, be they micro-batches or
devices, give the same sum as the whole if all are divided by the whole's denominator:

    total = denominator(name, lengths)          # all rows; or axis_name=... inside shard_map
    loss = sum(reduce(values[p], lengths[p], name, total) for p in parts)
"""

import functools

import chex
import jax
import jax.numpy as jnp


def denominator(reduction: str, lengths: jax.Array, axis_name=None) -> jax.Array:
    """What the sum over all rows is divided by, float [].

    lengths: int [B]. axis_name: of shard_map or pmap, whose devices hold the other rows (all hosts
    take part): summed over. Under jit over a mesh an array is whole already.
    """
    chex.assert_rank(lengths, 1)
    rows = jnp.asarray(lengths.shape[0], jnp.float32)
    own = lengths.sum().astype(rows.dtype) if reduction == "token-mean" else rows
    return own if axis_name is None else jax.lax.psum(own, axis_name)


def row_scales(
    reduction: str, lengths: jax.Array, total: jax.Array | float | None = None
) -> jax.Array:
    """What each row's value is multiplied by before the sum, float [B].

    total: the denominator, by default that of these rows alone. To weigh by sum(|w|) in place of a
    count, give jnp.abs(weights).sum() of the whole batch. An empty completion counts as one token.
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
    """The part of the batch's loss that these rows make, float []. values, lengths: [B]."""
    chex.assert_equal_shape([values, lengths])
    return (values * row_scales(reduction, lengths, total)).sum()


# row_scales of each: lengths [B] -> [B].
REDUCTIONS = {
    name: functools.partial(row_scales, name)
    for name in ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean")
}
