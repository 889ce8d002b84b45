"""What is logged of a batch, computed on the device from its log-probabilities."""

import jax
import jax.numpy as jnp

from agentic_styling.losses import LOSSES
from agentic_styling.training.batches import Batch
from agentic_styling.training.step import loss_arguments


def batch_metrics(loss: str, kwargs, logps, batch: Batch) -> dict[str, jax.Array]:
    """What is logged of every batch: logps [B] are those before the update."""
    counts, needs = batch.length - batch.prompt_length, LOSSES[loss].needs
    metrics = {"nll": -logps.sum() / counts.sum(), "reward": batch.reward.mean()}
    if "pairs" in needs:
        return metrics | pair_metrics(logps, counts, batch, kwargs)
    if "rewards" in needs:
        return metrics | weight_metrics(loss, logps, counts, batch, kwargs)
    return metrics


def pair_metrics(logps, counts, batch: Batch, kwargs) -> dict[str, jax.Array]:
    """Names and meaning as in TRL: rewards are beta * (s - s_ref)."""
    implicit = kwargs["beta"] * (logps - batch.reference)
    chosen, rejected = jnp.split(implicit, 2)
    chosen_logps, rejected_logps = jnp.split(logps, 2)
    return {
        "rewards/chosen": chosen.mean(),
        "rewards/rejected": rejected.mean(),
        "rewards/margins": (chosen - rejected).mean(),
        "rewards/accuracies": (chosen > rejected).mean(),
        "logps/chosen": chosen_logps.mean(),
        "logps/rejected": rejected_logps.mean(),
        "nll_chosen": -chosen_logps.sum() / jnp.split(counts, 2)[0].sum(),
    }


def weight_metrics(loss: str, logps, counts, batch: Batch, kwargs) -> dict[str, jax.Array]:
    """The weights w of -w * s: their effective sample size, and the rows that are pushed away.

    nll_negative is NaN for a batch without negative weights.
    """
    function = LOSSES[loss].function
    weights = -jax.grad(lambda s: function(*loss_arguments(loss, s, batch), **kwargs).sum())(logps)
    negative = weights < 0
    return {
        "effective_sample_size": jnp.abs(weights).sum() ** 2 / jnp.square(weights).sum(),
        "nll_negative": -jnp.where(negative, logps, 0).sum() / jnp.where(negative, counts, 0).sum(),
    }
