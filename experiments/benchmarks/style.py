"""Seconds of `agentic-styling style` as a user waits for them, in two checkouts in turn.

    git worktree add ../before COMMIT
    python experiments/benchmarks/style.py ../before --out experiments/benchmarks/results/style_cpu

Each goal is styled for a photograph with no compiled programs in the cache, then for one of another
size in a new process. Writes OUT.md and OUT.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import timing
from PIL import Image

SIDES = ("now", "before")
HERE = Path(__file__).resolve().parents[2]
PHOTO = HERE / "docs/images/eiffel.jpg"
SIZES = {"first": (1024, 682), "another size": (1024, 768)}  # width and height
GOALS = ("a rainy night in neon", "as an oil painting")


def styled(checkout: Path, photo: Path, goal: str, folder: Path) -> float:
    """Seconds of one command; `folder` has the cache of its checkout, and gets the pictures."""
    env = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "JAX_PLATFORMS")}
    env |= {"PYTHONPATH": str(checkout), "JAX_COMPILATION_CACHE_DIR": str(folder / "programs")}
    command = [sys.executable, "-m", "agentic_styling", "style", str(photo), "--goal", goal]
    command += ["--out", str(folder / photo.stem)]
    options = {"cwd": folder, "env": env, "check": True, "capture_output": True}
    return timing.seconds(lambda: subprocess.run(command, **options))


def measure(checkouts: dict[str, Path], rounds: int) -> list[dict]:
    """A row for each goal, picture, side and round."""
    rows = []
    for number in range(rounds):
        for goal in GOALS:
            with tempfile.TemporaryDirectory() as folder:
                for name, size in SIZES.items():
                    photo = Path(folder) / f"{size[0]}x{size[1]}.jpg"
                    Image.open(PHOTO).convert("RGB").resize(size).save(photo, quality=95)
                    sides = list(checkouts.items())
                    for side, checkout in sides if number % 2 == 0 else sides[::-1]:
                        own = Path(folder) / side
                        own.mkdir(exist_ok=True)
                        row = {"goal": goal, "picture": name, "side": side, "round": number}
                        rows.append(row | {"seconds": styled(checkout, photo, goal, own)})
    return rows


def report(rows: list[dict], rounds: int, commits: str) -> str:
    """The rows as Markdown."""
    table = []
    for goal in GOALS:
        for picture, (width, height) in SIZES.items():
            own = [row for row in rows if (row["goal"], row["picture"]) == (goal, picture)]
            sides = [[r["seconds"] for r in own if r["side"] == side] for side in SIDES]
            ratios = [before / now for now, before in zip(*sides, strict=True)]
            cells = [goal, f"{picture}, {width} x {height}"]
            cells += [f"{statistics.median(seconds):.1f}" for seconds in sides]
            table.append([*cells, timing.ratio(timing.spread(ratios))])
    header = ["goal", "photograph", "now, s", "before, s", "before / now (min to max)"]
    about = f"{timing.machine('jax')}; {commits}; in turn, a new process each, median of {rounds}."
    return f"{about}\n\n" + timing.table(header, table)


def main() -> None:
    """Measures both checkouts, prints the table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="a checkout of the other commit")
    parser.add_argument("--rounds", type=int, default=3, help="odd")
    parser.add_argument("--out", type=Path, help="OUT.md and OUT.json are written")
    args = parser.parse_args()
    rows = measure(dict(zip(SIDES, (HERE, args.before.resolve()), strict=True)), args.rounds)
    commits = f"now {timing.commit(HERE)}, before {timing.commit(args.before)}"
    text = report(rows, args.rounds, commits)
    print(text)
    results = {"machine": timing.machine("jax"), "commits": commits, "rounds": args.rounds}
    results["rows"] = rows
    timing.save(args.out, text, results)


if __name__ == "__main__":
    main()
