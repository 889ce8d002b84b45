"""What planners read in pictures, option by option, and what reading it right is worth."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY

INVALID = "invalid"  # what a text that is not a plan reads


def confusion(
    contexts: Iterable[Mapping[str, str] | None], states: Iterable[Mapping[str, str]]
) -> dict[str, dict[str, dict[str, int]]]:
    """How often each option was read for each true one: dimension -> true -> read -> cases.

    Args:
      contexts: what was read in each case, see `context_hits`; None is `INVALID` everywhere.
      states: what is true. The cases that set no option of a dimension are under "unknown".

    Returns:
      All dimensions, in each what occurs, in the vocabulary's order.
    """
    pairs, confused = list(zip(contexts, states, strict=True)), {}
    for name in DIMENSIONS:
        options = (*VOCABULARY[name].options, UNKNOWN)
        counts = Counter(
            (state.get(name, UNKNOWN), INVALID if read is None else read.get(name, UNKNOWN))
            for read, state in pairs
        )
        rows = {
            true: {read: counts[true, read] for read in (*options, INVALID) if counts[true, read]}
            for true in options
        }
        confused[name] = {true: row for true, row in rows.items() if row}
    return confused


def perception(entries: Sequence[dict], states: Sequence[dict], interval: Callable) -> dict:
    """What a method read of its cases, and the reward of its plans from the true context.

    Args:
      entries: of the method (see results.py), with `shuffled`.
      states: the true ones.
      interval: the bootstrap of numbers, one an entry.

    Returns:
      dimensions: of each, and under `options` of each true option, the cases that set it, how many
        of them were read right, the share, and the share with another case's picture; shares are
        None without a case. `confusion` as of that function, for the dimension.
      reward_with_true_context, true_context_minus_own: intervals, if all have a `true_context`.
    """
    own = confusion((entry["context"] for entry in entries), states)
    other = confusion((entry["shuffled"]["context"] for entry in entries), states)
    numbers = {"dimensions": {}}
    for name, rows in own.items():
        options = {
            true: _counts({true: row}, other[name]) for true, row in rows.items() if true != UNKNOWN
        }
        every = _counts({true: rows[true] for true in options}, other[name])
        numbers["dimensions"][name] = every | {"options": options, "confusion": rows}
    if all("true_context" in entry for entry in entries):
        rewards = np.array([entry["true_context"]["reward"] for entry in entries])
        numbers["reward_with_true_context"] = interval(rewards)
        own_rewards = [entry["reward"] for entry in entries]
        numbers["true_context_minus_own"] = interval(rewards - own_rewards)
    return numbers


def _counts(own: dict, other: dict) -> dict:
    """Cases and right ones of some rows of a confusion, and of another with the same cases."""
    cases = sum(sum(row.values()) for row in own.values())
    right, shuffled = (sum(rows[true].get(true, 0) for true in own) for rows in (own, other))
    return {
        "cases": cases,
        "right": right,
        "accuracy": right / cases if cases else None,
        "shuffled_accuracy": shuffled / cases if cases else None,
    }
