"""Aggregates the records of cases into the numbers of results.json.

A record is a line of cases.jsonl: {id, photo, goal, theme, explicit, state, request, shown,
methods: {name: {valid, text, plan, context, reward, held_out_reward, scores, overall, actions,
shuffled}}}. `context` is None if the output is not a valid plan; `shuffled`, the same method given
another case's picture, is None or {valid, context, reward}. Where a planner was also asked to go on
from the true context, `true_context` is {valid, reward}. Of a method with several training runs
this is the first, and `more_runs` has the others alike.

Where samples at temperature 1 were drawn too, `sampled` is {reward, held_out_reward, logps,
choices, standard_logps, best_of_context, valid_unaided}: of each sample its rewards, the
log-probability of its tokens that had an alternative, how many these were, and their
log-probability under S (or None); the reward of the best plan that the data has for the case; and
whether the planner's own text is a valid plan without the grammar.
"""

from collections.abc import Callable, Iterable

import numpy as np

from agentic_styling.evaluation.bootstrap import (
    bootstrap_mean,
    joint_verdict,
    paired_difference,
    verdict,
)
from agentic_styling.evaluation.perception import perception
from agentic_styling.evaluation.plan_metrics import ACTION_SCORES, context_hits, is_known
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
ZERO_SHOT = "zero_shot"  # how the names of planners that never saw our plans begin


def _mean(values) -> float | None:
    """Mean of the finite values; None if there is none, as JSON has no NaN."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else None


def _contexts(entries: list[dict], states: list[dict], reads: bool) -> dict[str, np.ndarray]:
    """Whether each dimension is right, [N, D], and the same where the state sets it; else NaN."""
    pairs = zip(entries, states, strict=True)
    hits = np.array([list(context_hits(e["context"], s).values()) for e, s in pairs], float)
    hits = hits if reads else np.full_like(hits, np.nan)
    known = [[is_known(state, name) for name in DIMENSIONS] for state in states]
    return {"context_accuracy": hits, "context_accuracy_known": np.where(known, hits, np.nan)}


def _true_minus_shuffled(own: dict, other: dict, photos: np.ndarray, **options) -> dict:
    """Paired intervals of reading the case's own picture minus reading another case's."""
    differences = {}
    for name, values in own.items():
        known = np.isfinite(values[0]) & np.isfinite(other[name][0])  # the same in all runs
        if known.any():
            gained = (values - other[name])[:, known]
            interval = bootstrap_mean(gained, clusters=photos[known], **options)
            differences[name] = interval._asdict()
    return differences


def aggregate_method(
    runs: list[list[dict]],
    states: list[dict],
    photos: np.ndarray,
    *,
    reads_context: bool,
    **options,
) -> dict:
    """The numbers of one method; runs: of each training run, its part of each case's record.

    photos: of each case the cluster in which it is resampled. reads_context: whether the method
    states a context; if not, its accuracies are None. options: of the bootstrap (samples, seed).
    """
    entries, states = [entry for run in runs for entry in run], states * len(runs)

    def by_run(values) -> np.ndarray:
        return np.reshape(values, (len(runs), -1))

    def interval(values) -> dict:
        return bootstrap_mean(by_run(values), clusters=photos, **options)._asdict()

    def rewards_and_shares(read: list[dict], contexts: dict[str, np.ndarray]) -> dict:
        """By case the reward, and the shares of dimensions read right, NaN without any."""
        shares = {n: np.ma.masked_invalid(x).mean(1).filled(np.nan) for n, x in contexts.items()}
        columns = {"reward": [entry["reward"] for entry in read]} | shares
        return {name: by_run(values) for name, values in columns.items()}

    contexts = _contexts(entries, states, reads_context)
    own = rewards_and_shares(entries, contexts)
    numbers = {
        "seeds": len(runs),
        "reward": interval(own["reward"]),
        "held_out_reward": interval([entry["held_out_reward"] for entry in entries]),
        "overall": interval([entry["overall"] for entry in entries]),
        "parts": {part: interval([e["scores"][part] for e in entries]) for part in PARTS},
        "valid_plans": _mean([entry["valid"] for entry in entries]),
        "actions": {
            name: _mean([entry["actions"][name] for entry in entries]) for name in ACTION_SCORES
        },
    }
    if (sampled := at_temperature_1(entries, interval)) is not None:
        numbers["at_temperature_1"] = sampled
    for name, table in contexts.items():
        numbers[name] = _mean(own[name])
        numbers[f"{name}_per_dimension"] = dict(zip(DIMENSIONS, map(_mean, table.T), strict=True))
    shuffled = [entry["shuffled"] for entry in entries]
    if None in shuffled:
        return numbers | {"shuffled_images": None, "perception": None}
    other = rewards_and_shares(shuffled, _contexts(shuffled, states, reads_context))
    numbers["shuffled_images"] = {
        "reward": interval(other["reward"]),
        **{name: _mean(other[name]) for name in contexts},
        "valid_plans": _mean([entry["valid"] for entry in shuffled]),
        "true_minus_shuffled": _true_minus_shuffled(own, other, photos, **options),
    }
    numbers["perception"] = perception(entries, states, interval) if reads_context else None
    return numbers


def at_temperature_1(entries: list[dict], interval: Callable) -> dict | None:
    """The numbers of `sampled`, each the interval of a mean over cases; None without samples.

    reward, held_out_reward: of a sample. best: those of the sample of each case with the highest
    reward. regret: the reward of the best plan of the data minus that of a sample; greedy_regret:
    minus that of the evaluated plan. entropy, kl_to_standard: in nats a token that had an
    alternative; the second is None where S was not at hand.
    """
    sampled = [entry.get("sampled") for entry in entries]
    if None in sampled:
        return None
    best = [int(np.argmax(s["reward"])) for s in sampled]
    ceiling = np.array([s["best_of_context"] for s in sampled])
    reward = np.array([np.mean(s["reward"]) for s in sampled])
    kl = None
    if all(s["standard_logps"] for s in sampled):
        gaps = [np.subtract(s["logps"], s["standard_logps"]).sum() for s in sampled]
        kl = interval([gap / sum(s["choices"]) for gap, s in zip(gaps, sampled, strict=True)])
    return {
        "samples": len(sampled[0]["reward"]),
        "reward": interval(reward),
        "held_out_reward": interval([np.mean(s["held_out_reward"]) for s in sampled]),
        "best": {
            name: interval([s[name][k] for s, k in zip(sampled, best, strict=True)])
            for name in ("reward", "held_out_reward")
        },
        "regret": interval(ceiling - reward),
        "greedy_regret": interval(ceiling - [entry["reward"] for entry in entries]),
        "entropy": interval([-sum(s["logps"]) / sum(s["choices"]) for s in sampled]),
        "kl_to_standard": kl,
        "valid_unaided": interval([s["valid_unaided"] for s in sampled]),
    }


def pairs_of(methods: Iterable[str]) -> list[tuple[str, str]]:
    """Which of these methods are compared: S with Edit only, and every post-trained one with S."""
    others = {"baseline", "standard", "teacher_best", *WITHOUT_CONTEXT}
    trained = [n for n in methods if n not in others and not n.startswith(ZERO_SHOT)]
    pairs = [("standard", "edit_only"), *((name, "standard") for name in trained)]
    return [pair for pair in pairs if set(pair) <= set(methods)]


def paired_differences(runs: dict[str, list[list[dict]]], photos: np.ndarray, **options) -> dict:
    """`<first>_minus_<second>` for each of `pairs_of`, paired by case; `runs` by method.

    Each holds the interval and verdict of the reward, those of the held-out reward under
    `held_out_reward`, and the joint verdict under `both`; and where both methods have samples, the
    same of their means under `at_temperature_1`.
    """

    def differences(pair, value: Callable) -> dict:
        both = []
        for reward in ("reward", "held_out_reward"):
            values = [[[value(entry, reward) for entry in run] for run in runs[n]] for n in pair]
            both.append(paired_difference(*values, clusters=photos, **options))
        own, held_out = ({**each._asdict(), "verdict": verdict(each)} for each in both)
        return own | {"held_out_reward": held_out, "both": joint_verdict(*both)}

    paired = {}
    for pair in pairs_of(runs):
        own = differences(pair, lambda entry, reward: entry[reward])
        if all("sampled" in entry for name in pair for run in runs[name] for entry in run):
            own["at_temperature_1"] = differences(
                pair, lambda entry, reward: np.mean(entry["sampled"][reward])
            )
        paired["_minus_".join(pair)] = own
    return paired


def runs_of(records: list[dict], name: str) -> list[list[dict]]:
    """Of each training run of a method, its entry of each case."""
    entries = [record["methods"][name] for record in records]
    more = zip(*(entry.get("more_runs", ()) for entry in entries), strict=True)
    return [entries, *map(list, more)]


def in_order(named: dict) -> dict:
    """The items with the known methods first, in the order of `METHODS`."""
    return {name: named[name] for name in dict.fromkeys([*METHODS, *named]) if name in named}


FEW = 6  # photographs below which a bootstrap over them is much too narrow


def aggregate(records: list[dict], *, samples: int, seed: int) -> dict:
    """The numbers of cases and photographs, those of each method, and the paired differences.

    Intervals are of `samples` bootstrap draws over photographs, and over training runs where a
    method has several; where all cases show one photograph, over cases.
    """
    states = [record["state"] for record in records]
    names, photos = np.unique([record["photo"] for record in records], return_inverse=True)
    options = {"samples": samples, "seed": seed}
    if len(names) == 1:
        photos = np.arange(len(records))
    runs = {name: runs_of(records, name) for name in in_order(records[0]["methods"])}
    methods = {
        name: aggregate_method(
            own, states, photos, reads_context=name not in WITHOUT_CONTEXT, **options
        )
        for name, own in runs.items()
    }
    paired = paired_differences(runs, photos, **options)
    for pair, difference in paired.items():
        first, _, second = pair.rpartition("_minus_")
        methods[first][f"minus_{second}"] = difference
    return {"cases": len(records), "photographs": len(names), "methods": methods, "paired": paired}
