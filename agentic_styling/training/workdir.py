"""The files of a training workdir: config.json, metrics and reference log-probabilities."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from agentic_styling.utils.atomic import atomic_file, write_text
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.errors import InputError


def as_json(config) -> dict:
    """The fields of an ml_collections config, as in a JSON file."""
    return json.loads(config.to_json())


def claim(fields: Mapping, workdir: Path, *, write: bool, config: Mapping | None = None) -> None:
    """Refuses a workdir of another config; with `write`, writes config.json into a new one.

    fields: those that have to agree, as JSON; config: all that is written, by default the same.
    Raises InputError that names the first field that differs.
    """
    path = workdir / "config.json"
    if path.exists():
        old = read_config(workdir)
        difference = _difference({k: v for k, v in old.items() if k in fields}, fields)
        if difference:
            raise InputError(
                f"{path}: {difference}; use another workdir, or the config of this one"
            )
    elif write:
        workdir.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(fields if config is None else config, indent=2) + "\n")


def read_config(workdir: Path) -> dict:
    """The fields of config.json. Raises InputError if it is missing or broken."""
    return read_object(workdir / "config.json", "give the workdir of a run, or a new one")


def _difference(old, new, name: str = "config") -> str | None:
    """A description of the first field with two values; None if there is none."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return None if old == new else f"{name} is {old!r} there and {new!r} here"
    for key in sorted(old.keys() | new.keys()):
        difference = _difference(old.get(key), new.get(key), f"{name}.{key}")
        if difference:
            return difference
    return None


class LinesFile:
    """A file of JSON lines, one for each logged step; values that are not finite are left out.

    done: the step from which the run resumes; later lines of an interrupted run are dropped.
    Raises InputError if the disk is full.
    """

    def __init__(self, path: Path, done: int):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        write_text(path, "".join(line + "\n" for line in lines if _step(line) <= done))
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Appends a line and flushes it."""
        line = {"step": step} | {k: v for k, v in values.items() if math.isfinite(v)}
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
        except OSError as error:
            raise InputError(
                f"{self._file.name}: could not be written ({error.strerror}); make room, then "
                "start again"
            ) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _step(line: str) -> float:
    """The step of a line; infinite for the partial line that a killed run may leave."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf


def stored_array(path: Path, count: int, make: Callable[[], np.ndarray], *, write: bool):
    """The array [count] of an .npy file; without a file that of make(), written if `write`.

    Raises InputError if the file holds anything else.
    """
    if path.exists():
        try:
            stored = np.load(path, allow_pickle=False)
        except (EOFError, OSError, ValueError) as error:
            raise InputError(
                f"{path}: not an array ({error}); delete it, then it is computed again"
            ) from error
        if stored.shape != (count,):
            raise InputError(
                f"{path}: of {stored.shape[0] if stored.ndim else 0} rows, the data has {count}; "
                "use another workdir for other data"
            )
        return stored
    made = make()
    if write:
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, made)
    return made
