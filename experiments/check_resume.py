"""Kills a training run by SIGKILL at random moments and checks that it ends bit for bit the same.

    python experiments/check_resume.py --data DATA --init_from PLANNER --out experiments/results

DATA: a data set; PLANNER: a small planner, both as written by the quickstart. The run saves at
every step, so most kills hit it while it writes. It is killed `--kills` times after random seconds
and resumed, then left to end. Writes check_resume.md; exit status 1 if a parameter or a metric
differs from those of an uninterrupted run.
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from agentic_styling.cli.command import Parser, one_line_errors
from agentic_styling.planner import load_pretrained

TRAIN = Path(__file__).parent / "train.py"


def command(args, workdir: Path, steps: int) -> list[str]:
    """The training run, with DPO, which also stores reference log-probabilities."""
    fields = {
        "data": args.data,
        "init_from": args.init_from,
        "steps": steps,
        "batch_size": 8,
        "warmup_steps": 2,
        "learning_rate": 1e-3,
        "checkpoint_every": 1,
        "packing": True,
    }
    given = [f"--config.{name}={value}" for name, value in fields.items()]
    return [sys.executable, str(TRAIN), "--config=train:dpo", *given, f"--workdir={workdir}"]


def run(args, workdir: Path, seconds: float | None = None, steps: int | None = None) -> str:
    """Starts the run and kills it after some seconds; returns what it was doing."""
    child = subprocess.Popen(
        command(args, workdir, steps or args.steps),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        _, error = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.communicate()
        return doing(workdir)
    if child.returncode:
        raise RuntimeError(f"the run ended with {child.returncode}: {error[-2000:]}")
    return "finished"


def doing(workdir: Path) -> str:
    """What a killed run was doing, by the files it left."""
    names = [p.name for p in (workdir / "checkpoints").glob("*")]
    if any("tmp" in name or not name.isdigit() for name in names):
        return "writing a checkpoint"
    metrics = workdir / "metrics.jsonl"
    steps = metrics.read_text().count("\n") if metrics.exists() else 0
    if any(workdir.glob(".planner.*.tmp")):
        return "exporting"
    return f"after {steps} steps" if steps else "before its first step"


def differences(one: Path, other: Path) -> list[str]:
    """The files that are not equal bit for bit."""
    different = []
    for name in ("metrics.jsonl", "config.json", "reference.npy"):
        if (one / name).read_bytes() != (other / name).read_bytes():
            different.append(name)
    params = (load_pretrained(w / "planner")[1] for w in (one, other))
    same = jax.tree.map(lambda a, b: np.array_equal(a, b), *params)
    if not all(jax.tree.leaves(same)):
        different.append("planner")
    return different


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Kills, resumes and compares the run, and writes the page."""
    parser = Parser(description=__doc__)
    parser.add_argument("--data", required=True, help="a data set")
    parser.add_argument("--init_from", required=True, help="a planner")
    parser.add_argument("--out", required=True, help="directory of check_resume.md")
    parser.add_argument("--kills", type=int, default=10, help="how often the run is killed")
    parser.add_argument("--steps", type=int, default=80, help="updates of the run")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args(argv)
    jax.config.update("jax_platforms", "cpu")
    rng = np.random.default_rng(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        alone, killed = Path(folder, "alone"), Path(folder, "killed")
        begun = time.perf_counter()
        run(args, alone)
        whole = time.perf_counter() - begun
        begun = time.perf_counter()
        run(args, Path(folder, "short"), steps=3)  # more than the warm-up
        start = time.perf_counter() - begun  # with a warm compilation cache
        lines = []
        for _ in tqdm(range(args.kills), unit="kill"):
            # Some kills fall before the first step; the others are spread over the steps.
            seconds = rng.uniform(0.7, 1) * start
            seconds += rng.uniform(0, 1.5) * max(whole - start, 0) / args.kills
            stage = run(args, killed, seconds)
            if stage == "finished":
                break
            lines.append(f"| {seconds:.1f} | {stage} |")
        run(args, killed)
        wrong = differences(alone, killed)
    verdict = f"**differ: {', '.join(wrong)}**" if wrong else "equal bit for bit"
    page = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, jax "
        f"{jax.__version__}. DPO, {args.steps} updates of 8 packed examples, a checkpoint after "
        f"each; killed by SIGKILL {len(lines)} times and resumed, seed {args.seed}.",
        "",
        "| killed after, s | while |",
        "| --- | --- |",
        *lines,
        "",
        f"Parameters, metrics.jsonl, config.json and reference.npy of the two runs: {verdict}.",
    ]
    Path(args.out).mkdir(parents=True, exist_ok=True)
    Path(args.out, "check_resume.md").write_text("\n".join(page) + "\n")
    print("\n".join(page))
    sys.exit(int(bool(wrong)))


if __name__ == "__main__":
    main()
