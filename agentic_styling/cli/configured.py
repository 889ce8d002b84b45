"""Commands and scripts whose settings are an ml_collections config."""

import ast
import itertools
import re
from collections.abc import Callable
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, config_flags

from agentic_styling.cli.command import Parser, keep_compiled_programs, one_line_errors
from agentic_styling.utils.checks import check_seed, local_path, output_directory
from agentic_styling.utils.configs import config_path, field_help, load_config
from agentic_styling.utils.errors import InputError, first_cause


@one_line_errors
def run_configured(
    run: Callable,
    config_file: str,
    argv: list[str],
    default_workdir: str | None = None,
    define: Callable[[flags.FlagValues], None] | None = None,
) -> None:
    """Calls run(config, workdir) with --config, --config.field=value and --workdir from argv.

    Args:
      run: the command. If `define` is given, it also gets flags=, the parsed flags.
      config_file: the config used when argv names none, as for `utils.configs.config_path`.
      argv: the command's name, then its flags. -h and --help print the flags and all fields.
      default_workdir: used when argv names none.
      define: adds more flags to an absl FlagValues.

    Raises:
      InputError: for flags that are wrong or missing.
    """
    values = flags.FlagValues()
    if define:
        define(values)
    flags.DEFINE_string(
        "workdir", default_workdir, "directory to write everything to", flag_values=values
    )
    argv, file = _with_config_path(argv, config_path(config_file))
    if {"-h", "--help"} & set(argv[1:]):
        _print_help(argv[0], file, config_path(config_file), values)
        return
    config = parse_config(argv, values, file)
    if not values.workdir:
        raise InputError("--workdir is missing; name a directory to write to")
    _check_values(config)
    workdir = output_directory(values.workdir, "--workdir")
    keep_compiled_programs()
    run(config, workdir, **({"flags": values} if define else {}))


def parse_config(argv: list[str], values: flags.FlagValues, file: str) -> ConfigDict:
    """The config of argv, a name and then flags, or of `file`, with all fields that the flags set.

    values: the other flags that argv may hold, which are parsed too. Raises InputError for unknown
    flags and fields, values of a wrong type, and a file that fails.
    """
    try:
        config_flags.DEFINE_config_file("config", file, flag_values=values, sys_argv=argv)
        rest = values(argv)[1:]
        dict(values.config)  # a file that failed to load says so only when it is read
    except Exception as error:  # of any type, as the file is a program
        raise InputError(f"{_what_failed(error)}; --help lists flags and fields") from error
    if rest:
        raise InputError(f"{rest[0]!r} is not a flag; write --config.field=value")
    return values.config


def _check_values(config: ConfigDict, name: str = "config") -> None:
    """Raises InputError for a URL in the place of a path, and for a bad seed."""
    for key, value in config.items():
        if isinstance(value, ConfigDict):
            _check_values(value, f"{name}.{key}")
        elif isinstance(value, str) and "://" in value:
            local_path(value, f"{name}.{key}")
        elif key == "seed":
            check_seed(value, f"{name}.{key}")


def _with_config_path(argv: list[str], default: str) -> tuple[list[str], str]:
    """argv with the path of the config that --config names, and that path or the default."""
    argv = list(argv)
    for place, (before, argument) in enumerate(itertools.pairwise(argv), 1):
        match = re.fullmatch(r"--?config=(.*)", argument)
        if match:
            default = config_path(match[1])
            argv[place] = f"--config={default}"
        elif before in ("--config", "-config"):
            default = argv[place] = config_path(argument)
    return argv, default


def _what_failed(error: BaseException) -> str:
    """What was wrong at first, in one line: absl wraps it in tracebacks."""
    if isinstance(error, flags.IllegalFlagValueError) and "\n" not in str(error):
        return str(error)  # it names the flag
    misspelt = re.search(r"Did you mean .*?\?", str(error))
    error = first_cause(error)
    first = " ".join(str(error).split())
    if misspelt or isinstance(error, KeyError):
        return f"no such field: {first}" + (f". {misspelt[0]}" if misspelt else "")
    return first or "the last flag has no value; write --config.field=value"


def _print_help(command: str, file: str, default: str, values: flags.FlagValues) -> None:
    """Prints a command's flags and the fields of its config, with defaults and comments."""
    prog = command if command.endswith(".py") else f"agentic-styling {command}"
    own, usual = (Path(name.partition(":")[0]) for name in (file, default))
    parser = Parser(
        prog=prog,
        usage=f"{prog} [--config=FILE] [--config.FIELD=VALUE ...] --workdir=DIRECTORY",
        description=ast.get_docstring(ast.parse(own.read_text(encoding="utf-8-sig"))),
    )
    flag_group = parser.add_argument_group("flags")
    about = f"config file, or NAME:ARGUMENT for a built-in config (default: {usual.stem})"
    flag_group.add_argument("--config", metavar="FILE", help=about)
    for name in values:
        flag = values[name]
        kind = {"action": "store_true"} if flag.boolean else {"metavar": "VALUE"}
        flag_group.add_argument(f"--{name}", default=flag.default, help=flag.help, **kind)
    fields = parser.add_argument_group("fields of the config")
    helps = field_help(own) | field_help(usual)
    for name, value in _fields(load_config(file), helps).items():
        kind = "VALUE" if value is None else type(value).__name__.upper()
        about = f"{helps.get(name, '')} (default: {value!r})".strip().replace("%", "%%")
        fields.add_argument(f"--config.{name}", metavar=kind, help=about)
    parser.print_help()


def _fields(config: ConfigDict, helps: dict[str, str], prefix: str = "") -> dict[str, object]:
    """Every field with its value, in the order of helps; nested ones by their dotted names."""
    fields = {}
    for name, value in config.items():
        path = prefix + name
        if any(other.startswith(f"{path}.") for other in helps):
            fields |= _fields(value, helps, f"{path}.")
        else:
            fields[path] = value.to_dict() if isinstance(value, ConfigDict) else value
    order = {name: place for place, name in enumerate(helps)}
    return dict(sorted(fields.items(), key=lambda item: order.get(item[0], len(order))))
