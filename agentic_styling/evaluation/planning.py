"""A planner's answers to all cases: of their own pictures, of others', and at temperature 1."""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentic_styling.evaluation.baselines import identity
from agentic_styling.planner import PLAN_FORMS, Completion, Planner
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, PlanError
from agentic_styling.utils.errors import InputError


class Answer(NamedTuple):
    """What a method answers to a case: a plan, or an invalid text, whose plan is the identity."""

    plan: Plan
    valid: bool
    text: str | None = None


class Samples(NamedTuple):
    """Of one case, N answers at temperature 1 and their log-probabilities in nats.

    logps: of the tokens that had an alternative, summed, N; choices: how many these were, N.
    standard_logps: the same under S, N, or None. valid_unaided: whether the text without the
    grammar, at the temperature of the evaluation, is a valid plan.
    """

    answers: list[Answer]
    logps: list[float]
    choices: list[int]
    standard_logps: list[float] | None
    valid_unaided: bool


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


def sampled_answers(
    directory: Path,
    standard: Path | None,
    images: np.ndarray,
    goals: Sequence[str],
    *,
    states: Sequence[Mapping[str, str]],
    samples: int,
    temperature: float,
    constrained: bool,
    kept: Sequence[MutableMapping[int, list] | None] = (None, None, None),
    **options,
) -> list[Samples]:
    """Samples of a planner for each case.

    standard: the planner S, which the samples are compared with if its tokens are the same; None
    for no comparison. temperature: of the text without the grammar. kept: what an interrupted call
    left of samples, of texts without the grammar and of scores under S. options: seed and
    max_new_tokens; the others as in `planner_answers`.
    """
    planner = Planner.from_pretrained(directory)
    form, vocabulary = planner.form, planner.tokenizer.vocabulary()
    options |= {"states": states}
    sampling = {"num_samples": samples, "temperature": 1.0, "constrained": constrained}
    made = planner.score(images, goals, kept=kept[0], **sampling, **options)
    unaided = planner.complete(
        images, goals, temperature=temperature, constrained=False, kept=kept[1], **options
    )
    del planner  # there may not be room for two
    under_standard = [None] * len(goals)
    if standard == directory:
        under_standard = [[each.logp for each in own] for own in made]
    elif standard:
        given = {"constrained": constrained, "kept": kept[2], **options}
        under_standard = _scored_by(standard, vocabulary, images, goals, made, **given)
    return [
        Samples(
            [parse(each.text, form) for each in own],
            [each.logp for each in own],
            [each.choices for each in own],
            logps,
            parse(text, form).valid,
        )
        for own, (text,), logps in zip(made, unaided, under_standard, strict=True)
    ]


def _scored_by(
    standard: Path,
    vocabulary: dict[str, int],
    images,
    goals,
    made: list[list[Completion]],
    *,
    states,
    **given,
) -> list[list[float] | None]:
    """The log-probabilities of each case's samples under S; None if its tokens are others."""
    planner = Planner.from_pretrained(standard)
    if planner.tokenizer.vocabulary() != vocabulary:
        return [None] * len(goals)
    rows = [row for row, own in enumerate(made) for _ in own]
    tokens = [each.tokens for own in made for each in own]
    goals, states = [goals[row] for row in rows], [states[row] for row in rows]
    scored = planner.score(images[rows], goals, tokens=tokens, states=states, **given)
    logps = iter([each.logp for (each,) in scored])
    return [[next(logps) for _ in own] for own in made]
