"""Checks of the config of a training run, before anything is read or written."""

import hashlib
import json
import math
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path

import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict, FrozenConfigDict

from agentic_styling.data.photos.sources import SUFFIXES
from agentic_styling.data.storage.training_set import TrainingSet
from agentic_styling.data.stream import check_kinds
from agentic_styling.losses import KL_ESTIMATORS, LOSSES, REDUCTIONS
from agentic_styling.planner import Compute, LoraConfig
from agentic_styling.training.mesh import AXES
from agentic_styling.training.online.config import check_online
from agentic_styling.training.state import (
    DTYPES,
    OPTIMIZERS,
    SCHEDULES,
    make_schedule,
    warmup_steps,
)
from agentic_styling.training.workdir import as_json
from agentic_styling.utils.configs import check_finite, load_config
from agentic_styling.utils.digests import digests_of_files
from agentic_styling.utils.errors import InputError, nearest

# Fields that may change when a run is resumed: how it is computed, not what. Of compute only the
# dtype is fixed: log-probabilities of the reference and of the policy have to agree in it.
FREE = (
    "mesh",
    "sharding",
    "microbatches",
    "length_buckets",
    "checkpoint_every",
    "keep_last",
    "keep_best",
    "log_every",
    "profile",
    "wandb_project",
)
CHOICES = {
    "loss": LOSSES,
    "reduction": REDUCTIONS,
    "reference": ("stored", "adapter_off"),
    "modality": ("vision", "text"),
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "moment_dtype": DTYPES,
    "compute.dtype": DTYPES,
}
POSITIVE = (
    "steps",
    "batch_size",
    "microbatches",
    "length_buckets",
    "learning_rate",
    "clip_norm",
    "checkpoint_every",
    "keep_last",
    "log_every",
)


def default_config(method: str = "standard") -> ConfigDict:
    """The config of configs/train.py for a loss of LOSSES or a preset of PRESETS."""
    return load_config(f"train:{method}")


def checked(config: ConfigDict) -> FrozenConfigDict:
    """The config, frozen, with the default warm-up as a number.

    Raises InputError naming the first bad field.
    """
    missing = next((name for name in default_config() if name not in config), None)
    if missing:
        raise InputError(f"config.{missing}: missing; start from --config=train:LOSS")
    check_finite(config)
    config = ConfigDict(config)
    config.warmup_steps = warmup_steps(config)
    if "online" in config:
        config.batch_size = config.online.contexts * config.online.plans
    for name, table in CHOICES.items():
        value = operator.attrgetter(name)(config)
        if value not in table:
            raise InputError(f"config.{name}: {value!r} is unknown; {nearest(value, table)}")
    if "online" in config:
        check_online(config)
    elif "old" in LOSSES[config.loss].needs:
        raise InputError(
            f"config.loss: {config.loss!r} needs fresh samples of the policy, which a data set "
            "lacks; use --config=online:LOSS, or an offline loss, such as 'swift'"
        )
    if config.reduction not in LOSSES[config.loss].reductions:
        raise InputError(
            f"config.reduction: {config.reduction!r} divides by the length of a completion, but "
            f"{config.loss!r} compares two; use 'seq-mean-token-sum', the mean over pairs"
        )
    _check_source(config)
    for name in ("data", "init_from"):
        if not config[name] and not (name == "data" and config.stream.photos):
            raise InputError(f"config.{name}: not set; give a directory, --config.{name}=...")
    for name in ("validate_every", "validate_cases", "patience", "keep_best"):
        if config[name] < 0:
            raise InputError(f"config.{name}: {config[name]} is negative; use 0 for none")
        if config[name] and not config.validate_every:
            raise InputError(
                f"config.{name}: {config[name]}, but there is no validation to decide by; set "
                "config.validate_every, such as 100"
            )
    for name in POSITIVE:
        if not config[name] > 0:
            raise InputError(f"config.{name}: {config[name]} is not positive; make it larger")
    _check_parts(config)
    check_loss_kwargs(config.loss, config.loss_kwargs)
    return FrozenConfigDict(config)


def check_loss_kwargs(loss: str, kwargs: Mapping[str, float | str]) -> None:
    """Raises InputError for a name that is no option of the loss, or for a value out of range."""
    options = LOSSES[loss].options
    for name, value in kwargs.items():
        if name not in options:
            raise InputError(
                f"config.loss_kwargs.{name}: no option of {loss!r}; {nearest(name, options)}"
            )
        if name == "kl_estimator" and value not in KL_ESTIMATORS:
            suggested = nearest(value, KL_ESTIMATORS)
            raise InputError(f"config.loss_kwargs.{name}: {value!r} is unknown; {suggested}")
        if name == "label_smoothing" and not (0 <= value < 0.5 and (value or loss != "exo_pair")):
            raise InputError(
                f"config.loss_kwargs.{name}: {value} is not in [0, 0.5), nor above 0 as exo_pair "
                "needs; try 0.1"
            )
        if name in ("beta", "tau", "clip_low", "clip_high") and not value > 0:
            raise InputError(
                f"config.loss_kwargs.{name}: {value} is not positive; make it larger, such as "
                f"{options[name]}"
            )


def _check_source(config) -> None:
    """Raises InputError for a stream beside a data set, or for what a stream has not."""
    if not config.stream.photos:
        return
    if config.data:
        raise InputError(
            f"config.stream.photos: {config.stream.photos}, but config.data is set too; set one"
        )
    if config.loss != "standard" and "online" not in config:
        raise InputError(
            f"config.stream.photos: a stream has no rewards, which {config.loss!r} needs; use "
            "--config=train:standard, or config.data"
        )
    for name, without in {"packing": False, "modality": "vision", "validate_every": 0}.items():
        if config[name] != without:
            raise InputError(f"config.{name}: {config[name]} with a stream; use {without}")
    if config.stream.size < 16:
        raise InputError(f"config.stream.size: {config.stream.size} is too small; use 16 or more")
    check_kinds(config.stream.goals, "config.stream.goals")


def _check_parts(config) -> None:
    """Raises InputError for fields that do not go together."""
    if config.reference == "adapter_off" and not config.lora.rank:
        raise InputError(
            "config.reference: 'adapter_off' needs adapters; set config.lora.rank, or use 'stored'"
        )
    if config.optimizer == "muon" and config.lora.rank:
        raise InputError(
            "config.optimizer: 'muon' is not for adapters; use 'adamw', or config.lora.rank=0"
        )
    if config.packing and "every_token" in LOSSES[config.loss].needs:
        raise InputError(
            f"config.packing: True, but {config.loss!r} counts the padding of a row too; use False"
        )
    if not 0 <= config.ema_decay < 1:
        raise InputError(f"config.ema_decay: {config.ema_decay} is not in [0, 1); try 0.999")
    steps = tuple(config.profile)
    if steps and not (len(steps) == 2 and 1 <= steps[0] <= steps[1]):
        raise InputError(
            f"config.profile: {steps} is not (first, last) from 1 on; try (10, 12), or () for none"
        )
    for rule in config.sharding.rules:
        if not (len(rule) == 2 and isinstance(rule[0], str) and set(rule[1]) <= {None, *AXES}):
            raise InputError(
                f"config.sharding.rules: {rule!r} is not (pattern, axes), with axes from "
                f"{', '.join(AXES)} and None; try (('o_proj/kernel', ('tensor', 'fsdp')),)"
            )
    lora_config(config), compute_config(config), make_schedule(config)  # they check themselves


def lora_config(config) -> LoraConfig | None:
    """The adapters of a config; None if the parameters themselves are trained."""
    return LoraConfig(**config.lora) if config.lora.rank else None


def compute_config(config) -> Compute:
    """Precision, rematerialisation and kernels of a config."""
    fields = {**config.compute, "dtype": jnp.dtype(config.compute.dtype)}
    return Compute(lora_dropout=config.lora.dropout, **fields)


def fixed(config) -> dict:
    """The fields that a resumed run must share, as JSON."""
    fields = {name: value for name, value in as_json(config).items() if name not in FREE}
    return fields | {"compute": {"dtype": config.compute.dtype}}


def input_digests(
    config, fields: Iterable[str] = ("data", "stream", "init_from")
) -> dict[str, str]:
    """Digests of what a run reads, by field: splits of data, a stream's folder, weights.

    A directory without such files is left out. fields: those that are read.
    """
    data, planner = Path(config.data), Path(config.init_from)
    splits = ("train", "validation") if config.validate_every else ("train",)
    photos = Path(config.stream.photos).rglob("*") if config.stream.photos else ()
    files = {
        "data": [
            path
            for split in splits
            for path in (data.glob(f"*-{split}.array_record*") if config.data else ())
        ],
        "stream": [path for path in photos if path.suffix.lower() in SUFFIXES],
        "init_from": [*planner.glob("config.json"), *planner.glob("*.safetensors")],
    }
    return {name: _digest(files[name]) for name in fields if files[name]}


def _digest(paths: Iterable[Path]) -> str:
    """A sha256 of names and contents."""
    paths = sorted(paths)
    try:
        contents = [hashlib.sha256(digest).hexdigest() for digest in digests_of_files(paths)]
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; make it readable") from error
    return hashlib.sha256(json.dumps([[p.name for p in paths], contents]).encode()).hexdigest()


def fingerprint(config, digests: Mapping[str, str]) -> str:
    """A digest of `fixed` and of `input_digests`."""
    everything = fixed(config) | {"digests": dict(digests)}
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def check_batch(config: FrozenConfigDict, mesh: Mesh) -> None:
    """Raises InputError unless micro-batches fit the mesh and the loss, and hold whole pairs."""
    if "whole_batch" in LOSSES[config.loss].needs and config.microbatches > 1:
        raise InputError(
            f"config.microbatches: {config.microbatches}, but {config.loss!r} sorts the rows of a "
            "whole batch; use 1"
        )
    row = 2 if "pairs" in LOSSES[config.loss].needs else 1
    # The number of packed rows is rounded up to the devices.
    devices = 1 if config.packing else mesh.shape["data"] * mesh.shape["fsdp"]
    multiple = config.microbatches * math.lcm(devices, row)
    if config.batch_size % multiple:
        name = "config.online.contexts x plans" if "online" in config else "config.batch_size"
        raise InputError(
            f"{name}: {config.batch_size} rows do not divide into microbatches="
            f"{config.microbatches}, mesh data x fsdp={devices} and rows of an example={row}; "
            f"use a multiple of {multiple}"
        )


def loss_keywords(config, training_set: TrainingSet | None) -> dict[str, float]:
    """The keyword arguments of the loss: defaults, config.loss_kwargs, statistics of the set."""
    options = LOSSES[config.loss].options | dict(config.loss_kwargs)
    if "statistics" in LOSSES[config.loss].requires(options):
        statistics = {"mean": training_set.reward_mean, "std": training_set.reward_std}
        options |= {name: statistics[name] for name in LOSSES[config.loss].statistics}
    return options
