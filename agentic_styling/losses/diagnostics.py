"""What to watch beside a loss: scalars of a batch, under trl's names where it has them.

A mean over rows of which a batch has none is NaN.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import as_floats, clipped, kl_penalty


def pair_diagnostics(
    chosen_logps: jax.Array,
    rejected_logps: jax.Array,
    ref_chosen_logps: jax.Array | None = None,
    ref_rejected_logps: jax.Array | None = None,
    *,
    beta: float = 1.0,
) -> dict[str, jax.Array]:
    """Of pairs, four float [B]: the implicit rewards beta * (s - s_ref), and s itself.

    Without a reference, beta * s. rewards/margins: chosen - rejected; rewards/accuracies: the
    share of pairs with a positive margin. kl, with a reference: the mean of `kl_penalty`.
    """
    chosen, rejected = as_floats(chosen_logps, rejected_logps)
    found = {"logps/chosen": chosen.mean(), "logps/rejected": rejected.mean()}
    if ref_chosen_logps is not None:
        ref_chosen, ref_rejected = as_floats(ref_chosen_logps, ref_rejected_logps)
        both = kl_penalty(chosen, ref_chosen), kl_penalty(rejected, ref_rejected)
        found["kl"] = jnp.concatenate(both).mean()
        chosen, rejected = chosen - ref_chosen, rejected - ref_rejected
    return found | {
        "rewards/chosen": (beta * chosen).mean(),
        "rewards/rejected": (beta * rejected).mean(),
        "rewards/margins": (beta * (chosen - rejected)).mean(),
        "rewards/accuracies": (chosen > rejected).mean(),
    }


def weight_diagnostics(
    logps: jax.Array, weights: jax.Array, lengths: jax.Array, *, clip: float = 0.0
) -> dict[str, jax.Array]:
    """Of trajectories, [B] each: the weights w of -w * s before they are clipped, and the NLL.

    effective_sample_size: sum(|w|)^2 / sum(w^2), from 1 to B, 0 where all weights are.
    clipped_weights: the share of rows with |w| > clip. nll_positive, nll_negative: per token, of
    the rows that the loss makes likelier and of those it pushes away.
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


def reference_diagnostics(logps: jax.Array, ref_logps: jax.Array) -> dict[str, jax.Array]:
    """Of trajectories, float [B] each. kl: the mean of `kl_penalty`."""
    return {"kl": kl_penalty(logps, ref_logps).mean()}


def binary_diagnostics(
    logps: jax.Array, ref_logps: jax.Array, good: jax.Array, *, beta: float
) -> dict[str, jax.Array]:
    """Of trajectories that are good or not (bool [B]): beta * (s - s_ref) and s of each kind."""
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
