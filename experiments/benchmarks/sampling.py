"""Plans per second of the shipped planner: decoding in stages against one loop over all rows.

    python experiments/benchmarks/sampling.py --out experiments/benchmarks/results/sampling_cpu

Writes OUT.md and OUT.json. Both sides are this checkout and sample the same plans, each in its own
process, in turn. The first call compiles and is reported separately; a second one is dropped.
"""

import argparse
import functools
import os
from pathlib import Path

import numpy as np
import timing

SIDES = {"stages": None, "one loop": lambda prompts, samples, length: ((prompts, length, 0),)}
TEMPERATURES = (1.0, 0.0)
SETS = ("simple", "regular", "complex", "demo")


def work(count: int) -> functools.partial:
    """A call of `Planner.score` for `count` bundled photographs, each with a goal of its own."""
    from agentic_styling import data
    from agentic_styling.data.goals.sets import sample_goal
    from agentic_styling.planner import Planner
    from agentic_styling.planner.pretrained import pretrained_directory

    # In float16, as the files are, rounding decides some draws, and the sides' plans differ.
    planner = Planner.from_pretrained(pretrained_directory("base"), dtype="float32")
    source, rng = data.open_source(None), np.random.default_rng(0)
    images = [source.read(i % len(source.names)) for i in range(count)]
    goals = [sample_goal(SETS[i % len(SETS)], {}, "test", rng).text for i in range(count)]
    return functools.partial(planner.score, images, goals, constrained=True)


def serve(side: str, temperature: float, count: int) -> None:
    """The worker of a side: samples the plans for every line of stdin."""
    from agentic_styling.planner.decoding import generation

    generation.decode_stages = SIDES[side] or generation.decode_stages
    timing.serve(lambda: functools.partial(work(count), temperature=temperature))


def measure(temperature: float, count: int, rounds: int) -> dict:
    """Both sides in turn, and how long the plans are."""
    # What is compiled must not come from an earlier run.
    env = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    command = (__file__, "--temperature", str(temperature), "--plans", str(count), "--serve")
    ours, theirs = (timing.Worker(*command, side, env=env) for side in SIDES)
    found = timing.in_turn(ours, theirs, rounds)
    plans = [plan for (plan,) in work(count)(temperature=temperature)]
    lengths = [len(plan.tokens) for plan in plans]
    found |= {"temperature": temperature, "tokens": sum(lengths), "longest": max(lengths)}
    return found | {"forced": sum(lengths) - sum(plan.choices for plan in plans)}


def report(results: dict) -> str:
    """The results as Markdown."""
    count, rows = results["plans"], results["rows"]
    header = ["temperature", "stages, plans/s", "one loop, plans/s"]
    header += ["one loop / stages (min to max)", "CPU s: stages", "one loop"]
    header += ["first call, CPU s: stages", "one loop"]
    header += ["tokens a plan", "longest", "forced tokens"]
    table = [
        [
            f"{row['temperature']:g}",
            *(f"{count / row[side]['seconds']:.1f}" for side in ("ours", "theirs")),
            timing.ratio(row),
            *(f"{row[side]['cpu_s']:.2f}" for side in ("ours", "theirs")),
            *(f"{row[side]['first_cpu_s']:.1f}" for side in ("ours", "theirs")),
            f"{row['tokens'] / count:.0f}",
            str(row["longest"]),
            f"{row['forced'] / row['tokens']:.1%}",
        ]
        for row in rows
    ]
    head = (
        f"{results['machine']}. {count} plans of the planner `base` in float32 for bundled "
        f"photographs, in one batch, at most 512 tokens each; medians of {results['rounds']} "
        "alternating rounds beside other work, so that the processor's time is given too. "
        "Forced tokens are those to which the grammar leaves no alternative.\n\n"
    )
    return head + timing.table(header, table)


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write OUT.md and OUT.json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plans", type=int, default=64)
    parser.add_argument("--temperature", type=float, nargs="*", default=TEMPERATURES)
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve, *args.temperature, args.plans)
        return
    results = {"machine": timing.machine("jax", "flax"), "plans": args.plans}
    results |= {"rounds": args.rounds}
    results["rows"] = [measure(t, args.plans, args.rounds) for t in args.temperature]
    text = report(results)
    print(text)
    timing.save(args.out, text, results)


if __name__ == "__main__":
    main()
