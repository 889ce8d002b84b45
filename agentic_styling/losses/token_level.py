"""Offline losses that look at every token."""

import chex
import jax
import jax.numpy as jnp


def dft(token_logps: jax.Array, mask: jax.Array) -> jax.Array:
    """Dynamic fine-tuning: -sg(pi_t) * log pi_t, summed over a completion's tokens t.

    Data: demonstrations. token_logps: float [B, S], log pi_t; mask: bool [B, S], True on completion
    tokens. Returns [B], float32 (float64 for float64). Source: arXiv 2508.05629, equation 9.
    """
    chex.assert_rank([token_logps, mask], 2)
    chex.assert_equal_shape([token_logps, mask])
    chex.assert_type([token_logps, mask], [float, bool])
    logps = jnp.asarray(token_logps, jnp.result_type(jnp.float32, token_logps))
    # Masked before exp: what stands on padding is of no account, not even where it is infinite.
    logps = jnp.where(mask, logps, 0)
    return -(jax.lax.stop_gradient(jnp.exp(logps)) * logps).sum(axis=-1)
