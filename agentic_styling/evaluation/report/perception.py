"""The report's numbers on whether planners look: pictures traded, and each dimension's context."""

from agentic_styling.evaluation.report.figures import axis, dumbbell
from agentic_styling.evaluation.report.markup import Markup, tag
from agentic_styling.evaluation.report.tables import (
    badge,
    between,
    heat_cell,
    labels,
    number,
    per_cent,
    row_head,
    scrolling,
    share,
)
from agentic_styling.tools import DIMENSIONS

SHARE_TICKS = (0, 0.25, 0.5, 0.75, 1)


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
    return scrolling(tag("thead", tag("tr", tag("td"), *heads)), tag("tbody", *rows))
