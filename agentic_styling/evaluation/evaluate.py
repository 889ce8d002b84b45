"""Every method on the same held-out cases, then results.json, cases.jsonl and the report."""

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
from agentic_styling.evaluation.report.curves import read_curves, reward_histogram
from agentic_styling.evaluation.report.report import write_report
from agentic_styling.evaluation.results import METHODS, summarise
from agentic_styling.evaluation.runs import (
    WITHOUT_PLANNER,
    Cases,
    case_record,
    run_method,
    save_picture,
    source_name,
)
from agentic_styling.utils.errors import InputError, nearest


def default_config() -> ConfigDict:
    """The fields of `evaluate` with their defaults.

    cases: directory of a set, whose test split is evaluated on.
    methods: name -> planner directory; None for edit_only and teacher_best, which need none.
    temperature, max_new_tokens: of the planners' sampling; 0 is greedy.
    seed: of sampling, execution, shuffling and bootstrap.
    bootstrap_samples: draws an interval.
    film_strips: cases that the report shows, spread evenly over all of them.
    curves: name -> metrics.jsonl of its training.
    training_data: directory of the set that was trained on, for its reward histogram, or None.
    """
    config = ConfigDict()
    config.cases = ""
    config.methods = ConfigDict({"edit_only": None, "teacher_best": None})
    config.temperature = 0.0
    config.max_new_tokens = 320
    config.seed = 0
    config.bootstrap_samples = 2000
    config.film_strips = 12
    config.curves = ConfigDict()
    config.training_data = None
    return config


def evaluate(config: ConfigDict, workdir: str | Path) -> dict:
    """Run every method on the cases; write results.json, cases.jsonl, cases/ and the report.

    Fields: `default_config`. The cases' pictures must share one size. Returns what results.json
    holds: `results.summarise`, and settings, machine, training (curves and rewards).
    Raises InputError, before anything is written, for unknown methods and missing files.
    """
    workdir = Path(workdir)
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
        **summarise(records, samples=config.bootstrap_samples, seed=config.seed),
        "settings": {
            name: config[name]
            for name in ("temperature", "max_new_tokens", "seed", "bootstrap_samples")
        },
        "machine": machine(),
        "training": training,
    }
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    (workdir / "cases.jsonl").write_text("".join(lines), encoding="utf-8")
    (workdir / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_report(workdir)
    return results


def machine() -> dict:
    """Where the numbers were made: platform, accelerator, cores and versions."""
    packages = {name: version(name) for name in ("jax", "flax")}
    return {
        "platform": platform.platform(),
        "device": jax.devices()[0].device_kind,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **packages,
    }


def _methods(config: ConfigDict) -> dict[str, str | None]:
    """The methods asked for, the known ones first in their usual order; InputError otherwise."""
    asked = dict(config.methods)
    if not asked:
        raise InputError(f"methods: none given; name some of {', '.join(METHODS)}")
    for name, directory in asked.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise InputError(f"methods: {name!r} is no plain name; use letters, digits, _ and -")
        if directory is None and name not in WITHOUT_PLANNER:
            mend = nearest(name, WITHOUT_PLANNER)
            raise InputError(f"methods.{name}: no planner directory given; give one, or {mend}")
        if directory is not None and not Path(directory).is_dir():
            raise InputError(f"methods.{name}: {directory} is no directory; give a planner's")
    return _in_order(asked)


def _in_order(named: dict) -> dict:
    """The items with the known methods first, as the paper lists them."""
    return {name: named[name] for name in dict.fromkeys([*METHODS, *named]) if name in named}


def _training(config: ConfigDict) -> dict:
    """Training curves and the reward histogram of the data trained on."""
    histogram = None
    if config.training_data:
        trained_on = read_trajectories(config.training_data, "train", image=False)
        histogram = reward_histogram([trajectory.reward for trajectory in trained_on])
    paths = _in_order(dict(config.curves))
    curves = {name: read_curves(Path(path)) for name, path in paths.items()}
    return {"curves": curves, "rewards": histogram}


def _cases(config: ConfigDict) -> Cases:
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
        raise InputError(f"cases: pictures of {directory} differ in size; make them of one size")
    return np.stack([trajectory.image for trajectory in trajectories])
