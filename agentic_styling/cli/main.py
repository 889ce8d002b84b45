"""The `agentic-styling` command."""

import sys
from importlib import import_module

from agentic_styling import __version__
from agentic_styling.cli.command import Parser, keep_compiled_programs, one_line_errors
from agentic_styling.utils.errors import InputError, nearest

# The commands by the module that has them, in the order of --help.
GROUPS = {
    "pictures": ("style", "judge", "export-cube"),
    "data": ("build", "import-published", "export-data"),
    "training": ("train", "export"),
    "evaluation": ("evaluate", "report", "annotate", "agreement"),
}


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Runs the command of argv (sys.argv by default).

    Bad input ends with one line on stderr and exit status 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    name = argv[0] if argv else ""
    groups = [group for group, names in GROUPS.items() if name in names]
    if not groups and not name.startswith("-"):
        wrong = f"{name!r} is not a command" if name else "no command is given"
        raise InputError(f"{wrong}; {nearest(name, sum(GROUPS.values(), ()))}")
    # Only the modules of the called command are imported.
    modules = [import_module(f"agentic_styling.cli.{group}") for group in groups or GROUPS]
    if name in ("train", "evaluate"):  # whose flags are absl's
        getattr(modules[0], name)(argv)
        return
    parser = Parser(
        prog="agentic-styling",
        description="Plan, run, score and learn edits of photographs.",
        epilog="agentic-styling COMMAND --help lists a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in modules:
        module.add_commands(commands)
    args = parser.parse_args(argv)
    keep_compiled_programs()
    args.run(args)
