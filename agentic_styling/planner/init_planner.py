"""An untrained planner: random weights, and a tokenizer trained on given texts; or more tokens."""

from collections.abc import Iterable
from pathlib import Path

import jax
import numpy as np

from agentic_styling.planner.checkpoints.hf_checkpoint import load_pretrained, save_pretrained
from agentic_styling.planner.inputs.images import ImageSettings
from agentic_styling.planner.inputs.tokenizer import Tokenizer, extend_tokenizer, train_tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import init_params
from agentic_styling.planner.settings import PlannerSettings
from agentic_styling.utils.atomic import atomic_directory
from agentic_styling.utils.errors import InputError


def new_planner(
    directory: Path,
    texts: Iterable[str],
    *,
    preset: str | Qwen3VLConfig,
    vocab_size: int,
    picture_size: int,
    seed: int,
    dtype: str = "float32",
) -> None:
    """Write the Hugging Face directory of an untrained planner, atomically.

    Args:
      directory: new, or empty.
      texts: training texts of the tokenizer.
      preset: a shape, or the name of one of `Qwen3VLConfig.preset`.
      vocab_size: upper limit of the tokenizer's vocabulary.
      picture_size: pictures are resized to about picture_size x picture_size pixels.
      seed: of the weights.
      dtype: of the weights: "float32", "float16" or "bfloat16".

    Raises:
      InputError: the directory is not empty, or the preset or vocab_size cannot be used.
    """
    with atomic_directory(directory) as unfinished:
        tokenizer = train_tokenizer(texts, unfinished, vocab_size)
        shape = Qwen3VLConfig.preset(preset) if isinstance(preset, str) else preset
        config = shape.for_tokenizer(tokenizer)
        params = init_params(config, jax.random.key(seed))
        save_pretrained(unfinished, config, jax.tree.map(lambda x: x.astype(dtype), params))
        ImageSettings(
            min_pixels=picture_size**2,
            max_pixels=picture_size**2,
            patch_size=config.vision.patch_size,
            temporal_patch_size=config.vision.temporal_patch_size,
            merge_size=config.vision.spatial_merge_size,
        ).save(unfinished)
        PlannerSettings().save(unfinished)


def extend_vocabulary(source: Path, directory: Path, texts: Iterable[str], vocab_size: int) -> None:
    """Write a planner like that of `source` with more tokens, atomically; see `extend_tokenizer`.

    A new token begins with the mean embedding of the tokens that spelt it, so the planner hardly
    changes until it is trained on.

    Args:
      source: a planner whose tokenizer is of `train_tokenizer` and whose embedding is tied.
      directory: new, or empty.
      texts: what the new tokens are chosen for.
      vocab_size: upper limit of the new vocabulary.

    Raises:
      InputError: the directory is not empty, the embedding is not tied, or vocab_size is too small.
    """
    config, params = load_pretrained(source)
    if not config.tie_word_embeddings:
        raise InputError(f"{source}: its output embedding is not tied; use a planner that ties it")
    old = Tokenizer(source)
    with atomic_directory(directory) as unfinished:
        new = extend_tokenizer(old, texts, unfinished, vocab_size)
        embed = params["language_model"]["embed_tokens"]
        table = np.asarray(embed["embedding"], np.float32)
        rows = [table[old.parts(token)].mean(0) for token in new.tokens()]
        embed["embedding"] = np.stack(rows).astype(embed["embedding"].dtype)
        save_pretrained(unfinished, config.for_tokenizer(new), params)
        ImageSettings.load(source).save(unfinished)
        PlannerSettings.load(source).save(unfinished)
