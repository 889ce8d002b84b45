"""Pretrains a small planner on an endless stream of fresh examples; see configs/pretrain.py.

The first stage learns to see and starts from random weights, the second learns all kinds of goals:

    python experiments/pretrain.py --config=configs/pretrain.py:base --config.photos=PHOTOS \
        --workdir=runs/base
    python experiments/pretrain.py --config=configs/pretrain.py:starter --config.photos=PHOTOS \
        --config.init_from=runs/base/training/planner --workdir=runs/starter

The planner is in WORKDIR/training/planner. An interrupted run resumes when the same command is run
again.
"""

import sys
from pathlib import Path

from ml_collections import ConfigDict

from agentic_styling import training
from agentic_styling.cli import configured as cli
from agentic_styling.data.goals.wishes import every_name
from agentic_styling.data.pipeline import Context
from agentic_styling.data.stream import open_stream
from agentic_styling.planner import (
    Qwen3VLConfig,
    TextConfig,
    VisionConfig,
    extend_vocabulary,
    new_planner,
    read_config,
)
from agentic_styling.training.workdir import as_json, claim
from agentic_styling.utils.errors import InputError

CONFIG = Path(__file__).parents[1] / "configs/pretrain.py"
HEAD = 32  # width of an attention head
BATCHES, ROWS = 64, 64  # examples whose texts the tokenizer is trained on


def run(config: ConfigDict, workdir: Path) -> Path:
    """Makes a planner unless config.init_from names one, and trains it; returns its directory."""
    if not config.photos:
        raise InputError("config.photos: not set; give a folder of photographs")
    claim(as_json(config), workdir)
    shape = planner_shape(config)
    check_extension(config)
    fields = training_config(config, start_of(config, workdir))
    claim(as_json(config), workdir, write=as_json(config))
    if not config.init_from:
        untrained_planner(config, shape, workdir / "untrained")
    elif config.extend_to:
        extended_planner(config, workdir / "extended")
    return training.train(fields, workdir / "training")


def check_extension(config: ConfigDict) -> None:
    """Raises InputError where config.extend_to cannot be reached."""
    if not config.extend_to:
        return
    if not config.init_from:
        raise InputError("config.extend_to: a new planner has config.model.vocab_size; leave it 0")
    size = read_config(config.init_from).text.vocab_size
    if config.extend_to < size:
        raise InputError(f"config.extend_to: {config.extend_to} is below {size}; use more, or 0")


def start_of(config: ConfigDict, workdir: Path) -> Path:
    """The planner that training starts from."""
    if not config.init_from:
        return workdir / "untrained"
    return workdir / "extended" if config.extend_to else Path(config.init_from)


def planner_shape(config: ConfigDict) -> Qwen3VLConfig:
    """The shape of a new planner; its vocabulary is set when its tokenizer is trained."""
    model = config.model
    if config.picture_size % (model.patch_size * model.merge_size):
        raise InputError(
            f"config.picture_size: {config.picture_size} pixels are not whole tokens of "
            f"{model.patch_size} x {model.merge_size}; use a multiple"
        )
    for name in ("vision_width", "text_width"):
        if model[name] < HEAD or model[name] % HEAD:
            raise InputError(f"config.model.{name}: {model[name]} is not a multiple of {HEAD}")
    if min(model.vision_depth, model.text_depth) < 2:
        raise InputError("config.model: use depths of 2 or more")
    heads = model.text_width // HEAD
    text = TextConfig(
        model.text_width,
        2 * model.text_width,
        model.text_depth,
        heads,
        1 if heads % 2 else heads // 2,
        head_dim=HEAD,
        mrope_section=(6, 5, 5),
    )
    vision = VisionConfig(
        model.vision_depth,
        model.vision_width,
        2 * model.vision_width,
        model.text_width,
        (0, model.vision_depth // 2),  # blocks that the decoder's first layers are given
        num_heads=model.vision_width // HEAD,
        patch_size=model.patch_size,
        spatial_merge_size=model.merge_size,
        num_position_embeddings=(config.picture_size // model.patch_size) ** 2,
    )
    return Qwen3VLConfig(text, vision, tie_word_embeddings=True)


def untrained_planner(config: ConfigDict, shape: Qwen3VLConfig, directory: Path) -> None:
    """Writes a planner with random weights, and a tokenizer trained on texts of the stream."""
    if (directory / "config.json").exists():
        return
    examples = texts_of(config)
    new_planner(
        directory,
        [e.plans[0].to_json() for e in examples] + [e.goal.text for e in examples],
        preset=shape,
        vocab_size=config.model.vocab_size,
        picture_size=config.picture_size,
        seed=config.seed,
        dtype=config.model.dtype,
    )


def extended_planner(config: ConfigDict, directory: Path) -> None:
    """Writes config.init_from with a vocabulary of the words of the stream's goals."""
    if (directory / "config.json").exists():
        return
    texts = [example.goal.text for example in texts_of(config)] + every_name()
    lower = [text.lower() for text in texts]
    extend_vocabulary(Path(config.init_from), directory, lower, config.extend_to)


def texts_of(config: ConfigDict) -> list[Context]:
    """Examples of the stream, without their pictures, that a tokenizer is trained on."""
    stream = open_stream(config.photos, dict(config.goals), config.picture_size, config.seed)
    return [example for index in range(BATCHES) for example in stream.texts(index, ROWS)]


def training_config(config: ConfigDict, init_from: Path) -> ConfigDict:
    """The config of the training run."""
    fields = training.default_config("standard")
    same = ("seed", "steps", "batch_size", "microbatches", "length_buckets", "optimizer")
    same += ("learning_rate", "max_length", "ema_decay", "log_every", "checkpoint_every")
    fields.update({name: config[name] for name in same}, init_from=str(init_from))
    fields.stream.update(photos=config.photos, size=config.picture_size, goals=config.goals)
    fields.warmup_steps = fields.steps // 20
    return fields


def main(config: ConfigDict, workdir: Path) -> None:
    """Runs a stage, and prints where the planner is."""
    print(run(config, workdir))


if __name__ == "__main__":
    cli.run_configured(main, str(CONFIG), sys.argv, default_workdir="runs/pretrain")
