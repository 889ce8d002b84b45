"""The `agentic-styling` command, and the flags that the scripts of experiments/ share."""

import argparse
import contextlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from agentic_styling.cli.cube import add_cube_command
from agentic_styling.cli.data import PRICES, add_data_commands
from agentic_styling.utils.errors import InputError, one_line_errors
from agentic_styling.utils.user_cache import keep_compiled_programs, user_cache


@one_line_errors
def run_configured(
    run: Callable,
    config_file: str | None,
    argv: list[str],
    default_workdir: str | None = None,
    define: Callable[[flags.FlagValues], None] | None = None,
) -> None:
    """Call run(config, workdir) with --config, --config.field=value and --workdir from argv.

    config_file: the ml_collections file taken when argv names none. define: more flags, which run
    gets too, as flags=. Bad flags are an InputError.
    """
    values = flags.FlagValues()
    if define:
        define(values)
    config_flags.DEFINE_config_file("config", config_file, flag_values=values)
    flags.DEFINE_string(
        "workdir", default_workdir, "Where everything is written.", flag_values=values
    )
    try:
        rest = values(argv)[1:]
        config = values.config
        dict(config or {})  # a file that failed to load only says so when it is read
    except (flags.Error, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(f"{_innermost(error)}; the config file lists fields and values") from error
    if rest:
        raise InputError(f"{rest[0]!r} is no flag; write --config.field=value")
    if not values.workdir:
        raise InputError("--workdir is missing; name a directory to write to")
    if config is None:
        raise InputError("--config is missing; name a file of configs/")
    keep_compiled_programs()
    run(config, Path(values.workdir), **({"flags": values} if define else {}))


def train(config_file: str | None, argv: list[str]) -> None:
    """The train command, on one host or each of many."""
    run_configured(_train, config_file, argv, define=_train_flags)


def _train_flags(values: flags.FlagValues) -> None:
    of = {"flag_values": values}
    flags.DEFINE_boolean("dry_run", False, "Print shapes, memory and FLOPs, and stop.", **of)
    flags.DEFINE_boolean("distributed", False, "One of several hosts: TPU pod, SLURM.", **of)
    flags.DEFINE_string("coordinator", None, "HOST:PORT of the first of several processes.", **of)
    flags.DEFINE_integer("processes", None, "How many processes there are.", **of)
    flags.DEFINE_integer("process", None, "Which of them this is, from 0.", **of)


def _train(config, workdir: Path, flags: flags.FlagValues) -> None:
    from agentic_styling import training

    hosts = flags.coordinator, flags.processes, flags.process
    if flags.distributed or any(value is not None for value in hosts):
        training.start_distributed(*hosts)
    if flags.dry_run:
        training.dry_run(config, workdir)
    else:
        training.train(config, workdir)


def _innermost(error: BaseException) -> str:
    """What was wrong at first, in one line: absl wraps it in tracebacks."""
    if isinstance(error, flags.IllegalFlagValueError) and "\n" not in str(error):
        return str(error)  # it names the flag
    misspelt = re.search(r"Did you mean .*?\?", str(error))
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    first = " ".join(str(error).split())
    return f"no such field: {first}. {misspelt[0]}" if misspelt else first


def _style(args: argparse.Namespace) -> None:
    from agentic_styling.cli import style as styling

    styling.style(
        args.photos,
        Path(args.out),
        goal=args.goal,
        planner=args.planner,
        plan=args.plan,
        temperature=args.temperature,
        seed=args.seed,
    )


def _export(args: argparse.Namespace) -> None:
    from agentic_styling import training

    print(training.export_checkpoint(Path(args.workdir), Path(args.out), args.step))


def _report(args: argparse.Namespace) -> None:
    from agentic_styling import evaluation

    print(evaluation.write_report(Path(args.workdir)))


def _evaluate(config, workdir: Path) -> None:
    from agentic_styling import evaluation

    print(evaluation.results_table(evaluation.evaluate(config, workdir)))
    print(workdir / "report/index.html")


def _judge(args: argparse.Namespace) -> None:
    from agentic_styling.cli import judge as judging

    judging.judge(
        args.pictures,
        Path(args.out),
        cache=user_cache() / "answers",
        goal=args.goal,
        vlm=args.judge,
        model=args.model,
        prices=args.prices,
        yes=args.yes,
    )


def _annotate(args: argparse.Namespace) -> None:
    from agentic_styling.evaluation import annotation as annotate

    out = Path(args.out)
    page = annotate.write_page(args.dataset, out, contexts=args.contexts, seed=args.seed)
    if args.port is None and not args.serve:
        print(out / "index.html")
        return
    with annotate.AnnotationServer(out, *page, port=args.port or 0) as server:
        print(f"{server.url} until Ctrl-C; answers go to {out / 'answers'}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _agreement(args: argparse.Namespace) -> None:
    from agentic_styling.evaluation import annotation as annotate

    annotate.agreement(args.dataset, args.answers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentic-styling", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)

    style = commands.add_parser("style", help="restyle photographs towards a goal")
    style.add_argument("photos", nargs="+", metavar="PHOTO")
    style.add_argument("--goal", help="what the picture should become, in words")
    style.add_argument("--planner", help="a Hugging Face directory of a Qwen3-VL planner")
    style.add_argument("--plan", help="a plan file to run instead of asking a planner")
    style.add_argument("--out", default="styled", help="directory to write to (default: styled)")
    style.add_argument("--temperature", type=float, default=0.0)
    style.add_argument("--seed", type=int, default=0)
    style.set_defaults(run=_style)

    add_data_commands(commands)

    for name, text in (("train", "train a planner"), ("evaluate", "compare planners on cases")):
        command = commands.add_parser(name, help=f"{text}: --config=FILE --workdir=DIRECTORY")
        command.set_defaults(run=None)

    judge = commands.add_parser("judge", help="score edits by a vision-language model")
    judge.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="a photograph and its edit, or one workdir that was evaluated",
    )
    judge.add_argument("--goal", help="what the photograph was to become, in words")
    judge.add_argument(
        "--judge", metavar="DIRECTORY", help="a Hugging Face directory of a Qwen3-VL, run here"
    )
    judge.add_argument(
        "--model", metavar="NAME", help="or a model's name at AGENTIC_STYLING_JUDGE_URL"
    )
    judge.add_argument("--prices", **PRICES)
    judge.add_argument("--yes", action="store_true", help="ask the model whatever it costs")
    judge.add_argument("--out", default="judged.json", help="file to write (default: judged.json)")
    judge.set_defaults(run=_judge)

    annotate = commands.add_parser("annotate", help="have people pass, fail and rank edits")
    annotate.add_argument("dataset", help="directory of trajectories")
    annotate.add_argument(
        "--out", default="annotation", help="directory of the page (default: annotation)"
    )
    annotate.add_argument("--contexts", type=int, default=50, help="pictures with a goal to show")
    annotate.add_argument("--seed", type=int, default=0, help="of which contexts are drawn")
    annotate.add_argument(
        "--serve", action="store_true", help="serve the page on this machine and save answers"
    )
    annotate.add_argument("--port", type=int, help="serve it there (default: a free one)")
    annotate.set_defaults(run=_annotate)

    agreement = commands.add_parser("agreement", help="compare annotators and the reward")
    agreement.add_argument("dataset", help="directory of the trajectories that were annotated")
    agreement.add_argument(
        "answers", nargs="+", metavar="ANSWERS", help="NAME.jsonl, or a page's directory"
    )
    agreement.set_defaults(run=_agreement)

    export = commands.add_parser("export", help="write the planner of a training checkpoint")
    export.add_argument("workdir", help="of the training run")
    export.add_argument("--out", required=True, help="a new Hugging Face directory")
    export.add_argument("--step", type=int, help="of the checkpoint (default: the latest)")
    export.set_defaults(run=_export)

    report = commands.add_parser("report", help="write the report of an evaluated workdir again")
    report.add_argument("workdir")
    report.set_defaults(run=_report)
    add_cube_command(commands)
    return parser


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """The console script. Bad input ends with one line on stderr and exit status 2."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["train"]:
        train(None, argv)
    elif argv[:1] == ["evaluate"]:
        run_configured(_evaluate, None, argv)
    else:
        args = _parser().parse_args(argv)
        keep_compiled_programs()
        args.run(args)
