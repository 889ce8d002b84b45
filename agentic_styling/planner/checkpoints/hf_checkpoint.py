"""Parameters to and from Hugging Face directories, one tensor at a time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from flax import traverse_util
from jax.sharding import Mesh

from agentic_styling.planner.checkpoints.partition import Rule
from agentic_styling.planner.checkpoints.safetensors_files import (
    INDEX,
    SINGLE,
    check,
    input_first,
    open_tensors,
    refuse_square,
)
from agentic_styling.planner.checkpoints.streaming import check_tree, load_tree, write_tree
from agentic_styling.planner.checkpoints.tensor_names import Tensor, tensors
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.precision import in_32_bits

SHARDS = "model-*-of-*.safetensors"
SHARD_BYTES = 5 * 10**9
HEAD, EMBEDDING = "lm_head.weight", "model.language_model.embed_tokens.weight"
ROWS = 4096  # of the embedding, compared at a time


def read_config(directory) -> Qwen3VLConfig:
    """The config.json of a Hugging Face directory, untied if its files hold another head.

    Raises:
      InputError: the file is missing, broken, or not of a supported Qwen3-VL.
    """
    directory = Path(directory)
    hf = read_object(directory / "config.json", "name a directory that has it, or fetch it again")
    config = Qwen3VLConfig.from_hf(hf)
    if config.tie_word_embeddings and _has_own_head(directory):
        config = dataclasses.replace(config, tie_word_embeddings=False)
    return config


def _has_own_head(directory: Path) -> bool:
    """Whether there is a head unlike the embedding, which transformers keeps too."""
    if not any((directory / name).is_file() for name in (SINGLE, INDEX)):
        return False
    stored = open_tensors(directory)
    head, embedding = stored.get(HEAD), stored.get(EMBEDDING)
    if head is None or embedding is None or head.get_shape() != embedding.get_shape():
        return False
    rows = head.get_shape()[0]
    parts = [slice(row, min(row + ROWS, rows)) for row in range(0, rows, ROWS)]
    return any((head[part] != embedding[part]).any() for part in parts)


@in_32_bits
def load_pretrained(
    directory,
    mesh: Mesh | None = None,
    rules: Sequence[Rule] = (),
    *,
    dtype=None,
    replicate_below: int = 0,
):
    """Read a Hugging Face directory, ours or a published Qwen3-VL's.

    The host holds about one tensor at a time, and a process reads only the slices of its own
    devices.

    Args:
      directory: with config.json and safetensors, in one file or in several with an index.
      mesh: places every leaf where `partition.shardings(mesh, ...)` says; None uses the default
        device.
      rules: sharding rules that come before `partition.RULES`.
      dtype: of the parameters; None keeps that of the files.
      replicate_below: leaves with fewer numbers than this are replicated.

    Returns:
      (Qwen3VLConfig, params).

    Raises:
      InputError: a file is missing or broken, a tensor has values that are not finite, or tensors
        do not fit the config; it names every missing, extra or misshapen one.
    """
    directory, config = Path(directory), read_config(directory)
    table = tensors(config)
    stored = input_first(table, open_tensors(directory))
    if config.tie_word_embeddings:
        stored.pop(HEAD, None)  # a tied checkpoint may repeat its embedding
    check(directory, {tensor.name: tensor.shape for tensor in table}, stored)
    return config, load_tree(
        table, stored, mesh, rules, dtype=dtype, replicate_below=replicate_below
    )


@in_32_bits
def save_pretrained(
    directory, config: Qwen3VLConfig, params, max_shard_bytes: int = SHARD_BYTES
) -> None:
    """Write config.json and safetensors that transformers' from_pretrained reads.

    One tensor at a time is gathered from the devices; with several processes only the first
    writes. Files are renamed into place after all of them are written, so a save that fails
    leaves an older checkpoint unchanged.

    Args:
      directory: created if missing; other files in it are kept.
      params: a tree as by `load_pretrained` or `init_params`; leaves may be sharded.
      max_shard_bytes: above this the tensors go into several files with an index.

    Raises:
      InputError: params do not fit the config, or are not finite.
    """
    flat = traverse_util.flatten_dict(params)
    check_tree(tensors(config), flat)
    refuse_square(tensors(config))
    # The widest dtype comes first, so that every tensor is aligned.
    table = sorted(tensors(config), key=lambda tensor: -flat[tensor.path].dtype.itemsize)
    shards = list(_shards(table, flat, max_shard_bytes))
    dtype = next(iter(flat.values())).dtype.name
    texts = {"config.json": config.to_hf() | {"dtype": dtype}}
    names = [SINGLE]
    if len(shards) > 1:
        names = [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
        texts[INDEX] = {
            "metadata": {"total_size": sum(leaf.nbytes for leaf in flat.values())},
            "weight_map": {t.name: n for n, s in zip(names, shards, strict=True) for t in s},
        }
    tables = dict(zip(names, shards, strict=True))
    write_tree(Path(directory), tables, flat, texts, (SINGLE, INDEX, SHARDS))


def _shards(table: list[Tensor], flat, most: int) -> Iterator[list[Tensor]]:
    """The table cut into runs of at most so many bytes each."""
    shard, size = [], 0
    for tensor in table:
        nbytes = math.prod(tensor.shape) * flat[tensor.path].dtype.itemsize
        if shard and size + nbytes > most:
            yield shard
            shard, size = [], 0
        shard.append(tensor)
        size += nbytes
    yield shard
