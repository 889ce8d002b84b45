"""The runs of a sweep: the fields that vary, names, and checked configs."""

import ast
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict, FrozenConfigDict

from agentic_styling.cli.configured import parse_config
from agentic_styling.training.config import checked
from agentic_styling.utils.configs import config_path
from agentic_styling.utils.errors import InputError, nearest

METHOD = "method"  # the argument of the config file, a loss or a preset
LONGEST_VALUE, LONGEST_NAME = 60, 200


@dataclass(frozen=True)
class Run:
    """One training run. fields: those that vary; flags: of experiments/train.py."""

    name: str
    fields: dict[str, object]
    flags: list[str]
    config: FrozenConfigDict


def parse_grid(texts: Iterable[str]) -> dict[str, list[str]]:
    """{field: values} of FIELD=VALUE,VALUE; commas within brackets do not separate."""
    grid = {}
    for text in texts:
        field, equals, values = text.partition("=")
        values = _split(values)
        if not (field and equals and all(values)):
            raise InputError(f"--grid {text}: a value is missing; write FIELD=VALUE,VALUE")
        if field in grid:
            raise InputError(f"--grid {field}: given twice; put all its values into one")
        grid[field] = values
    return grid


def _split(values: str) -> list[str]:
    parts, depth = [""], 0
    for character in values:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def read_list(path: Path) -> list[dict]:
    """The objects {field: value} of a file: a JSON list of them, or one a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a JSON file") from error
    try:
        rows = json.loads(text)
    except ValueError:
        rows = [_line(path, n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = [rows] if isinstance(rows, dict) else rows
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
        raise InputError(f'{path}: lists no runs; write [{{"seed": 0}}, {{"seed": 1}}]')
    return rows


def _line(path: Path, number: int, line: str):
    try:
        return json.loads(line)
    except ValueError as error:
        raise InputError(
            f"{path}: line {number} is not JSON; write a list of objects, or an object a line"
        ) from error


def expand(grid: dict[str, list], rows: list[dict]) -> list[dict]:
    """The fields of each run: every row with every combination of the grid's values."""
    if not (grid or rows):
        raise InputError("nothing varies; give --grid FIELD=VALUE,VALUE or --list FILE")
    for field in grid:
        if any(field in row for row in rows):
            raise InputError(f"{field}: in the list and in the grid; keep it in one of them")
    combinations = [
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    ]
    return [row | cell for row in rows or [{}] for cell in combinations]


def build_runs(config_file: str, shared: list[str], points: list[dict]) -> list[Run]:
    """A run for each point, all checked. shared: --config.field=value flags of every run.

    Raises InputError for a field that the config lacks, a value of another type, a config that
    `train` would refuse, a field that is given twice, and two runs of one config.
    """
    everywhere = dict(_shared(shared))
    runs, seen = [], {}
    for point in points:
        twice = [field for field in point if field in everywhere]
        if twice:
            raise InputError(f"config.{twice[0]}: shared and varied; keep one of them")
        method = point.get(METHOD)
        if method is not None and not isinstance(method, str):
            raise InputError(f"{METHOD}: {method!r} is no name; give a loss or a preset")
        file = config_file if method is None else f"{config_file.partition(':')[0]}:{method}"
        default = read_config(file, [])
        for field, value in everywhere.items():
            typed(field, value, default, file)
        fields = {k: v if k == METHOD else typed(k, v, default, file) for k, v in point.items()}
        varied = [f"--config.{k}={text(v)}" for k, v in sorted(fields.items()) if k != METHOD]
        name = run_name(fields)
        try:
            config = checked(read_config(file, [*shared, *varied]))
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        same = seen.setdefault(config.to_json(sort_keys=True), name)
        if same != name or any(run.name == name for run in runs):
            raise InputError(f"{same} and {name}: the same run twice; leave one out")
        runs.append(Run(name, fields, [f"--config={file}", *shared, *varied], config))
    return runs


def _shared(overrides: list[str]) -> Iterator[tuple[str, str]]:
    for flag in overrides:
        match = re.fullmatch(r"--config\.([\w.]+)=(.*)", flag, re.DOTALL)
        if not match:
            raise InputError(f"{flag!r} is not a flag; write --config.field=value")
        yield match[1], match[2]


def read_config(file: str, overrides: list[str]) -> ConfigDict:
    """The config that experiments/train.py gets from these flags."""
    return parse_config(["sweep", *overrides], flags.FlagValues(), config_path(file))


def leaves(config: ConfigDict, prefix: str = "") -> dict[str, object]:
    """Every field with its value, nested ones by dotted names."""
    fields = {}
    for name, value in config.items():
        nested = isinstance(value, ConfigDict)
        fields |= leaves(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return fields


def typed(field: str, value, config: ConfigDict, file: str):
    """The value as the type of the config's field: texts are read as Python literals."""
    known = leaves(config)
    if field not in known:
        close = nearest(field, [*known, METHOD])
        raise InputError(f"config.{field}: no such field in {Path(file).name}; {close}")
    default = known[field]
    given, kind = value, type(default)
    if isinstance(value, str) and kind is not str:
        value = {"true": "True", "false": "False"}.get(value, value)
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            value = given
    if kind is float and type(value) is int:
        value = float(value)
    if kind in (tuple, list) and isinstance(value, tuple | list):
        value = kind(value)
    if type(value) is not kind and default is not None:
        raise InputError(
            f"config.{field}: {given!r} is no {kind.__name__}; give one as {default!r}"
        )
    if "\n" in text(value):
        raise InputError(f"config.{field}: {value!r} has more than one line; give one")
    return value


def text(value) -> str:
    """A value as on a command line."""
    return value if isinstance(value, str) else repr(value)


def run_name(fields: dict[str, object]) -> str:
    """A unique file name of the varied fields, e.g. 'learning_rate=1e-05,seed=0'.

    A digest is added if characters were replaced or left out.
    """
    parts = [f"{k}={_safe(text(v), LONGEST_VALUE)}" for k, v in sorted(fields.items())]
    return _safe(",".join(parts) or "defaults", LONGEST_NAME, also="=,")


def _safe(whole: str, longest: int, also: str = "") -> str:
    kept = re.sub(rf"[^A-Za-z0-9._+{also}-]+", "-", whole)[:longest]
    return kept if kept == whole else f"{kept.strip('-')}-{digest(whole)}"


def digest(whole: str) -> str:
    """Eight hexadecimal digits of a text."""
    return hashlib.sha256(whole.encode()).hexdigest()[:8]
