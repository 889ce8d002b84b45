"""The commands that train planners and write them out."""

import argparse
from pathlib import Path

from agentic_styling.cli.command import path, whole


def train(argv: list[str]) -> None:
    """The train command, on one host or on each of several; argv: its name, then its flags."""
    from agentic_styling.cli.configured import run_configured

    run_configured(_train, "train", argv, define=_define_flags)


def _define_flags(values) -> None:
    from absl import flags

    to = {"flag_values": values}
    flags.DEFINE_boolean("dry_run", False, "print shapes, memory and FLOPs, and stop", **to)
    flags.DEFINE_boolean("distributed", False, "one of several hosts of a TPU pod or SLURM", **to)
    flags.DEFINE_string("coordinator", None, "HOST:PORT of the first of several processes", **to)
    flags.DEFINE_integer("processes", None, "number of processes", **to)
    flags.DEFINE_integer("process", None, "index of this process, from 0", **to)


def _train(config, workdir: Path, flags) -> None:
    import jax

    from agentic_styling import training

    hosts = flags.coordinator, flags.processes, flags.process
    if flags.distributed or any(value is not None for value in hosts):
        training.start_distributed(*hosts)
    if flags.dry_run:
        training.dry_run(config, workdir)
        return
    train = training.train_online if "online" in config else training.train
    planner = train(config, workdir)
    if jax.process_index() == 0:
        methods = f'{{"edit_only": None, "{workdir.name}": "{planner}"}}'
        print(
            f"planner: {planner}\nnext: agentic-styling evaluate "
            f"--config.cases={config.data or 'DATA'} "
            f"--config.methods='{methods}' --workdir={workdir}-evaluation"
        )


def add_commands(commands) -> None:
    """Adds train, which has absl's flags, and export to subparsers."""
    commands.add_parser("train", help="train a planner by a loss, from a data set")
    export = commands.add_parser("export", help="write the planner of a training checkpoint")
    export.add_argument("workdir", type=path, help="directory of the training run")
    export.add_argument("--out", required=True, type=path, help="a new Hugging Face directory")
    export.add_argument(
        "--step", type=whole(0, 10**9), help="step of the checkpoint (default: the latest)"
    )
    export.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from agentic_styling import training

    print(training.export_checkpoint(args.workdir, args.out, args.step))
