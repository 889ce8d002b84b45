"""The `agentic-styling` command."""

import sys

from agentic_styling import __version__
from agentic_styling.cli import data, evaluation, pictures, training
from agentic_styling.cli.command import Parser, keep_compiled_programs, one_line_errors
from agentic_styling.utils.errors import InputError, nearest


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Runs the command of argv (sys.argv by default).

    Bad input ends with one line on stderr and exit status 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    name = argv[0] if argv else ""
    parser = Parser(
        prog="agentic-styling",
        description="Plan, run, score and learn edits of photographs.",
        epilog="agentic-styling COMMAND --help lists a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (pictures, data, training, evaluation):  # in the order of --help
        module.add_commands(commands)
    if name not in commands.choices and not name.startswith("-"):
        wrong = f"{name!r} is not a command" if name else "no command is given"
        raise InputError(f"{wrong}; {nearest(name, commands.choices)}")
    if name == "train":
        training.train(argv)
    elif name == "evaluate":
        evaluation.evaluate(argv)
    else:
        args = parser.parse_args(argv)
        keep_compiled_programs()
        args.run(args)
