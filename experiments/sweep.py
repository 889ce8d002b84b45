r"""Trains over a grid or a list of config fields, here or on a cluster.

    python experiments/sweep.py --config=train:standard --config.data=DATA \
        --config.init_from=PLANNER --workdir=runs/sweep \
        --grid method=standard,SW,dpo --grid learning_rate=1e-4,1e-5 --grid seed=0,1,2 --parallel 2

--grid gives a field and its values; several --grid make every combination. --list FILE is a JSON
list of {"field": value}, or one such object per line. Dotted names reach nested fields
(loss_kwargs.beta). `method` is the argument of the config file, a loss or a preset, with all fields
that it sets. --config.field=value holds for every run. All runs are checked before any starts.

Each run trains in WORKDIR/NAME, where NAME says what varies, with its output in log.txt. A sweep
that is run again skips finished runs and resumes the others. results.md and results.json in WORKDIR
show the progress; --table writes and prints them at any time.

    python experiments/sweep.py ... --write slurm --option partition=gpu --option nodes=2

writes a job file for each run, and submit.sh, instead of running; gcloud and xpk are for TPU pods.
Exit status: 0, 1 if a run failed, 2 for bad input, 75 after SIGTERM (run it again), 130 after
Ctrl-C.
"""

import argparse
import signal
import sys
from pathlib import Path

from sweep_parts.jobs import LAUNCHERS, choose, read_template, write_jobs
from sweep_parts.local import run_locally
from sweep_parts.results import last_words, register, write_results
from sweep_parts.runs import Run, build_runs, expand, parse_grid, read_list

from agentic_styling.cli.command import one_line_errors, path
from agentic_styling.training.config import fixed
from agentic_styling.training.workdir import claim
from agentic_styling.utils.errors import PREEMPTED, InputError, nearest

ROOT = Path(__file__).resolve().parents[1]
TRAIN = ROOT / "experiments/train.py"


def _parser() -> argparse.ArgumentParser:
    options = [f"options of {name}:\n{read_template(name)[2]}" for name in LAUNCHERS]
    parser = argparse.ArgumentParser(
        usage="sweep.py --config=FILE[:METHOD] --config.FIELD=VALUE ... --workdir=DIR [options]",
        description=__doc__,
        epilog="\n\n".join(options).replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config", default="train", help="config file or built-in config (default: train)")
    add("--workdir", type=path, required=True, help="directory of all runs")
    add("--grid", action="append", default=[], metavar="FIELD=VALUE,VALUE", help="what varies")
    add("--list", type=path, metavar="FILE", help="or a file of runs")
    add("--parallel", type=int, default=1, metavar="N", help="runs at a time, which share the GPUs")
    add("--table", action="store_true", help="only write and print the results so far")
    add("--write", choices=LAUNCHERS, help="write job files instead of running")
    add("--jobs", type=path, metavar="DIR", help="where job files go (default: WORKDIR/jobs)")
    add(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the job files",
    )
    return parser


def planned(args: argparse.Namespace, overrides: list[str]) -> list[Run]:
    """The runs that the flags ask for, all checked. Raises InputError."""
    for flag in overrides:
        if not flag.startswith("--config."):
            name, known = flag.partition("=")[0], [f"--{name}" for name in vars(args)]
            raise InputError(f"{flag!r} is not a flag; {nearest(name, known)}")
    if args.parallel < 1:
        raise InputError(f"--parallel: {args.parallel} is too small; at least 1")
    if not args.write and (args.option or args.jobs):
        raise InputError("--option and --jobs are for job files; add --write, or leave them out")
    points = expand(parse_grid(args.grid), read_list(args.list) if args.list else [])
    runs = build_runs(args.config, overrides, points)
    for run in runs:
        claim(fixed(run.config), args.workdir / run.name)
    return runs


@one_line_errors
def main(argv: list[str]) -> int:
    """Run, write job files, or print the table; returns the exit status."""
    args, overrides = _parser().parse_known_args(argv)
    if args.table:
        print(write_results(args.workdir), end="")
        return 0
    runs = planned(args, overrides)
    if args.write:
        options = choose(args.write, args.option)
        register(runs, args.workdir)
        jobs = args.jobs or args.workdir / "jobs"
        submit = write_jobs(runs, args.workdir, args.write, options, jobs)
        print(f"{len(runs)} jobs; start them by {submit}")
        return 0
    register(runs, args.workdir)
    failed, stopped_by = run_locally(runs, args.workdir, args.parallel, TRAIN)
    print(write_results(args.workdir), end="")
    for name, status in failed.items():
        said = last_words(args.workdir / name)
        print(f"failed: {name} (exit status {status}): {said}", file=sys.stderr)
    if stopped_by:
        return PREEMPTED if stopped_by == signal.SIGTERM else 128 + stopped_by
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
