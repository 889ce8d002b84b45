"""The commands that make data sets and turn them into other forms."""

import argparse
import functools
from pathlib import Path

from agentic_styling.utils.errors import InputError
from agentic_styling.utils.user_cache import user_cache

PRICES = {
    "nargs": 2,
    "type": float,
    "metavar": ("IN", "OUT"),
    "help": "of a million of the model's tokens, to tell the cost beforehand",
}


def add_data_commands(commands) -> None:
    """Add generate, build, import-published and export-data to subparsers."""
    generate = commands.add_parser("generate", help="make scored trajectories from photographs")
    generate.add_argument("--photos", help="a folder of photographs (default: the bundled ones)")
    generate.add_argument("--out", required=True, help="directory of the data set")
    generate.add_argument("--split", choices=["train", "test"], default="train")
    generate.add_argument("--contexts", type=int, default=2000, help="pictures with a goal each")
    generate.add_argument("--plans-per-context", type=int, default=3)
    generate.add_argument("--size", type=int, default=128, help="side of a picture, in pixels")
    generate.add_argument("--seed", type=int, default=0)
    generate.set_defaults(run=_generate)

    read = commands.add_parser("import-published", help="read a copy of the published data set")
    read.add_argument("source", help="a folder, or a .parquet, .jsonl or .json file of rows")
    read.add_argument("--out", required=True, help="a new directory of trajectories")
    read.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    read.set_defaults(run=_import_published)

    write = commands.add_parser("export-data", help="write trajectories in another form")
    write.add_argument("directory", help="of trajectories")
    write.add_argument(
        "--format", required=True, choices=["published", "trl", "llama-factory", "ms-swift"]
    )
    write.add_argument("--out", required=True, help="a new directory")
    write.set_defaults(run=_export_data)

    build = commands.add_parser("build", help="build a set of scored trajectories, as TFDS")
    build.add_argument("set", choices=["simple", "regular", "complex"])
    build.add_argument(
        "--photos",
        help="a folder, tfds:NAME/SPLIT@DATA_DIR, or hf:DIRECTORY (default: the bundled ones)",
    )
    build.add_argument("--out", required=True, help="the data_dir that sets are built below")
    build.add_argument("--count", type=int, default=10_000, help="trajectories")
    build.add_argument("--plans-per-context", type=int, default=3)
    build.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    build.add_argument("--seed", type=int, default=0)
    build.add_argument("--planner", help="a Hugging Face directory that writes the plans")
    build.add_argument(
        "--model", metavar="NAME", help="or a model's name at AGENTIC_STYLING_TEACHER_URL"
    )
    build.add_argument("--prices", **PRICES)
    build.add_argument("--yes", action="store_true", help="ask the model whatever it costs")
    build.add_argument("--temperatures", nargs="+", type=float, default=[0.3, 0.7, 1.0])
    build.add_argument("--system", action="store_true", help="tell the planner the tools")
    build.add_argument("--process", type=int, default=0, help="which one this is")
    build.add_argument("--processes", type=int, default=1, help="that share the work")
    build.set_defaults(run=_build)


def _generate(args: argparse.Namespace) -> None:
    from agentic_styling import data

    data.generate(
        Path(args.out),
        data.load_photos(args.photos),
        split=args.split,
        contexts=args.contexts,
        plans_per_context=args.plans_per_context,
        seed=args.seed,
        size=args.size,
    )


def _import_published(args: argparse.Namespace) -> None:
    from agentic_styling import data

    print(data.import_published(args.source, Path(args.out), args.size))


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
        teacher=teacher,
        process=args.process,
        processes=args.processes,
        confirm=confirm,
    )
    print(path)
