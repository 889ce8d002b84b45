r"""Trains and measures offline RL in controlled cells, and writes rows of all cases to commit.

    python experiments/replicate.py --config=replicate:main --config.photos=PHOTOS \
        --config.planners.small=PLANNER --workdir=runs/replicate

The cells are those of configs/replicate.py: a behaviour (set, habits, plans per context), a planner
and methods. Of each, the set is built, S trained once a seed, every method trained from S, and all
evaluated on the same test cases, greedy and at temperature 1. Rows go to config.out/CELL.jsonl.gz,
and the validation rewards by which learning rates were chosen to CELL.trials.json.
experiments/replicate_report.py makes tables and figures of them.

An interrupted command resumes when it is run again: nothing that is finished is done again, and
what has its rows in config.out needs no workdir. Exit status: 0, 1 if a run failed, 2 for bad
input, 75 after SIGTERM.
"""

import sys
from pathlib import Path

import jax
from ml_collections import ConfigDict
from replication.cells import Cell, cells_of
from tqdm import tqdm

from agentic_styling.cli import configured as cli

CLEARED_AFTER = 10  # runs; compiled programs of hundreds would fill the memory


def run(config: ConfigDict, workdir: Path) -> dict[str, str]:
    """Runs all cells; returns what failed, with the error."""
    # Without smoothing, so that the time left is by the average of what was not done before.
    with tqdm(desc="runs", unit="run", smoothing=0) as bar:

        def done(before: bool) -> None:
            bar.initial += before
            bar.update()
            if (bar.n - bar.initial) % CLEARED_AFTER == 0:
                jax.clear_caches()

        cells = [Cell(name, own, workdir, done) for name, own in cells_of(config).items()]
        bar.total = sum(cell.size for cell in cells)
        for cell in cells:
            cell.run()
    return {label: error for cell in cells for label, error in cell.failed.items()}


def main(config: ConfigDict, workdir: Path) -> None:
    """Runs the experiment; ends with status 1 if a run failed."""
    failed = run(config, workdir)
    for label, error in failed.items():
        print(f"failed: {label}: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    cli.run_configured(main, "replicate", sys.argv, default_workdir="runs/replicate")
