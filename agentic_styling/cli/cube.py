"""Export the colours of a plan as a .cube file: what `agentic-styling export-cube` does."""

import argparse
import sys

from agentic_styling.cli.arguments import path, whole
from agentic_styling.utils.checks import new_file


def add_cube_command(commands) -> None:
    """Adds `export-cube` to the parser's subcommands."""
    command = commands.add_parser("export-cube", help="write a plan's colours as a .cube file")
    command.add_argument("plan", metavar="PLAN.json", type=path, help="a plan file")
    command.add_argument("--out", required=True, type=path, help="the .cube file to write")
    command.add_argument("--size", type=whole(2, 256), default=33, help="entries a side, 2 to 256")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Writes the table, and to stderr what of the plan it cannot hold."""
    from agentic_styling.cli.style import read_plan
    from agentic_styling.tools.executor.cube import plan_to_cube, write_cube

    new_file(args.out)
    plan, _ = read_plan(args.plan)
    table, left_out = plan_to_cube(plan, args.size)
    for line in left_out:
        print(line, file=sys.stderr)
    title = args.plan.stem
    write_cube(args.out, table, title if title.isprintable() and '"' not in title else "")
    print(args.out)
