"""Weights of trajectories, made from rewards, and options that bound them.

The options have the same names in all losses, and are off at 0 or False:
  shift   lowers the baseline, so that fewer and smaller weights are negative (arXiv 2506.20520)
  clip    bounds |w|
  taper   multiplies a negative weight by min(pi / pi_ref, 1), without gradient: a trajectory that
          the policy has already left is not pushed further (arXiv 2503.14286)
  kl_coef adds kl_coef * kl_penalty
taper and kl_coef need ref_logps.
"""

import chex
import jax
import jax.numpy as jnp

# Rewards are of order 1: a smaller spread of float32 values is rounding, not preference.
LEAST_STD = 1e-6


def as_floats(*columns: jax.Array, like: tuple = ()) -> list[jax.Array]:
    """Arrays [B] of one shape as float32, or as float64 if one of `columns` is.

    columns: log-probabilities, which have to be floats; like: rewards, lengths and the like, which
    may be integers. They follow in the result.
    """
    chex.assert_rank([*columns, *like], 1)
    chex.assert_equal_shape([*columns, *like])
    chex.assert_type(list(columns), float)
    dtype = jnp.result_type(jnp.float32, *columns)
    return [jnp.asarray(x, dtype) for x in (*columns, *like)]


def masked_tokens(mask: jax.Array, *columns: jax.Array) -> list[jax.Array]:
    """Log-probabilities of tokens as float32, or as float64 if one of them is; 0 outside the mask.

    They are masked before anything else, so that infinite values on padding have no effect.
    mask: bool [B, S], True on completion tokens; columns: float [B, S] each.
    """
    chex.assert_rank([mask, *columns], 2)
    chex.assert_equal_shape([mask, *columns])
    chex.assert_type([mask, *columns], [bool, *[float] * len(columns)])
    dtype = jnp.result_type(jnp.float32, *columns)
    return [jnp.where(mask, jnp.asarray(x, dtype), 0) for x in columns]


def kl_penalty(logps: jax.Array, ref_logps: jax.Array) -> jax.Array:
    """delta^2 / 2 with delta = s - s_ref: an estimate of the KL divergence from the reference.

    Its gradient pulls s towards s_ref from both sides, and it is finite where exp(delta) overflows.
    logps, ref_logps: float [B]. Returns float [B].
    Source: J. Schulman, "Approximating KL divergence", estimator k2.
    """
    logps, ref_logps = as_floats(logps, ref_logps)
    return jnp.square(logps - ref_logps) / 2


def importance(
    logps: jax.Array, ref_logps: jax.Array, ratio_min: float, ratio_max: float
) -> jax.Array:
    """clip(pi / pi_ref, ratio_min, ratio_max) without gradient, [B]; never infinite."""
    ratio = jnp.exp(jax.lax.stop_gradient(logps - ref_logps))
    return jnp.clip(ratio, ratio_min, ratio_max)


def standardized(rewards: jax.Array, mean, std) -> jax.Array:
    """(r - mean) / std, [B]; 0 where std is 0 (at most 1e-6).

    mean, std: scalars, of the whole training set, or [B], of each row's context.
    """
    std = jnp.asarray(std, rewards.dtype)
    equal = std <= LEAST_STD  # not of NaN, which has to come out
    return jnp.where(equal, 0, (rewards - mean) / jnp.where(equal, 1, std))


def context_statistics(
    rewards: jax.Array, contexts: jax.Array, count: int
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Mean, population standard deviation and size of each row's context, three arrays [N].

    rewards: float [N], of the whole training set; contexts: int [N] in [0, count). The mean of
    equal rewards is exactly that reward, and their deviation 0. Source: arXiv 2506.06964, Swift.
    """
    (rewards,) = as_floats(rewards)
    chex.assert_equal_shape([rewards, contexts])

    def total(x):
        return jax.ops.segment_sum(x, contexts, count)[contexts]

    size = total(jnp.ones_like(rewards))
    mean = total(rewards) / size
    std = jnp.sqrt(total(jnp.square(rewards - mean)) / size)
    low = jax.ops.segment_min(rewards, contexts, count)[contexts]
    high = jax.ops.segment_max(rewards, contexts, count)[contexts]
    equal = low == high
    return jnp.where(equal, low, mean), jnp.where(equal, 0, std), size


def context_quantiles(rewards: jax.Array, contexts: jax.Array, count: int) -> jax.Array:
    """How each row ranks among those of its context, from 0 to 1, [N]: the share of lower rewards.

    Equal rewards, the row's own among them, count half, so that the mean of a context is 1/2.
    rewards: float [N], of the whole training set; contexts: int [N] in [0, count).
    """
    (rewards,) = as_floats(rewards)
    chex.assert_equal_shape([rewards, contexts])
    order = jnp.lexsort((rewards, contexts))
    place = jnp.arange(len(order))
    own, value = contexts[order], rewards[order]
    new = jnp.diff(own, prepend=-1) != 0
    different = new | (jnp.diff(value, prepend=0) != 0)
    first, lower = (jax.lax.cummax(jnp.where(starts, place, 0)) for starts in (new, different))
    group = jnp.cumsum(different) - 1
    equal = jax.ops.segment_sum(jnp.ones_like(value), group, len(order))[group]
    size = jax.ops.segment_sum(jnp.ones_like(value), own, count)[own]
    return jnp.zeros_like(value).at[order].set((lower - first + equal / 2) / size)


def weighted(
    weights: jax.Array,
    logps: jax.Array,
    ref_logps: jax.Array | None,
    *,
    clip: float = 0.0,
    taper: bool = False,
    kl_coef: float = 0.0,
) -> jax.Array:
    """-w * s + kl_coef * kl_penalty, with the weight w clipped and tapered, [B].

    Raises ValueError for an option that needs ref_logps without it.
    """
    weights = clipped(weights, clip)
    if ref_logps is None:
        if taper or kl_coef:
            raise ValueError("taper and kl_coef compare with a reference: give ref_logps")
        return -weights * logps
    if taper:
        weights = jnp.where(weights < 0, weights * importance(logps, ref_logps, 0.0, 1.0), weights)
    return -weights * logps + kl_coef * kl_penalty(logps, ref_logps)


def clipped(weights: jax.Array, clip: float) -> jax.Array:
    """The weights within [-clip, clip]; as they are where clip is 0."""
    return jnp.where(clip > 0, jnp.clip(weights, -clip, clip), weights)
