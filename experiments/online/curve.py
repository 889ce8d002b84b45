"""Says and draws what online runs gained, and where their time went.

    python experiments/online/curve.py RUN [RUN ...] --evaluations DIR [DIR ...] --out OUT

RUN is the workdir of `train --config=online:LOSS`, one a method or seed; with
config.validate_every and config.validate_cases the rewards of greedy plans are drawn too. DIR is
that of an evaluation of the planners before and after, on photographs that no run saw. Writes
curve.md, curve.json and curve.svg.
"""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

from agentic_styling.cli.command import one_line_errors  # noqa: E402
from agentic_styling.evaluation.evaluate import machine  # noqa: E402
from agentic_styling.evaluation.report.text_tables import (  # noqa: E402
    both_differences,
    with_interval,
)
from agentic_styling.utils.atomic import write_text  # noqa: E402
from agentic_styling.utils.checks import output_directory, read_object  # noqa: E402
from agentic_styling.utils.errors import InputError  # noqa: E402

ENDS = 10  # rounds at the beginning and the end whose means are compared
WARM = 3  # rounds that compile and are left out of the times
REWARDS = ("reward", "held_out_reward")
DIFFERENCES = (
    "| method | evaluated on | reward before | held out before | reward after | held out after "
    "| difference, both |\n" + "| --- " * 7 + "|"
)
STYLE = {"svg.hashsalt": "online", "svg.fonttype": "none", "font.size": 11}


def read_run(workdir: Path) -> dict:
    """The metrics of an online run, by name, and the shares of its time."""
    config = read_object(workdir / "config.json", "name the workdir of an online run")
    if "online" not in config:
        raise InputError(f"{workdir}: no online run; name the workdir of --config=online:LOSS")
    lines, speed = (_lines(workdir / name) for name in ("metrics.jsonl", "speed.jsonl"))
    validated = [line for line in lines if "validation_reward" in line]
    shares = {n: float(np.mean([s[n] for s in speed[WARM:]])) for n in ("sampling", "scoring")}
    plans = config["online"]["contexts"] * config["online"]["plans"]
    return {
        "name": workdir.name,
        "loss": config["loss"],
        "seed": config["seed"],
        "plans_a_round": plans,
        **{n: [line[n] for line in lines] for n in ("step", "reward", "entropy", "plan_tokens")},
        "dropped_contexts": float(np.mean([line["dropped_contexts"] for line in lines])),
        "sampler_gap": max(line["sampler_gap"] for line in lines),
        "validated_step": [line["step"] for line in validated],
        **{f"validation_{n}": [line[f"validation_{n}"] for line in validated] for n in REWARDS},
        "shares": shares | {"updating": 1 - sum(shares.values())},
    }


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(runs: list[dict]) -> str:
    """A row a run: rewards at both ends, and the shares of the time."""
    names = ("run", "loss", "updates", "reward of samples, first and last rounds", "entropy",
             "tokens a plan", "contexts dropped", "largest gap of sampler and trainer",
             "sampling", "executing and scoring", "updating")  # fmt: skip
    lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
    for run in runs:
        ends = {n: (run[n][:ENDS], run[n][-ENDS:]) for n in ("reward", "entropy", "plan_tokens")}
        both = {n: " to ".join(f"{np.mean(end):.2f}" for end in two) for n, two in ends.items()}
        shares = [f"{run['shares'][n]:.0%}" for n in ("sampling", "scoring", "updating")]
        cells = [run["name"], run["loss"], str(run["step"][-1]), both["reward"], both["entropy"]]
        cells += [
            both["plan_tokens"],
            f"{run['dropped_contexts']:.1%}",
            f"{run['sampler_gap']:.0e}",
        ]
        lines.append(f"| {' | '.join(cells + shares)} |")
    return "\n".join(lines)


def differences(results: dict) -> str:
    """Rows of the methods after training: rewards of greedy plans, and minus those before."""
    where = f"{results['cases']} cases of {results['photographs']} photographs"
    lines = []
    for name, paired in results["paired"].items():
        method, _, base = name.partition("_minus_")
        if base != "standard":
            continue
        rows = results["methods"][base], results["methods"][method]
        cells = [with_interval(row[reward]) for row in rows for reward in REWARDS]
        lines.append(f"| {' | '.join([method, where, *cells, both_differences(paired)])} |")
    return "\n".join(lines)


def draw(runs: list[dict], path: Path) -> None:
    """Rewards against updates: of the samples, smoothed, and of greedy plans where validated."""
    panels = 1 + any(run["validated_step"] for run in runs)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, panels, figsize=(5 * panels, 4), squeeze=False, layout="constrained"
        )
        left, right = axes[0, 0], axes[0, -1]
        for run in runs:
            width = min(ENDS, len(run["reward"]))
            smooth = np.convolve(run["reward"], np.ones(width) / width, "valid")
            (line,) = left.plot(run["step"][width - 1 :], smooth, label=run["name"])
            style = {"color": line.get_color(), "fillstyle": "none"}
            right.plot(run["validated_step"], run["validation_reward"], "o-", **style)
            right.plot(run["validated_step"], run["validation_held_out_reward"], "o--", **style)
        right.set(xlabel="updates", ylabel="greedy plans (dashes: held out)")
        left.set(xlabel="updates", ylabel=f"reward of samples, mean of {ENDS} rounds")
        left.legend(frameon=False)
        for own in axes[0]:
            own.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


@one_line_errors
def main() -> None:
    """Reads the runs, and writes and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--evaluations", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    runs = [read_run(run) for run in args.runs]
    hint = "name the workdir of an evaluation"
    evaluated = [read_object(path / "results.json", hint) for path in args.evaluations]
    out = output_directory(args.out, "--out")
    out.mkdir(parents=True, exist_ok=True)
    where = ", ".join(f"{name} {value}" for name, value in machine().items())
    gains = "\n".join(differences(results) for results in evaluated)
    text = f"# Online RL\n\n{table(runs)}\n\n{DIFFERENCES}\n{gains}\n\n{where}.\n"
    write_text(
        out / "curve.json", json.dumps({"runs": runs, "machine": machine()}, indent=1) + "\n"
    )
    write_text(out / "curve.md", text)
    draw(runs, out / "curve.svg")
    print(text)


if __name__ == "__main__":
    main()
