"""Log-probabilities of tokens from hidden states, without an array over the whole vocabulary."""

import chex
import jax
import jax.numpy as jnp


def token_logps(
    hidden: jax.Array,
    embedding: jax.Array,
    labels: jax.Array,
    mask: jax.Array,
    *,
    chunk: int | None = None,
) -> jax.Array:
    """log softmax(hidden @ embedding.T) at the labels, [B, S], 0 where mask is False.

    The positions are walked in chunks, and a chunk's logits are made again in the backward pass:
    at most [B, chunk, V] floats exist at once, in float32 (float64 for float64).
    hidden: float [B, S, D]; embedding: float [V, D]; labels: int [B, S], the token that the
    hidden state of the same position has to predict; mask: bool [B, S].
    chunk: positions per chunk, by default so many that a chunk has about 512 tokens, at least 16
    positions; at most half of S is used, so that [B, S, V] never exists.
    """
    chex.assert_rank([hidden, embedding, labels, mask], [3, 2, 2, 2])
    chex.assert_equal_shape([labels, mask])
    chex.assert_equal_shape_prefix([hidden, labels], 2)
    chex.assert_equal(hidden.shape[-1], embedding.shape[-1])
    chex.assert_type([labels, mask], [int, bool])
    batch, length = labels.shape
    dtype = jnp.result_type(jnp.float32, hidden, embedding)
    chunk = min(chunk or max(16, 512 // batch), -(-length // 2))
    count = -(-length // chunk)

    def split(x):
        """[B, S, ...] -> [count, B, chunk, ...]: the batch axis keeps its sharding."""
        padding = [(0, 0), (0, count * chunk - length)] + [(0, 0)] * (x.ndim - 2)
        x = jnp.pad(x, padding)
        return jnp.moveaxis(x.reshape(batch, count, chunk, *x.shape[2:]), 1, 0)

    @jax.checkpoint
    def logps_of_chunk(inputs):
        hidden, labels = inputs
        logits = jnp.einsum("bcd,vd->bcv", hidden, embedding, preferred_element_type=dtype)
        # A comparison, not a gather: it fuses, and it works on a sharded vocabulary.
        at_label = labels[..., None] == jnp.arange(embedding.shape[0])
        picked = jnp.sum(jnp.where(at_label, logits, 0.0), axis=-1)
        return picked - jax.nn.logsumexp(logits, axis=-1)

    logps = jax.lax.map(logps_of_chunk, (split(hidden), split(labels)))
    logps = jnp.moveaxis(logps, 0, 1).reshape(batch, count * chunk)[:, :length]
    return jnp.where(mask, logps, 0.0)
