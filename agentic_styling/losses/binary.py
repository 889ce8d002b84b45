"""Offline losses of trajectories that are good (r >= threshold) or bad, without pairs.

delta = s - s_ref, with s summed over completion tokens. Every function maps logps, rewards and
ref_logps, [B] each, to [B], float32 (float64 for float64), without reduction.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import as_floats


def kto(
    logps,
    rewards,
    ref_logps,
    *,
    threshold=4.0,
    beta=0.1,
    kl=0.0,
    desirable_weight=1.0,
    undesirable_weight=1.0,
):
    """Kahneman-Tversky optimisation: 1 - sigmoid(+-beta * (delta - z)), + where r >= threshold.

    kl: z, an estimate >= 0 of the KL divergence from the reference, without gradient, scalar or
    [B]: `kto_kl` of the whole batch, or a constant. At z = 0 it is APO-zero without pairs.
    Data: scored, reference. logps, rewards, ref_logps: float [B].
    Source: arXiv 2402.01306, equation 7.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    good = rewards >= threshold
    margins = beta * (logps - ref_logps - jax.lax.stop_gradient(kl))
    weights = jnp.where(good, desirable_weight, undesirable_weight)
    # 1 - sigmoid(x) = sigmoid(-x), which is accurate for large x.
    return weights.astype(logps.dtype) * jax.nn.sigmoid(jnp.where(good, -margins, margins))


def kto_kl(logps, ref_logps):
    """z of `kto`: max(mean(s - s_ref), 0), float [], without gradient.

    logps, ref_logps: float [B], of completions after the prompts of other rows, as in the paper and
    in trl, and of all rows: the mean of a micro-batch is not that of the batch.
    Source: arXiv 2402.01306, section 4.2.
    """
    logps, ref_logps = as_floats(logps, ref_logps)
    return jax.lax.stop_gradient(jnp.maximum((logps - ref_logps).mean(), 0))


def bco(logps, rewards, ref_logps, *, threshold=4.0, beta=0.1, delta=0.0):
    """Binary classifier optimisation: -log sigmoid(+-(beta * delta_b - d)), + for r >= threshold.

    delta: d, the reward shift, a scalar without gradient: in the paper a moving mean of
    beta * delta_b over earlier batches, kept by the caller; the trainer uses a constant, so that
    the loss of a row does not depend on earlier rows. Data: scored, reference.
    logps, rewards, ref_logps: float [B].
    Source: arXiv 2404.04656.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    margins = beta * (logps - ref_logps) - jax.lax.stop_gradient(delta)
    return -jax.nn.log_sigmoid(jnp.where(rewards >= threshold, margins, -margins))
