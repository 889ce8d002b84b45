"""Measures what choosing among sampled plans gains, by how many are sampled and how one is chosen.

    python experiments/search/measure_search.py PLANNER DATA --out experiments/results/search

DATA is a set with a test split, such as `build demo --photos PHOTOS --only test` makes. Each test
case that asks for an edit gets a greedy plan and 16 plans at --temperature; of the first 1, 2, 4, 8
and 16 of these one is chosen:

- mbr: as `best_plans` does, by the reward against what the other plans ask for;
- random: any, so the mean over them;
- logp: the one with the highest log-probability;
- oracle: the one with the highest reward, the true request known. The most that a choice can reach.

Rewards are those of the true request, at the pictures' size. Intervals are over photographs. Writes
search.json, search.md and search.svg.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from figure import draw
from tqdm import tqdm

from agentic_styling.cli.command import one_line_errors
from agentic_styling.data import read_trajectories
from agentic_styling.data.scoring import score_samples, that_ask
from agentic_styling.data.storage.trajectories import best_of_each_context
from agentic_styling.evaluation import bootstrap_mean, paired_difference
from agentic_styling.evaluation.evaluate import machine
from agentic_styling.evaluation.methods import planner_digest
from agentic_styling.planner import Planner
from agentic_styling.rewards import choose, cross_rewards
from agentic_styling.rewards.search import IDLE, group, sample_plans
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.checks import check_temperature, output_directory
from agentic_styling.utils.errors import InputError

SIZES = (1, 2, 4, 8, 16)
CHOICES = ("mbr", "random", "logp", "oracle")
REWARDS = ("reward", "held_out_reward")
BASES = ("greedy", "sample")  # the greedy plan and the first sample, which is what N = 1 takes


def asking_cases(data: Path) -> list:
    """One trajectory of each test context whose request asks for an edit."""
    cases = best_of_each_context(read_trajectories(data, "test"))
    cases = that_ask(cases)
    if not cases:
        raise InputError(f"{data}: no test case asks for an edit; give a set that was built")
    return cases


def plans_of(
    planner: Planner, cases: list, temperature: float, seed: int
) -> tuple[list, list, np.ndarray]:
    """A greedy plan of each case, 16 samples, and the samples' log-probabilities [N, 16]."""
    images, goals = [case.image for case in cases], [case.goal for case in cases]
    options = {"states": [case.state for case in cases], "seed": seed}
    greedy = [plan for (plan,) in planner.plan(images, goals, **options)]
    sampling = {"num_samples": max(SIZES), "temperature": temperature}
    plans, logps = sample_plans(planner, images, goals, **sampling, **options)
    return greedy, plans, np.array(logps)


def shares(agreed: np.ndarray, kinds, logps, rewards) -> dict[str, np.ndarray]:
    """The share of each of N samples in what each way of choosing takes, [N] of sum 1.

    agreed: of `cross_rewards`. rewards: [N], the true ones, which only the oracle sees.
    """
    one = np.eye(len(kinds))
    return {
        "mbr": one[choose(agreed, kinds, logps).sample],
        "random": one.mean(0),
        "logp": one[np.argmax(logps)],
        "oracle": one[np.argmax(rewards)],
    }


def measure(cases: list, greedy: list, plans: list, logps: np.ndarray, seed: int) -> dict:
    """The means of every way of choosing; see `summary`."""
    images = np.stack([case.image for case in cases])
    requests = [case.request for case in cases]
    everything = [[first, *own] for first, own in zip(greedy, plans, strict=True)]
    true = score_samples(images, everything, requests, seed=seed, label="scoring")
    agreed = []
    for image, own in zip(tqdm(images, "comparing"), plans, strict=True):
        kinds, distinct = group(own)
        agreed.append((cross_rewards(image, distinct), kinds))
    return summary(agreed, logps, true, [case.photo for case in cases])


def summary(agreed: list, logps: np.ndarray, true: dict[str, np.ndarray], photos: list) -> dict:
    """Both rewards of each way of choosing among the first 1, 2, 4, 8 and 16 samples.

    Args:
      agreed: the cross rewards and the kinds of the samples of each of C cases.
      logps: [C, 16].
      true: each reward, [C, 17], that of the greedy plan first.
      photos: C names; cases of one photograph are drawn together.
    """

    def means(values: dict[str, np.ndarray]) -> dict:
        own = {}
        for name in REWARDS:
            own[name] = bootstrap_mean(values[name], clusters=photos)._asdict()
            for column, base in enumerate(BASES):
                difference = paired_difference(values[name], true[name][:, column], clusters=photos)
                own[f"{name}_minus_{base}"] = difference._asdict()
        return own

    rows = {"greedy": means({name: true[name][:, 0] for name in REWARDS})}
    rows |= {choice: {} for choice in CHOICES}
    for size in SIZES:
        first = {name: true[name][:, 1 : size + 1] for name in REWARDS}
        cases = zip(agreed, logps, first["reward"], strict=True)
        taken = [shares(t, kinds[:size], p[:size], reward) for (t, kinds), p, reward in cases]
        for choice in CHOICES:
            own = np.array([case[choice] for case in taken])
            rows[choice][size] = means({name: (own * first[name]).sum(1) for name in REWARDS})
    kinds = np.array([own for _, own in agreed])
    distinct = {size: np.mean([len(set(own[:size])) for own in kinds]) for size in SIZES}
    return {"choices": rows, "distinct": distinct, "idle": float((kinds == IDLE).mean())}


def table(results: dict) -> str:
    """The results as a Markdown table."""
    columns = [f"{name}{minus}" for name in ("reward", "held-out reward")
               for minus in ("", ", minus greedy", ", minus N = 1")]  # fmt: skip
    lines = [f"| choice | N | {' | '.join(columns)} |", "| --- " * 8 + "|"]
    keys = [f"{name}{end}" for name in REWARDS for end in ("", *(f"_minus_{b}" for b in BASES))]

    def line(choice: str, size: str, own: dict) -> str:
        cells = [
            f"{v['mean']:{sign}.2f} ({v['low']:{sign}.2f} to {v['high']:{sign}.2f})"
            for sign, v in zip(("", "+", "+") * 2, (own[key] for key in keys), strict=True)
        ]
        return f"| {choice} | {size} | {' | '.join(cells)} |"

    rows = results["choices"]
    lines.append(line("greedy", "", rows["greedy"]))
    lines += [line(c, str(size), rows[c][size]) for c in CHOICES for size in SIZES]
    return "\n".join(lines)


def document(results: dict) -> str:
    """The table with what was measured and where."""
    m, number = results["machine"], results["cases"]
    distinct = ", ".join(f"{mean:.1f} of {size}" for size, mean in results["distinct"].items())
    about = (
        f"Planner {results['planner']} on {number} test cases of {results['photographs']} "
        f"photographs, sampled at temperature {results['temperature']}; rewards 0 to 5, 95 % "
        f"intervals over photographs. {results['idle']:.0%} of the samples change nothing. "
        f"Plans that differ in what they do, on average: {distinct}.\n"
        f"{m['platform']}, {m['device']}, {m['cores']} cores, Python {m['python']}, "
        f"jax {m['jax']}, flax {m['flax']}."
    )
    return f"# Choosing among sampled plans\n\n{about}\n\n{table(results)}\n"


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Plans, scores, chooses, and writes the three files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("planner", type=Path, help="the directory of a planner")
    parser.add_argument("data", type=Path, help="the directory of a set")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    parser.add_argument("--seed", type=int, default=0, help="of sampling and of the tools' noise")
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampling")
    args = parser.parse_args(argv)
    check_temperature(args.temperature, "--temperature")
    out, cases = output_directory(args.out), asking_cases(args.data)
    planner = Planner.from_pretrained(args.planner)
    greedy, plans, logps = plans_of(planner, cases, args.temperature, args.seed)
    results = {
        "planner": args.planner.name,
        "planner_sha256": planner_digest(str(args.planner)),
        "cases": len(cases),
        "photographs": len({case.photo for case in cases}),
        "temperature": args.temperature,
        "seed": args.seed,
        "machine": machine(),
        **measure(cases, greedy, plans, logps, args.seed),
    }
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "search.json", json.dumps(results, indent=1) + "\n")
    write_text(out / "search.md", document(results))
    draw(results, out / "search.svg")
    print(document(results))


if __name__ == "__main__":
    main()
