"""How far annotators agree with each other, and how far the reward agrees with them.

Annotators decide by majority: an edit passes if more of them passed than failed it (a tie is left
out), and the edits of a context are ordered by their mean rank. Every interval is a bootstrap over
contexts, since the edits of a context share a photograph and a goal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import stats

from agentic_styling.data import read_trajectories
from agentic_styling.data.storage.trajectories import fingerprint
from agentic_styling.evaluation.annotation.alpha import alpha_of, coincidences
from agentic_styling.evaluation.annotation.answers import Answer, read_answers, subjects
from agentic_styling.evaluation.bootstrap import Interval, bootstrap_sums
from agentic_styling.evaluation.report.text_tables import aligned
from agentic_styling.utils.errors import InputError

PASS_REWARD = 4.0
TOP = 2


class Measure(NamedTuple):
    """A number with its interval, and how many of what it is computed from; NaN if undefined."""

    words: str
    interval: Interval
    count: int
    of: str


def agreement(dataset, answers: Iterable) -> dict[str, Measure]:
    """Prints how far annotators agree with each other and with the reward; returns `measure`.

    Args:
      dataset: directory of the data set that was annotated.
      answers: files of answers, or page directories that hold them.

    Raises:
      InputError: answers are missing, cannot be read, or belong to another data set.
    """
    trajectories = read_trajectories(dataset, image=False)
    data = fingerprint(trajectories)
    given = read_answers(answers, subjects(data, trajectories))
    if not given:
        raise InputError("agreement: the files hold no answers; annotate first")
    measures = measure(
        given, {t.id: t.context_id for t in trajectories}, {t.id: t.reward for t in trajectories}
    )
    print(f"{_people(given)}\n\n{_table(measures)}")
    return measures


def measure(
    answers: list[Answer], contexts: dict[str, str], rewards: dict[str, float]
) -> dict[str, Measure]:
    """All measures by name; contexts, rewards: of each trajectory id."""
    verdicts, ranks = _by_context(answers, contexts)
    passed = {
        name: {edit: np.mean(votes) for edit, votes in edits.items() if np.mean(votes) != 0.5}
        for name, edits in verdicts.items()
    }
    judged = [[(p > 0.5, rewards[e] >= PASS_REWARD) for e, p in x.items()] for x in passed.values()]
    orders = [
        ([np.mean(given) for given in edits.values()], [rewards[edit] for edit in edits])
        for edits in ranks.values()
    ]
    votes, places = ([[*own.values()] for own in given.values()] for given in (verdicts, ranks))
    return {
        "pass_rate": _share(
            "Passed, of all verdicts",
            [[sum(map(sum, edits)), sum(map(len, edits))] for edits in votes],
            "verdicts",
        ),
        "majority_pass_rate": _share(
            "Passed by most annotators",
            [[sum(human for human, _ in pairs), len(pairs)] for pairs in judged],
            "edits",
        ),
        "alpha_pass": _alpha("Alpha of pass and fail, nominal", votes, "nominal"),
        "alpha_ranks": _alpha("Alpha of ranks, ordinal", places, "ordinal"),
        "judge_pass": _share(
            f"Reward of {PASS_REWARD:g} or more, against pass",
            [[sum(human == judge for human, judge in pairs), len(pairs)] for pairs in judged],
            "edits",
        ),
        "judge_alpha": _alpha("The same beyond chance, alpha", judged, "nominal"),
        "judge_top_2": _share(
            f"The same {TOP} best",
            [[same_top(order, reward), 1] for order, reward in orders if len(order) > TOP],
            f"contexts of {TOP + 1} edits or more",
        ),
        "judge_pairs": _share(
            "Pairs in the same order", [pairs_alike(*pair) for pair in orders], "pairs"
        ),
        "judge_tau": _share(
            "Kendall's tau-b",
            [[tau, 1] for tau in (kendall_tau(*pair) for pair in orders) if not np.isnan(tau)],
            "contexts",
        ),
    }


def same_top(order, reward) -> float:
    """Whether the two best by mean rank [N], the lowest, are the two best by reward [N].

    0 or 1; where ties are broken at random, the probability of 1.
    """
    human, judge = _tops(-np.asarray(order, float)), _tops(np.asarray(reward, float))
    return len(human & judge) / (len(human) * len(judge))


def _tops(scores: np.ndarray) -> set[tuple[int, ...]]:
    """All sets of TOP rows that no other row beats; ties give several, equally likely."""
    last = np.sort(scores)[-TOP]
    sure, even = np.flatnonzero(scores > last), np.flatnonzero(scores == last)
    rest = combinations(even.tolist(), TOP - len(sure))
    return {tuple(sorted((*sure.tolist(), *chosen))) for chosen in rest}


def pairs_alike(order, reward) -> tuple[float, int]:
    """How many pairs the reward orders as annotators do (ties count half), and of how many.

    Pairs that annotators rank equal are left out; order, reward: see `same_top`.
    """
    human, judge = _signs(-np.asarray(order, float)), _signs(np.asarray(reward, float))
    return float(((1 + human * judge) / 2)[human != 0].sum()), int((human != 0).sum())


def kendall_tau(order, reward) -> float:
    """Kendall's tau-b of the arguments of `same_top`; NaN if either is all ties.

    Source: Kendall 1945, "The treatment of ties in ranking problems".
    """
    return float(stats.kendalltau(-np.asarray(order, float), reward).statistic)


def _signs(scores: np.ndarray) -> np.ndarray:
    """For every pair of rows: 1 if the first is greater, -1 if the second, 0 for a tie."""
    first, second = np.triu_indices(len(scores), 1)
    return np.sign(scores[first] - scores[second])


def mean_ranks(ranks: dict[str, int]) -> dict[str, float]:
    """Ranks from 1 up, where ties share the mean of their places."""
    return dict(zip(ranks, stats.rankdata(list(ranks.values())).tolist(), strict=True))


def _by_context(answers: list[Answer], contexts: dict[str, str]) -> tuple[dict, dict]:
    """Context -> edit -> whether each annotator passed it; and likewise the ranks they gave."""
    verdicts = defaultdict(lambda: defaultdict(list))
    ranks = defaultdict(lambda: defaultdict(list))
    for answer in sorted(answers, key=lambda answer: answer.subject):
        if answer.kind == "verdict":
            passed = answer.value == "pass"
            verdicts[contexts[answer.subject]][answer.subject].append(passed)
        else:
            for edit, rank in sorted(mean_ranks(answer.value).items()):
                ranks[answer.subject][edit].append(rank)
    return verdicts, ranks


def _share(words: str, parts: list, of: str) -> Measure:
    """A ratio of sums; `parts` [contexts, 2] holds numerator and denominator."""
    parts = [part for part in parts if part[1]]
    count = round(sum(part[1] for part in parts))
    return Measure(words, _interval(parts, lambda sums: sums[..., 0] / sums[..., 1]), count, of)


def _alpha(words: str, units: list[list], level: str) -> Measure:
    """Krippendorff's alpha; `units` holds, for each context, a list of ratings per unit."""
    units = [[list(map(float, unit)) for unit in context if len(unit) > 1] for context in units]
    units = [context for context in units if context]
    values = np.unique([rating for context in units for unit in context for rating in unit])
    matrices = [sum(coincidences([unit], values)[0] for unit in context) for context in units]
    count = sum(map(len, units))
    interval = _interval(matrices, lambda sums: alpha_of(sums, level))
    return Measure(words, interval, count, "edits rated twice or more")


def _interval(parts: list, statistic: Callable) -> Interval:
    """NaN without a context; no ends from a single context, whose bootstrap draws are all equal."""
    if not parts:
        return Interval(np.nan, np.nan, np.nan)
    interval = bootstrap_sums(parts, statistic)
    return interval if len(parts) > 1 else Interval(interval.mean, np.nan, np.nan)


def _people(answers: list[Answer]) -> str:
    rows = [("annotator", "verdicts", "passed", "rankings")]
    for name in sorted({answer.annotator for answer in answers}):
        own = [answer for answer in answers if answer.annotator == name]
        verdicts = [answer.value for answer in own if answer.kind == "verdict"]
        share = f"{verdicts.count('pass') / len(verdicts):.2f}" if verdicts else "-"
        rows.append((name, str(len(verdicts)), share, str(len(own) - len(verdicts))))
    return aligned(rows)


def _table(measures: dict[str, Measure]) -> str:
    rows = [("", "", "95% interval", "from")]
    for words, (mean, low, high), count, of in measures.values():
        value = "-" if np.isnan(mean) else f"{mean:.2f}"
        ends = "-" if np.isnan(low) else f"[{low:.2f}, {high:.2f}]"
        rows.append((words, value, ends, f"{count} {of}"))
    return aligned(rows)
