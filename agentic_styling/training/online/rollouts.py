"""Rollouts: plans that the policy samples for contexts, executed and scored on the device."""

import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agentic_styling.data.scoring import score_samples
from agentic_styling.planner import Planner, encode_completions
from agentic_styling.planner.decoding.completions import texts_of
from agentic_styling.tools import Plan
from agentic_styling.training.online.contexts import OnlineContext
from agentic_styling.utils.errors import InputError


class Sample(NamedTuple):
    """A completion.

    text: the plan as JSON. tokens: int32 [L], with the one that ends the turn. logps: float32 [L],
    of the tokens under the sampler, among those that the grammar allowed; NaN for a stored plan.
    free: bool [L], whether the grammar allowed another token.
    """

    text: str
    tokens: np.ndarray
    logps: np.ndarray
    free: np.ndarray


class Rollouts(NamedTuple):
    """G samples of each of C contexts, rewards float32 [C, G], and the seconds of each part."""

    contexts: list[OnlineContext]
    samples: list[list[Sample]]
    rewards: np.ndarray
    seconds: dict[str, float]

    def metrics(self) -> dict[str, float]:
        """Of the round, for people: what the rewards are and how far the samples differ."""
        lengths = [len(sample.tokens) for group in self.samples for sample in group]
        distinct = sum(len({sample.text for sample in group}) for group in self.samples)
        return {
            "reward_best": float(self.rewards.max(axis=1).mean()),
            "reward_within_std": float(self.rewards.std(axis=1).mean()),
            "dropped_contexts": float(equal_rewards(self.rewards).mean()),
            "distinct_plans": distinct / self.rewards.size,
            "plan_tokens": float(np.mean(lengths)),
        }


def equal_rewards(rewards: np.ndarray) -> np.ndarray:
    """Which contexts teach nothing, as all of their plans score alike, bool [C]."""
    return np.ptp(rewards, axis=1) < 1e-6


def roll_out(
    planner: Planner,
    contexts: Sequence[OnlineContext],
    count: int,
    *,
    seed: Sequence[int],
    max_new_tokens: int,
) -> Rollouts:
    """Samples plans at temperature 1 under the grammar, executes and scores them.

    Args:
      planner: with the sampler's parameters.
      contexts: C contexts, with pictures of one size.
      count: G, plans of a context.
      seed: numbers that name the round; samples and rewards are a function of it, the planner and
        the contexts.
      max_new_tokens: of a plan.

    Raises:
      InputError: a reward is not finite; it names the context.
    """
    sampling, executing = (int(n) for n in np.random.SeedSequence(seed).generate_state(2))
    fresh = [row for row, context in enumerate(contexts) if context.stored is None]
    asked = [contexts[row] for row in fresh]
    begun = time.perf_counter()
    samples: list[list[Sample]] = [_stored(planner, c) if c.stored else [] for c in contexts]
    if fresh:
        made = planner.decode(
            np.stack([c.image for c in asked]),
            [c.goal for c in asked],
            lambda result: _read(planner, result),
            states=[c.state for c in asked],
            num_samples=count,
            temperature=1.0,
            constrained=True,
            seed=sampling,
            max_new_tokens=max_new_tokens,
            numbers=fresh,
        )
        for row, group in zip(fresh, made, strict=True):
            samples[row] = group
    between = time.perf_counter()
    rewards = np.zeros((len(contexts), count), np.float32)
    for row, context in enumerate(contexts):
        if context.stored:
            rewards[row] = [reward for _, reward in context.stored]
    if fresh:
        rewards[fresh] = _score(asked, [samples[row] for row in fresh], executing)
    check_rewards(contexts, rewards)
    seconds = {"sampling": between - begun, "scoring": time.perf_counter() - between}
    return Rollouts(list(contexts), samples, rewards, seconds)


def check_rewards(contexts: Sequence[OnlineContext], rewards: np.ndarray) -> None:
    """Raises InputError naming the first context with a reward that is not finite."""
    bad = ~np.isfinite(rewards).all(axis=1)
    if bad.any():
        context = contexts[int(bad.argmax())]
        raise InputError(
            f"context {context.name}: a plan for {context.goal!r} has the reward "
            f"{rewards[bad.argmax()].min()}; look at its picture and request, or leave it out"
        )


def _score(contexts: Sequence[OnlineContext], samples: list[list[Sample]], seed: int) -> np.ndarray:
    """Rewards [C, G]; a plan that was sampled several times is executed once."""
    distinct = [list(dict.fromkeys(sample.text for sample in group)) for group in samples]
    most = max(map(len, distinct))
    texts = [own + own[:1] * (most - len(own)) for own in distinct]
    found = score_samples(
        np.stack([context.image for context in contexts]),
        [[Plan.from_json(json.loads(text)) for text in own] for own in texts],
        [context.request for context in contexts],
        seed=seed,
        label="scoring",
        held_out=False,
    )["reward"]
    places = [
        [own.index(sample.text) for sample in group]
        for own, group in zip(distinct, samples, strict=True)
    ]
    return np.take_along_axis(found, np.array(places), axis=1).astype(np.float32)


def _read(planner: Planner, result) -> list[Sample]:
    rows = zip(
        texts_of(planner.tokenizer, result),
        *map(np.asarray, (result.lengths, result.tokens, result.choice_logps, result.free)),
        strict=True,
    )
    return [Sample(text, *(array[:length] for array in arrays)) for text, length, *arrays in rows]


def _stored(planner: Planner, context: OnlineContext) -> list[Sample]:
    rows = encode_completions(planner.tokenizer, [text for text, _ in context.stored])
    return [
        Sample(text, np.int32(row), np.full(len(row), np.nan, np.float32), np.ones(len(row), bool))
        for row, (text, _) in zip(rows, context.stored, strict=True)
    ]
