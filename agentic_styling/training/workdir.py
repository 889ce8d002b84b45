"""The files of a workdir: config.json and metrics.jsonl."""

import hashlib
import json
import math
import os
from pathlib import Path

import jax
import ml_collections

from agentic_styling.errors import InputError


def _as_json(config: ml_collections.FrozenConfigDict) -> dict:
    return json.loads(config.to_json())


def fingerprint(config: ml_collections.FrozenConfigDict) -> str:
    """A digest of every field."""
    text = json.dumps(_as_json(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def claim(config: ml_collections.FrozenConfigDict, workdir: Path, *, write: bool) -> None:
    """Refuse a workdir that holds another config; with `write`, put config.json into a new one.

    Raises InputError naming the first field that differs.
    """
    path, new = workdir / "config.json", _as_json(config)
    if path.exists():
        try:
            old = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not JSON; delete the workdir or use another") from error
        difference = _difference(old, new)
        if difference:
            raise InputError(
                f"{path}: {difference}; use another workdir, or the config of this one"
            )
    elif write:
        workdir.mkdir(parents=True, exist_ok=True)
        _replace(path, json.dumps(new, indent=2) + "\n")


def _difference(old, new, name: str = "config") -> str | None:
    """The first field with two values, in words."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return None if old == new else f"{name} is {old!r} there and {new!r} here"
    for key in sorted(old.keys() | new.keys()):
        found = _difference(old.get(key), new.get(key), f"{name}.{key}")
        if found:
            return found
    return None


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


class MetricsFile:
    """metrics.jsonl: a line of JSON per logged step; `step` counts the updates done.

    done: the step the run goes on from; lines past it, of a run that was killed, are dropped.
    A metric without a value in its batch (NaN) is left out of the line.
    """

    def __init__(self, path: Path, done: int):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        _replace(path, "".join(line + "\n" for line in lines if _step(line) <= done))
        self._file = path.open("a", encoding="utf-8")
        self._held = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def hold(self, step: int, values: dict[str, jax.Array]) -> None:
        """Keep a step's metrics, still on the device, for the next flush."""
        self._held = step, values

    def flush(self, progress) -> None:
        """Write what is held, and show its loss on the progress bar.

        Raises InputError for a loss that is not finite.
        """
        if self._held is None:
            return
        (step, values), self._held = self._held, None
        values = {name: float(value) for name, value in jax.device_get(values).items()}
        if not math.isfinite(values["loss"]):
            raise InputError(
                f"step {step}: the loss is {values['loss']}; lower config.learning_rate and use "
                "another workdir"
            )
        line = {"step": step} | {k: v for k, v in values.items() if math.isfinite(v)}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        progress.set_postfix(loss=f"{values['loss']:.3f}", refresh=False)


def _step(line: str) -> float:
    """The step of a line; infinite for the half line that a kill may leave."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf
