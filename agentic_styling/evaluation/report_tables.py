"""The report's numbers: headline, methods, parts, paired differences, looking, context."""

import math

from agentic_styling.evaluation.figures import axis, dumbbell, interval_strip
from agentic_styling.evaluation.markup import Markup, tag
from agentic_styling.evaluation.results import WITHOUT_CONTEXT
from agentic_styling.rewards import PARTS
from agentic_styling.tools import DIMENSIONS

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
SHARE_TICKS = (0, 0.25, 0.5, 0.75, 1)


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
    others = [
        f"{labels(name)[1].lower()} {number(methods[name]['reward']['mean'])}"
        for name in ("edit_only", "baseline", "teacher_best")
        if name in methods and name != main
    ]
    tiles = [
        (
            number(numbers["reward"]["mean"]),
            f"reward out of 5: {spoken.lower()} ({letter})",
            ", ".join(others),
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
    above = [name for name, pair in results["paired"].items() if pair["low"] > 0]
    if results["paired"]:
        tiles.append(
            (
                f"{len(above)} of {len(results['paired'])}",
                "post-trained planners are clearly above S",
                " and ".join(labels(name.removesuffix("_minus_standard"))[0] for name in above)
                or "none excludes 0",
            )
        )
    return tag(
        "dl",
        *[
            tag("div", tag("dt", words), tag("dd", big), tag("dd", small, class_="note"))
            for big, words, small in tiles
        ],
        class_="tiles",
    )


def method_table(methods: dict) -> Markup:
    """Reward with interval, valid plans, context and actions, one row a method."""
    ceiling = methods.get("teacher_best")
    heads = ("Method", None, "Reward", "Valid", "Context", "Actions F1")
    head = [tag("th", text if text else axis(REWARD_TICKS, 0, 5), scope="col") for text in heads]
    rows = []
    for name, numbers in methods.items():
        spoken = labels(name)[1]
        reward = numbers["reward"]
        said = f"{spoken}: {number(reward['mean'])}, {between(reward)}"
        mark = ceiling["reward"]["mean"] if ceiling else None
        strip = interval_strip(reward, 0, 5, REWARD_TICKS, label=said, kind=kind(name), mark=mark)
        rows.append(
            tag(
                "tr",
                row_head(name, line=True),
                tag("td", strip, class_="plot"),
                tag("td", tag("b", number(reward["mean"])), tag("small", between(reward))),
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
    return _scroll(tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *rows))


def _scroll(*content: Markup) -> Markup:
    return tag("div", tag("table", *content, class_="grid"), class_="scroll", tabindex="0")


def paired_table(paired: dict) -> Markup:
    """Each post-trained method against S, case by case, with the verdict in words."""
    far = max(max(abs(pair["low"]), abs(pair["high"])) for pair in paired.values())
    reach = max(0.1, math.ceil(10 * far) / 10)
    ticks = (-reach, 0, reach)
    rows = []
    for key, pair in paired.items():
        name = key.removesuffix("_minus_standard")
        spoken = labels(name)[1]
        words = f"{number(pair['mean'], 2, True)} ({between(pair, True)})"
        said = f"{spoken} minus Standard: {words}, {pair['verdict']}"
        colour = "above" if pair["low"] > 0 else "below" if pair["high"] < 0 else "unclear"
        strip = interval_strip(pair, -reach, reach, ticks, label=said, kind=colour, mark=0)
        rows.append(
            tag(
                "tr",
                row_head(name),
                tag("td", strip, class_="plot"),
                tag(
                    "td", tag("b", number(pair["mean"], 2, True)), tag("small", between(pair, True))
                ),
                tag("td", pair["verdict"], class_=f"verdict {colour}"),
            )
        )
    head = tag("tr", tag("th"), tag("th", axis(ticks, -reach, reach)), tag("th"), tag("th"))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="methods paired")


def looking_table(methods: dict) -> Markup:
    """Context read from the true picture against another case's, and what that does to reward."""
    rows = []
    for name, numbers in methods.items():
        shuffled = numbers["shuffled_images"]
        if not shuffled or shuffled["context_accuracy_known"] is None:
            continue
        own, other = numbers["context_accuracy_known"], shuffled["context_accuracy_known"]
        if own is None:
            continue
        spoken = labels(name)[1]
        said = f"{spoken}: {share(own)} with its own picture, {share(other)} with another"
        change = shuffled["true_minus_shuffled"]["reward"]
        rows.append(
            tag(
                "tr",
                row_head(name),
                tag("td", dumbbell(own, other, 0, 1, SHARE_TICKS, label=said), class_="plot"),
                tag("td", tag("b", share(own)), tag("small", f"{share(other)} shuffled")),
                tag(
                    "td",
                    tag("b", number(change["mean"], 2, True)),
                    tag("small", between(change, True)),
                    data_label="reward gained by looking",
                ),
            )
        )
    heads = (None, axis(SHARE_TICKS, 0, 1, "{:.0%}"), "Read right", "Reward gained by looking")
    head = tag("tr", *[tag("th", text, scope="col") for text in heads])
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="methods looking")


def context_table(methods: dict) -> Markup:
    """Context accuracy per dimension: among cases that set it (large) and among all (small)."""
    readers = [name for name, n in methods.items() if n["context_accuracy"] is not None]
    known, every = "context_accuracy_known_per_dimension", "context_accuracy_per_dimension"
    heads = [tag("th", badge(name), scope="col") for name in readers]
    rows = [
        tag(
            "tr",
            tag("th", dimension.replace("_", " "), scope="row"),
            *[
                heat_cell(
                    methods[name][known][dimension],
                    per_cent(methods[name][known][dimension]),
                    per_cent(methods[name][every][dimension]),
                )
                for name in readers
            ],
        )
        for dimension in DIMENSIONS
    ]
    return _scroll(tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *rows))
