"""Offline losses of single trajectories: -w * s, with a weight w made from the reward.

s is the log-probability of a completion, summed over its tokens. Every function maps [B] to [B],
float32, without reduction; the trainer divides by one global denominator.
Formulas: arXiv 2603.07148, "Methods"; arXiv 2506.06964 (Refit, Swift).
"""

import chex
import jax
import jax.numpy as jnp


def standard(logps: jax.Array) -> jax.Array:
    """Supervised fine-tuning: -s.

    logps: float [B], summed over completion tokens. Returns float32 [B].
    Source: arXiv 2603.07148, method S.
    """
    chex.assert_rank(logps, 1)
    chex.assert_type(logps, float)
    return -logps.astype(jnp.float32)


def reward_filtered(logps: jax.Array, rewards: jax.Array, *, threshold: float = 4.0) -> jax.Array:
    """Fine-tuning on good trajectories only: -1[r >= threshold] * s.

    logps, rewards: float [B]. Returns float32 [B], 0 where the trajectory is dropped.
    Source: arXiv 2603.07148, method R.
    """
    return _weighted(logps, rewards, lambda r: (r >= threshold).astype(jnp.float32))


def reward_weighted(logps: jax.Array, rewards: jax.Array, *, floor: float = 3.0) -> jax.Array:
    """Reward-weighted fine-tuning: -max(r - floor, 0) * s.

    With weights of no sign change it is a lower bound of the online objective, tight at the
    policy that wrote the data.
    logps, rewards: float [B]. Returns float32 [B].
    Source: arXiv 2603.07148, method RW; arXiv 2506.06964, Refit.
    """
    return _weighted(logps, rewards, lambda r: jnp.maximum(r - floor, 0.0))


def standardized_reward_weighted(
    logps: jax.Array, rewards: jax.Array, *, mean: float, std: float
) -> jax.Array:
    """Standardised reward weighting: -((r - mean) / std) * s, with weights of both signs.

    mean, std: of the rewards over the whole TRAINING SET, never over the batch. Where std is 0
    all rewards are equal, none is preferred, and the weight is 0.
    The loss has no lower bound: watch the likelihood of the rows of negative weight.
    logps, rewards: float [B]. Returns float32 [B].
    Source: arXiv 2603.07148, method SW.
    """
    spread = jnp.asarray(std, jnp.float32)
    scale = jnp.where(spread > 0, 1.0 / jnp.where(spread > 0, spread, 1.0), 0.0)
    return _weighted(logps, rewards, lambda r: (r - mean) * scale)


def _weighted(logps, rewards, weight) -> jax.Array:
    chex.assert_rank([logps, rewards], 1)
    chex.assert_equal_shape([logps, rewards])
    chex.assert_type(logps, float)
    return -weight(rewards.astype(jnp.float32)) * logps.astype(jnp.float32)
