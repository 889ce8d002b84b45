"""The files of a training workdir: config.json, metrics, and the test that hosts share it."""

import contextlib
import json
import math
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from jax.experimental import multihost_utils

from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.checks import output_directory, read_object
from agentic_styling.utils.errors import InputError


def as_json(config) -> dict:
    """The fields of an ml_collections config, as in a JSON file."""
    return json.loads(config.to_json())


def claim(
    fields: Mapping,
    workdir: Path,
    *,
    write: Mapping | None = None,
    digests: Mapping[str, str] | None = None,
) -> None:
    """Refuses a workdir of another config or other inputs; with `write`, claims a new one.

    Args:
      fields: those that have to agree, as JSON.
      workdir: where config.json is, or will be.
      write: all fields, for a config.json if there is none yet; None only checks.
      digests: by field, of the files in the directory that the field names; kept in config.json.

    Raises:
      InputError: naming the first field that differs, or a workdir that cannot be written.
    """
    path, digests = workdir / "config.json", digests or {}
    if write is not None or not os.access(path, os.R_OK):
        output_directory(workdir, "--workdir")
    if path.exists():
        old = read_config(workdir)
        difference = _difference(old, fields)
        if difference:
            raise InputError(
                f"{path}: {difference}; use another workdir, or the config of this one"
            )
        for name, digest in digests.items():
            if _difference(old.get("digests"), {name: digest}):
                raise InputError(
                    f"{path}: config.{name}: {fields[name]} no longer holds the files that this "
                    "run began with; use another workdir, or restore them"
                )
    elif write is not None:
        written = dict(write) | ({"digests": dict(digests)} if digests else {})
        workdir.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(written, indent=2) + "\n")


def read_config(workdir: Path) -> dict:
    """The fields of config.json. Raises InputError if it is missing or broken."""
    return read_object(workdir / "config.json", "give the workdir of a run, or a new one")


def check_shared(workdir: Path) -> None:
    """Raises InputError in every process unless each sees the files of the first one.

    The first process writes a number, all get it from each other and look for it.
    """
    if jax.process_count() == 1:
        return
    output_directory(workdir, "--workdir")
    first, path = jax.process_index() == 0, workdir / ".shared"
    number = np.int32(secrets.randbits(31))
    if first:
        workdir.mkdir(parents=True, exist_ok=True)
        write_text(path, str(number))
    number = str(multihost_utils.broadcast_one_to_all(number))
    for _ in range(20):  # network file systems may show a new file late
        seen = path.exists() and path.read_text() == number
        if seen:
            break
        time.sleep(0.25)
    seen = np.ravel(multihost_utils.process_allgather(np.int32(seen)))
    if first:
        path.unlink()
    if not seen.all():
        with contextlib.suppress(OSError):  # it holds something
            workdir.rmdir()
        raise InputError(
            f"{workdir}: process {np.argmin(seen)} does not see the files of process 0 there; give "
            "a workdir on a file system that all processes share"
        )


def _difference(old, new, name: str = "config") -> str | None:
    """A description of the first field of `new` with another value; None if there is none."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return None if old == new else f"{name} is {old!r} there and {new!r} here"
    for key in sorted(new):
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
