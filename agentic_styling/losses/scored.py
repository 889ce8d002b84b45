"""Offline losses of single trajectories: -w * s, with a weight w made from the reward.

s is the log-probability of a completion, summed over its tokens. Every function maps float [B] to
[B], float32 (float64 for float64), without reduction; the trainer divides by one global
denominator. Rewards may be integers. ref_logps, float [B]: s under the reference, needed by taper
and kl_coef only. The options shift, clip, taper and kl_coef: `losses.weights`.
mean and std are of the rewards of the whole TRAINING SET, never of the batch: scalars, or [B],
each row's own context (`context_statistics`).
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import as_floats, masked_tokens, standardized, weighted


def _columns(logps, rewards, ref_logps):
    if ref_logps is None:
        return *as_floats(logps, like=(rewards,)), None
    logps, ref_logps, rewards = as_floats(logps, ref_logps, like=(rewards,))
    return logps, rewards, ref_logps


def standard(logps, ref_logps=None, *, kl_coef=0.0):
    """Supervised fine-tuning: -s.

    Data: demonstrations. logps: float [B]. Source: arXiv 2603.07148, method S.
    """
    logps, rewards, ref_logps = _columns(logps, logps, ref_logps)
    return weighted(jnp.ones_like(rewards), logps, ref_logps, kl_coef=kl_coef)


def reward_filtered(logps, rewards, ref_logps=None, *, threshold=4.0, kl_coef=0.0):
    """Fine-tuning on good trajectories only: -1[r >= threshold] * s.

    Data: scored. logps, rewards: float [B]. The value is 0 where the trajectory is dropped.
    Source: arXiv 2603.07148, method R.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    weights = (rewards >= threshold).astype(logps.dtype)
    return weighted(weights, logps, ref_logps, kl_coef=kl_coef)


def reward_weighted(logps, rewards, ref_logps=None, *, floor=3.0, clip=0.0, kl_coef=0.0):
    """Reward-weighted fine-tuning: -max(r - floor, 0) * s.

    With weights of one sign it is a lower bound of the online objective, tight at the policy that
    wrote the data. Data: scored. logps, rewards: float [B].
    Source: arXiv 2603.07148, method RW; arXiv 2506.06964, Refit.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    weights = jnp.maximum(rewards - floor, 0)
    return weighted(weights, logps, ref_logps, clip=clip, kl_coef=kl_coef)


def standardized_reward_weighted(
    logps, rewards, ref_logps=None, *, mean, std, shift=0.0, clip=0.0, taper=False, kl_coef=0.0
):
    """Standardised reward weighting: -((r - mean + shift) / std) * s, weights of both signs.

    With mean and std, [B], of each row's context it is `swift`. Where std is 0 (at most 1e-6) all
    rewards are equal, none is preferred, and the weight is 0. The loss has no lower bound: monitor
    the likelihood of rows with negative weights, and use shift, clip, taper or kl_coef.
    Data: scored. logps, rewards: float [B].
    Source: arXiv 2603.07148, method SW.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    weights = standardized(rewards, mean - shift, std)
    return weighted(weights, logps, ref_logps, clip=clip, taper=taper, kl_coef=kl_coef)


# Swift is SW with the mean and std of each row's own context. A context of one trajectory, or of
# equal rewards, has std 0 and weight 0. Source: arXiv 2506.06964.
swift = standardized_reward_weighted


# S on the best trajectory of each context, which is all that the data gives it.
best = standard


def rloo(
    logps, rewards, ref_logps=None, *, mean, count, shift=0.0, clip=0.0, taper=False, kl_coef=0.0
):
    """REINFORCE with a leave-one-out baseline: -(r - mean of the others + shift) * s.

    On fresh samples of the policy, one update each, it is the paper's unbiased estimator; for
    several updates `dr_grpo` has importance ratios. mean: float [B], over the `count` [B]
    trajectories of each row's context, itself included; the weight is 0 in a context of one.
    Data: grouped, or fresh samples. logps, rewards: float [B].
    Source: arXiv 2402.14740.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    # r - (m * mean - r) / (m - 1) = (r - mean) * m / (m - 1)
    advantages = (rewards - mean) * (count / jnp.maximum(count - 1, 1)) + shift
    weights = jnp.where(count > 1, advantages, 0).astype(logps.dtype)
    return weighted(weights, logps, ref_logps, clip=clip, taper=taper, kl_coef=kl_coef)


def awr(logps, rewards, ref_logps=None, *, mean, beta=1.0, clip=20.0, kl_coef=0.0):
    """Advantage-weighted regression: -min(exp((r - mean) / beta), clip) * s.

    Data: scored. logps, rewards: float [B]; clip is positive.
    Source: arXiv 1910.00177; the bound 20 is its own.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    weights = jnp.exp((rewards - mean) / beta)
    return weighted(weights, logps, ref_logps, clip=clip, kl_coef=kl_coef)


def asymre(logps, rewards, ref_logps=None, *, mean, shift=0.1, clip=0.0, taper=False, kl_coef=0.0):
    """Asymmetric REINFORCE: -(r - V) * s with V = mean - shift.

    Training collapses if V >= mean; SW, up to its scale, is the limiting case shift = 0.
    Data: scored. logps, rewards: float [B]. Source: arXiv 2506.20520.
    """
    logps, rewards, ref_logps = _columns(logps, rewards, ref_logps)
    weights = rewards - mean + shift
    return weighted(weights, logps, ref_logps, clip=clip, taper=taper, kl_coef=kl_coef)


def dft(token_logps, mask):
    """Dynamic fine-tuning: -sg(pi_t) * log pi_t, summed over a completion's tokens t.

    Data: demonstrations. token_logps: float [B, S], log pi_t; mask: bool [B, S], True on completion
    tokens. Returns [B], float32 (float64 for float64). Source: arXiv 2508.05629, equation 9.
    """
    (logps,) = masked_tokens(mask, token_logps)
    return -(jax.lax.stop_gradient(jnp.exp(logps)) * logps).sum(axis=-1)


def released_code(logps, rewards, *, mean, std):
    """SW as the public release computes it, for ablations: -w * s * B / sum(w), w standardised.

    The mean of the B values is sum(-w * s) / sum(w) over the rows of one call, a micro-batch. So
    the weight of a single row cancels, and if the sum of signed weights is near 0 or negative, the
    loss blows up or changes sign. It is 0 if the sum is exactly 0. Data: scored.
    logps, rewards: float [B].
    Source: the release beside arXiv 2603.07148; not in the paper.
    """
    logps, rewards = as_floats(logps, like=(rewards,))
    weights = standardized(rewards, mean, std)
    total = weights.sum()
    return -weights * logps * jnp.where(total == 0, 0, weights.size / jnp.where(total, total, 1))
