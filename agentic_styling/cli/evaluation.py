"""The commands that compare planners: evaluate, report, annotate and agreement."""

import argparse
import contextlib
from pathlib import Path

from agentic_styling.cli.command import path, seed, whole


def evaluate(argv: list[str]) -> None:
    """The evaluate command; argv: its name, then its flags."""
    from agentic_styling.cli.configured import run_configured

    run_configured(_evaluate, "evaluate", argv, define=_define)


def _define(values) -> None:
    from absl import flags

    words = "ask models behind endpoints after the estimate of their cost, as config.yes"
    flags.DEFINE_bool("yes", False, words, flag_values=values)


def _evaluate(config, workdir: Path, *, flags) -> None:
    from agentic_styling import evaluation

    config.yes = config.yes or flags.yes
    results = evaluation.evaluate(config, workdir)
    print(evaluation.results_table(results), evaluation.plans_table(results), sep="\n\n")
    print(workdir / "report/index.html")


def add_commands(commands) -> None:
    """Adds evaluate, which has absl's flags, report, annotate and agreement to subparsers."""
    commands.add_parser("evaluate", help="compare planners on held-out cases")
    report = commands.add_parser("report", help="write the report of an evaluated workdir again")
    report.add_argument("workdir", type=path, help="directory of the evaluation")
    report.set_defaults(run=_report)

    about = "write or serve an annotation page with keyboard shortcuts"
    annotate = commands.add_parser("annotate", help=about)
    add = annotate.add_argument
    add("dataset", type=path, help="directory of a data set")
    add("--out", type=path, default="annotation", help="directory of the page")
    add("--contexts", type=whole(1, 10**8), default=50, help="pictures with a goal to show")
    add("--seed", type=seed, default=0, help="seed of the choice of contexts")
    add("--serve", action="store_true", help="serve the page on this machine and save answers")
    add("--port", type=whole(0, 65535), help="serve on this port (default: a free one)")
    annotate.set_defaults(run=_annotate)

    agreement = commands.add_parser("agreement", help="compare annotators and the reward")
    add = agreement.add_argument
    add("dataset", type=path, help="directory of the data set that was annotated")
    about = "NAME.jsonl, or a page's directory"
    add("answers", nargs="+", metavar="ANSWERS", type=path, help=about)
    agreement.set_defaults(run=_agreement)


def _report(args: argparse.Namespace) -> None:
    from agentic_styling import evaluation

    print(evaluation.write_report(args.workdir))


def _annotate(args: argparse.Namespace) -> None:
    from agentic_styling.evaluation import annotation

    out = args.out
    page = annotation.write_page(args.dataset, out, contexts=args.contexts, seed=args.seed)
    if args.port is None and not args.serve:
        print(out / "index.html")
        return
    with annotation.AnnotationServer(out, *page, port=args.port or 0) as server:
        print(f"{server.url} until Ctrl-C; answers are saved in {out / 'answers'}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _agreement(args: argparse.Namespace) -> None:
    from agentic_styling.evaluation import annotation

    annotation.agreement(args.dataset, args.answers)
