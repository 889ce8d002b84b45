"""The report's numbers: headline, methods, parts of the score, paired differences."""

import math

from agentic_styling.evaluation.report.figures import axis, interval_strip
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.results import WITHOUT_CONTEXT
from agentic_styling.rewards import PARTS

# name: (letter, name, one line)
LABELS = {
    "edit_only": ("E", "Edit only", "The goal’s literal words as tool calls, without a planner"),
    "baseline": ("B", "Untrained", "The same planner before any training"),
    "standard": ("S", "Standard", "Imitates every plan of the teacher alike"),
    "reward_filtered": ("R", "Reward-filtered", "Imitates only the plans that scored well"),
    "reward_weighted": ("RW", "Reward-weighted", "Weighs each plan by its reward"),
    "standardized_reward_weighted": (
        "SW",
        "Standardized reward-weighted",
        "Weighs each plan by its reward against the average",
    ),
    "dpo": ("D", "DPO", "Prefers the better of two plans for one picture"),
    "teacher_best": ("T", "Teacher’s best", "The ceiling: a teacher that knows the true state"),
    "identity": ("0", "Identity", "Does nothing"),
    "random": ("?", "Random", "Random tools and options at full strength"),
    "strongest": ("!", "Strongest", "The most drastic option of eight tools"),
}
PART_HEADS = {
    "instruction_following": "Instruc\u00adtion",
    "visual_quality": "Quality",
    "transformation_strength": "Strength",
    "coherence": "Cohe\u00adrence",
    "semantic_accuracy": "Meaning",
    "technical_execution": "Tech\u00adnique",
}
REWARD_TICKS = (0, 1, 2, 3, 4, 5)


def labels(name: str) -> tuple[str, str, str]:
    """Letter, name and one line of a method; any other planner goes by its own name."""
    spoken = name.replace("_", " ")
    return LABELS.get(name, (spoken[:2].upper(), spoken, ""))


def badge(name: str) -> Markup:
    """The method's letter in its colour, its name for a screen reader."""
    letter, spoken, _ = labels(name)
    return tag("abbr", letter, class_=f"badge {kind(name)}", title=spoken)


def row_head(name: str, line: bool = False) -> Markup:
    """A row's heading: the badge, the name, and the one line that explains it when asked."""
    _, spoken, words = labels(name)
    named = tag("span", tag("b", spoken), tag("small", words) if line else None)
    return tag("th", tag("span", badge(name), named, class_="method"), scope="row")


def kind(name: str) -> str:
    """Style of a method: what was trained, what was not, and the ceiling."""
    if name == "teacher_best":
        return "ceiling"
    return "untrained" if name in ("baseline", *WITHOUT_CONTEXT) else "trained"


def main_method(methods: dict) -> str:
    """The method that the page speaks of first: S, or else a trained planner, or else any."""
    trained = [name for name in methods if kind(name) == "trained"]
    return "standard" if "standard" in methods else [*trained, *methods][0]


def number(value: float | None, digits: int = 2, sign: bool = False) -> str:
    """A number with a true minus sign; a dash for none."""
    if value is None:
        return "–"
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "\u2212")


def per_cent(value: float | None) -> str:
    """A share in [0, 1] in per cent, without the sign; a dash for none."""
    return "–" if value is None else f"{100 * value:.0f}"


def share(value: float | None) -> str:
    """A share in [0, 1] as per cent; a dash for none."""
    return "–" if value is None else per_cent(value) + "\u202f%"


def between(interval: dict, sign: bool = False) -> str:
    """The ends of an interval."""
    return f"{number(interval['low'], 2, sign)} to {number(interval['high'], 2, sign)}"


def headline(results: dict) -> Markup:
    """Four numbers that say how it went."""
    methods = results["methods"]
    main = main_method(methods)
    letter, spoken, _ = labels(main)
    numbers = methods[main]
    notes = [
        f"{labels(name)[1].lower()} {number(methods[name]['reward']['mean'])}"
        for name in ("edit_only", "baseline", "teacher_best")
        if name in methods and name != main
    ]
    note = ", ".join(notes)
    if "held_out_reward" in numbers:
        held_out = number(numbers["held_out_reward"]["mean"])
        note += f"{'; ' if notes else ''}held-out reward of {letter} {held_out}"
    tiles = [
        (
            number(numbers["reward"]["mean"]),
            f"reward out of 5: {spoken.lower()} ({letter})",
            note,
        ),
        (
            share(numbers["valid_plans"]),
            f"of {letter}’s texts are valid plans",
            "the rest do nothing",
        ),
    ]
    shuffled = numbers["shuffled_images"]
    if numbers["context_accuracy_known"] is not None:
        without = shuffled and shuffled["context_accuracy_known"]
        tiles.append(
            (
                share(numbers["context_accuracy_known"]),
                "of what the picture shows is read right",
                f"{share(without)} when shown another picture" if without is not None else "",
            )
        )
    if results["paired"]:
        tiles.append(_gains(results["paired"]))
    return tag(
        "dl",
        *[
            tag("div", tag("dt", words), tag("dd", big), tag("dd", small, class_="note"))
            for big, words, small in tiles
        ],
        class_="tiles",
    )


def _gains(paired: dict) -> tuple[str, str, str]:
    """The tile on how many post-trained methods gained over S."""
    both = all("both" in pair for pair in paired.values())
    above = [
        labels(name.removesuffix("_minus_standard"))[0]
        for name, pair in paired.items()
        if (pair["both"] == "both rose" if both else pair["low"] > 0)
    ]
    words = "post-trained planners are clearly above S" + (" by both rewards" if both else "")
    return f"{len(above)} of {len(paired)}", words, " and ".join(above)


def _rewards(spoken: str, both: list[tuple[dict | None, str]], low, high, ticks, **how) -> list:
    """Cells of a plot and two numbers; `both`: interval (None where not measured) and style."""
    strips, cells = [], []
    sign, mark = how.get("sign", False), how.get("mark")
    for (interval, style), name in zip(both, ("reward", "held-out"), strict=True):
        if interval is None:
            cells.append(tag("td", "–", data_label=name))
            continue
        mean, ends = number(interval["mean"], 2, sign), between(interval, sign)
        said = f"{spoken}, {name}: {mean}, {ends}"
        style = f"{style} {name}"
        strips.append(interval_strip(interval, low, high, ticks, label=said, kind=style, mark=mark))
        cells.append(tag("td", tag("b", mean), tag("small", ends), data_label=name))
    return [tag("td", *strips, class_="plot"), *cells]


def method_table(methods: dict) -> Markup:
    """Both rewards with intervals, valid plans, context and actions, one row a method."""
    ceiling = methods.get("teacher_best")
    heads = ("Method", None, "Reward", "Held-out", "Valid", "Context", "Actions F1")
    head = [tag("th", text if text else axis(REWARD_TICKS, 0, 5), scope="col") for text in heads]
    mark = ceiling["reward"]["mean"] if ceiling else None
    rows = []
    for name, numbers in methods.items():
        both = [(numbers.get(reward), kind(name)) for reward in ("reward", "held_out_reward")]
        rows.append(
            tag(
                "tr",
                row_head(name, line=True),
                *_rewards(labels(name)[1], both, 0, 5, REWARD_TICKS, mark=mark),
                tag("td", share(numbers["valid_plans"]), data_label="valid"),
                tag("td", share(numbers["context_accuracy_known"]), data_label="context"),
                tag("td", share(numbers["actions"]["f1"]), data_label="actions F1"),
            )
        )
    return tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), class_="methods")


def heat_cell(value: float | None, shown: str, note: str = "") -> Markup:
    """A table cell tinted by a value in [0, 1]."""
    tint = None if value is None else f"--v:{value:.3f}"
    return tag("td", shown, tag("small", note) if note else None, class_="heat", style=tint)


def parts_table(methods: dict) -> Markup:
    """The six parts of the score, one row a method."""
    heads = [tag("th", PART_HEADS[part], scope="col") for part in PARTS]
    rows = [
        tag(
            "tr",
            row_head(name),
            *[
                heat_cell(
                    part["mean"] / 100,
                    number(part["mean"], 0),
                    f"±{(part['high'] - part['low']) / 2:.0f}",
                )
                for part in (numbers["parts"][part] for part in PARTS)
            ],
        )
        for name, numbers in methods.items()
    ]
    return scrolling(tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *rows))


def scrolling(*content: Markup) -> Markup:
    """A grid of numbers that scrolls sideways on a narrow screen."""
    return tag("div", tag("table", *content, class_="grid"), class_="scroll", tabindex="0")


def paired_table(paired: dict) -> Markup:
    """Each post-trained method against S, case by case, with the verdict of both rewards."""
    pairs = {name: (pair, pair.get("held_out_reward")) for name, pair in paired.items()}
    every = [pair for both in pairs.values() for pair in both if pair]
    far = max(max(abs(pair["low"]), abs(pair["high"])) for pair in every)
    reach = max(0.1, math.ceil(10 * far) / 10)
    ticks = (-reach, 0, reach)
    rows = []
    for key, both in pairs.items():
        name, styles = key.removesuffix("_minus_standard"), [_direction(pair) for pair in both]
        spoken = f"{labels(name)[1]} minus Standard"
        styled = list(zip(both, styles, strict=True))
        agreed = styles[0] if styles[1] in (styles[0], "") else "unclear"
        verdict = paired[key].get("both", paired[key]["verdict"])
        rows.append(
            tag(
                "tr",
                row_head(name),
                *_rewards(spoken, styled, -reach, reach, ticks, mark=0, sign=True),
                tag("td", verdict, class_=f"verdict {agreed}"),
            )
        )
    heads = (None, axis(ticks, -reach, reach), "Reward", "Held-out", None)
    head = tag("tr", *[tag("th", text, scope="col" if text else None) for text in heads])
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="methods paired")


def _direction(pair: dict | None) -> str:
    if pair is None:
        return ""
    return "above" if pair["low"] > 0 else "below" if pair["high"] < 0 else "unclear"
