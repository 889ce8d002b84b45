"""The metrics of a batch, computed on the device."""

import jax

from agentic_styling.losses import LOSSES, TokenStatistics
from agentic_styling.training.batches.batches import Batch


def batch_metrics(
    loss: str, kwargs: dict, batch: Batch, sums: TokenStatistics, columns: dict[str, jax.Array]
) -> dict[str, jax.Array]:
    """The logged metrics of a batch, before its update; sums and columns: see `step.make_gradient`.

    They are nll, entropy and mean_token_accuracy per token, reward, for pairs nll_chosen, and the
    diagnostics of the loss (`losses.diagnostics`).
    """
    tokens = batch.length.sum()
    metrics = {
        "nll": -sums.logps.sum() / tokens,
        "entropy": sums.entropy.sum() / tokens,
        "mean_token_accuracy": sums.correct.sum() / tokens,
        "reward": batch.reward.mean(),
    }
    if "pairs" in LOSSES[loss].needs:
        metrics["nll_chosen"] = -columns["chosen_logps"].sum() / columns["chosen_lengths"].sum()
    return metrics | LOSSES[loss].diagnostics(columns, **kwargs)
