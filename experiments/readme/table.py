"""Prints a table of methods, such as the README's, from an evaluated workdir.

python experiments/readme/table.py runs/quickstart
"""

import sys
from pathlib import Path

from agentic_styling.cli.command import one_line_errors
from agentic_styling.evaluation.report.text_tables import both_differences, with_interval
from agentic_styling.evaluation.results import FEW
from agentic_styling.evaluation.saved_results import read_results
from agentic_styling.utils.errors import InputError

NAMES = {
    "edit_only": "E Edit-Only: the goal's literal words as tool calls",
    "baseline": "B base planner, before any training on the data",
    "standard": "S Standard",
    "reward_filtered": "R Reward-filtered",
    "reward_weighted": "RW Reward-weighted",
    "standardized_reward_weighted": "SW Standardized reward-weighted",
    "dpo": "D DPO",
    "teacher_best": "the teacher's best plan (ceiling)",
}


def table(results: dict) -> str:
    """The table as Markdown, from the content of results.json."""
    lines = [
        "| method | reward (0 to 5) | held-out reward | minus S (of S: minus E), both | "
        "context read correctly (shuffled) | reward, pictures shuffled |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in [name for name in NAMES if name in results["methods"]]:
        method = results["methods"][name]
        base = "edit_only" if name == "standard" else "standard"
        paired = results["paired"].get(f"{name}_minus_{base}")
        known, shuffled = method["context_accuracy_known"], method["shuffled_images"]
        cells = [
            NAMES[name],
            with_interval(method["reward"]),
            with_interval(method["held_out_reward"]),
            both_differences(paired) if paired else "",
            "" if known is None else context(known, shuffled),
            "" if shuffled is None else with_interval(shuffled["reward"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def perception(dimensions: dict) -> str:
    """How often each dimension that is set is read right, as Markdown.

    dimensions: of `methods.NAME.perception` in results.json.
    """
    lines = ["| dimension | pictures | read right | shown another picture |", "| --- " * 4 + "|"]
    for name, row in dimensions.items():
        if row["cases"]:
            shares = f"{row['accuracy']:.0%} | {row['shuffled_accuracy']:.0%}"
            lines.append(f"| {name.replace('_', ' ')} | {row['cases']} | {shares} |")
    return "\n".join(lines)


def context(known: float, shuffled: dict | None) -> str:
    """Share of known conditions read correctly, and in brackets from another case's picture."""
    return f"{known:.0%}" + (f" ({shuffled['context_accuracy_known']:.0%})" if shuffled else "")


@one_line_errors
def main() -> None:
    """Print the table, where the numbers were computed, and what S reads."""
    workdir = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")
    results = read_results(workdir)
    if "photographs" not in results:
        raise InputError(
            f"{workdir}/results.json: of an earlier version; evaluate in a new workdir"
        )
    print(table(results))
    machine = results["machine"]
    few = " (too few for firm conclusions)" if results["photographs"] < FEW else ""
    print(
        f"\n{results['cases']} held-out cases, 95% bootstrap intervals over "
        f"{results['photographs']} photographs{few}, seed "
        f"{results['settings']['seed']}; {machine['cores']} cores ({machine['device']}), Python "
        f"{machine['python']}, jax {machine['jax']}, flax {machine['flax']}."
    )
    if "standard" in results["methods"]:
        print(f"\n{perception(results['methods']['standard']['perception']['dimensions'])}")


if __name__ == "__main__":
    main()
