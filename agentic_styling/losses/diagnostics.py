"""Scalars of a batch to monitor beside a loss, with trl's names if it has them.

A mean over no rows is NaN.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.online import (
    group_advantages,
    is_clipped,
    kl_estimate,
    sequence_ratios,
    token_ratios,
)
from agentic_styling.losses.weights import as_floats, clipped, kl_penalty, masked_tokens


def pair_diagnostics(
    chosen_logps: jax.Array,
    rejected_logps: jax.Array,
    ref_chosen_logps: jax.Array | None = None,
    ref_rejected_logps: jax.Array | None = None,
    *,
    beta: float = 1.0,
) -> dict[str, jax.Array]:
    """Diagnostics of pairs: the implicit rewards beta * (s - s_ref), and s itself.

    Args:
      chosen_logps, rejected_logps: s, float [B].
      ref_chosen_logps, ref_rejected_logps: s_ref, float [B]; without them it counts as 0.
      beta: scale of the implicit rewards.

    Returns:
      Means of both; rewards/margins: chosen - rejected; rewards/accuracies: the share of pairs with
      a positive margin; kl, if there is a reference: the mean of `kl_penalty`.
    """
    chosen, rejected = as_floats(chosen_logps, rejected_logps)
    values = {"logps/chosen": chosen.mean(), "logps/rejected": rejected.mean()}
    if ref_chosen_logps is not None:
        ref_chosen, ref_rejected = as_floats(ref_chosen_logps, ref_rejected_logps)
        both = kl_penalty(chosen, ref_chosen), kl_penalty(rejected, ref_rejected)
        values["kl"] = jnp.concatenate(both).mean()
        chosen, rejected = chosen - ref_chosen, rejected - ref_rejected
    return values | {
        "rewards/chosen": (beta * chosen).mean(),
        "rewards/rejected": (beta * rejected).mean(),
        "rewards/margins": (beta * (chosen - rejected)).mean(),
        "rewards/accuracies": (chosen > rejected).mean(),
    }


def weight_diagnostics(
    logps: jax.Array, weights: jax.Array, lengths: jax.Array, *, clip: float = 0.0
) -> dict[str, jax.Array]:
    """Diagnostics of losses -w * s.

    Args:
      logps: s, float [B].
      weights: w before clipping, float [B].
      lengths: completion tokens, [B].
      clip: bound of |w|; 0: none.

    Returns:
      effective_sample_size: sum(|w|)^2 / sum(w^2), from 1 to B, or 0 if all weights are.
      clipped_weights: the share of rows with |w| > clip. nll_positive, nll_negative: NLL per token
      of the rows with positive and with negative weights.
    """
    logps, weights, lengths = as_floats(logps, weights, like=(lengths,))
    limited = clipped(weights, clip)
    size, squares = jnp.abs(limited).sum(), jnp.square(limited).sum()

    def nll(rows):
        return -jnp.where(rows, logps, 0).sum() / jnp.where(rows, lengths, 0).sum()

    return {
        "effective_sample_size": jnp.where(squares > 0, size**2 / jnp.maximum(squares, 1e-30), 0),
        "clipped_weights": (limited != weights).mean(),
        "nll_positive": nll(weights > 0),
        "nll_negative": nll(weights < 0),
    }


def binary_diagnostics(
    logps: jax.Array, ref_logps: jax.Array, good: jax.Array, *, beta: float
) -> dict[str, jax.Array]:
    """Means of beta * (s - s_ref) and of s over the good and the other rows; good: bool [B]."""
    logps, ref_logps = as_floats(logps, ref_logps)
    rewards = beta * (logps - ref_logps)

    def mean(values, rows):
        return jnp.where(rows, values, 0).sum() / rows.sum()

    chosen, rejected = mean(rewards, good), mean(rewards, ~good)
    return {
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margins": chosen - rejected,
        "logps/chosen": mean(logps, good),
        "logps/rejected": mean(logps, ~good),
    }


def online_diagnostics(
    token_logps: jax.Array,
    mask: jax.Array,
    old_token_logps: jax.Array,
    rewards: jax.Array,
    ref_token_logps: jax.Array | None = None,
    *,
    mean: jax.Array,
    clip_low: float,
    clip_high: float,
    sequence_ratio: bool = False,
) -> dict[str, jax.Array]:
    """Diagnostics of online losses, summed over the tokens of each completion, [B] each.

    Args:
      token_logps, mask, old_token_logps, rewards, ref_token_logps, mean, clip_low, clip_high: as in
        `losses.online`.
      sequence_ratio: whether the ratios are those of completions, which count for all their tokens.

    Returns:
      clip_fraction: tokens without a gradient, for their ratio has left the clip range; ratio;
      approx_kl: estimate k3 of the KL divergence of the sampling policy from the policy; kl, if
      there is a reference: estimate k3 of that of the policy from the reference.
    """
    ratios = (sequence_ratios if sequence_ratio else token_ratios)(
        token_logps, old_token_logps, mask
    )
    advantages = group_advantages(rewards, mean)
    policy, old = masked_tokens(mask, token_logps, old_token_logps)
    values = {
        "clip_fraction": is_clipped(ratios, advantages, clip_low, clip_high).astype(ratios.dtype),
        "ratio": ratios,
        "approx_kl": kl_estimate(old, policy, "k3"),  # the samples are the old policy's
    }
    if ref_token_logps is not None:
        policy, reference = masked_tokens(mask, token_logps, ref_token_logps)
        values["kl"] = kl_estimate(policy, reference, "k3")
    return {name: jnp.where(mask, x, 0).sum(axis=1) for name, x in values.items()}
