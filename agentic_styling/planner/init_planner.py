"""A planner that has learnt nothing yet: random weights and a tokenizer trained on the spot."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import jax

from agentic_styling.planner.checkpoints.hf_checkpoint import save_pretrained
from agentic_styling.planner.inputs.images import ImageSettings
from agentic_styling.planner.inputs.tokenizer import train_tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import init_params


def new_planner(
    directory: Path,
    texts: Iterable[str],
    *,
    preset: str,
    vocab_size: int,
    picture_size: int,
    seed: int,
) -> None:
    """Write the Hugging Face directory of an untrained planner; it appears only when whole.

    texts: what its tokenizer is trained on. preset: of `Qwen3VLConfig`. picture_size: pictures
    are resized to about this many pixels squared. seed: of the weights.
    """
    unfinished = directory.with_name(directory.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    tokenizer = train_tokenizer(texts, unfinished, vocab_size)
    config = Qwen3VLConfig.preset(preset).for_tokenizer(tokenizer)
    save_pretrained(unfinished, config, init_params(config, jax.random.key(seed)))
    ImageSettings(min_pixels=picture_size**2, max_pixels=picture_size**2).save(unfinished)
    unfinished.rename(directory)
