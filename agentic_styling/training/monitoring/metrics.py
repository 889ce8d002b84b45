"""What is logged of a batch, computed on the device from its tokens' statistics."""

import jax
import jax.numpy as jnp

from agentic_styling.losses import LOSSES, TokenStatistics
from agentic_styling.training.step import Columns, loss_columns


def batch_metrics(loss: str, kwargs, sums: TokenStatistics, of: Columns) -> dict[str, jax.Array]:
    """What is logged of every batch, from sums over each example's tokens, [B], before the update.

    nll, entropy and mean_token_accuracy per token, reward, for pairs nll_chosen, and the
    diagnostics of the loss: `losses.diagnostics`.
    """
    logps, counts = sums.logps, of.length
    metrics = {
        "nll": -logps.sum() / counts.sum(),
        "entropy": sums.entropy.sum() / counts.sum(),
        "mean_token_accuracy": sums.correct.sum() / counts.sum(),
        "reward": of.reward.mean(),
    }
    if "pairs" in LOSSES[loss].needs:
        chosen, tokens = jnp.split(logps, 2)[0], jnp.split(counts, 2)[0]
        metrics["nll_chosen"] = -chosen.sum() / tokens.sum()
    columns = loss_columns(loss, kwargs, logps, of)
    return metrics | LOSSES[loss].diagnostics(columns, **kwargs)
