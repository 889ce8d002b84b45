"""Speed of `execute` in two checkouts of this repository, on the same plans in turn.

    git worktree add ../before COMMIT
    python experiments/benchmarks/checkouts.py ../before --out experiments/benchmarks/results

Prints how many times as fast the plans run in this checkout as in the other one. Plans are drawn
from what both have in their vocabularies.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import timing
from tool_peers.work import BATCH, photographs
from tqdm import tqdm

_HERE = Path(__file__).resolve().parents[2]
_SEED = 5


def serve(size: int) -> None:
    """A worker: executes the plans of each line of stdin, a JSON list, and prints the seconds."""
    import cv2
    import jax

    from agentic_styling.tools import Plan, encode_plans, execute

    pictures = np.stack([cv2.resize(p, (size, size)) for p in photographs()])
    images = jax.numpy.asarray(pictures, jax.numpy.float32) / 255
    for line in sys.stdin:
        plans = encode_plans([Plan.from_json(plan) for plan in json.loads(line)])

        def call(plans=plans):
            jax.block_until_ready(execute(images, plans, jax.random.key(0)))

        timing.answer(seconds=timing.seconds(call))


def draw_plans(checkout: Path, count: int) -> list[dict]:
    """Random plans in the vocabulary of a checkout, which is the older one."""
    code = "import json, tool_peers.random_plans as r; "
    code += f"print(json.dumps([p.to_json() for p in r.random_plans({count}, {_SEED})]))"
    command = [sys.executable, "-c", code]  # which looks for packages in its own folder first
    options = {"cwd": checkout, "env": _environment(checkout)}
    printed = subprocess.run(command, **options, capture_output=True, text=True)
    if printed.returncode:
        raise SystemExit(f"{checkout}: cannot draw plans: {printed.stderr.splitlines()[-1]}")
    return json.loads(printed.stdout)


def _environment(checkout: Path) -> dict[str, str]:
    folders = (checkout, Path(__file__).resolve().parent)
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}


def measure(before: Path, count: int, size: int) -> dict:
    """Plans a second of both, and their ratio batch by batch; what compiles is not counted."""
    plans = draw_plans(before, count)
    batches = [plans[i : i + BATCH] for i in range(0, count, BATCH)]
    command = (str(Path(__file__).resolve()), str(before), "--serve", "--size", str(size))
    workers = [timing.Worker(*command, env=_environment(c)) for c in (before, _HERE)]
    taken = []
    for batch in tqdm(batches + batches, unit="batch"):  # the first round compiles
        taken.append([worker.time(json.dumps(batch))["seconds"] for worker in workers])
    for worker in workers:
        worker.close()
    taken = np.array(taken[len(batches) :])
    ratios = taken[:, 0] / taken[:, 1]
    rates = count / taken.sum(axis=0)
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "plans": count,
        "size": size,
        "before_per_s": rates[0],
        "now_per_s": rates[1],
        "ratio": rates[1] / rates[0],
        "quartiles": [quartiles[0], quartiles[2]],
    }


def report(machine: str, names: list[str], rows: list[dict]) -> str:
    """The results as Markdown."""
    header = ["plans", "side", f"{names[0]}, plans/s", f"{names[1]}, plans/s", "now / before"]
    table = [
        [
            str(row["plans"]),
            str(row["size"]),
            f"{row['before_per_s']:.3g}",
            f"{row['now_per_s']:.3g}",
            f"**{row['ratio']:.2f}** ({row['quartiles'][0]:.2f} to {row['quartiles'][1]:.2f})",
        ]
        for row in rows
    ]
    head = f"{machine}. Random Regular plans, float32, batches of {BATCH}, both checkouts in turn; "
    return head + "quartiles over batches.\n\n" + timing.table(header, table) + "\n"


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="the other checkout")
    parser.add_argument("--out", type=Path, help="folder to write checkouts.md and .json into")
    parser.add_argument("--plans", type=int, default=320)
    parser.add_argument("--size", type=int, nargs="*", default=[256, 512], help="of the pictures")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.size[0])
        return
    rows = [measure(args.before.resolve(), args.plans, size) for size in args.size]
    names = [timing.commit(args.before), timing.commit(_HERE)]
    printed = report(timing.machine("jax", "numpy"), names, rows)
    timing.save(args.out and args.out / "checkouts", printed, {"commits": names, "rows": rows})
    print(printed)


if __name__ == "__main__":
    main()
