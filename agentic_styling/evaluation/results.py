"""Aggregates the records of cases into the numbers of results.json.

A record is a line of cases.jsonl: {id, photo, goal, theme, explicit, state, request, shown,
methods: {name: {valid, text, plan, context, reward, held_out_reward, scores, overall, actions,
shuffled}}}. `context` is None if the output is not a valid plan; `shuffled`, the same method given
another case's picture, is None or {valid, context, reward}.
"""

import numpy as np

from agentic_styling.evaluation.bootstrap import (
    bootstrap_mean,
    joint_verdict,
    paired_difference,
    verdict,
)
from agentic_styling.evaluation.plan_metrics import (
    context_accuracy,
    context_hits,
    is_known,
    known_accuracy,
)
from agentic_styling.rewards import PARTS
from agentic_styling.tools import DIMENSIONS

METHODS = (
    "edit_only",
    "baseline",
    "standard",
    "reward_filtered",
    "reward_weighted",
    "standardized_reward_weighted",
    "dpo",
    "teacher_best",
)
POST_TRAINED = METHODS[3:7]
# These state no context, so their context accuracy is not measured.
WITHOUT_CONTEXT = ("edit_only", "identity", "random", "strongest")


def _mean(values) -> float | None:
    """Mean of the finite values; None if there is none, as JSON has no NaN."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else None


def _contexts(entries: list[dict], states: list[dict]) -> dict[str, np.ndarray]:
    """Per case [N]: accuracy over all dimensions, and over those that the state sets (or NaN)."""
    hits = [context_hits(e["context"], s) for e, s in zip(entries, states, strict=True)]
    return {
        "context_accuracy": np.array([context_accuracy(hit) for hit in hits]),
        "context_accuracy_known": np.array(
            [known_accuracy(hit, state) for hit, state in zip(hits, states, strict=True)]
        ),
    }


def _per_dimension(entries: list[dict], states: list[dict]) -> dict:
    """Share right for each dimension: over all cases, and over the cases whose state sets it."""
    hits = [context_hits(e["context"], s) for e, s in zip(entries, states, strict=True)]
    known = {
        name: [h[name] for h, s in zip(hits, states, strict=True) if is_known(s, name)]
        for name in DIMENSIONS
    }
    return {
        "context_accuracy_per_dimension": {n: _mean([h[n] for h in hits]) for n in DIMENSIONS},
        "context_accuracy_known_per_dimension": {n: _mean(known[n]) for n in DIMENSIONS},
    }


def _true_minus_shuffled(own: dict, other: dict, **options) -> dict:
    """Paired intervals of reading the case's own picture minus reading another case's."""
    differences = {}
    for name, values in own.items():
        both = np.isfinite(values) & np.isfinite(other[name])
        if both.any():
            difference = paired_difference(values[both], other[name][both], **options)
            differences[name] = difference._asdict()
    return differences


def aggregate_method(
    entries: list[dict], states: list[dict], *, reads_context: bool = True, **options
) -> dict:
    """The numbers of one method.

    Args:
      entries: the method's part of each case's record.
      states: the true state of each case.
      reads_context: whether the method states a context; if not, its accuracies are None.
      **options: of the bootstrap (samples, seed).
    """
    rewards = np.array([entry["reward"] for entry in entries])
    held_out = [entry["held_out_reward"] for entry in entries]
    numbers = {
        "reward": bootstrap_mean(rewards, **options)._asdict(),
        "held_out_reward": bootstrap_mean(held_out, **options)._asdict(),
        "overall": bootstrap_mean([e["overall"] for e in entries], **options)._asdict(),
        "parts": {
            part: bootstrap_mean([e["scores"][part] for e in entries], **options)._asdict()
            for part in PARTS
        },
        "valid_plans": _mean([entry["valid"] for entry in entries]),
        "actions": {
            name: _mean([entry["actions"][name] for entry in entries])
            for name in ("precision", "recall", "f1", "iou")
        },
        "context_accuracy": None,
        "context_accuracy_known": None,
        "context_accuracy_per_dimension": dict.fromkeys(DIMENSIONS),
        "context_accuracy_known_per_dimension": dict.fromkeys(DIMENSIONS),
        "shuffled_images": None,
    }
    own = {"reward": rewards}
    if reads_context:
        own |= _contexts(entries, states)
        numbers |= {name: _mean(own[name]) for name in own if name != "reward"}
        numbers |= _per_dimension(entries, states)
    shuffled = [entry["shuffled"] for entry in entries]
    if None not in shuffled:
        other = {"reward": np.array([entry["reward"] for entry in shuffled])}
        if reads_context:
            other |= _contexts(shuffled, states)
        numbers["shuffled_images"] = {
            "reward": bootstrap_mean(other["reward"], **options)._asdict(),
            "context_accuracy": _mean(other.get("context_accuracy", [])),
            "context_accuracy_known": _mean(other.get("context_accuracy_known", [])),
            "valid_plans": _mean([entry["valid"] for entry in shuffled]),
            "true_minus_shuffled": _true_minus_shuffled(own, other, **options),
        }
    return numbers


def paired_with_standard(records: list[dict], names: list[str], **options) -> dict:
    """`<method>_minus_standard` for each post-trained method, paired by case.

    Each holds the interval and verdict of the reward, those of the held-out reward under
    `held_out_reward`, and the joint verdict under `both`.
    """

    def minus_standard(name, reward):
        pair = [[record["methods"][n][reward] for record in records] for n in (name, "standard")]
        return paired_difference(*pair, **options)

    paired = {}
    for name in POST_TRAINED:
        if name in names and "standard" in names:
            both = [minus_standard(name, reward) for reward in ("reward", "held_out_reward")]
            own, held_out = ({**each._asdict(), "verdict": verdict(each)} for each in both)
            paired[f"{name}_minus_standard"] = {
                **own,
                "held_out_reward": held_out,
                "both": joint_verdict(*both),
            }
    return paired


def aggregate(records: list[dict], *, samples: int, seed: int) -> dict:
    """The number of cases, the numbers of each method, and the paired differences.

    Args:
      records: one per case, see above; all hold the same methods.
      samples: bootstrap draws per interval.
      seed: of the draws.
    """
    names = list(records[0]["methods"])
    states = [record["state"] for record in records]
    options = {"samples": samples, "seed": seed}
    methods = {
        name: aggregate_method(
            [record["methods"][name] for record in records],
            states,
            reads_context=name not in WITHOUT_CONTEXT,
            **options,
        )
        for name in names
    }
    return {
        "cases": len(records),
        "methods": methods,
        "paired": paired_with_standard(records, names, **options),
    }
