"""The commands that take photographs: style and judge."""

import argparse

from agentic_styling.cli.arguments import path, seed, temperature, words
from agentic_styling.cli.data import PRICES
from agentic_styling.utils.user_cache import user_cache


def add_picture_commands(commands) -> None:
    """Adds style and judge to subparsers."""
    style = commands.add_parser("style", help="restyle photographs towards a goal")
    style.add_argument("photos", nargs="+", metavar="PHOTO", type=path, help="a photograph")
    style.add_argument("--goal", type=words, help="what the picture should become, in words")
    style.add_argument(
        "--planner", type=path, help="a Hugging Face directory of a Qwen3-VL planner"
    )
    style.add_argument("--plan", type=path, help="a plan file to run instead of asking a planner")
    style.add_argument(
        "--state",
        metavar="FILE",
        type=path,
        help="what the photographs show, as JSON, for a text planner",
    )
    style.add_argument("--out", type=path, default="styled", help="directory to write to")
    style.add_argument("--overwrite", action="store_true", help="replace earlier results")
    style.add_argument(
        "--temperature", type=temperature, default=0.0, help="of sampling; 0: greedy"
    )
    style.add_argument("--seed", type=seed, default=0, help="of sampling and of the tools' noise")
    style.set_defaults(run=_style)

    judge = commands.add_parser("judge", help="score edits and plans by a vision-language model")
    judge.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        type=path,
        help="a photograph and its edit, or one workdir of evaluate",
    )
    judge.add_argument("--goal", type=words, help="what the photograph should become, in words")
    judge.add_argument(
        "--plan", metavar="FILE", type=path, help="the plan behind the edit, judged too"
    )
    judge.add_argument(
        "--judge",
        dest="vlm",
        metavar="DIRECTORY",
        type=path,
        help="a Hugging Face directory of a Qwen3-VL, run here",
    )
    judge.add_argument(
        "--model", metavar="NAME", type=words, help="or a model's name at AGENTIC_STYLING_JUDGE_URL"
    )
    judge.add_argument("--prices", **PRICES)
    judge.add_argument("--yes", action="store_true", help="ask the model without confirmation")
    judge.add_argument("--out", type=path, default="judged.json", help="file to write")
    judge.set_defaults(run=_judge)


def _style(args: argparse.Namespace) -> None:
    from agentic_styling.cli.style import style

    style(**_keywords(args))


def _judge(args: argparse.Namespace) -> None:
    from agentic_styling.cli.judge import judge

    cache = user_cache() / "answers" if args.model else None
    texts = {"pictures": list(map(str, args.pictures)), "vlm": args.vlm and str(args.vlm)}
    judge(**_keywords(args) | texts, cache=cache)


def _keywords(args: argparse.Namespace) -> dict:
    return {name: value for name, value in vars(args).items() if name != "run"}
