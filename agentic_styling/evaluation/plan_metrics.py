"""How well a plan's actions match the request, and its context the true state."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from agentic_styling.tools import DIMENSIONS, UNKNOWN, Step

ACTION_SCORES = ("precision", "recall", "f1", "iou", "priority_correlation")


def actions(steps: Iterable[Step]) -> tuple[tuple[str, str], ...]:
    """The (tool, target) pairs of composed steps, each once, in order; strength is ignored."""
    return tuple(dict.fromkeys((step.tool, step.option) for step in steps))


def action_scores(steps: Iterable[Step], requested: Iterable[Step]) -> dict[str, float | None]:
    """ACTION_SCORES of a plan's actions against the requested ones.

    Precision, recall, F1 and IoU are in [0, 1]: all 1 if the plan does nothing and nothing was
    requested, and 0 if something was. See also `priority_correlation`.
    """
    done, asked = actions(steps), actions(requested)
    hits, either = len(set(done) & set(asked)), len(set(done) | set(asked))
    nothing = float(not either)
    return {
        "precision": hits / len(done) if done else nothing,
        "recall": hits / len(asked) if asked else nothing,
        "f1": 2 * hits / (len(done) + len(asked)) if either else nothing,
        "iou": hits / either if either else nothing,
        "priority_correlation": priority_correlation(done, asked),
    }


def priority_correlation(done: Sequence, asked: Sequence) -> float | None:
    """Kendall's tau, in [-1, 1], of the priorities that two plans give the actions of both.

    None if they share fewer than two of the actions, which are by priority and each once.

    Source: Kendall 1938, "A New Measure of Rank Correlation".
    """
    places = [done.index(action) for action in asked if action in done]
    same = [first < second for first, second in itertools.combinations(places, 2)]
    return 2 * sum(same) / len(same) - 1 if same else None


def context_hits(context: Mapping[str, str] | None, state: Mapping[str, str]) -> dict[str, bool]:
    """For each dimension, whether the context names the true state.

    Args:
      context: dimension -> what the planner read, a missing one being "unknown"; None, for an
        invalid plan, is wrong in every dimension.
      state: dimension -> the true option, a missing one being "unknown".
    """
    if context is None:
        return dict.fromkeys(DIMENSIONS, False)
    return {name: context.get(name, UNKNOWN) == state.get(name, UNKNOWN) for name in DIMENSIONS}


def is_known(state: Mapping[str, str], dimension: str) -> bool:
    """Whether the state sets this dimension, so that the picture shows something to read."""
    return state.get(dimension, UNKNOWN) != UNKNOWN


def context_accuracy(hits: Mapping[str, bool]) -> float:
    """Share of the ten dimensions that are right; "unknown" is an answer like any other."""
    return sum(hits.values()) / len(hits)
