"""Offline losses of preference pairs: a chosen and a rejected completion of one context."""

import chex
import jax
import jax.numpy as jnp


def dpo(
    chosen_logps: jax.Array,
    rejected_logps: jax.Array,
    ref_chosen_logps: jax.Array,
    ref_rejected_logps: jax.Array,
    *,
    beta: float = 0.1,
) -> jax.Array:
    """Direct preference optimisation: -log sigmoid(beta * (delta_w - delta_l)).

    delta = s - s_ref, for the chosen (w) and the rejected (l) completion; s is summed over
    completion tokens. It is ln 2 where policy and reference agree.
    All four: float [B], row b of each belongs to pair b. Returns float32 [B].
    Source: arXiv 2305.18290, equation 7; arXiv 2603.07148, method D, beta 0.1.
    """
    logps = [chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps]
    chex.assert_rank(logps, 1)
    chex.assert_equal_shape(logps)
    chex.assert_type(logps, float)
    chosen, rejected, ref_chosen, ref_rejected = (x.astype(jnp.float32) for x in logps)
    return -jax.nn.log_sigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))
