"""An untrained planner: random weights, and a tokenizer trained on given texts."""

from collections.abc import Iterable
from pathlib import Path

import jax

from agentic_styling.planner.checkpoints.hf_checkpoint import save_pretrained
from agentic_styling.planner.inputs.images import ImageSettings
from agentic_styling.planner.inputs.tokenizer import train_tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import init_params
from agentic_styling.planner.planner import PlannerSettings
from agentic_styling.utils.atomic import atomic_directory


def new_planner(
    directory: Path,
    texts: Iterable[str],
    *,
    preset: str,
    vocab_size: int,
    picture_size: int,
    seed: int,
) -> None:
    """Write the Hugging Face directory of an untrained planner, atomically.

    Args:
      directory: new, or empty.
      texts: training texts of the tokenizer.
      preset: name of a size of `Qwen3VLConfig.preset`.
      vocab_size: upper limit of the tokenizer's vocabulary.
      picture_size: pictures are resized to about picture_size x picture_size pixels.
      seed: of the weights.

    Raises:
      InputError: the directory is not empty, or the preset or vocab_size cannot be used.
    """
    with atomic_directory(directory) as unfinished:
        tokenizer = train_tokenizer(texts, unfinished, vocab_size)
        config = Qwen3VLConfig.preset(preset).for_tokenizer(tokenizer)
        save_pretrained(unfinished, config, init_params(config, jax.random.key(seed)))
        ImageSettings(min_pixels=picture_size**2, max_pixels=picture_size**2).save(unfinished)
        PlannerSettings().save(unfinished)
