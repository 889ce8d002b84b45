"""The commands that take photographs and plans: style, judge and export-cube."""

import argparse
import sys

from agentic_styling.cli.command import PRICES, path, seed, temperature, whole, words
from agentic_styling.utils.checks import new_file


def add_commands(commands) -> None:
    """Adds style, judge and export-cube to subparsers."""
    style = commands.add_parser("style", help="restyle photographs towards a goal")
    add = style.add_argument
    add("photos", nargs="+", metavar="PHOTO", type=path, help="a photograph")
    add("--goal", type=words, help="what the picture should become, in words")
    add("--planner", type=path, help="a Hugging Face directory (default: the starter planner)")
    add("--plan", type=path, help="a plan file to run instead of asking a planner")
    about = "what the photographs show, as JSON, for a text planner"
    add("--state", metavar="FILE", type=path, help=about)
    add("--out", type=path, default="styled", help="directory to write to")
    add("--overwrite", action="store_true", help="replace earlier results")
    about = "plans to sample, of which the one is taken that the others agree on most"
    add("--samples", metavar="N", type=whole(1, 64), default=1, help=about)
    about = "of sampling; 0: greedy (default: 0, with --samples above 1: 1)"
    add("--temperature", type=temperature, help=about)
    add("--seed", type=seed, default=0, help="of sampling and of the tools' noise")
    style.set_defaults(run=_style)

    judge = commands.add_parser("judge", help="score edits and plans by a vision-language model")
    add = judge.add_argument
    about = "a photograph and its edit, or one workdir of evaluate"
    add("pictures", nargs="+", metavar="PICTURE", type=path, help=about)
    add("--goal", type=words, help="what the photograph should become, in words")
    add("--plan", metavar="FILE", type=path, help="the plan behind the edit, judged too")
    about = "a Hugging Face directory of a Qwen3-VL, run here"
    add("--judge", dest="vlm", metavar="DIRECTORY", type=path, help=about)
    about = "or a model's name at AGENTIC_STYLING_JUDGE_URL"
    add("--model", metavar="NAME", type=words, help=about)
    add("--prices", **PRICES)
    add("--yes", action="store_true", help="ask the model without confirmation")
    add("--out", type=path, default="judged.json", help="file to write")
    judge.set_defaults(run=_judge)

    cube = commands.add_parser("export-cube", help="write a plan's colours as a .cube file")
    cube.add_argument("plan", metavar="PLAN.json", type=path, help="a plan file")
    cube.add_argument("--out", required=True, type=path, help="the .cube file to write")
    cube.add_argument("--size", type=whole(2, 256), default=33, help="entries a side, 2 to 256")
    cube.set_defaults(run=_export_cube)


def _style(args: argparse.Namespace) -> None:
    from agentic_styling.cli.style import style

    style(**_keywords(args))


def _judge(args: argparse.Namespace) -> None:
    from agentic_styling.cli.judge import judge

    judge(**_keywords(args))


def _export_cube(args: argparse.Namespace) -> None:
    """Writes the table, and to stderr what of the plan it cannot hold."""
    from agentic_styling.cli.style import read_plan
    from agentic_styling.tools.executor.cube import plan_to_cube, write_cube

    new_file(args.out)
    table, left_out = plan_to_cube(read_plan(args.plan), args.size)
    for line in left_out:
        print(line, file=sys.stderr)
    title = args.plan.stem
    write_cube(args.out, table, title if title.isprintable() and '"' not in title else "")
    print(args.out)


def _keywords(args: argparse.Namespace) -> dict:
    return {name: value for name, value in vars(args).items() if name != "run"}
