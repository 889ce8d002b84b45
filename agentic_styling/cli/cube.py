"""Export the colours of a plan as a .cube file: what `agentic-styling export-cube` does."""

import argparse
import sys
from pathlib import Path


def add_cube_command(commands) -> None:
    """Adds `export-cube` to the parser's subcommands."""
    command = commands.add_parser("export-cube", help="write a plan's colours as a .cube file")
    command.add_argument("plan", metavar="PLAN.json", type=Path, help="a plan file")
    command.add_argument("--out", required=True, type=Path, help="the .cube file to write")
    command.add_argument("--size", type=int, default=33, help="entries a side, 2 to 256")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Writes the table, and to stderr what of the plan it cannot hold."""
    from agentic_styling.cli.style import read_plan
    from agentic_styling.tools.executor.cube import plan_to_cube, write_cube

    table, left_out = plan_to_cube(read_plan(str(args.plan)), args.size)
    for line in left_out:
        print(line, file=sys.stderr)
    title = args.plan.stem
    write_cube(args.out, table, title if title.isprintable() and '"' not in title else "")
    print(args.out)
