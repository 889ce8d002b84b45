"""Evaluates methods on the same held-out cases: results.json, cases.jsonl and the report."""

import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from agentic_styling.data import Trajectory, read_trajectories
from agentic_styling.evaluation.report import write_report
from agentic_styling.evaluation.report.curves import read_curves, reward_histogram
from agentic_styling.evaluation.results import METHODS, aggregate
from agentic_styling.evaluation.runs import (
    WITHOUT_PLANNER,
    Cases,
    case_record,
    run_method,
    save_picture,
    source_name,
)
from agentic_styling.planner import check_temperature
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.configs import load_config
from agentic_styling.utils.errors import InputError, nearest


def default_config() -> ConfigDict:
    """The config of configs/evaluate.py."""
    return load_config("evaluate")


def evaluate(config: ConfigDict, workdir: str | Path) -> dict:
    """Run every method on the cases; write results.json, cases.jsonl, cases/ and the report.

    Args:
      config: the fields of configs/evaluate.py. All pictures of the cases must have the same size.
      workdir: where to write.

    Returns:
      The content of results.json: that of `results.aggregate`, and settings, machine, and training
      (curves and rewards).

    Raises:
      InputError: a method is unknown or a file is missing; nothing has been written then.
    """
    workdir = Path(workdir)
    check_temperature(config.temperature, "config.temperature")
    methods = _methods(config)
    training = _training(config)
    cases = _cases(config)
    records = [case_record(case, row in cases.shown) for row, case in enumerate(cases.trajectories)]
    pictures = workdir / "cases"
    for row in cases.shown:
        save_picture(pictures / source_name(row), cases.images[row])
    for name, directory in methods.items():
        entries = run_method(name, directory, cases, config, pictures)
        for record, entry in zip(records, entries, strict=True):
            record["methods"][name] = entry
    results = {
        **aggregate(records, samples=config.bootstrap_samples, seed=config.seed),
        "settings": {
            name: config[name]
            for name in (
                "temperature",
                "max_new_tokens",
                "constrained",
                "seed",
                "bootstrap_samples",
            )
        },
        "machine": machine(),
        "training": training,
    }
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    write_text(workdir / "cases.jsonl", "".join(lines))
    write_text(workdir / "results.json", json.dumps(results, indent=1) + "\n")
    write_report(workdir)
    return results


def machine() -> dict:
    """Where the numbers were computed: platform, accelerator, cores and versions."""
    packages = {name: version(name) for name in ("jax", "flax")}
    return {
        "platform": platform.platform(),
        "device": jax.devices()[0].device_kind,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **packages,
    }


def _methods(config: ConfigDict) -> dict[str, str | None]:
    """The configured methods, the known ones first in their usual order, checked."""
    methods = dict(config.methods)
    if not methods:
        raise InputError(f"methods: none given; name some of {', '.join(METHODS)}")
    for name, directory in methods.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(f"methods: {name!r} is not a valid name; use letters, digits, _ and -")
        if directory is None and name not in WITHOUT_PLANNER:
            fix = nearest(name, WITHOUT_PLANNER)
            raise InputError(f"methods.{name}: no planner directory given; give one, or {fix}")
        if directory is not None and not Path(directory).is_dir():
            raise InputError(
                f"methods.{name}: {directory} is not a directory; give a planner directory"
            )
    return _in_order(methods)


def _in_order(named: dict) -> dict:
    """The items with the known methods first, in the order of `METHODS`."""
    return {name: named[name] for name in dict.fromkeys([*METHODS, *named]) if name in named}


def _training(config: ConfigDict) -> dict:
    """Training curves, and the histogram of the training data's rewards."""
    histogram = None
    if config.training_data:
        rows = read_trajectories(config.training_data, "train", image=False)
        histogram = reward_histogram([row.reward for row in rows])
    paths = _in_order(dict(config.curves))
    curves = {name: read_curves(Path(path)) for name, path in paths.items()}
    return {"curves": curves, "rewards": histogram}


def _cases(config: ConfigDict) -> Cases:
    if not config.cases:
        raise InputError("cases: not given; name the directory of a set with --config.cases=SET")
    trajectories = _held_out(config.cases)
    if len(trajectories) < 2:
        raise InputError(
            f"cases: {config.cases} holds {len(trajectories)} test context; at least 2 are needed, "
            "so build a larger set, or one with --only test"
        )
    images = _stack(trajectories, config.cases)
    spread = np.linspace(0, len(trajectories) - 1, min(config.film_strips, len(trajectories)))
    return Cases(trajectories, images, sorted(set(spread.round().astype(int).tolist())))


def _held_out(directory: str) -> list[Trajectory]:
    """The best plan of each context of a set's test split.

    Rows of one context are one case: counted separately, they would make intervals too narrow.
    """
    rows = sorted(read_trajectories(directory, "test"), key=lambda t: t.reward)
    best = {row.context_id: row for row in rows}
    return [best[context] for context in sorted(best)]


def _stack(trajectories: list[Trajectory], directory: str) -> np.ndarray:
    shapes = {trajectory.image.shape for trajectory in trajectories}
    if len(shapes) > 1:
        raise InputError(f"cases: pictures of {directory} differ in size; build them at one size")
    return np.stack([trajectory.image for trajectory in trajectories])
