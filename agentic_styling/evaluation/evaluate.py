"""Evaluates methods on the same held-out cases: results.json, cases.jsonl and the report."""

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from agentic_styling.data import read_trajectories
from agentic_styling.data.scoring import that_ask
from agentic_styling.data.storage.trajectories import best_of_each_context
from agentic_styling.evaluation.judging import add_judged, check_judge, judge_edits, shown_edits
from agentic_styling.evaluation.methods import check_settings, read_methods
from agentic_styling.evaluation.report import write_report
from agentic_styling.evaluation.report.curves import read_curves, reward_histogram
from agentic_styling.evaluation.results import aggregate, in_order
from agentic_styling.evaluation.runs import (
    PICTURES,
    Cases,
    case_record,
    check_run,
    run_method,
    save_picture,
    source_name,
)
from agentic_styling.evaluation.saved_results import (
    JUDGED,
    RESULTS,
    claim,
    kept_records,
    read_results,
    remove_answers,
    write_records,
)
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.configs import load_config
from agentic_styling.utils.errors import InputError


def default_config() -> ConfigDict:
    """The config of configs/evaluate.py."""
    return load_config("evaluate")


def evaluate(config: ConfigDict, workdir: str | Path) -> dict:
    """Run every method on the cases; write results.json, cases.jsonl, cases/ and the report.

    A workdir that holds an evaluation of the same cases and settings keeps its methods and gets
    those of this one beside them. A call that was interrupted resumes.

    Args:
      config: the fields of configs/evaluate.py. All pictures of the cases must have the same size.
      workdir: where to write.

    Returns:
      The content of results.json: that of `results.aggregate`; left_out, the number of test
      contexts that ask for no edit; settings, machine, and training (curves and rewards).

    Raises:
      InputError: a setting, a planner or a file is wrong or missing, the workdir holds another
        evaluation, or a model behind an endpoint would be asked without config.yes; nothing has
        been written or run then.
    """
    workdir, settings = Path(workdir), check_settings(config)
    methods, training = read_methods(config), _training(config)
    cases, left_out = _cases(config)
    records = [case_record(case, row in cases.shown) for row, case in enumerate(cases.trajectories)]
    settings_and_cases = settings | {"cases_sha256": _digest(records, cases)}
    claim(workdir, settings_and_cases, methods, write=False)
    records = kept_records(workdir, records)
    methods = {name: own for name, own in methods.items() if name not in records[0]["methods"]}
    for name, planner in ((name, planner) for name, own in methods.items() for planner in own):
        check_run(name, planner, cases, config)
    edits = len(methods.keys() | records[0]["methods"].keys()) * len(cases.shown)
    judge = check_judge(config, edits, workdir) if config.judge else None
    claim(workdir, settings_and_cases, methods, write=True)
    for row in cases.shown:
        save_picture(workdir / PICTURES / source_name(row), cases.images[row])
    for name, planners in methods.items():
        entries = run_method(name, list(planners), cases, config, workdir)
        for record, entry in zip(records, entries, strict=True):
            record["methods"] = in_order(record["methods"] | {name: entry})
        write_records(workdir, records)
        remove_answers(workdir, name)
    if (workdir / RESULTS).exists():  # of earlier methods
        kept = read_results(workdir)["training"]
        training["curves"] = in_order(kept["curves"] | training["curves"])
        training["rewards"] = training["rewards"] or kept["rewards"]
    results = {
        **aggregate(records, samples=config.bootstrap_samples, seed=config.seed),
        "left_out": left_out,
        "settings": settings,
        "machine": machine(),
        "training": training,
    }
    if judge:
        judged = judge_edits(shown_edits(workdir), **judge)
        write_text(workdir / JUDGED, json.dumps(judged, indent=1) + "\n")
    add_judged(results, workdir)
    write_text(workdir / RESULTS, json.dumps(results, indent=1) + "\n")
    write_report(workdir)
    return results


def machine() -> dict:
    """Where the numbers were computed: platform, accelerator, cores and versions."""
    return {
        "platform": platform.platform(),
        "device": jax.devices()[0].device_kind,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "jax": version("jax"),
        "flax": version("flax"),
    }


def _training(config: ConfigDict) -> dict:
    """Training curves, and the histogram of the training data's rewards."""
    histogram = None
    if config.training_data:
        rows = read_trajectories(config.training_data, "train", image=False)
        histogram = reward_histogram([row.reward for row in rows])
    curves = {name: read_curves(Path(path)) for name, path in dict(config.curves).items()}
    return {"curves": in_order(curves), "rewards": histogram}


def _cases(config: ConfigDict) -> tuple[Cases, int]:
    """The cases, and how many contexts are left out since they ask for no edit."""
    if not config.cases:
        raise InputError("cases: not given; name the directory of a set with --config.cases=SET")
    # Rows of one context are one case: counted separately, they would make intervals too narrow.
    contexts = best_of_each_context(read_trajectories(config.cases, "test"))
    trajectories = that_ask(contexts)
    left_out = len(contexts) - len(trajectories)
    if len(trajectories) < 2:
        raise InputError(
            f"cases: {config.cases} has {len(trajectories)} test contexts with a request for an "
            f"edit and {left_out} without, as imported ones are; at least 2 with one are needed, "
            "so give a set that was built, a larger one or one of --only test"
        )
    if len({trajectory.image.shape for trajectory in trajectories}) > 1:
        raise InputError(
            f"cases: pictures of {config.cases} differ in size; build them at one size"
        )
    images = np.stack([trajectory.image for trajectory in trajectories])
    spread = np.linspace(0, len(trajectories) - 1, min(config.film_strips, len(trajectories)))
    shown = sorted(set(spread.round().astype(int).tolist()))
    return Cases(trajectories, images, shown), left_out


def _digest(records: list[dict], cases: Cases) -> str:
    """Of all that is known of the cases: their records, pictures and teacher's plans."""
    plans = [case.plan.to_json() for case in cases.trajectories]
    sha256 = hashlib.sha256(json.dumps([records, plans], sort_keys=True).encode())
    sha256.update(cases.images.tobytes())
    return sha256.hexdigest()
