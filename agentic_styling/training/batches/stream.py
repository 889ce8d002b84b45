"""Batches out of a stream of fresh examples, in place of a training set."""

import threading

import ml_collections
import numpy as np

from agentic_styling.data.pipeline import Context
from agentic_styling.data.storage.training_set import TrainingSet
from agentic_styling.data.stream import completion, open_stream
from agentic_styling.planner import Tokenizer, encode_prompts, image_tokens, pad_rows
from agentic_styling.training.batches.batches import (
    Assembler,
    Batch,
    batch_shardings,
    split_microbatches,
)
from agentic_styling.training.batches.packing import Layout, row_lengths
from agentic_styling.training.step import PlannerModel
from agentic_styling.utils.errors import InputError

ROW_MULTIPLE = 16
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

    def __init__(
        self, config: ml_collections.FrozenConfigDict, tokenizer: Tokenizer, model: PlannerModel
    ):
        self._config, self._tokenizer, self._mesh = config, tokenizer, model.mesh
        fields = config.stream
        self._stream = open_stream(fields.photos, dict(fields.goals), fields.size, config.seed)
        self.examples = f"{config.batch_size} examples, of an endless stream"
        self._image_tokens = image_tokens(fields.size, fields.size, model.images)
        sharded = model.mesh.shape["context"]
        shortest = len(encode_prompts(tokenizer, ["?"], self._image_tokens)[0])
        # Sharded rows all have one length, and are not cut.
        self.start, buckets = (0, 1) if sharded > 1 else (shortest - 1, config.length_buckets)
        multiple = sharded * ROW_MULTIPLE
        length = -(-config.max_length // multiple) * multiple
        needed = []
        for step in range(min(config.steps, SAMPLED)):
            table = self._table(self._stream.texts(step, config.batch_size))
            needed += [table.length[part].max() for part in self._split(table)]
        lengths = row_lengths(np.array(needed), length, multiple=multiple, most=buckets)
        self.layout = Layout(config.batch_size // config.microbatches, lengths, 1)
        self._made: dict[int, TrainingSet] = {}
        self._lock = threading.Lock()

    def with_layout(self, model: PlannerModel) -> PlannerModel:
        """The model for rows of this layout."""
        return model._replace(start=self.start, lengths=self.layout.lengths)

    def batch(self, step: int) -> Batch:
        """The batch of a step, host arrays."""
        table = self._table(self._stream(step, self._config.batch_size))
        with self._lock:
            self._made[step] = table
        own = batch_shardings(self._mesh, pictures=True).images
        assemble = Assembler(
            table,
            self.layout,
            devices=self._mesh.shape["data"] * self._mesh.shape["fsdp"],
            own_rows=lambda shape: [
                i[1] for i in own.addressable_devices_indices_map(shape).values()
            ],
        )
        return assemble(self._split(table))

    def take_table(self, step: int) -> tuple[TrainingSet, np.ndarray]:
        """The rows of a batch that was made, which are forgotten then: a table and indices."""
        with self._lock:
            table = self._made.pop(step)
        return table, np.arange(len(table.length))

    def _split(self, table: TrainingSet) -> np.ndarray:
        """The rows of the micro-batches, int [M, E]; alike lengths go together."""
        length = table.length if self._config.length_buckets > 1 else None
        rows = np.arange(len(table.length))
        return split_microbatches(rows, self._config.microbatches, 1, length)

    def _table(self, examples: list[Context]) -> TrainingSet:
        """Examples as a training set, a row each; they have no rewards."""
        goals = [example.goal.text for example in examples]
        prompts = encode_prompts(self._tokenizer, goals, self._image_tokens)
        rows = []
        for example, prompt in zip(examples, prompts, strict=True):
            text, ends = completion(example)
            end = [self._tokenizer.im_end] if ends else []
            rows.append([*prompt, *self._tokenizer.encode(text), *end])
            if len(rows[-1]) > self._config.max_length:
                raise InputError(
                    f"config.max_length: {self._config.max_length}, but example {example.id} has "
                    f"{len(rows[-1])} tokens; raise it (nothing is cut)"
                )
        count = len(examples)
        return TrainingSet(
            tokens=pad_rows(rows, self._tokenizer.pad, multiple=ROW_MULTIPLE)[0],
            length=np.array([len(row) for row in rows], np.int32),
            prompt_length=np.array([len(prompt) for prompt in prompts], np.int32),
            image=np.arange(count, dtype=np.int32),
            images=[example.pixels for example in examples],
            reward=np.zeros(count, np.float32),
            context_id=np.arange(count, dtype=np.int32),
        )
