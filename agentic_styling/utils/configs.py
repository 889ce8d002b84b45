"""The files of configs/, found by name in a checkout and in an installed wheel."""

import math
import re
import runpy
from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict

from agentic_styling.utils.errors import InputError, nearest

PACKAGE = Path(__file__).parents[1]
# A wheel holds them as agentic_styling.configs; in a checkout they are beside the package.
FOLDER = next(filter(Path.is_dir, [PACKAGE / "configs"]), PACKAGE.parent / "configs")


def config_path(name: str) -> str:
    """The file of a config, as FILE.py or FILE.py:ARGUMENT, which `name` already may be.

    NAME and NAME:ARGUMENT are the built-in configs/NAME.py. Raises InputError where there is none.
    """
    file, colon, argument = name.partition(":")
    if not file.endswith(".py"):
        known = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
        if file not in known:
            raise InputError(f"--config={name}: no such built-in config; {nearest(file, known)}")
        file = str(FOLDER / f"{file}.py")
    if not Path(file).is_file():
        raise InputError(f"{file}: no such config file; use NAME:ARGUMENT for a built-in config")
    return file + colon + argument


def load_config(name: str):
    """What `get_config` of a config file returns; `name` as for `config_path`."""
    file, _, argument = config_path(name).partition(":")
    return runpy.run_path(file)["get_config"](*([argument] if argument else []))


def check_finite(config: Mapping, prefix: str = "config") -> None:
    """Raise InputError naming the first field of a config that is infinite or NaN."""
    for name, value in config.items():
        if isinstance(value, Mapping | ConfigDict):
            check_finite(value, f"{prefix}.{name}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{prefix}.{name}: {value} is not a finite number; give one")


def field_help(file: str | Path) -> dict[str, str]:
    """The comment of each field that a config file sets, by the field's dotted name.

    It stands at the end of the field's line, or in the lines above.
    """
    comments, above = {}, []
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        field = re.match(r" +config\.([\w.]+) = ", line)
        comment = re.search(r"(?:^|  )# (.*)", line.strip())
        if field:
            comments.setdefault(field[1], comment[1] if comment else " ".join(above))
        above = [*above, comment[1]] if comment and not field else []
    return comments
