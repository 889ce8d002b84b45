"""The one attention of both towers, and the rotation of queries and keys."""

import jax
import jax.numpy as jnp


def attend(query, key, value, mask):
    """Scaled dot-product attention with grouped queries; the softmax is in float32.

    query [B, S, H, D]; key and value [B, K, T, D] where K divides H, heads first because a cache
    in that order is read without a transposition; mask bool, broadcast to [B, 1, S, T], True =
    may look. Returns [B, S, H, D]. A query that may look nowhere gets an unspecified finite value.
    """
    batch, length, heads, dim = query.shape
    kv_heads = key.shape[1]
    grouped = (batch, length, kv_heads, heads // kv_heads, dim)
    query = (query * dim**-0.5).reshape(grouped).transpose(0, 2, 3, 1, 4)
    # The queries of a group share one matrix product.
    rows = query.reshape(batch, kv_heads, -1, dim)
    scores = jnp.einsum("bkrd,bktd->bkrt", rows, key, preferred_element_type=jnp.float32)
    scores = scores.reshape(*query.shape[:-1], -1)
    scores = jnp.where(mask[:, :, None], scores, jnp.finfo(jnp.float32).min)
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
    weights = weights.reshape(batch, kv_heads, -1, weights.shape[-1])
    out = jnp.einsum("bkrt,bktd->bkrd", weights, value).reshape(query.shape)
    return out.transpose(0, 3, 1, 2, 4).reshape(batch, length, heads, dim)


def rotate(x, cos, sin):
    """Rotary embedding in the rotate-half layout.

    x [B, S, H, D]; cos and sin [B, S, D/2].
    """
    cos, sin = cos[:, :, None], sin[:, :, None]
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def frequencies(theta: float, dim: int):
    """Inverse rotary frequencies, float32 [dim / 2]."""
    return 1.0 / theta ** (jnp.arange(0, dim, 2, dtype=jnp.float32) / dim)
