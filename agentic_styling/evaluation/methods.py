"""The methods and settings of an evaluation's config, checked before anything runs."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict

from agentic_styling.evaluation import baselines
from agentic_styling.evaluation.results import METHODS, ZERO_SHOT, in_order
from agentic_styling.planner import ImageSettings, PlannerSettings, Tokenizer, read_config
from agentic_styling.planner.planner import ROWS
from agentic_styling.rewards.judges.chat_cost import check_prices
from agentic_styling.utils.checks import check_seed, check_temperature
from agentic_styling.utils.digests import digest_of_files
from agentic_styling.utils.errors import InputError, nearest

# Methods without a planner: (case, random generator) -> plan. They do not read the picture.
WITHOUT_PLANNER = {
    "edit_only": lambda case, rng: baselines.edit_only(case.goal),
    "teacher_best": lambda case, rng: case.plan,
    "identity": lambda case, rng: baselines.identity(),
    "random": lambda case, rng: baselines.random_plan(rng),
    "strongest": lambda case, rng: baselines.strongest(),
}
ENDPOINT = "endpoint:"  # before the name of a model at AGENTIC_STYLING_PLANNER_URL
# Counts that answers and intervals depend on, with the least that each may be.
LEAST = {"max_new_tokens": 1, "bootstrap_samples": 1, "film_strips": 0, "samples": 0}


def check_settings(config: ConfigDict) -> dict:
    """The settings of an evaluation by name. Raises InputError for one that is out of range."""
    check_temperature(config.temperature)
    check_seed(config.seed)
    for name, least in LEAST.items():
        if not least <= config[name] < math.inf:  # also refuses NaN
            raise InputError(f"{name}: {config[name]} is out of range; give {least} or more")
    if config.samples > ROWS:
        raise InputError(f"samples: {config.samples} is too many; give {ROWS} or fewer")
    known = ("all", *{**config.methods, **dict.fromkeys(METHODS)})
    for name in config.perception:
        if name not in known:
            raise InputError(f"perception: {name!r} is not a method; {nearest(name, known)}")
    check_prices(tuple(config.prices) or None, "--config.prices")
    return {name: config[name] for name in ("temperature", "seed", *LEAST, "constrained")}


def read_methods(config: ConfigDict) -> dict[str, dict[str, str]]:
    """The planners of each method of a config, the known methods first in their usual order.

    Planners are one a training run: directories with their digests, or endpoint:MODEL; none for a
    method without a planner. Raises InputError for a bad name and a directory without a planner.
    """
    if not config.methods:
        raise InputError(f"methods: none given; name some of {', '.join(METHODS)}")
    planners = {name: _directories(name, value) for name, value in config.methods.items()}
    for name, directories in planners.items():
        for directory in directories:
            if directory.startswith(ENDPOINT):
                _check_endpoint(name, directory)
            else:
                check_planner(f"methods.{name}", directory, config.constrained)
    digests = {}
    for name, directories in in_order(planners).items():
        digests[name] = {directory: planner_digest(directory) for directory in directories}
        if len(set(digests[name].values())) < len(directories):
            raise InputError(
                f"methods.{name}: two of its planners are the same; give one of each training run"
            )
    return digests


def _directories(name: str, value: object) -> Sequence[str]:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise InputError(f"methods: {name!r} is not a valid name; use letters, digits, _ and -")
    if value is None:
        if name not in WITHOUT_PLANNER:
            fix = nearest(name, WITHOUT_PLANNER)
            raise InputError(f"methods.{name}: no planner directory given; give one, or {fix}")
        return ()
    directories = [value] if isinstance(value, str) else value
    listed = isinstance(directories, list | tuple) and directories
    if not listed or not all(isinstance(each, str) and each for each in directories):
        raise InputError(
            f"methods.{name}: {value!r} is not a planner; give its directory, {ENDPOINT}MODEL, or "
            "a list of the directories of several training runs"
        )
    return directories


def _check_endpoint(name: str, planner: str) -> None:
    if planner == ENDPOINT:
        raise InputError(f"methods.{name}: {planner} names no model; give {ENDPOINT}MODEL")
    if not name.startswith(ZERO_SHOT):
        raise InputError(
            f"methods.{name}: {planner} was not trained on our plans; name the method {ZERO_SHOT} "
            f"or {ZERO_SHOT}_{name}"
        )


def check_planner(where: str, directory: str, constrained: bool) -> None:
    """Raises InputError if a directory lacks a file of a planner; the weights are not read."""
    if not Path(directory).is_dir():
        raise InputError(f"{where}: {directory} is not a directory; give a planner directory")
    read_config(directory)
    Tokenizer(directory)
    ImageSettings.load(directory)
    if constrained and (form := PlannerSettings.load(directory).form) != "json":
        raise InputError(
            f"{where}: {directory} writes plans in the form {form!r}, which has no grammar; give "
            "constrained=False"
        )
    if not any(Path(directory).glob("*.safetensors")):
        raise InputError(f"{where}: {directory} holds no weights; give a planner directory")


def planner_digest(directory: str) -> str:
    """A digest of a planner's configuration, tokenizer and weights; an endpoint's own name."""
    if directory.startswith(ENDPOINT):
        return directory
    names = ("*.json", "*.safetensors")
    return digest_of_files(sorted(p for name in names for p in Path(directory).glob(name)))
