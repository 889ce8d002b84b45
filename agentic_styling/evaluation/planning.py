"""A planner's texts for all cases, with its own pictures or with another case's."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentic_styling.evaluation.baselines import identity
from agentic_styling.tools import Plan, PlanError
from agentic_styling.utils.errors import InputError


class Answer(NamedTuple):
    """What a method gave for a case: a plan, or the text that was none (it counts as identity)."""

    plan: Plan
    valid: bool
    text: str | None = None


def parse(text: str) -> Answer:
    """A generated text as an answer; a text that is no valid plan does nothing to the picture."""
    try:
        return Answer(Plan.from_json(text), True)
    except PlanError:
        return Answer(identity(), False, text)


def derangement(count: int, seed: int) -> np.ndarray:
    """A permutation [count] without a fixed point: one cycle through all, in random order.

    Raises InputError below two cases, where there is none.
    """
    if count < 2:
        raise InputError(f"cases: {count} case cannot trade pictures; evaluate at least 2")
    order = np.random.default_rng(seed).permutation(count)
    shuffled = np.empty(count, np.int64)
    shuffled[order] = np.roll(order, 1)
    return shuffled


def planner_answers(
    directory: Path,
    images: np.ndarray,
    goals: list[str],
    *,
    temperature: float,
    seed: int,
    max_new_tokens: int,
) -> tuple[list[Answer], list[Answer]]:
    """One answer a case, reading its own picture and then another's (`derangement`).

    `images` is uint8 [N, H, W, 3]; the goal is always the case's own.
    """
    from agentic_styling.planner import Planner

    planner = Planner.from_pretrained(directory)
    others = images[derangement(len(goals), seed)]
    answers = []
    for pictures in (images, others):
        texts = planner.complete(
            pictures, goals, temperature=temperature, seed=seed, max_new_tokens=max_new_tokens
        )
        answers.append([parse(samples[0]) for samples in texts])
    return answers[0], answers[1]
