"""The top of the report: one edit as an example, and four numbers that sum up the run."""

from pathlib import Path

from agentic_styling.evaluation.report.cases import executed_steps, picture
from agentic_styling.evaluation.report.figures import FRAGMENTS
from agentic_styling.evaluation.report.labels import kind, labels, main_method, number, share
from agentic_styling.evaluation.report.markup import Markup, fill, tag
from agentic_styling.evaluation.runs import frame_name, source_name
from agentic_styling.tools import MODIFIERS

MINUS_S = "_minus_standard"


def best_example(results: dict, records: list[dict], pictures: Path) -> Markup | None:
    """Before and after of one success, chosen by the rule that its caption states.

    Of the trained planner with the highest mean reward (of any method, if none was trained), the
    shown case with the highest reward among those whose plan edits the picture.
    """
    methods = results["methods"]
    trained = [name for name in methods if kind(name) == "trained"]
    best = max(trained or methods, key=lambda name: methods[name]["reward"]["mean"])
    rows = [row for row, record in enumerate(records) if record["shown"] and _edits(record, best)]
    if not rows:
        return None
    row = max(rows, key=lambda row: records[row]["methods"][best]["reward"])
    record, (letter, spoken, _) = records[row], labels(best)
    after = frame_name(row, best, len(executed_steps(record["methods"][best]["plan"])))
    return fill(
        FRAGMENTS["hero"],
        before=picture(pictures / source_name(row), "The source photograph"),
        after=picture(pictures / after, f"The same photograph, restyled: {record['goal']}"),
        goal=record["goal"],
        shown=sum(record["shown"] for record in records),
        reward=number(record["methods"][best]["reward"]),
        spoken=spoken,
        letter=letter,
        best="the trained planner" if trained else "the method",
        mean=number(methods[best]["reward"]["mean"]),
    )


def _edits(record: dict, method: str) -> bool:
    """Whether the method's plan is valid and holds a step that edits the picture."""
    plan = record["methods"][method]["plan"]
    return bool(plan) and any(s["tool"] not in MODIFIERS for s in executed_steps(plan))


def headline(results: dict) -> Markup:
    """Four numbers that say how it went."""
    methods = results["methods"]
    main = main_method(methods)
    numbers, (letter, spoken, _) = methods[main], labels(main)
    others = [
        f"{labels(name)[1].lower()} {number(methods[name]['reward']['mean'])}"
        for name in ("edit_only", "baseline", "teacher_best")
        if name in methods and name != main
    ]
    held_out = f"held-out reward of {letter} {number(numbers['held_out_reward']['mean'])}"
    tiles = [
        (
            number(numbers["reward"]["mean"]),
            f"mean reward out of 5: {spoken} ({letter})",
            "; ".join(filter(None, (", ".join(others), held_out))),
        ),
        (
            share(numbers["valid_plans"]),
            f"of {letter}’s outputs are valid plans",
            "the others leave the picture unchanged",
        ),
    ]
    if (known := numbers["context_accuracy_known"]) is not None:
        without = (numbers["shuffled_images"] or {}).get("context_accuracy_known")
        words = "of the picture’s known conditions are read correctly"
        shuffled = "" if without is None else f"{share(without)} when shown another picture"
        tiles.append((share(known), words, shuffled))
    gains = {name: pair for name, pair in results["paired"].items() if name.endswith(MINUS_S)}
    if gains:
        rose = [name for name, pair in gains.items() if pair["both"] == "both rose"]
        words = "post-trained planners are clearly better than S by both rewards"
        above = " and ".join(labels(name.removesuffix(MINUS_S))[0] for name in rose)
        tiles.append((f"{len(rose)} of {len(gains)}", words, above))
    shown = [
        fill(FRAGMENTS["tile"], big=big, words=words, small=small) for big, words, small in tiles
    ]
    return tag("dl", shown, class_="tiles")
