"""The commands that build data sets and convert them to and from other forms."""

import argparse
import functools
from pathlib import Path

from agentic_styling.utils.errors import InputError
from agentic_styling.utils.user_cache import user_cache

PRICES = {
    "nargs": 2,
    "type": float,
    "metavar": ("IN", "OUT"),
    "help": "price of a million of the model's tokens, for the cost estimate",
}


def add_data_commands(commands) -> None:
    """Adds build, import-published and export-data to subparsers."""
    _add_build(commands)
    read = commands.add_parser("import-published", help="import a copy of the published data set")
    read.add_argument("source", help="a folder, or a .parquet, .jsonl or .json file of rows")
    read.add_argument("--out", required=True, metavar="ROOT", help="the set goes below it")
    read.add_argument(
        "--size", type=int, default=256, help="side of a picture, in pixels (default: %(default)s)"
    )
    read.set_defaults(run=_import_published)

    write = commands.add_parser("export-data", help="write a set in another program's form")
    write.add_argument("directory", help="of a set, as build prints it")
    write.add_argument(
        "--format", required=True, choices=["published", "trl", "llama-factory", "ms-swift"]
    )
    write.add_argument("--out", required=True, help="a new directory")
    write.set_defaults(run=_export_data)


def _add_build(commands) -> None:
    build = commands.add_parser("build", help="build a set of scored trajectories")
    add = build.add_argument
    add("set", help="simple, regular, complex or demo, or a .json file of goals")
    add(
        "--photos",
        help="a folder, tfds:NAME/SPLIT@DATA_DIR, or hf:DIRECTORY (default: photographs bundled "
        "in scikit-image and scikit-learn)",
    )
    add("--out", required=True, metavar="ROOT", help="the set goes below it")
    default = "(default: %(default)s)"
    add("--count", type=int, default=10_000, help=f"trajectories {default}")
    add("--plans-per-context", type=int, default=3, help=f"plans per picture and goal {default}")
    add("--size", type=int, default=256, help=f"side of a picture, in pixels {default}")
    add("--seed", type=int, default=0, help=f"of pictures, goals and plans {default}")
    add("--only", metavar="SPLIT", help="put everything into one split: train, validation or test")
    add("--planner", help="a planner directory that writes the plans (default: a script does)")
    add("--model", metavar="NAME", help="or a model at AGENTIC_STYLING_TEACHER_URL")
    add("--prices", **PRICES)
    add("--yes", action="store_true", help="do not ask to confirm the cost of the model")
    add(
        "--temperatures",
        nargs="+",
        type=float,
        default=[0.3, 0.7, 1.0],
        help="of a context's plans, in turn, by a planner or model (default: 0.3 0.7 1.0)",
    )
    add("--system", action="store_true", help="put tool signatures in the planner's prompt")
    add("--process", type=int, default=0, help=f"which of the processes this is {default}")
    add("--processes", type=int, default=1, help=f"how many share the work {default}")
    build.set_defaults(run=_build)


def _import_published(args: argparse.Namespace) -> None:
    from agentic_styling import data

    report = data.import_published(args.source, Path(args.out), args.size)
    print(f"{report}\n{report.directory}")


def _export_data(args: argparse.Namespace) -> None:
    from agentic_styling import data

    data.export_data(data.read_trajectories(args.directory), Path(args.out), args.format)
    print(args.out)


def _build(args: argparse.Namespace) -> None:
    from agentic_styling.data import build
    from agentic_styling.data.photos import sources
    from agentic_styling.data.teachers import endpoint as endpoint_teacher
    from agentic_styling.data.teachers import teachers

    teacher, confirm = None, None
    if args.planner and args.model:
        raise InputError("build: --planner and --model both write the plans; give one of the two")
    if args.model:
        teacher = endpoint_teacher.EndpointTeacher(
            args.set, args.model, user_cache() / "plans", temperatures=args.temperatures
        )
        confirm = functools.partial(
            teacher.announce, size=args.size, prices=args.prices, yes=args.yes
        )
    if args.planner:
        teacher = teachers.PlannerTeacher(
            args.set, args.planner, temperatures=args.temperatures, system=args.system
        )
    path = build.build(
        Path(args.out),
        args.set,
        sources.open_source(args.photos),
        count=args.count,
        plans_per_context=args.plans_per_context,
        size=args.size,
        seed=args.seed,
        only=args.only,
        teacher=teacher,
        process=args.process,
        processes=args.processes,
        confirm=confirm,
    )
    print(path)
