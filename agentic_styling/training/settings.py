"""The config of a training run, checked before anything is read or written."""

import math

import ml_collections
from jax.sharding import Mesh

from agentic_styling.data.training_set import TrainingSet
from agentic_styling.errors import InputError, nearest
from agentic_styling.losses import LOSSES, PRESETS, REDUCTIONS, Preset

POSITIVE = (
    "steps",
    "batch_size",
    "microbatches",
    "learning_rate",
    "clip_norm",
    "checkpoint_every",
    "log_every",
)


def default_config(method: str = "standard") -> ml_collections.ConfigDict:
    """Every field of `train` with its default, for a loss of LOSSES or a recipe of PRESETS."""
    known = LOSSES[method].reductions if method in LOSSES else tuple(REDUCTIONS)
    preset = PRESETS.get(method, Preset(method, known[0]))
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.data = ""  # directory of trajectories; the train split is read
    config.init_from = ""  # Hugging Face directory: config, weights, tokenizer

    config.loss = preset.loss
    # Options of the loss, e.g. --config.loss_kwargs.beta=0.2
    options = LOSSES[preset.loss].options if preset.loss in LOSSES else {}
    config.loss_kwargs = ml_collections.ConfigDict(options | preset.options)
    # token-mean, seq-mean-token-sum or seq-mean-token-mean; of pairs seq-mean-token-sum alone,
    # the mean over pairs.
    config.reduction = preset.reduction

    config.steps = 500
    config.batch_size = 32  # rows; a pair is two rows
    config.microbatches = 1  # parts of a batch that run one after another: less memory, same result
    config.max_length = 1024  # tokens of a row; a longer one is an error, nothing is cut
    config.learning_rate = 1e-3 if preset.loss == "standard" else 1e-4
    config.warmup_steps = 20
    config.weight_decay = 0.01
    config.clip_norm = 1.0

    config.mesh = ml_collections.ConfigDict({"data": -1, "fsdp": 1, "tensor": 1})
    config.checkpoint_every = 100
    config.log_every = 1
    return config


def checked(config: ml_collections.ConfigDict) -> ml_collections.FrozenConfigDict:
    """The config, frozen. Raises InputError naming the first bad field."""
    for name, table in {"loss": LOSSES, "reduction": REDUCTIONS}.items():
        if config[name] not in table:
            mend = nearest(config[name], table)
            raise InputError(f"config.{name}: {config[name]!r} is unknown; {mend}")
    if config.reduction not in LOSSES[config.loss].reductions:
        raise InputError(
            f"config.reduction: {config.reduction!r} divides by the length of a completion, but "
            f"{config.loss!r} compares two; use 'seq-mean-token-sum', the mean over pairs"
        )
    for name in ("data", "init_from"):
        if not config[name]:
            raise InputError(f"config.{name}: not set; give a directory, --config.{name}=...")
    for name in POSITIVE:
        if not config[name] > 0:
            raise InputError(f"config.{name}: {config[name]} is not positive; make it larger")
    options = LOSSES[config.loss].options
    for name in config.loss_kwargs:
        if name not in options:
            raise InputError(
                f"config.loss_kwargs.{name}: no option of {config.loss!r}; {nearest(name, options)}"
            )
    return ml_collections.FrozenConfigDict(config)


def check_batch(config: ml_collections.FrozenConfigDict, mesh: Mesh) -> None:
    """Raises InputError unless every micro-batch divides over the mesh, and holds whole pairs.

    And for micro-batches of a loss that compares the rows of a batch.
    """
    if "whole_batch" in LOSSES[config.loss].needs and config.microbatches > 1:
        raise InputError(
            f"config.microbatches: {config.microbatches}, but {config.loss!r} sorts the rows of a "
            "whole batch; use 1"
        )
    row = 2 if "pairs" in LOSSES[config.loss].needs else 1
    devices = mesh.shape["data"] * mesh.shape["fsdp"]
    multiple = config.microbatches * math.lcm(devices, row)
    if config.batch_size % multiple:
        raise InputError(
            f"config.batch_size: {config.batch_size} rows do not divide into microbatches="
            f"{config.microbatches}, mesh data x fsdp={devices} and rows of an example={row}; "
            f"use a multiple of {multiple}"
        )


def loss_keywords(config, training_set: TrainingSet) -> dict[str, float]:
    """All keyword arguments of the loss: defaults, config.loss_kwargs, the set's statistics."""
    options = LOSSES[config.loss].options | dict(config.loss_kwargs)
    if "statistics" in LOSSES[config.loss].requires(options):
        statistics = {"mean": training_set.reward_mean, "std": training_set.reward_std}
        options |= {name: statistics[name] for name in LOSSES[config.loss].statistics}
    return options
