"""The files of a workdir: config.json, metrics.jsonl and the reference's log-probabilities."""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from agentic_styling.utils.errors import InputError


def as_json(config) -> dict:
    """The fields of an ml_collections config as they stand in a file."""
    return json.loads(config.to_json())


def claim(fields: Mapping, workdir: Path, *, write: bool, config: Mapping | None = None) -> None:
    """Refuse a workdir that holds another config; with `write`, put config.json into a new one.

    fields: those that have to agree, JSON; config: all that is written, by default the same.
    Raises InputError naming the first field that differs.
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
        replace_text(path, json.dumps(fields if config is None else config, indent=2) + "\n")


def read_config(workdir: Path) -> dict:
    """What config.json says. Raises InputError where it is missing or broken."""
    path = workdir / "config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{path}: missing; give the workdir of a run") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON; delete the workdir or use another") from error


def _difference(old, new, name: str = "config") -> str | None:
    """The first field with two values, in words."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return None if old == new else f"{name} is {old!r} there and {new!r} here"
    for key in sorted(old.keys() | new.keys()):
        found = _difference(old.get(key), new.get(key), f"{name}.{key}")
        if found:
            return found
    return None


def replace_text(path: Path, text: str) -> None:
    """Write the file; it is the old one or the new one, never half of either."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


class LinesFile:
    """A file of JSON lines, one a logged step; `step` counts the batches seen.

    done: the step the run goes on from; lines past it, of a run that was killed, are dropped.
    A value that is not finite is left out of its line. Raises InputError where the disk is full.
    """

    def __init__(self, path: Path, done: int):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        replace_text(path, "".join(line + "\n" for line in lines if _step(line) <= done))
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Add a line, at once."""
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
        """No more lines."""
        self._file.close()


def _step(line: str) -> float:
    """The step of a line; infinite for the half line that a kill may leave."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf


def stored_array(path: Path, count: int, make: Callable[[], np.ndarray], *, write: bool):
    """The array [count] of an .npy file, or else of make(), which is then written with `write`.

    Raises InputError for a file that holds anything else.
    """
    if path.exists():
        try:
            found = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: no array ({error}); delete it, it is made again") from error
        if found.shape != (count,):
            raise InputError(
                f"{path}: of {found.shape[0] if found.ndim else 0} rows, the data has {count}; "
                "use another workdir for other data"
            )
        return found
    made = make()
    if write:
        unfinished = path.with_name(path.name + ".unfinished")
        with unfinished.open("wb") as file:
            np.save(file, made)
        os.replace(unfinished, path)
    return made
