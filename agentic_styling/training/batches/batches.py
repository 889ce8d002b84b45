"""Which examples a step takes, and how they are assembled into a batch.

The examples of a step are a pure function of (seed, step), whatever the mesh, the number of hosts
and the step from which a run was resumed.
"""

from collections.abc import Callable

import flax.struct
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.data.storage.training_set import (
    TrainingSet,
    best_rows,
    filter_by_reward,
    preference_pairs,
)
from agentic_styling.losses import LOSSES, context_quantiles, context_statistics
from agentic_styling.training.batches.packing import Layout, pack, round_up
from agentic_styling.training.mesh import replicated
from agentic_styling.utils.errors import InputError

# From the shape of an array [M, R, ...] to the rows R that this host holds.
Rows = Callable[[tuple[int, ...]], list[slice]]


@flax.struct.dataclass
class Batch:
    """The input of a train step: M micro-batches of R rows of S tokens, which hold E examples.

    The E examples of a loss of pairs are [chosen; rejected].

    Attributes:
      tokens: int32 [M, R, S].
      segments: int32 [M, R, S], 1, 2, ... for the examples of a row in turn, 0 for padding.
      bucket: int32 [M], index of the shortest of the layout's row lengths that holds the
        micro-batch.
      images: uint8 [M, R, K, H, W, 3], the picture of each segment, or None in text mode.
      pictures: int32 [M, R], the number of pictures of each row.
      row, first, length: int32 [M, E]; the completion of an example is
        tokens[row, first : first + length].
      reward: float32 [M, E].
      reference: float32 [M, E], log-probability of the completion under the reference policy, 0 if
        the loss needs none.
      context_mean, context_std, context_count: float32 [M, E], of the rewards of the example's
        context in the training set.
      context_quantile: float32 [M, E], of the example's reward among those.
      old: float32 [M, E, T], log-probabilities of the completion's tokens under the policy that
        sampled them, NaN for those of the policy itself; None unless training is online. T is the
        length of a row after the layout's start.
      reference_tokens: float32 [M, E, T], the same under the reference; None without one.
      choices: bool [M, E, T], the tokens that count in the loss; None for all.
      allowed: int32 [M, E, T], the row of the table for what each token could have been. table:
        uint8 [K, ceil(V / 8)], of all micro-batches; see `losses.AllowedTokens`. Both None for any.
    """

    tokens: jax.Array
    segments: jax.Array
    bucket: jax.Array
    images: jax.Array | None
    pictures: jax.Array
    row: jax.Array
    first: jax.Array
    length: jax.Array
    reward: jax.Array
    reference: jax.Array
    context_mean: jax.Array
    context_std: jax.Array
    context_count: jax.Array
    context_quantile: jax.Array
    old: jax.Array | None = None
    reference_tokens: jax.Array | None = None
    choices: jax.Array | None = None
    allowed: jax.Array | None = None
    table: jax.Array | None = None


BY_TOKEN = ("old", "reference_tokens", "choices", "allowed")  # arrays [M, E, T] of online training


def batch_shardings(mesh: Mesh, *, pictures: bool, by_token: tuple[str, ...] = ()) -> Batch:
    """How a batch is sharded: rows over data and fsdp, tokens over context, the rest replicated.

    by_token: those of BY_TOKEN that the batch has; with "allowed" it has a table too.
    """
    rows = NamedSharding(mesh, PartitionSpec(None, ("data", "fsdp")))
    tokens = NamedSharding(mesh, PartitionSpec(None, ("data", "fsdp"), "context"))
    layout = Batch(**dict.fromkeys(Batch.__dataclass_fields__, replicated(mesh)))
    images = rows if pictures else None
    absent = {name: None for name in BY_TOKEN if name not in by_token}
    if "allowed" in absent:
        absent["table"] = None
    return layout.replace(tokens=tokens, segments=tokens, images=images, pictures=rows, **absent)


def examples(training_set: TrainingSet, loss: str, loss_kwargs: dict) -> np.ndarray:
    """The examples of an epoch of this loss: rows int32 [K], or pairs of rows int32 [K, 2].

    Raises InputError if there are none.
    """
    options = LOSSES[loss].options | dict(loss_kwargs)
    needs = LOSSES[loss].requires(options)
    if "pairs" in needs:
        rows = preference_pairs(training_set)
        wanted = "a preference pair (one context with rewards >= 4 and <= 3.5, a gap >= 1)"
    elif "filtered" in needs:
        rows = filter_by_reward(training_set, options["threshold"])
        wanted = f"a trajectory with reward >= {options['threshold']}"
    elif "best" in needs:
        rows, wanted = best_rows(training_set), "a trajectory"
    elif "contexts" in needs:
        contexts = training_set.context_id
        rows = np.flatnonzero(np.bincount(contexts)[contexts] > 1).astype(np.int32)
        wanted = "two trajectories of one context"
    else:
        rows, wanted = np.arange(len(training_set.reward), dtype=np.int32), "a trajectory"
    if not len(rows):
        raise InputError(f"loss {loss!r}: the data holds not one example, {wanted}; add some")
    return rows


class Schedule:
    """The examples of every step, in a new order every epoch.

    examples: rows of the training set, int32 [K], or pairs, int32 [K, 2]. group: int [N], by row;
    the examples of a step are of one group. A batch takes the next ones of its group and continues
    into the next epoch, so none is left out. Batches are ordered by their last examples.
    """

    def __init__(self, examples: np.ndarray, group: np.ndarray, *, seed: int, batch_size: int):
        self.examples, self._seed = examples, seed
        self.size = batch_size // (1 if examples.ndim == 1 else 2)
        self._group = group[examples.reshape(len(examples), -1)[:, 0]]
        self._batches = np.zeros((0, self.size), int)

    def __call__(self, step: int) -> np.ndarray:
        """The rows of the batch of `step` (from 0), int32 [batch_size]; pairs one after another."""
        if step >= len(self._batches):
            self._batches = self._first(max(64, 2 * step))
        return self.examples[self._batches[step]].reshape(-1)

    def _first(self, steps: int) -> np.ndarray:
        groups = np.unique(self._group)
        epochs = -(-(steps + len(groups)) * self.size // len(self.examples))
        keys = ([self._seed, epoch] for epoch in range(epochs))
        generators = (np.random.Generator(np.random.Philox(key=key)) for key in keys)
        order = np.concatenate([g.permutation(len(self.examples)) for g in generators])
        batches, ends = [], []
        for group in groups:
            places = np.flatnonzero(self._group[order] == group)
            places = places[: len(places) // self.size * self.size].reshape(-1, self.size)
            batches.append(order[places])
            ends.append(places[:, -1])
        return np.concatenate(batches)[np.argsort(np.concatenate(ends))][:steps]


def split_microbatches(
    rows: np.ndarray, parts: int, rows_per_example: int, length: np.ndarray | None = None
) -> np.ndarray:
    """Splits the rows of a batch into micro-batches, [B] -> [parts, B / parts].

    rows_per_example: 2 for pairs, whose rows are adjacent in [B] and become [chosen; rejected].
    length: int [N], tokens of each row of the training set. If it is given, examples of similar
    length go together, otherwise they are distributed in turn.
    """
    if length is None:
        split = rows.reshape(-1, parts, rows_per_example).swapaxes(0, 1)
    else:
        examples = rows.reshape(-1, rows_per_example)
        order = np.argsort(length[examples].max(axis=1), kind="stable")
        split = examples[order].reshape(parts, -1, rows_per_example)
    return split.swapaxes(1, 2).reshape(parts, -1)


def fill_rate(batch: Batch, lengths: tuple[int, ...]) -> float:
    """The share of computed positions that hold a token, given a layout's row lengths."""
    places = np.take(lengths, batch.bucket).sum() * batch.segments.shape[1]
    return float(np.count_nonzero(batch.segments) / places)


class Assembler:
    """Makes batches of rows of a training set, on the host.

    layout: of the micro-batches; one that does not fit gets more rows, a multiple of `devices`.
    reference: float32 [N], log-probabilities under the reference policy; 0 by default. every_token:
    the completion is every token of a row but the first. own_rows: the rows whose pictures are
    filled in; those of other hosts stay black.
    """

    def __init__(
        self,
        training_set: TrainingSet,
        layout: Layout,
        *,
        reference: np.ndarray | None = None,
        devices: int = 1,
        every_token: bool = False,
        own_rows: Rows = lambda shape: [slice(None)],
    ):
        rewards, contexts = training_set.reward, training_set.context_id
        self.data, self.layout = training_set, layout
        self.reference = np.zeros(len(rewards), np.float32) if reference is None else reference
        statistics = context_statistics(rewards, contexts, int(contexts.max()) + 1)
        self.context_mean, self.context_std, self.context_count = map(np.asarray, statistics)
        quantiles = context_quantiles(rewards, contexts, int(contexts.max()) + 1)
        self.context_quantile = np.asarray(quantiles)
        self.devices, self.every_token, self.own_rows = devices, every_token, own_rows

    def __call__(self, examples: np.ndarray) -> Batch:
        """The batch of these rows of the training set, int [M, E]."""
        if self.layout.most == 1:
            packed = [[[example] for example in range(len(rows))] for rows in examples]
        else:
            room = self.layout.length, self.layout.most
            packed = [pack(self.data.length[rows], *room) for rows in examples]
        rows = max(len(p) for p in packed)
        rows = max(self.layout.rows, round_up(rows, self.devices))
        shape = (len(examples), rows, self.layout.length)
        tokens, segments = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        row, first, length = (np.zeros(examples.shape, np.int32) for _ in range(3))
        for m, part in enumerate(packed):
            for r, members in enumerate(part):
                at = 0
                for number, example in enumerate(members, 1):
                    source = examples[m, example]
                    size, prompt = self.data.length[source], self.data.prompt_length[source]
                    tokens[m, r, at : at + size] = self.data.tokens[source, :size]
                    segments[m, r, at : at + size] = number
                    row[m, example], first[m, example] = r, at + prompt
                    length[m, example] = size - prompt
                    at += size
        if self.every_token:
            first[:], length[:] = 1, self.layout.length - 1
        needed = self.data.length[examples].max(axis=1)  # packed rows have one length
        images, pictures = self._pictures(examples, packed, rows)
        return Batch(
            tokens=tokens,
            segments=segments,
            bucket=np.searchsorted(self.layout.lengths, needed).astype(np.int32),
            images=images,
            pictures=pictures,
            row=row,
            first=first,
            length=length,
            reward=self.data.reward[examples],
            reference=self.reference[examples],
            context_mean=self.context_mean[examples],
            context_std=self.context_std[examples],
            context_count=self.context_count[examples],
            context_quantile=self.context_quantile[examples],
        )

    def _pictures(self, examples, packed, rows: int):
        """Batch.images and Batch.pictures."""
        pictures = np.zeros((len(examples), rows), np.int32)
        if not self.data.images:
            return None, pictures
        shape = self.data.images[self.data.image[examples[0, 0]]].shape
        # Untouched pages of zeros take no memory.
        images = np.zeros((*pictures.shape, self.layout.most, *shape), np.uint8)
        own = np.zeros(rows, bool)
        for part in self.own_rows(images.shape):
            own[part] = True
        for m, part in enumerate(packed):
            for r, members in enumerate(part):
                shown = self.data.image[examples[m, members]]
                shown = shown[shown >= 0]
                pictures[m, r] = len(shown)
                for place, image in enumerate(shown if own[r] else ()):
                    images[m, r, place] = self.data.images[image]
        return images, pictures


def mesh_assembler(training_set: TrainingSet, layout: Layout, mesh: Mesh, **options) -> Assembler:
    """The assembler of this host's batches of a mesh; options: those of `Assembler`."""
    own = batch_shardings(mesh, pictures=True).images
    return Assembler(
        training_set,
        layout,
        devices=mesh.shape["data"] * mesh.shape["fsdp"],
        own_rows=lambda shape: [i[1] for i in own.addressable_devices_indices_map(shape).values()],
        **options,
    )
