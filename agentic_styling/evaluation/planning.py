"""A planner's answers to all cases, with their own pictures and with another case's."""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentic_styling.evaluation.baselines import identity
from agentic_styling.planner import PLAN_FORMS, Planner
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, PlanError
from agentic_styling.utils.errors import InputError


class Answer(NamedTuple):
    """What a method answers to a case: a plan, or an invalid text, whose plan is the identity."""

    plan: Plan
    valid: bool
    text: str | None = None


def parse(text: str, form: str = "json") -> Answer:
    """A text, written in a form of `PLAN_FORMS`, as an answer."""
    try:
        return Answer(PLAN_FORMS[form].read(text), True)
    except PlanError:
        return Answer(identity(), False, text)


def derangement(count: int, seed: int) -> np.ndarray:
    """A permutation [count] without a fixed point: one cycle through all, in random order.

    Raises InputError below two cases, where there is none.
    """
    if count < 2:
        raise InputError(f"cases: {count} case cannot swap pictures; evaluate at least 2")
    order = np.random.default_rng(seed).permutation(count)
    shuffled = np.empty(count, np.int64)
    shuffled[order] = np.roll(order, 1)
    return shuffled


def check_answerable(
    directory: Path, images: np.ndarray, goals: Sequence[str], *, states, constrained, **options
) -> None:
    """Raises InputError for what `planner_answers` would be refused, without reading weights."""
    planner = Planner.from_pretrained(directory, weights=False)
    contexts = _true_contexts(planner, states, constrained)
    options |= {"states": states, "constrained": constrained, "contexts": contexts}
    try:
        planner.check(images, goals, **options)
    except InputError as error:
        raise InputError(f"{directory}: {error}") from error


def _true_contexts(planner: Planner, states, constrained: bool) -> list[dict] | None:
    """The contexts that a planner would state if it read every picture right."""
    # A text planner is given them; without the grammar it is asked how a planner writes unaided.
    if planner.modality == "text" or not constrained:
        return None
    return [{name: state.get(name, UNKNOWN) for name in DIMENSIONS} for state in states]


def planner_answers(
    directory: Path,
    images: np.ndarray,
    goals: Sequence[str],
    *,
    states: Sequence[Mapping[str, str]],
    seed: int,
    constrained: bool,
    perception: bool = True,
    kept: Sequence[MutableMapping[int, list[str]] | None] = (None, None, None),
    **sampling,
) -> tuple[list[Answer], list[Answer] | None, list[Answer] | None]:
    """One answer per case, of its own picture, of another's (`derangement`), from the true context.

    A case always keeps its own goal. The third answers, to the case's own picture, begin with the
    true context; None where that is not asked, see `_true_contexts`. Without `perception` only the
    first are asked for.

    states: what a text planner reads in place of the pictures. kept: the texts of all three that an
    interrupted call left, by row; those of this are added. sampling: temperature and
    max_new_tokens; see `Planner.plan`.
    """
    planner = Planner.from_pretrained(directory)

    def answers(order, texts, contexts=None) -> list[Answer]:
        shown = [states[row] for row in order]
        options = {"seed": seed, "constrained": constrained, "kept": texts, "contexts": contexts}
        read = planner.complete(images[order], goals, states=shown, **options, **sampling)
        return [parse(text, planner.form) for (text,) in read]

    every, contexts = np.arange(len(goals)), _true_contexts(planner, states, constrained)
    own = answers(every, kept[0])
    if not perception:
        return own, None, None
    other = answers(derangement(len(goals), seed), kept[1])
    return own, other, contexts and answers(every, kept[2], contexts)
