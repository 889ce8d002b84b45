"""Batches out of a stream of fresh examples, in place of a training set."""

import threading

import numpy as np
from ml_collections import FrozenConfigDict

from agentic_styling.data.pipeline import Context
from agentic_styling.data.storage.training_set import PADDING_MULTIPLE, TrainingSet
from agentic_styling.data.stream import TEXT, completion, open_stream
from agentic_styling.planner import Tokenizer, encode_prompts, image_tokens
from agentic_styling.training.batches.batches import Batch, mesh_assembler, split_microbatches
from agentic_styling.training.batches.packing import Layout, round_up, row_lengths
from agentic_styling.training.step import PlannerModel
from agentic_styling.utils.errors import InputError

SAMPLED = 64  # batches of texts from which the row lengths are chosen


class StreamData:
    """The batches of config.stream, each a pure function of the config and its step.

    Rows have one of at most config.length_buckets lengths, chosen from texts of the first batches;
    the last is config.max_length. Every host renders all rows of a batch.

    Attributes:
      training_set: None, for losses that need no statistics of one.
      pictures: True.
      examples: how many a batch and all have, for people.
      layout: of the examples in rows, one a row.
      start: a position before every completion, for `PlannerModel`.
    """

    training_set, pictures = None, True

    def __init__(self, config: FrozenConfigDict, tokenizer: Tokenizer, model: PlannerModel):
        self._config, self._tokenizer, self._mesh = config, tokenizer, model.mesh
        fields = config.stream
        self._stream = open_stream(fields.photos, dict(fields.goals), fields.size, config.seed)
        self.examples = f"{config.batch_size} examples, of an endless stream"
        self._image_tokens = image_tokens(fields.size, fields.size, model.images)
        self._made: dict[int, TrainingSet] = {}
        self._lock = threading.Lock()
        # Sharded rows all have one length, and are not cut.
        whole = model.mesh.shape["context"] > 1
        self._mixed = bool(fields.goals.get(TEXT))
        least = 0 if self._mixed else self._image_tokens
        shortest = len(encode_prompts(tokenizer, ["?"], least)[0])
        self.start = 0 if whole else shortest - 1
        multiple, most = model.mesh.shape["context"] * PADDING_MULTIPLE, config.length_buckets
        lengths = self._row_lengths(multiple, 1 if whole else most)
        self.layout = Layout(config.batch_size // config.microbatches, lengths, 1)

    def with_layout(self, model: PlannerModel) -> PlannerModel:
        """The model for rows of this layout."""
        return model._replace(start=self.start, lengths=self.layout.lengths, mixed=self._mixed)

    def batch(self, step: int) -> Batch:
        """The batch of a step, host arrays."""
        table = self._table(self._stream(step, self._config.batch_size))
        with self._lock:
            self._made[step] = table
        return mesh_assembler(table, self.layout, self._mesh)(self._split(table))

    def take_table(self, step: int) -> tuple[TrainingSet, np.ndarray]:
        """The rows of a batch that was made, which are forgotten then: a table and indices."""
        with self._lock:
            table = self._made.pop(step)
        return table, np.arange(len(table.length))

    def _row_lengths(self, multiple: int, most: int) -> tuple[int, ...]:
        """At most so many row lengths; the last holds every example."""
        needed = []
        for step in range(min(self._config.steps, SAMPLED)):
            table = self._table(self._stream.texts(step, self._config.batch_size))
            needed += [int(table.length[part].max()) for part in self._split(table)]
        longest = round_up(self._config.max_length, multiple)
        if most == 1:
            return (longest,)
        # The last is for what is longer than all of these, which is seldom.
        seen = round_up(max(needed), multiple)
        lengths = row_lengths(np.array(needed), seen, multiple=multiple, most=most - 1)
        return (*lengths, longest) if seen < longest else lengths

    def _split(self, table: TrainingSet) -> np.ndarray:
        """The rows of the micro-batches, int [M, E]; rows alike in picture and length together."""
        length = None
        if self._config.length_buckets > 1:
            length = table.length + np.where(table.image < 0, 0, table.tokens.shape[1])
        rows = np.arange(len(table.length))
        return split_microbatches(rows, self._config.microbatches, 1, length)

    def _table(self, examples: list[Context]) -> TrainingSet:
        """Examples as a training set, a row each; they have no rewards."""
        goals = [example.goal.text for example in examples]
        shown = np.array([example.teacher != TEXT for example in examples])
        prompts = encode_prompts(self._tokenizer, goals, self._image_tokens * shown)
        completions = []
        for text, ends in map(completion, examples):
            end = [self._tokenizer.im_end] if ends else []
            completions.append([*self._tokenizer.encode(text), *end])
        count = len(examples)
        table = TrainingSet.of_rows(
            prompts,
            completions,
            self._tokenizer.pad,
            image=np.where(shown, np.arange(count), -1).astype(np.int32),
            images=[example.pixels for example in examples],
            reward=np.zeros(count, np.float32),
            context_id=np.arange(count, dtype=np.int32),
        )
        for example, length in zip(examples, table.length, strict=True):
            if length > self._config.max_length:
                raise InputError(
                    f"config.max_length: {self._config.max_length}, but example {example.id} has "
                    f"{length} tokens; raise it (nothing is cut)"
                )
        return table
