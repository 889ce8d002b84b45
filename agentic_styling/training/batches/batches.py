"""Which examples a step takes, and how they are laid into a batch.

The examples of a step are a pure function of (seed, step): not of the mesh, of the number of hosts
or of where a run was interrupted.
"""

from collections.abc import Callable

import flax.struct
import jax
import numpy as np
from jax.sharding import Mesh

from agentic_styling.data.storage.training_set import (
    TrainingSet,
    filter_by_reward,
    preference_pairs,
    scored_rows,
)
from agentic_styling.losses import LOSSES, context_statistics
from agentic_styling.training.batches.packing import Layout, pack
from agentic_styling.training.mesh import replicated, rows_sharding, tokens_sharding
from agentic_styling.utils.errors import InputError

Rows = Callable[[tuple[int, ...]], list[slice]]  # of an array's shape, those of this host


@flax.struct.dataclass
class Batch:
    """What one train step reads: M micro-batches of R rows of S tokens, holding E examples.

    tokens: int32 [M, R, S]; segments: int32 [M, R, S], 1, 2, .. for the examples of a row one after
    the other, 0 for padding. bucket: int32 [M], which of the layout's lengths of rows holds all of
    a micro-batch's tokens. images: uint8 [M, R, K, H, W, 3], the picture of each segment, or None
    where no picture is shown; pictures: int32 [M, R], how many there are.
    row, first, length: int32 [M, E], where an example's completion is: tokens[row, first : first +
    length].
    reward: float32 [M, E]; reference: float32 [M, E], the completion's log-probability under the
    reference policy (0 where the loss needs none). context: float32 [M, E, 3], mean, std and count
    of the rewards of the example's context. Examples of pairs are [chosen; rejected].
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
    context: jax.Array


def batch_shardings(mesh: Mesh, *, pictures: bool) -> Batch:
    """How a batch lies on a mesh; what is known of examples is on every device."""
    rows, whole = rows_sharding(mesh), replicated(mesh)
    layout = Batch(**dict.fromkeys(Batch.__dataclass_fields__, whole))
    return layout.replace(
        tokens=tokens_sharding(mesh),
        segments=tokens_sharding(mesh),
        images=rows if pictures else None,
        pictures=rows,
    )


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
        found = filter_by_reward(training_set, options["threshold"])
        wanted = f"a trajectory with reward >= {options['threshold']}"
    elif "contexts" in needs:
        found = np.flatnonzero(context_columns(training_set)[:, 2] > 1).astype(np.int32)
        wanted = "two trajectories of one context"
    else:
        found, wanted = scored_rows(training_set), "a trajectory"
    if not len(found):
        raise InputError(f"loss {loss!r}: the data holds not one example, {wanted}; add some")
    return found


class Schedule:
    """The examples of every step: found, int32 [K] or pairs [K, 2], in a new order every epoch.

    group: int [N], by row of the training set; the examples of a step are of one group. A batch
    takes the next of its group and runs on over an epoch's end, so no example is left out; it
    stands where its last example would.
    """

    def __init__(self, found: np.ndarray, group: np.ndarray, *, seed: int, batch_size: int):
        self.found, self._seed = found, seed
        self.size = batch_size // (1 if found.ndim == 1 else 2)
        self._group = group[found.reshape(len(found), -1)[:, 0]]
        self._batches = np.zeros((0, self.size), int)

    def __call__(self, step: int) -> np.ndarray:
        """The rows of the batch of `step` (from 0), int32 [batch_size]; pairs one after another."""
        if step >= len(self._batches):
            self._batches = self._first(max(64, 2 * step))
        return self.found[self._batches[step]].reshape(-1)

    def _first(self, steps: int) -> np.ndarray:
        groups = np.unique(self._group)
        epochs = -(-(steps + len(groups)) * self.size // len(self.found))
        order = np.concatenate([self._permutation(epoch) for epoch in range(epochs)])
        batches, ends = [], []
        for group in groups:
            places = np.flatnonzero(self._group[order] == group)
            places = places[: len(places) // self.size * self.size].reshape(-1, self.size)
            batches.append(order[places])
            ends.append(places[:, -1])
        return np.concatenate(batches)[np.argsort(np.concatenate(ends))][:steps]

    def _permutation(self, epoch: int) -> np.ndarray:
        generator = np.random.Generator(np.random.Philox(key=[self._seed, epoch]))
        return generator.permutation(len(self.found))


def context_columns(training_set: TrainingSet) -> np.ndarray:
    """Mean, std and count of the rewards of each row's context, float32 [N, 3]."""
    contexts = training_set.context_id
    found = context_statistics(training_set.reward, contexts, int(contexts.max()) + 1)
    return np.stack(found, axis=1)


def deal(
    rows: np.ndarray, parts: int, of_example: int, length: np.ndarray | None = None
) -> np.ndarray:
    """Rows of a batch to micro-batches, [B] -> [parts, B / parts]; pairs to [chosen; rejected].

    of_example: 2 for pairs, whose rows stand one after another; else 1. length: int [N], tokens of
    each row of the training set; examples of like length then go together, otherwise in turn.
    """
    if length is None:
        dealt = rows.reshape(-1, parts, of_example).swapaxes(0, 1)
    else:
        examples = rows.reshape(-1, of_example)
        order = np.argsort(length[examples].max(axis=1), kind="stable")
        dealt = examples[order].reshape(parts, -1, of_example)
    return dealt.swapaxes(1, 2).reshape(parts, -1)


def filled(batch: Batch, lengths: tuple[int, ...]) -> float:
    """Share of the places that a step computes which hold a token, for a layout's lengths."""
    places = np.take(lengths, batch.bucket).sum() * batch.segments.shape[1]
    return float(np.count_nonzero(batch.segments) / places)


def whole_rows(shape: tuple[int, ...]) -> list[slice]:
    """All rows, [R]: those of the only host."""
    return [slice(None)]


class Assembler:
    """Rows of the training set to a batch, on the host.

    training_set; layout: of its micro-batches, made larger by whole `devices` rows where one does
    not fit; reference: float32 [N]; context: float32 [N, 3]. every_token: everything in a row but
    its first token counts as its example's completion. own_rows: pictures of other hosts' rows are
    left black.
    """

    def __init__(
        self,
        training_set: TrainingSet,
        layout: Layout,
        *,
        reference: np.ndarray | None = None,
        context: np.ndarray | None = None,
        devices: int = 1,
        every_token: bool = False,
        own_rows: Rows = whole_rows,
    ):
        count = len(training_set.reward)
        self.data, self.layout = training_set, layout
        self.reference = np.zeros(count, np.float32) if reference is None else reference
        self.context = np.zeros((count, 3), np.float32) if context is None else context
        self.devices, self.every_token, self.own_rows = devices, every_token, own_rows

    def __call__(self, dealt: np.ndarray) -> Batch:
        """dealt: int [M, E], rows of the training set."""
        packed = [self._pack(rows) for rows in dealt]
        rows = max(len(p) for p in packed)
        rows = max(self.layout.rows, -(-rows // self.devices) * self.devices)
        shape = (len(dealt), rows, self.layout.length)
        tokens, segments = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        row, first, length = (np.zeros(dealt.shape, np.int32) for _ in range(3))
        for m, part in enumerate(packed):
            for r, members in enumerate(part):
                at = 0
                for number, example in enumerate(members, 1):
                    source = dealt[m, example]
                    size, prompt = self.data.length[source], self.data.prompt_length[source]
                    tokens[m, r, at : at + size] = self.data.tokens[source, :size]
                    segments[m, r, at : at + size] = number
                    row[m, example], first[m, example] = r, at + prompt
                    length[m, example] = size - prompt
                    at += size
        if self.every_token:
            first[:], length[:] = 1, self.layout.length - 1
        needed = self.data.length[dealt].max(axis=1)  # packed rows have one length
        images, pictures = self._pictures(dealt, packed, rows)
        return Batch(
            tokens=tokens,
            segments=segments,
            bucket=np.searchsorted(self.layout.lengths, needed).astype(np.int32),
            images=images,
            pictures=pictures,
            row=row,
            first=first,
            length=length,
            reward=self.data.reward[dealt],
            reference=self.reference[dealt],
            context=self.context[dealt],
        )

    def _pack(self, rows: np.ndarray) -> list[list[int]]:
        if self.layout.most == 1:
            return [[example] for example in range(len(rows))]
        return pack(self.data.length[rows], self.layout.length, self.layout.most)

    def _pictures(self, dealt, packed, rows: int):
        pictures = np.zeros((len(dealt), rows), np.int32)
        if not self.data.images:
            return None, pictures
        shape = self.data.images[self.data.image[dealt[0, 0]]].shape
        # Zeros that nobody writes to take no memory.
        images = np.zeros((*pictures.shape, self.layout.most, *shape), np.uint8)
        own = np.zeros(rows, bool)
        for part in self.own_rows(images.shape):
            own[part] = True
        for m, part in enumerate(packed):
            for r, members in enumerate(part):
                pictures[m, r] = len(members)
                for place, example in enumerate(members if own[r] else ()):
                    images[m, r, place] = self.data.images[self.data.image[dealt[m, example]]]
        return images, pictures
