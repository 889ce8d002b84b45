"""Measures how many goals in people's own words a planner understands, and what Edit-Only does.

    python experiments/starter/hand_goals.py PLANNER --out experiments/results/base_planner

The goals are those of tests/data/goals/hand_goals.json; nothing of the package is trained on them.
Each is asked of one of the package's test photographs, in turn. A plan is right if its styling
options are the wished ones, or others that the goal allows. Writes hand_goals.md and .json.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import jax
import numpy as np

from agentic_styling.cli.command import one_line_errors
from agentic_styling.data import open_source
from agentic_styling.evaluation.baselines import edit_only
from agentic_styling.planner import Planner
from agentic_styling.tools import DIMENSIONS, Plan

GOALS = Path(__file__).parents[2] / "tests/data/goals/hand_goals.json"


def options_of(plan: Plan) -> dict[str, str]:
    """The target option of every styling step, by its dimension."""
    steps = [step for step in plan.steps if step.tool in DIMENSIONS]
    return {step.tool: step.option for step in steps}


def is_right(row: dict, plan: Plan | None) -> bool:
    """Whether a plan asks for exactly what a row of the goals wishes."""
    if plan is None:
        return False
    found, also = options_of(plan), row.get("also", {})
    allowed = {d: {option, *also.get(d, ())} for d, option in row["options"].items()}
    extra = {d: set(options) for d, options in also.items() if d not in allowed}
    wished = all(found.get(d) in options for d, options in allowed.items())
    return wished and all(option in (allowed | extra).get(d, ()) for d, option in found.items())


def plans_of(planner: Planner, goals: list[str]) -> list[Plan | None]:
    """A greedy plan for each goal, of the package's test photographs in turn."""
    source = open_source(None)
    tests = [i for i, name in enumerate(source.names) if name in source.splits["test"]]
    photographs = [source.read(tests[i % len(tests)]) for i in range(len(goals))]
    return [plan for (plan,) in planner.plan(photographs, goals)]


def table(rows: list[dict]) -> str:
    """Shares of right plans by kind of goal, as Markdown."""
    lines = ["| kind of goal | goals | planner | Edit-Only |", "| --- | --- | --- | --- |"]
    for kind in [*sorted({row["kind"] for row in rows}), "all"]:
        of = [row for row in rows if kind in (row["kind"], "all")]
        right = (f"{np.mean([row[name] for row in of]):.0%}" for name in ("planner", "edit_only"))
        lines.append(f"| {kind} | {len(of)} | {' | '.join(right)} |")
    return "\n".join(lines)


@one_line_errors
def main():
    """Plans, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("planner", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    goals = json.loads(GOALS.read_text(encoding="utf-8"))
    plans = plans_of(Planner.from_pretrained(args.planner), [row["goal"] for row in goals])
    rows = [
        {
            "goal": row["goal"],
            "kind": row["kind"],
            "planner": is_right(row, plan),
            "edit_only": is_right(row, edit_only(row["goal"])),
            "wished": row["options"],
            "planned": options_of(plan) if plan else None,
        }
        for row, plan in zip(goals, plans, strict=True)
    ]
    where = f"{platform.machine()}, {os.cpu_count()} cores, jax {jax.__version__}"
    title = "# Goals in people's own words\n\nGreedy plans with exactly the wished options"
    text = f"{title}; {where}."
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "hand_goals.md").write_text(f"{text}\n\n{table(rows)}\n", encoding="utf-8")
    (args.out / "hand_goals.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
