"""Batches of a train step out of rollouts."""

import math
from collections.abc import Sequence

import numpy as np
from ml_collections import FrozenConfigDict

from agentic_styling.data.storage.training_set import PADDING_MULTIPLE, TrainingSet, context_prompts
from agentic_styling.planner import Planner, allowed_tokens
from agentic_styling.training.batches.batches import Batch, mesh_assembler, split_microbatches
from agentic_styling.training.batches.packing import Layout, round_up
from agentic_styling.training.online.contexts import OnlineContext
from agentic_styling.training.online.rollouts import Rollouts, Sample, equal_rewards
from agentic_styling.training.step import PlannerModel
from agentic_styling.utils.errors import InputError

LEAST_TABLE = 256  # rows; 64 plans have about 80, at first up to 600
SHORTER = 0.6  # of two neighbouring row lengths, without the prompt


class OnlineFeed:
    """Makes a batch of the rollouts of a round, an example a row.

    Rows have one of at most config.length_buckets lengths; the longest holds the longest prompt of
    `samples` and a plan of config.online.max_new_tokens.
    """

    def __init__(
        self,
        config: FrozenConfigDict,
        model: PlannerModel,
        planner: Planner,
        samples: Sequence[OnlineContext],
    ):
        self._config, self._model, self._planner = config, model, planner
        longest = max(len(prompt) for prompt in self._prompts(samples))
        whole = model.mesh.shape["context"] > 1  # sharded rows have one length
        multiple = model.mesh.shape["context"] * PADDING_MULTIPLE
        most = 1 if whole else config.length_buckets
        wanted = [longest + config.online.max_new_tokens * SHORTER**n for n in range(most)]
        lengths = sorted({round_up(length, multiple) for length in wanted})
        self.layout = Layout(config.batch_size // config.microbatches, tuple(lengths), 1)
        # Later contexts of a stream may have shorter prompts than all of these.
        least = [context._replace(goal="?", state={}) for context in samples]
        self.start = 0 if whole else min(len(prompt) for prompt in self._prompts(least)) - 1

    def with_layout(self, model: PlannerModel) -> PlannerModel:
        """The model for rows of this layout."""
        return model._replace(start=self.start, lengths=self.layout.lengths)

    def _prompts(self, contexts: Sequence[OnlineContext]) -> list[list[int]]:
        planner = self._planner
        return context_prompts(contexts, planner.tokenizer, planner.images, planner.modality)

    def __call__(self, rollouts: Rollouts) -> tuple[Batch, TrainingSet]:
        """The batch as host arrays, without a reference, and its rows.

        The completions of a context whose plans all score alike are empty, so they have no part in
        the loss and its denominator.
        """
        table = self._table(rollouts)
        length = table.length if self._config.length_buckets > 1 else None
        rows = split_microbatches(
            np.arange(len(table.length)), self._config.microbatches, 1, length
        )
        batch = mesh_assembler(table, self.layout, self._model.mesh)(rows)
        samples = [sample for group in rollouts.samples for sample in group]
        size = (*rows.shape, self.layout.length - self.start)
        old, choices = np.full(size, np.nan, np.float32), np.zeros(size, bool)
        for place, row in np.ndenumerate(rows):
            count = len(samples[row].tokens)
            old[place][:count] = samples[row].logps
            choices[place][:count] = samples[row].free if self._config.online.choices_only else True
        dropped = np.repeat(equal_rewards(rollouts.rewards), rollouts.rewards.shape[1])
        counted = np.where(dropped[rows], 0, batch.length).astype(np.int32)
        allowed = np.zeros(size, np.int32)
        index, could = self._allowed(samples)
        width = min(size[-1], index.shape[1])
        allowed[..., :width] = index[rows, :width]
        given = {"old": old, "choices": choices, "allowed": allowed, "table": could}
        return batch.replace(length=counted, **given), table

    def _allowed(self, samples: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
        """What each token of the samples could have been: see `planner.allowed_tokens`."""
        limit = self._config.online.max_new_tokens
        index, table = allowed_tokens(self._planner.grammar, [s.tokens for s in samples], limit)
        # Few sizes, as the step is compiled for each.
        size = max(LEAST_TABLE, 2 ** math.ceil(math.log2(len(table))))
        return index, np.pad(table, ((0, size - len(table)), (0, 0)), mode="edge")

    def _table(self, rollouts: Rollouts) -> TrainingSet:
        contexts = rollouts.contexts
        prompts = self._prompts(contexts)
        group = rollouts.rewards.shape[1]
        context_id = np.repeat(np.arange(len(contexts), dtype=np.int32), group)
        table = TrainingSet.of_rows(
            [prompts[c] for c in context_id],
            [sample.tokens.tolist() for own in rollouts.samples for sample in own],
            self._planner.tokenizer.pad,
            image=context_id,
            images=[c.image for c in contexts] if self._planner.modality == "vision" else [],
            reward=rollouts.rewards.reshape(-1),
            context_id=context_id,
        )
        for context, length in zip(context_id, table.length, strict=True):
            if length > self.layout.length:
                raise InputError(
                    f"context {contexts[context].name}: a row of {length} tokens, but rows hold "
                    f"{self.layout.length}; raise config.online.max_new_tokens"
                )
        return table
