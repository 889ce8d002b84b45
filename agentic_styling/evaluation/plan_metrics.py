"""How well a plan's actions match the request, and its context the true state."""

import math
from collections.abc import Iterable, Mapping

from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Step


def actions(steps: Iterable[Step]) -> frozenset[tuple[str, str]]:
    """The (tool, target) pairs of composed steps; order, repetition and strength are ignored."""
    return frozenset((step.tool, step.parameters[VOCABULARY[step.tool].target]) for step in steps)


def action_scores(steps: Iterable[Step], requested: Iterable[Step]) -> dict[str, float]:
    """Precision, recall, F1 and IoU in [0, 1] of a plan's actions against the requested ones.

    All are 1 if the plan does nothing and nothing was requested, and 0 if something was.
    """
    done, asked = actions(steps), actions(requested)
    if not done and not asked:
        return {"precision": 1.0, "recall": 1.0, "f1": 1.0, "iou": 1.0}
    hits = len(done & asked)
    return {
        "precision": hits / len(done) if done else 0.0,
        "recall": hits / len(asked) if asked else 0.0,
        "f1": 2 * hits / (len(done) + len(asked)),
        "iou": hits / len(done | asked),
    }


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


def known_accuracy(hits: Mapping[str, bool], state: Mapping[str, str]) -> float:
    """Share right among the dimensions that the state sets; NaN if it sets none."""
    known = [hit for name, hit in hits.items() if is_known(state, name)]
    return sum(known) / len(known) if known else math.nan
