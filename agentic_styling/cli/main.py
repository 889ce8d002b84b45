"""The `agentic-styling` command."""

import sys

from agentic_styling import __version__
from agentic_styling.cli.arguments import Parser
from agentic_styling.cli.data import add_data_commands
from agentic_styling.cli.evaluation import add_evaluation_commands, evaluate
from agentic_styling.cli.pictures import add_picture_commands
from agentic_styling.cli.training import add_training_commands, train
from agentic_styling.utils.errors import InputError, nearest, one_line_errors
from agentic_styling.utils.user_cache import keep_compiled_programs

CONFIGURED = {"train": train, "evaluate": evaluate}


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Runs the command of argv (sys.argv by default).

    Bad input ends with one line on stderr and exit status 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    name = argv[0] if argv else ""
    if name in CONFIGURED:
        CONFIGURED[name](argv)
        return
    parser, commands = _parser()
    if name not in commands and not name.startswith("-"):
        wrong = f"{name!r} is not a command" if name else "no command is given"
        raise InputError(f"{wrong}; {nearest(name, commands)}")
    args = parser.parse_args(argv)
    keep_compiled_programs()
    args.run(args)


def _parser() -> tuple[Parser, list[str]]:
    """The parser, and the names of all commands."""
    parser = Parser(
        prog="agentic-styling",
        description="Plan, run, score and learn edits of photographs.",
        epilog="agentic-styling COMMAND --help lists a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_picture_commands(commands)
    add_data_commands(commands)
    commands.add_parser("train", help="train a planner by a loss, from a data set")
    add_training_commands(commands)
    commands.add_parser("evaluate", help="compare planners on held-out cases")
    add_evaluation_commands(commands)
    return parser, list(commands.choices)
