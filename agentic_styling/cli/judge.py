"""The `judge` command: scores edited pictures and plans with a vision-language model."""

import json
from collections.abc import Sequence
from pathlib import Path

from agentic_styling.cli.style import read_plan
from agentic_styling.evaluation.judging import Edit, judge_edits, shown_edits
from agentic_styling.evaluation.report.labels import WORDS
from agentic_styling.evaluation.report.text_tables import aligned, with_interval
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.checks import new_file
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import read_photo


def judge(
    pictures: Sequence[str | Path],
    out: Path,
    *,
    goal: str | None = None,
    plan: str | Path | None = None,
    vlm: str | Path | None = None,
    model: str | None = None,
    prices: tuple[float, float] | None = None,
    yes: bool = False,
) -> dict:
    """Judges edits and plans, prints tables of mean scores, and writes them all to `out` as JSON.

    pictures: a photograph and its edit; or one workdir of `evaluate`, whose shown cases are judged
    for every method, as the report shows them (JPEG, at most 256 pixels a side). goal, plan: what
    the photograph was to become, and the file of the plan to be judged too; None for a workdir.
    The others are as for `judge_edits`. Raises InputError for bad input and an `out` that exists.
    """
    if (vlm is None) == (model is None):
        raise InputError("judge: give either --judge DIRECTORY or --model NAME, one of the two")
    new_file(out)
    edits = _read_edits(list(map(str, pictures)), goal, plan)
    plans = len(pictures) == 1 or plan is not None
    judged = judge_edits(edits, vlm=vlm, model=model, plans=plans, prices=prices, yes=yes)
    write_text(out, json.dumps(judged, indent=1) + "\n")
    print(_judged_tables(judged["methods"]), out, sep="\n")
    return judged


def _read_edits(pictures: list[str], goal: str | None, plan: str | Path | None) -> list[Edit]:
    """The edits of a workdir, or a photograph and its edit; see `judge`. Raises InputError."""
    if len(pictures) == 1 and Path(pictures[0]).is_dir():
        for name, given in (("--goal", goal), ("--plan", plan)):
            if given is not None:
                raise InputError(f"{name}: the cases of a workdir have their own; leave it out")
        return shown_edits(Path(pictures[0]))
    if len(pictures) != 2:
        raise InputError(
            f"judge: {' '.join(pictures)} is neither a photograph and its edit nor a workdir of "
            "evaluate; give one of these"
        )
    if not (goal or "").strip():
        raise InputError("--goal is missing; say what the photograph was to become")
    planned = read_plan(plan) if plan is not None else None
    source, result = map(read_photo, pictures)
    name, method = pictures[1], Path(pictures[1]).name
    return [Edit(name, method, source, result, goal, goal, planned, pictures[0])]


def _judged_tables(methods: dict[str, dict]) -> str:
    """The means of each method, of edits and of plans; the last with its interval if of several."""
    tables = [
        _table("edits", methods, "reward"),
        "VIEScore 0 to 10, ImgEdit 1 to 5, reward 0 to 5, others 0 to 100",
    ]
    plans = {name: means["plan"] for name, means in methods.items() if "plan" in means}
    if plans:
        tables += ["", _table("plans", plans, "overall"), "0 to 100"]
    left_out = sum(m["unanswered"] for m in (*methods.values(), *plans.values()))
    return "\n".join([*tables, *([f"{left_out} left out, without an answer"] if left_out else [])])


def _table(unit: str, methods: dict[str, dict], last: str) -> str:
    columns = WORDS["judge_columns"][unit]
    rows = [("", unit, *columns.values(), last)]
    for method, means in methods.items():
        if not means[unit]:
            rows.append((method, "0", *["–"] * (len(columns) + 1)))
            continue
        mean = with_interval(means[last]) if means[unit] > 1 else f"{means[last]['mean']:.2f}"
        numbers = [f"{means[name]['mean']:.1f}" for name in columns]
        rows.append((method, str(means[unit]), *numbers, mean))
    return aligned(rows)
