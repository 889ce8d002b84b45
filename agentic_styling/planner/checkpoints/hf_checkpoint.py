"""Parameters to and from Hugging Face directories, one tensor at a time."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path

import jax
from flax import traverse_util

from agentic_styling.planner.checkpoints.moe_layout import input_first, refuse_square
from agentic_styling.planner.checkpoints.safetensors_files import (
    INDEX,
    SINGLE,
    check,
    open_tensors,
    read_json,
    replacing,
    write_file,
)
from agentic_styling.planner.checkpoints.streaming import check_tree, load_tree, write_tree
from agentic_styling.planner.checkpoints.tensor_names import Tensor, tensors
from agentic_styling.planner.model.config import Qwen3VLConfig

SHARD_BYTES = 5 * 10**9


def read_config(directory) -> Qwen3VLConfig:
    """The config.json of a Hugging Face directory."""
    return Qwen3VLConfig.from_hf(read_json(Path(directory) / "config.json"))


def load_pretrained(directory, mesh: jax.sharding.Mesh | None = None, dtype=None):
    """Read a Hugging Face directory: (config, params).

    mesh: put every leaf where `partition.shardings` says; a process reads only the slices of its
    own devices. dtype: of the parameters, by default as stored. The host holds about one tensor
    at a time. Raises InputError that names every missing, extra or misshapen tensor.
    """
    directory, config = Path(directory), read_config(directory)
    table = tensors(config)
    found = input_first(table, open_tensors(directory))
    if config.tie_word_embeddings:
        found.pop("lm_head.weight", None)  # a tied checkpoint may repeat its embedding
    check(directory, {tensor.name: tensor.shape for tensor in table}, found)
    return config, load_tree(table, found, mesh, dtype)


def save_pretrained(
    directory, config: Qwen3VLConfig, params, max_shard_bytes: int = SHARD_BYTES
) -> None:
    """Write config.json and safetensors that transformers' from_pretrained reads.

    Above max_shard_bytes the tensors go into several files with an index. One tensor at a time is
    gathered from the devices; of several processes the first writes. The files take their names
    once all are whole, so a save that fails leaves an older one as it was.
    """
    flat = traverse_util.flatten_dict(params)
    check_tree(tensors(config), flat)
    refuse_square(tensors(config))
    # The widest dtype first: so every tensor is aligned.
    table = sorted(tensors(config), key=lambda tensor: -flat[tensor.path].dtype.itemsize)
    shards = list(_shards(table, flat, max_shard_bytes))
    write_tree(table, flat, lambda arrays: _write(Path(directory), config, shards, flat, arrays))


def _write(directory: Path, config, shards: list[list[Tensor]], flat, arrays: Iterator) -> None:
    """The files of a checkpoint; arrays come in the order of the shards' tensors."""
    dtype = next(iter(flat.values())).dtype.name
    texts = {"config.json": config.to_hf() | {"dtype": dtype}}
    names = [SINGLE]
    if len(shards) > 1:
        names = [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
        texts[INDEX] = {
            "metadata": {"total_size": sum(leaf.nbytes for leaf in flat.values())},
            "weight_map": {t.name: n for n, s in zip(names, shards, strict=True) for t in s},
        }
    with replacing(directory) as unfinished:
        for name, shard in zip(names, shards, strict=True):
            header = {t.name: (flat[t.path].dtype.name, t.shape) for t in shard}
            write_file(unfinished / name, header, itertools.islice(arrays, len(shard)))
        for name, content in texts.items():
            text = json.dumps(content, indent=2) + "\n"
            (unfinished / name).write_text(text, encoding="utf-8")
    for old in [*directory.glob("model*.safetensors"), directory / INDEX]:
        if old.name not in {*names, *texts}:
            old.unlink(missing_ok=True)


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
