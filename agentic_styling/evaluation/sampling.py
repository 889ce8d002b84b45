"""What a planner does at temperature 1, which the one greedy plan of a case does not show."""

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agentic_styling.evaluation.planning import Answer, parse
from agentic_styling.planner import Completion, Planner


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
    max_new_tokens; the others as in `planning.planner_answers`.
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
