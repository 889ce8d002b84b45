"""Every tensor of a Hugging Face checkpoint, and its place in our parameter tree."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

import numpy as np
from flax import traverse_util

from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.param_shapes import param_shapes
from agentic_styling.planner.model.text import text_stacks
from agentic_styling.planner.model.vision import vision_stacks

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
LEAVES = {
    "kernel": ".weight",
    "scale": ".weight",
    "embedding": ".weight",
    "bias": ".bias",
    # Stacked experts are input first in a checkpoint too, and have no suffix.
    "gate_up_proj": ".gate_up_proj",
    "down_proj": ".down_proj",
}


class Tensor(NamedTuple):
    """One Hugging Face tensor: its name, its shape and its place in our tree.

    index: the place along the leading axis of a scanned stack, None elsewhere.
    """

    name: str
    shape: tuple[int, ...]
    path: tuple[str, ...]
    index: int | None

    @property
    def transposed(self) -> bool:
        """Kernels and adapters are stored output first, and are input first here."""
        return self.path[-1] in ("kernel", "a", "b")

    @property
    def matrix(self) -> tuple[int, ...]:
        """The stored shape with a kernel's input axes (those of a convolution) made one."""
        if not self.transposed:
            return self.shape
        return (self.shape[0], int(np.prod(self.shape[1:])))

    def pack(self, array: np.ndarray) -> np.ndarray:
        """Ours to Hugging Face's layout, from the leaf with the stack's axis."""
        array = array if self.index is None else array[self.index]
        array = array.T if self.transposed else array
        return np.ascontiguousarray(array).reshape(self.shape)


@functools.lru_cache(maxsize=8)
def tensors(config: Qwen3VLConfig) -> tuple[Tensor, ...]:
    """Every tensor of a checkpoint of this config: the name table."""
    # The first layer of each scanned stack.
    first = {("language_model", name): start for name, start, _ in text_stacks(config)}
    first |= {("visual", name): start for name, start, _ in vision_stacks(config.vision)}
    table = []
    for path, leaf in traverse_util.flatten_dict(param_shapes(config)).items():
        prefix, start = hf_prefix(path[:-1]), first.get(path[:2])
        for index in [None] if start is None else range(leaf.shape[0]):
            shape = leaf.shape if index is None else leaf.shape[1:]
            if path == ("visual", "patch_embed", "kernel"):
                vision = config.vision
                frames, side = vision.temporal_patch_size, vision.patch_size
                shape = (vision.hidden_size, vision.in_channels, frames, side, side)
            elif path[-1] == "kernel":
                shape = shape[::-1]
            name = prefix if index is None else prefix.format(layer=start + index)
            table.append(Tensor(name + LEAVES[path[-1]], shape, path, index))
    return tuple(table)


def hf_prefix(path: tuple[str, ...]) -> str:
    """Hugging Face's name of a module; in a stack with a place for the {layer}."""
    name = ".".join(path)
    for pattern, replacement in NAMES:
        renamed, count = re.subn(rf"^{pattern}(?=\.|$)", replacement, name)
        if count:
            return renamed
    raise KeyError(name)
