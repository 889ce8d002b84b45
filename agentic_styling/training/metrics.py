"""What is logged of a batch, computed on the device from its log-probabilities."""

import jax
import jax.numpy as jnp

from agentic_styling.losses import LOSSES
from agentic_styling.training.batches import Batch
from agentic_styling.training.step import loss_columns, token_counts


def batch_metrics(loss: str, kwargs, logps, batch: Batch) -> dict[str, jax.Array]:
    """What is logged of every batch: logps [B] are those before the update.

    nll, reward, for pairs nll_chosen, and the diagnostics of the loss: `losses.diagnostics`.
    """
    counts = token_counts(loss, batch)
    metrics = {"nll": -logps.sum() / counts.sum(), "reward": batch.reward.mean()}
    if "pairs" in LOSSES[loss].needs:
        chosen, tokens = jnp.split(logps, 2)[0], jnp.split(counts, 2)[0]
        metrics["nll_chosen"] = -chosen.sum() / tokens.sum()
    columns = loss_columns(loss, kwargs, logps, batch)
    return metrics | LOSSES[loss].diagnostics(columns, **kwargs)
