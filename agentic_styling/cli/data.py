"""The commands that build data sets and convert them to and from other forms."""

import argparse
import functools

from agentic_styling.cli.command import (
    PRICES,
    named_share,
    path,
    seed,
    share,
    temperature,
    whole,
    words,
)
from agentic_styling.utils.atomic import check_free
from agentic_styling.utils.checks import output_directory
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.user_cache import user_cache

SPLITS = ("train", "validation", "test")
SIDE = "side of a picture, in pixels"


def add_commands(commands) -> None:
    """Adds build, import-published and export-data to subparsers."""
    _add_build(commands)
    read = commands.add_parser("import-published", help="import a copy of the published data set")
    add = read.add_argument
    add("source", type=path, help="a folder, or a .parquet, .jsonl or .json file of rows")
    add("--out", required=True, metavar="ROOT", type=path, help="the set goes below it")
    add("--size", type=whole(64, 1024), default=256, help=f"{SIDE}, 64 to 1024")
    read.set_defaults(run=_import_published)

    write = commands.add_parser("export-data", help="write a set in another program's form")
    write.add_argument("directory", type=path, help="of a set, as build prints it")
    forms = ["published", "trl", "llama-factory", "ms-swift"]
    write.add_argument("--format", required=True, choices=forms)
    write.add_argument("--out", required=True, type=path, help="a new directory")
    write.set_defaults(run=_export_data)


def _add_build(commands) -> None:
    build = commands.add_parser("build", help="build a set of scored trajectories")
    add = build.add_argument
    add("set", help="simple, regular, complex or demo, or a .json file of goals")
    about = "a folder, tfds:NAME/SPLIT@DATA_DIR, hf:DIRECTORY, or scikit for the photographs of "
    about += "scikit-image and scikit-learn (default: those of this package)"
    add("--photos", help=about)
    add("--out", required=True, metavar="ROOT", type=path, help="the set goes below it")
    most = 10**8
    add("--count", type=whole(1, most), default=10_000, help="trajectories")
    add("--plans-per-context", type=whole(1, 1000), default=3, help="plans per picture and goal")
    add("--size", type=whole(16, 1024), default=256, help=f"{SIDE}, 16 to 1024")
    add("--seed", type=seed, default=0, help="of pictures, goals and plans")
    add("--only", choices=SPLITS, help="put everything into one split")
    shares = {"nargs": "*", "type": named_share}
    about = "of the script's plans, as SKILL=SHARE ... (default: those of the set)"
    add("--skills", metavar="SKILL=SHARE", help=about, **shares)
    about = "which share of its keys has each habit of the script (default: those of the set)"
    add("--habits", metavar="KIND=SHARE", help=about, **shares)
    about = "share of a context's plans that follow the habits (default: that of the set)"
    add("--habit-strength", metavar="H", type=share, help=about)
    about = "a planner directory that writes the plans (default: a script does)"
    add("--planner", type=path, help=about)
    add("--model", metavar="NAME", type=words, help="or a model at AGENTIC_STYLING_TEACHER_URL")
    add("--prices", **PRICES)
    add("--yes", action="store_true", help="do not ask to confirm the cost of the model")
    about = "of a context's plans, in turn, by a planner or model (default: 0.3 0.7 1.0)"
    add("--temperatures", nargs="+", type=temperature, default=[0.3, 0.7, 1.0], help=about)
    add("--system", action="store_true", help="put tool signatures in the planner's prompt")
    add("--process", type=whole(0, most), default=0, help="which of the processes this is")
    add("--processes", type=whole(1, most), default=1, help="how many share the work")
    build.set_defaults(run=_build)


def _import_published(args: argparse.Namespace) -> None:
    from agentic_styling import data

    report = data.import_published(args.source, args.out, args.size)
    print(f"{report}\n{report.directory}")


def _export_data(args: argparse.Namespace) -> None:
    from agentic_styling import data

    check_free(args.out)
    data.export_data(data.read_trajectories(args.directory), args.out, args.format)
    print(args.out)


def _shares(option: str, given: list[tuple[str, float]] | None) -> dict[str, float] | None:
    """Shares by name, of an option's arguments; None where it is not given."""
    if given is None:
        return None
    if len(dict(given)) < len(given):
        raise InputError(f"build: {option}: a name is given twice; give each once")
    return dict(given)


def _build(args: argparse.Namespace) -> None:
    from agentic_styling.data import build
    from agentic_styling.data.goals import sets
    from agentic_styling.data.photos import sources
    from agentic_styling.data.teachers import endpoint as endpoint_teacher
    from agentic_styling.data.teachers import teachers

    output_directory(args.out)
    sets.read(args.set)
    source = sources.open_source(args.photos)
    confirm = None
    if args.planner and args.model:
        raise InputError("build: --planner and --model both write the plans; give one of the two")
    behaviour = {
        "skills": _shares("--skills", args.skills),
        "habits": _shares("--habits", args.habits),
        "habit_strength": args.habit_strength,
    }
    if (args.planner or args.model) and behaviour != dict.fromkeys(behaviour):
        raise InputError(
            "build: --skills, --habits and --habit-strength are of the script; leave them out "
            "with --planner and --model"
        )
    teacher = teachers.Procedural(args.set, args.seed, **behaviour)
    heat = {"temperatures": args.temperatures}
    if args.model:
        cache = user_cache() / "plans"
        teacher = endpoint_teacher.EndpointTeacher(args.set, args.model, cache, **heat)
        known = {"size": args.size, "prices": args.prices, "yes": args.yes}
        confirm = functools.partial(teacher.announce, **known)
    if args.planner:
        teacher = teachers.PlannerTeacher(args.set, args.planner, system=args.system, **heat)
    same = ("count", "plans_per_context", "size", "seed", "only", "process", "processes")
    options = {name: getattr(args, name) for name in same}
    print(build.build(args.out, args.set, source, teacher=teacher, confirm=confirm, **options))
