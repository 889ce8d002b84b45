"""Parameters to and from Hugging Face directories: safetensors only, one name table both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from flax import traverse_util
from jax.sharding import NamedSharding, PartitionSpec

from agentic_styling.errors import InputError
from agentic_styling.planner.config import Qwen3VLConfig
from agentic_styling.planner.model import init_params
from agentic_styling.planner.text import text_stacks
from agentic_styling.planner.vision import vision_stacks

SHARD_BYTES = 5 * 10**9
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

# Our path (parts joined by dots) to Hugging Face's; scanned stacks also get the layer's number.
NAMES = (
    (r"visual\.patch_embed", r"model.visual.patch_embed.proj"),
    (r"visual\.deepstack_merger_(\d+)", r"model.visual.deepstack_merger_list.\1"),
    (r"visual\.blocks_\d+", r"model.visual.blocks.{layer}"),
    (r"visual", r"model.visual"),
    (r"language_model\.layers_\d+", r"model.language_model.layers.{layer}"),
    (r"language_model", r"model.language_model"),
    (r"lm_head", r"lm_head"),
)
LEAVES = {"kernel": "weight", "scale": "weight", "embedding": "weight", "bias": "bias"}


class Tensor(NamedTuple):
    """One Hugging Face tensor: its name and shape, and where it lies in our tree.

    index: the place along the leading axis of a scanned stack, None elsewhere.
    """

    name: str
    shape: tuple[int, ...]
    path: tuple[str, ...]
    index: int | None

    def pack(self, array: np.ndarray) -> np.ndarray:
        """Ours to Hugging Face's layout: kernels are stored output first."""
        array = array if self.index is None else array[self.index]
        array = array.T if self.path[-1] == "kernel" else array
        return np.ascontiguousarray(array).reshape(self.shape)

    def unpack(self, array: np.ndarray) -> np.ndarray:
        """Hugging Face's layout to ours, without the stack's axis."""
        if self.path[-1] != "kernel":
            return array
        return array.reshape(array.shape[0], -1).T


def tensors(config: Qwen3VLConfig) -> list[Tensor]:
    """Every tensor of a checkpoint of this config: the name table."""
    first = {("language_model", name): start for name, start, _ in text_stacks(config)}
    first |= {("visual", name): start for name, start, _ in vision_stacks(config.vision)}
    table = []
    for path, leaf in traverse_util.flatten_dict(_shapes(config)).items():
        prefix = _hf_prefix(".".join(path[:-1]))
        start = first.get(path[:2])
        for index in [None] if start is None else range(leaf.shape[0]):
            shape = leaf.shape if index is None else leaf.shape[1:]
            if path == ("visual", "patch_embed", "kernel"):
                vision = config.vision
                frames, side = vision.temporal_patch_size, vision.patch_size
                shape = (vision.hidden_size, vision.in_channels, frames, side, side)
            elif path[-1] == "kernel":
                shape = shape[::-1]
            name = prefix if index is None else prefix.format(layer=start + index)
            table.append(Tensor(f"{name}.{LEAVES[path[-1]]}", shape, path, index))
    return table


def load_pretrained(directory, mesh: jax.sharding.Mesh | None = None, dtype=None):
    """Read a Hugging Face directory: (config, params).

    dtype: of the parameters, by default as stored. mesh: replicate them over its devices. Raises
    InputError naming every missing, extra or misshapen tensor.
    """
    directory = Path(directory)
    config = Qwen3VLConfig.from_hf(_read_json(directory / "config.json"))
    files = _open(directory)
    table = tensors(config)
    _check(directory, config, table, files)
    sharding = None if mesh is None else NamedSharding(mesh, PartitionSpec())
    stacks: dict[tuple[str, ...], list[Tensor]] = {}
    for tensor in table:
        stacks.setdefault(tensor.path, []).append(tensor)

    def read(path):
        # One leaf at a time, so that the host holds little more than the largest.
        arrays = [t.unpack(files[t.name].get_tensor(t.name)) for t in stacks[path]]
        array = arrays[0] if stacks[path][0].index is None else np.stack(arrays)
        return jax.device_put(array.astype(dtype or array.dtype), sharding)

    return config, traverse_util.unflatten_dict({path: read(path) for path in stacks})


def save_pretrained(directory, config: Qwen3VLConfig, params) -> None:
    """Write config.json and safetensors that transformers' from_pretrained reads.

    Above 5 GB the tensors go into several files with an index.
    """
    from safetensors.numpy import save_file

    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for old in [*directory.glob("model*.safetensors"), *directory.glob(INDEX)]:
        old.unlink()
    flat = traverse_util.flatten_dict(params)
    dtype = jax.tree.leaves(params)[0].dtype.name
    (directory / "config.json").write_text(
        json.dumps(config.to_hf() | {"dtype": dtype}, indent=2) + "\n", encoding="utf-8"
    )
    shards = list(_shards(tensors(config), flat))
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        name = SINGLE
        if len(shards) > 1:
            name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        arrays = {t.name: t.pack(np.asarray(flat[t.path])) for t in shard}
        save_file(arrays, directory / name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(arrays, name)
    if len(shards) > 1:
        total = sum(x.nbytes for x in jax.tree.leaves(params))
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (directory / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _shards(table: list[Tensor], flat) -> Iterator[list[Tensor]]:
    """The table cut into runs of at most SHARD_BYTES each."""
    shard, size = [], 0
    for tensor in table:
        nbytes = int(np.prod(tensor.shape)) * flat[tensor.path].dtype.itemsize
        if shard and size + nbytes > SHARD_BYTES:
            yield shard
            shard, size = [], 0
        shard.append(tensor)
        size += nbytes
    yield shard


def _shapes(config: Qwen3VLConfig):
    return jax.eval_shape(lambda key: init_params(config, key), jax.random.key(0))


def _hf_prefix(path: str) -> str:
    for pattern, replacement in NAMES:
        match = re.match(rf"{pattern}(?=\.|$)", path)
        if match:
            return match.expand(replacement) + path[match.end() :]
    raise KeyError(path)


def _open(directory: Path) -> dict:
    """The open safetensors file of each tensor name."""
    from safetensors import safe_open

    if (directory / INDEX).is_file():
        names = sorted(set(_read_json(directory / INDEX)["weight_map"].values()))
    else:
        names = [SINGLE]
    files = {}
    for name in names:
        if not (directory / name).is_file():
            raise InputError(f"{directory / name}: no such file; only safetensors are read")
        file = safe_open(directory / name, framework="np")
        files |= dict.fromkeys(file.keys(), file)
    return files


def _check(directory: Path, config: Qwen3VLConfig, table: list[Tensor], files: dict) -> None:
    wanted = {tensor.name: tensor.shape for tensor in table}
    # A tied checkpoint may or may not repeat the embedding as its head.
    found = files.keys() - ({"lm_head.weight"} if config.tie_word_embeddings else set())
    shapes = {n: tuple(files[n].get_slice(n).get_shape()) for n in sorted(found & wanted.keys())}
    misshapen = [f"{n} {s} is to be {wanted[n]}" for n, s in shapes.items() if s != wanted[n]]
    problems = {
        "missing": sorted(wanted.keys() - found),
        "extra": sorted(found - wanted.keys()),
        "misshapen": misshapen,
    }
    if any(problems.values()):
        lists = "; ".join(
            f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names
        )
        raise InputError(f"{directory}: the tensors do not fit config.json; {lists}")


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a Hugging Face model directory")
    return json.loads(path.read_text(encoding="utf-8"))
