"""Host arrays to batches. The rows of a step are a pure function of (seed, step)."""

import functools

import flax.struct
import jax
import numpy as np

from agentic_styling.data.training_set import (
    TrainingSet,
    filtered,
    preference_pairs,
    scored_rows,
)
from agentic_styling.errors import InputError
from agentic_styling.losses import LOSSES, context_statistics


@flax.struct.dataclass
class Batch:
    """What one train step reads.

    tokens: int32 [B, S]; length, prompt_length: int32 [B]; images: uint8 [B, H, W, 3];
    reward: float32 [B]; reference: float32 [B], the completion's log-probability under the
    reference policy (0 where the loss needs none). context: float32 [B, 3], mean, std and count of
    the rewards of the row's context. Rows of pairs are [chosen; rejected].
    """

    tokens: jax.Array
    length: jax.Array
    prompt_length: jax.Array
    images: jax.Array
    reward: jax.Array
    reference: jax.Array
    context: jax.Array


def examples(training_set: TrainingSet, loss: str, loss_kwargs: dict) -> np.ndarray:
    """What an epoch of this loss walks over: rows int32 [K], or pairs of rows int32 [K, 2].

    Raises InputError where the data has none.
    """
    options = LOSSES[loss].options | dict(loss_kwargs)
    needs = LOSSES[loss].requires(options)
    if "pairs" in needs:
        found = preference_pairs(training_set)
        wanted = "a preference pair (one context with rewards >= 4 and <= 3.5, a gap >= 1)"
    elif "filtered" in needs:
        found = filtered(training_set, options["threshold"])
        wanted = f"a trajectory with reward >= {options['threshold']}"
    elif "contexts" in needs:
        found = np.flatnonzero(context_columns(training_set)[:, 2] > 1).astype(np.int32)
        wanted = "two trajectories of one context"
    else:
        found, wanted = scored_rows(training_set), "a trajectory"
    if not len(found):
        raise InputError(f"loss {loss!r}: the data holds not one example, {wanted}; add some")
    return found


@functools.lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


def rows_at(step: int, found: np.ndarray, *, seed: int, batch_size: int) -> np.ndarray:
    """The rows of the batch of `step` (from 0), int32 [batch_size].

    Every epoch is a new permutation; batches run on over its end, so no example is left out.
    found: int32 [K] or [K, 2]; of pairs, batch_size // 2 are taken and laid as
    [chosen; rejected].
    """
    size = batch_size // (1 if found.ndim == 1 else 2)
    places = np.arange(step * size, (step + 1) * size)
    order = [
        _permutation(seed, epoch, len(found))[places[places // len(found) == epoch] % len(found)]
        for epoch in range(places[0] // len(found), places[-1] // len(found) + 1)
    ]
    return found[np.concatenate(order)].T.reshape(-1)


def context_columns(training_set: TrainingSet) -> np.ndarray:
    """Mean, std and count of the rewards of each row's context, float32 [N, 3]."""
    contexts = training_set.context_id
    found = context_statistics(training_set.reward, contexts, int(contexts.max()) + 1)
    return np.stack(found, axis=1)


def gather(
    training_set: TrainingSet,
    rows: np.ndarray,
    reference: np.ndarray,
    context: np.ndarray | None = None,
) -> Batch:
    """The rows' arrays, still on the host. reference: float32 [N]; context: float32 [N, 3]."""
    if context is None:
        context = np.zeros((len(reference), 3), np.float32)
    return Batch(
        tokens=training_set.tokens[rows],
        length=training_set.length[rows],
        prompt_length=training_set.prompt_length[rows],
        images=training_set.images[training_set.image[rows]],
        reward=training_set.reward[rows],
        reference=reference[rows],
        context=context[rows],
    )
