"""Offline losses of single trajectories that compare the policy with its reference.

delta = s - s_ref, with s summed over completion tokens. Every function maps logps, rewards and
ref_logps, [B] each, to [B], float32 (float64 for float64), without reduction.
`kto` and `bco` only ask whether a trajectory is good, r >= threshold.
Options and mean: as in `losses.scored`; ratio_min and ratio_max bound pi / pi_ref.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import as_floats, importance, weighted


def topr(logps, rewards, ref_logps, *, mean, shift=0.0, clip=0.0, kl_coef=0.0):
    """Tapered off-policy REINFORCE: -A * s for A >= 0, -A * sg(min(exp(delta), 1)) * s below.

    A = r - mean + shift: the paper's signed reward is mean = 0. Data: scored, reference.
    logps, rewards, ref_logps: float [B].
    Source: arXiv 2503.14286 (TOPR).
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    advantages = rewards - mean + shift
    return weighted(advantages, logps, ref_logps, clip=clip, taper=True, kl_coef=kl_coef)


def npo(logps, rewards, ref_logps, *, threshold=4.0, beta=0.1):
    """Negative preference optimisation: -(2 / beta) * log sigmoid(-beta * delta) where r is low.

    The rows with r >= threshold are fine-tuned on, -s. Data: scored, reference.
    logps, rewards, ref_logps: float [B].
    Source: arXiv 2404.05868; -s is its retain term.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    negative = -2 / beta * jax.nn.log_sigmoid(-beta * (logps - ref_logps))
    return jnp.where(rewards >= threshold, -logps, negative)


def dro_v(logps, rewards, ref_logps, *, mean, shift=0.0, tau=1.0):
    """Direct reward optimisation: (r - V - tau * delta)^2 / 2 with V = mean - shift.

    The paper learns V(context); here it is the mean reward, of the set or of the context.
    Data: scored, reference. logps, rewards, ref_logps: float [B].
    Source: arXiv 2405.19107.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    return jnp.square(rewards - mean + shift - tau * (logps - ref_logps)) / 2


def qrpo(logps, ref_logps, *, quantile, beta=0.1):
    """Quantile reward policy optimisation: (q - beta * log Z - beta * delta)^2.

    q: float [B] in [0, 1], the quantile of each row's reward among those of its context, taken for
    samples of the reference (`context_quantiles`; the paper counts equal rewards whole). Being
    uniform, it has an exact partition function, Z = beta * (exp(1 / beta) - 1), so that no pair is
    needed.
    Data: grouped, reference. logps, ref_logps: float [B].
    Source: arXiv 2507.08068, with the identity as transformation.
    """
    logps, ref_logps, quantile = as_floats(logps, ref_logps, like=(quantile,))
    # exp(1 / beta) overflows: log Z = 1 / beta + log(beta) + log(1 - exp(-1 / beta)).
    beta_log_z = 1 + beta * jnp.log(-beta * jnp.expm1(-1 / beta))
    return jnp.square(quantile - beta_log_z - beta * (logps - ref_logps))


def a_lol(
    logps,
    rewards,
    ref_logps,
    *,
    mean,
    shift=0.0,
    ratio_min=0.1,
    ratio_max=1.9,
    clip=0.0,
    kl_coef=0.0,
):
    """Advantage-leftover-lunch RL: -A * sg(clip(exp(delta))) * s where A > 0, else 0.

    A = r - mean + shift. The paper's bounds are 1 - 0.9 and 1 + 0.9. Data: scored, reference.
    logps, rewards, ref_logps: float [B].
    Source: arXiv 2305.14718.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    advantages = jnp.maximum(rewards - mean + shift, 0)
    weights = advantages * importance(logps, ref_logps, ratio_min, ratio_max)
    return weighted(weights, logps, ref_logps, clip=clip, kl_coef=kl_coef)


def iw_sft(
    logps,
    rewards,
    ref_logps,
    q_logps=None,
    *,
    threshold=4.0,
    ratio_min=0.1,
    ratio_max=1.9,
    kl_coef=0.0,
):
    """Importance-weighted fine-tuning: -sg(clip(q / pi_ref)) * s where r >= threshold, else 0.

    q_logps: float [B], s under the policy q that bounds the objective, such as a policy of some
    steps ago; by default the policy itself. Data: scored (filtered), reference.
    Source: arXiv 2507.12856; the bounds are ours.
    """
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    (q_logps,) = as_floats(logps if q_logps is None else q_logps)
    weights = importance(q_logps, ref_logps, ratio_min, ratio_max) * (rewards >= threshold)
    return weighted(weights, logps, ref_logps, kl_coef=kl_coef)


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
