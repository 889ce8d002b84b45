"""The report's tables of what planners read in pictures, and what that is worth."""

from agentic_styling.evaluation.perception import INVALID
from agentic_styling.evaluation.report.cases import plain
from agentic_styling.evaluation.report.figures import FRAGMENTS, axis, dumbbell
from agentic_styling.evaluation.report.labels import badge, labels, main_method, number, share
from agentic_styling.evaluation.report.markup import Markup, fill, tag
from agentic_styling.evaluation.report.tables import (
    REWARD_TICKS,
    heat_cell,
    mean_cell,
    row_head,
    scrolling,
    table,
)
from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY

SHARE_TICKS = (0, 0.25, 0.5, 0.75, 1)


def looking_table(methods: dict) -> Markup:
    """Context read from the true picture and from another case's, and the effect on the reward."""
    rows = []
    for name, numbers in methods.items():
        shuffled = numbers["shuffled_images"] or {}
        own, other = numbers["context_accuracy_known"], shuffled.get("context_accuracy_known")
        if own is None or other is None:
            continue
        spoken = (
            f"{labels(name)[1]}: {share(own)} with its own picture, {share(other)} with another"
        )
        rows.append(
            [
                row_head(name),
                tag("td", dumbbell(own, other, SHARE_TICKS, label=spoken), class_="plot"),
                tag("td", tag("b", share(own)), tag("small", f"{share(other)} shuffled")),
                mean_cell(
                    shuffled["true_minus_shuffled"]["reward"], "reward gained by looking", sign=True
                ),
            ]
        )
    heads = (None, axis(SHARE_TICKS, "{:.0%}"), "Read correctly", "Reward gained by looking")
    return table(heads, rows, "methods looking")


def worth_table(methods: dict) -> Markup:
    """The reward with the case's own picture, with another's, and from the true context."""
    rows = []
    for name, numbers in methods.items():
        if not numbers["perception"]:
            continue
        own, other = numbers["reward"], numbers["shuffled_images"]["reward"]
        true = numbers["perception"].get("reward_with_true_context")
        means = [each and each["mean"] for each in (own, other, true)]
        spoken = "{}: {} with its own picture, {} with another, {} with the true context"
        label = spoken.format(labels(name)[1], *map(number, means))
        plot = dumbbell(*means[:2], REWARD_TICKS, label=label, mark=means[2])
        words = ("own picture", "another’s", "true context")
        cells = [mean_cell(*each) for each in zip((own, other, true), words, strict=True)]
        gained = numbers["perception"].get("true_context_minus_own")
        left = mean_cell(gained, "still to gain", sign=True)
        rows.append([row_head(name), tag("td", plot, class_="plot"), *cells, left])
    heads = (None, axis(REWARD_TICKS), "Own picture", "Another’s", "True context", "Still to gain")
    return table(heads, rows, "methods looking worth")


def context_table(methods: dict) -> Markup:
    """Context accuracy per dimension: over the cases that set it (large), over all (small)."""
    readers = {name: n for name, n in methods.items() if n["context_accuracy"] is not None}
    rows = []
    for dimension in DIMENSIONS:
        cells = []
        for numbers in readers.values():
            known = numbers["context_accuracy_known_per_dimension"][dimension]
            every = numbers["context_accuracy_per_dimension"][dimension]
            cells.append(heat_cell(known, share(known, ""), share(every, "")))
        rows.append([tag("th", dimension.replace("_", " "), scope="row"), *cells])
    return scrolling([None, *map(badge, readers)], rows)


def confusions(methods: dict) -> list[Markup]:
    """Of each method that reads pictures the confusions of all dimensions; one method is open."""
    read = {name: n["perception"]["dimensions"] for name, n in methods.items() if n["perception"]}
    shown = main_method(read)
    return [
        fill(
            FRAGMENTS["confusions"],
            badge=badge(name),
            spoken=labels(name)[1],
            opened=Markup(" open" if name == shown else ""),
            figures=[_confusion(d, n) for d, n in dimensions.items() if n["cases"]],
        )
        for name, dimensions in read.items()
    ]


def _confusion(dimension: str, numbers: dict) -> Markup:
    """A heat map of counts: a row for each true option, a column for each option read."""
    rows = numbers["confusion"]
    seen = rows.keys() | {read for row in rows.values() for read in row}
    options = [name for name in (*VOCABULARY[dimension].options, UNKNOWN) if name in seen]
    reads = [*options, INVALID] if INVALID in seen else options
    lines = []
    for true in options:
        if row := rows.get(true):
            every = sum(row.values())
            cells = [_count(row.get(read, 0), every, read == true) for read in reads]
            head = tag("th", "not set" if true == UNKNOWN else plain(true), scope="row")
            lines.append([head, _right(numbers["options"].get(true)), *cells])
    heads = [tag("span", plain(read)) for read in reads]
    return fill(
        FRAGMENTS["confusion"],
        dimension=plain(dimension),
        right=share(numbers["accuracy"]),
        cases=numbers["cases"],
        shuffled=share(numbers["shuffled_accuracy"]),
        table=scrolling([None, "right", *heads], lines, "grid confusion"),
    )


def _count(count: int, every: int, hit: bool) -> Markup:
    """A cell tinted by its share of the row; an empty one without a case."""
    style = f"--v:{count / every:.3f}" if count else None
    return tag("td", count or None, class_="heat hit" if hit else "heat miss", style=style)


def _right(numbers: dict | None) -> Markup:
    """The share of an option's cases that was read right, and that with another's picture."""
    if numbers is None:
        return tag("td")
    return tag("td", share(numbers["accuracy"]), tag("small", share(numbers["shuffled_accuracy"])))
