"""The report's tables: methods, parts of the score, paired differences."""

import math

from agentic_styling.evaluation.report.figures import axis, interval_strip
from agentic_styling.evaluation.report.labels import (
    WORDS,
    badge,
    between,
    kind,
    labels,
    number,
    share,
)
from agentic_styling.evaluation.report.markup import Markup, tag

REWARD_TICKS = (0, 1, 2, 3, 4, 5)
SAMPLED_MEANS = ("regret", "greedy_regret", "entropy", "kl_to_standard")


def method_table(methods: dict) -> Markup:
    """Both rewards with intervals, valid plans, context and actions, one row per method."""
    ceiling = methods.get("teacher_best")
    mark = ceiling["reward"]["mean"] if ceiling else None
    rows = []
    for name, numbers in methods.items():
        both = [(numbers[reward], kind(name)) for reward in ("reward", "held_out_reward")]
        seeds = f"{numbers['seeds']} training runs" if numbers["seeds"] > 1 else ""
        about = "; ".join(filter(None, (labels(name)[2], seeds)))
        rows.append(
            [
                row_head(name, about),
                *_reward_cells(labels(name)[1], both, REWARD_TICKS, mark),
                tag("td", share(numbers["valid_plans"]), data_label="valid"),
                tag("td", share(numbers["context_accuracy_known"]), data_label="context"),
                tag("td", share(numbers["actions"]["f1"]), data_label="actions F1"),
            ]
        )
    heads = ("Method", axis(REWARD_TICKS), "Reward", "Held-out", "Valid", "Context", "Actions F1")
    return table(heads, rows, "methods")


def parts_table(methods: dict) -> Markup:
    """The six parts of the score, one row per method."""
    return _percent_table({name: n["parts"] for name, n in methods.items()}, WORDS["parts"])


def actions_table(methods: dict) -> Markup:
    """How the plans' actions match the requested ones, one row per method."""
    rows = []
    for name, numbers in methods.items():
        scores = [numbers["actions"][score] for score in WORDS["actions"]]
        cells = [heat_cell(score and max(score, 0), number(score)) for score in scores]
        rows.append([row_head(name), *cells])
    return scrolling([None, *WORDS["actions"].values()], rows)


def judged_tables(methods: dict) -> tuple[Markup, Markup]:
    """A judge's means of edits and of plans, one row per method that was judged."""
    judged = {name: n["judge"] for name, n in methods.items() if "judge" in n}
    plans = {name: means["plan"] for name, means in judged.items()}
    overall = {"overall": "Overall"}
    edits = _percent_table(judged, WORDS["parts"] | overall)
    return edits, _percent_table(plans, WORDS["plan_parts"] | overall)


def _percent_table(methods: dict, heads: dict[str, str]) -> Markup:
    """Means in percent, with half their interval, by method and score."""
    rows = [
        [row_head(name), *(_percent_cell(scores[score]) for score in heads)]
        for name, scores in methods.items()
    ]
    return scrolling([None, *heads.values()], rows)


def _percent_cell(value: dict | None) -> Markup:
    if value is None:
        return heat_cell(None, "–")
    half = f"±{(value['high'] - value['low']) / 2:.0f}"
    return heat_cell(value["mean"] / 100, number(value["mean"], 0), half)


def paired_table(paired: dict) -> Markup:
    """Differences of methods on the same cases, with the verdict of both rewards."""
    pairs = {name: (pair, pair["held_out_reward"]) for name, pair in paired.items()}
    ends = [abs(each[end]) for both in pairs.values() for each in both for end in ("low", "high")]
    reach = max(0.1, math.ceil(10 * max(ends)) / 10)
    ticks = (-reach, 0, reach)
    rows = []
    for key, both in pairs.items():
        name, _, base = key.rpartition("_minus_")
        minus = f"minus {labels(base)[1]}"
        styled = [(pair, _direction(pair)) for pair in both]
        (_, own), (_, held_out) = styled
        agreed = own if own == held_out else "unclear"
        rows.append(
            [
                row_head(name, minus),
                *_reward_cells(f"{labels(name)[1]} {minus}", styled, ticks, 0, sign=True),
                tag("td", paired[key]["both"], class_=f"verdict {agreed}"),
            ]
        )
    return table((None, axis(ticks), "Reward", "Held-out", None), rows, "methods paired")


def sampled_table(methods: dict, paired: dict) -> Markup:
    """What was measured at temperature 1, one row per method; see `results.at_temperature_1`."""
    rows = []
    for name, numbers in methods.items():
        minus = paired.get(f"{name}_minus_standard", {}).get("at_temperature_1")
        cells = [
            _interval_cell(numbers["reward"]),
            _interval_cell(numbers["held_out_reward"]),
            _interval_cell(minus, sign=True),
            _interval_cell(minus and minus["held_out_reward"], sign=True),
            heat_cell(None, minus["both"] if minus else "–"),
            _interval_cell(numbers["best"]["reward"]),
            *(_interval_cell(numbers[mean]) for mean in SAMPLED_MEANS),
            heat_cell(None, share(numbers["valid_unaided"]["mean"])),
        ]
        rows.append([row_head(name), *cells])
    return scrolling([None, *WORDS["sampled"]], rows)


def _interval_cell(value: dict | None, sign: bool = False) -> Markup:
    if value is None:
        return heat_cell(None, "–")
    return heat_cell(None, number(value["mean"], 2, sign), between(value, sign))


def table(heads, rows: list[list[Markup]], style: str) -> Markup:
    """A table of rows of cells; a heading of None is empty. style: CSS classes."""
    head = tag("tr", *[tag("th", text, scope="col" if text else None) for text in heads])
    body = [tag("tr", *cells) for cells in rows]
    return tag("table", tag("thead", head), tag("tbody", *body), class_=style)


def scrolling(heads, rows: list[list[Markup]], style: str = "grid") -> Markup:
    """A grid of numbers that scrolls sideways if the screen is too narrow."""
    return tag("div", table(heads, rows, style), class_="scroll", tabindex="0")


def row_head(name: str, words: str | None = None) -> Markup:
    """A row's heading: the badge, the name, and some words below it."""
    named = tag("span", tag("b", labels(name)[1]), None if words is None else tag("small", words))
    return tag("th", tag("span", badge(name), named, class_="method"), scope="row")


def heat_cell(value: float | None, shown: str, note: str | None = None) -> Markup:
    """A cell tinted by a value in [0, 1]."""
    tint = None if value is None else f"--v:{value:.3f}"
    small = tag("small", note) if note else None
    return tag("td", shown, small, class_="heat", style=tint)


def mean_cell(interval: dict | None, words: str, *, sign: bool = False) -> Markup:
    """A mean above the ends of its interval; words: the cell's name where rows are cards."""
    mean = number(interval and interval["mean"], 2, sign)
    ends = tag("small", between(interval, sign)) if interval else None
    return tag("td", tag("b", mean), ends, data_label=words)


def _reward_cells(spoken: str, both: list[tuple], ticks, mark, sign: bool = False) -> list[Markup]:
    """A plot and two numbers; `both` has the interval and CSS class of each reward."""
    strips, cells = [], []
    for (interval, style), name in zip(both, ("reward", "held-out"), strict=True):
        label = f"{spoken}, {name}: {number(interval['mean'], 2, sign)}, {between(interval, sign)}"
        strips.append(interval_strip(interval, ticks, f"{style} {name}", label=label, mark=mark))
        cells.append(mean_cell(interval, name, sign=sign))
    return [tag("td", *strips, class_="plot"), *cells]


def _direction(pair: dict) -> str:
    return "above" if pair["low"] > 0 else "below" if pair["high"] < 0 else "unclear"
