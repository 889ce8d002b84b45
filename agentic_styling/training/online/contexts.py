"""The contexts that plans are sampled for: of a set, or fresh ones of photographs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import FrozenConfigDict

from agentic_styling.data import Trajectory, read_trajectories
from agentic_styling.data.pipeline import Context
from agentic_styling.data.scoring import that_ask
from agentic_styling.data.stream import open_stream
from agentic_styling.tools import Step
from agentic_styling.training.batches.batches import Schedule
from agentic_styling.utils.errors import InputError

SAMPLED = 256  # contexts of a stream from which the lengths of rows are chosen


class OnlineContext(NamedTuple):
    """A picture and a goal, and what the reward compares a plan's result with.

    image: uint8 [H, W, 3]. stored: plans of a set and their rewards, which stand in place of
    samples; None where plans are sampled.
    """

    name: str
    image: np.ndarray
    goal: str
    state: dict[str, str]
    request: tuple[Step, ...]
    stored: tuple[tuple[str, float], ...] | None = None


class SetContexts:
    """The contexts of every round from the train split of config.data, in a new order every epoch.

    A share config.online.offline_share of those of a round come with the plans that the set has for
    them. Contexts without a request for an edit cannot be scored and are left out. Raises
    InputError where none is left.

    Attributes:
      samples: all of them, from which the lengths of rows are chosen.
    """

    def __init__(self, config: FrozenConfigDict):
        by_context: dict[str, list[Trajectory]] = {}
        for row in read_trajectories(config.data, "train"):
            by_context.setdefault(row.context_id, []).append(row)
        asking = that_ask([by_context[name][0] for name in sorted(by_context)])
        self._contexts = [by_context[row.context_id] for row in asking]
        if not self._contexts:
            raise InputError(
                f"config.data: {config.data} has no context with a request to score plans against; "
                "build a set, or give config.stream.photos"
            )
        online = config.online
        self._plans = online.plans
        self._stored = round(online.offline_share * online.contexts)
        sizes = [rows[0].image.shape[:2] for rows in self._contexts]
        group = np.unique(sizes, axis=0, return_inverse=True)[1].reshape(-1)
        self._schedule = Schedule(
            np.arange(len(group)), group, seed=config.seed, batch_size=online.contexts
        )

        self.samples = [_of_set(rows, 0) for rows in self._contexts]

    def __call__(self, number: int) -> list[OnlineContext]:
        """The contexts of a round, numbered from 0; those with stored plans are the last ones."""
        chosen = [self._contexts[row] for row in self._schedule(number)]
        fresh = len(chosen) - self._stored
        return [_of_set(rows, self._plans if i >= fresh else 0) for i, rows in enumerate(chosen)]


def _of_set(rows: Sequence[Trajectory], stored: int) -> OnlineContext:
    first = rows[0]
    taken = [rows[i % len(rows)] for i in range(stored)]  # repeated where there are fewer
    plans = tuple((row.plan.to_json(), row.reward) for row in taken)
    return OnlineContext(
        first.context_id, first.image, first.goal, first.state, first.request, plans or None
    )


class StreamContexts:
    """The contexts of every round from config.stream: each is new, and none is seen twice.

    Attributes:
      samples: of the first rounds, with black pictures.
    """

    def __init__(self, config: FrozenConfigDict):
        fields = config.stream
        self._stream = open_stream(fields.photos, dict(fields.goals), fields.size, config.seed)
        self._count = config.online.contexts
        self.samples = _of_stream(self._stream.texts(0, SAMPLED))

    def __call__(self, number: int) -> list[OnlineContext]:
        """The contexts of a round, numbered from 0."""
        return _of_stream(self._stream(number, self._count))


def _of_stream(examples: Sequence[Context]) -> list[OnlineContext]:
    return [OnlineContext(c.id, c.pixels, c.goal.text, c.state, c.goal.request) for c in examples]


def open_contexts(config: FrozenConfigDict) -> SetContexts | StreamContexts:
    """The contexts of config.stream, where it names photographs, or else of config.data."""
    return StreamContexts(config) if config.stream.photos else SetContexts(config)
