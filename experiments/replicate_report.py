"""Tables and figures of the testbed, from its committed rows alone.

    python experiments/replicate_report.py

Reads experiments/results/replication/*.jsonl.gz and predictions.json, and writes report.md beside
them and figures to docs/images. --rows and --images name other folders.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from replication import paper
from replication.differences import BOTH, Rows, score_claim
from replication.figures import draw_gains, draw_phases
from replication.rows import S, read_rows

from agentic_styling.cli.command import one_line_errors, path
from agentic_styling.evaluation.bootstrap import Interval, joint_verdict
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
MORE = {0: ("valid", "f1", "regret"), 1: ("best", "regret", "entropy", "kl")}


def report(rows: Rows, predictions: dict) -> str:
    """The report as Markdown."""
    lines = [
        "# Offline RL in controlled cells",
        "",
        "Written by `experiments/replicate_report.py` from the rows in this folder. In brackets: "
        "95 % intervals of a bootstrap over photographs, cases and training seeds.",
        "",
        "## Predictions",
        "",
        *claims_table(rows, predictions.values()),
        "",
        "## The paper's claims",
        "",
        *claims_table(rows, paper.claims()),
        "",
        *winners_lines(paper.no_single_winner(rows)),
    ]
    for cell in rows.cells():
        for table in rows.tables(cell):
            lines += [
                "",
                f"## {cell}: {rows.about(cell, table)}",
                "",
                *cell_table(rows, cell, table),
            ]
    return "\n".join(lines) + "\n"


def claims_table(rows: Rows, claims) -> Iterator[str]:
    """A row for each claim, with the intervals that its verdict is of."""
    yield "| claim | verdict | difference: reward, held-out reward |"
    yield "| --- | --- | --- |"
    for claim in claims:
        verdict, found = score_claim(rows, claim)
        cells = "<br>".join(
            f"{expression}, T {heat}: {signed(own)}, {signed(held_out)}"
            for expression, heat, (own, held_out) in found
            if own and held_out
        )
        says = claim["says"] + (
            f" Refuted by: {claim['refuted_by']}" if "refuted_by" in claim else ""
        )
        yield f"| {says} | {verdict} | {cells} |"


def winners_lines(best: dict[str, str]) -> list[str]:
    """Whether the best method differs between cells."""
    if len(best) < 2:
        return ["No single winner: not measured."]
    verdict = "holds" if len(set(best.values())) > 1 else "does not hold"
    each = ", ".join(f"{cell} {method}" for cell, method in best.items())
    return [f"No single winner (the highest mean, whatever its interval): {verdict}. {each}."]


def cell_table(rows: Rows, cell: str, table: str) -> Iterator[str]:
    """Every method of a cell, greedy and at temperature 1, with its difference to S."""
    yield "| method | T | reward | held-out | minus S: reward, held-out | both | more |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for method, control in rows.methods(cell, table):
        name = f"{method}:{control}" if control else method
        for heat in (0, 1):
            own = [rows.difference(f"{cell}/{name}", score, heat, table) for score in BOTH]
            if None in own:
                continue
            minus = [
                rows.difference(f"{cell}/{name} - {cell}/{S}", score, heat, table) for score in BOTH
            ]
            compared = name != S and None not in minus
            more = [(m, rows.difference(f"{cell}/{name}", m, heat, table)) for m in MORE[heat]]
            cells = [
                *(f"{i.mean:.2f} [{i.low:.2f}, {i.high:.2f}]" for i in own),
                ", ".join(map(signed, minus)) if compared else "",
                joint_verdict(*minus) if compared else "",
                ", ".join(f"{m} {i.mean:.2f}" for m, i in more if i),
            ]
            yield f"| {name} | {heat} | " + " | ".join(cells) + " |"


def signed(interval: Interval) -> str:
    """A difference with its interval."""
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


@one_line_errors
def main(argv: list[str]) -> None:
    """Writes the report and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=path, default=ROOT / "experiments/results/replication")
    parser.add_argument("--images", type=path, default=ROOT / "docs/images")
    args = parser.parse_args(argv)
    files = sorted(args.rows.glob("*.jsonl.gz"))
    if not files:
        raise InputError(f"{args.rows}: no rows there; run experiments/replicate.py first")
    rows = Rows([row for file in files for row in read_rows(file)])
    predictions = json.loads((args.rows / "predictions.json").read_text(encoding="utf-8"))
    write_text(args.rows / "report.md", report(rows, predictions))
    drawn = [*draw_gains(rows, args.images), *draw_phases(rows, args.images)]
    print("\n".join(map(str, [args.rows / "report.md", *drawn])))


if __name__ == "__main__":
    main(sys.argv[1:])
