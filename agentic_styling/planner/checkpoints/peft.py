"""Adapters in PEFT's files, both ways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from flax import traverse_util
from jax.sharding import Mesh

from agentic_styling.planner.checkpoints.partition import Rule
from agentic_styling.planner.checkpoints.safetensors_files import (
    check,
    open_file,
    read_json,
    replacing,
    write_file,
)
from agentic_styling.planner.checkpoints.streaming import check_tree, load_tree, write_tree
from agentic_styling.planner.checkpoints.tensor_names import Tensor, tensors
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.lora import LoraConfig, adapter_shapes
from agentic_styling.utils.errors import InputError

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
NO_VISION = r"model\.visual\..*"
# Options of a PEFT config that compute something else from the same tensors.
UNSUPPORTED = (
    "use_dora",
    "use_rslora",
    "fan_in_fan_out",
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "modules_to_save",
    "trainable_token_indices",
)


def save_adapters(directory, config: Qwen3VLConfig, adapters, lora: LoraConfig) -> None:
    """Write the directory that PEFT's from_pretrained reads: its config and safetensors."""
    flat, table = traverse_util.flatten_dict(adapters), adapter_tensors(config, lora)
    check_tree(table, flat)
    peft = {
        "peft_type": "LORA",
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": list(lora.targets),
        "exclude_modules": None if lora.vision else NO_VISION,
        "bias": "none",
        "inference_mode": True,
    }

    def write(arrays):
        with replacing(Path(directory)) as unfinished:
            header = {t.name: (flat[t.path].dtype.name, t.shape) for t in table}
            write_file(unfinished / WEIGHTS_FILE, header, arrays)
            text = json.dumps(peft, indent=2) + "\n"
            (unfinished / CONFIG_FILE).write_text(text, encoding="utf-8")

    write_tree(table, flat, write)


def load_adapters(
    directory, config: Qwen3VLConfig, mesh: Mesh | None = None, rules: Sequence[Rule] = (), **layout
):
    """Read a directory of PEFT's, or of `save_adapters`.

    Args:
      config: of the model that the adapters belong to.
      mesh, rules, dtype, replicate_below: as for `load_pretrained`.

    Returns:
      (LoraConfig, adapters as by `init_lora`).

    Raises:
      InputError: the files are missing, do not fit the config, or hold anything but plain LoRA
        with the same targets and rank in every layer.
    """
    directory = Path(directory)
    peft = read_json(directory / CONFIG_FILE)
    stored = open_file(directory / WEIGHTS_FILE)
    lora = _read_peft(directory / CONFIG_FILE, peft, vision=any(".visual." in n for n in stored))
    table = adapter_tensors(config, lora)
    check(directory / WEIGHTS_FILE, {tensor.name: tensor.shape for tensor in table}, stored)
    return lora, load_tree(table, stored, mesh, rules, **layout)


def _read_peft(path: Path, peft: dict, vision: bool) -> LoraConfig:
    if peft.get("peft_type") != "LORA":
        raise InputError(f"{path}: peft_type {peft.get('peft_type')!r} is not supported; use LORA")
    for name in UNSUPPORTED:
        if peft.get(name):
            raise InputError(f"{path}: {name} {peft[name]!r} is not supported; train without it")
    if peft.get("bias", "none") != "none":
        raise InputError(f"{path}: bias {peft['bias']!r} is not supported; it must be 'none'")
    targets = peft.get("target_modules")
    if not isinstance(targets, list):
        raise InputError(f"{path}: target_modules {targets!r} must be a list of names")
    missing = [name for name in ("r", "lora_alpha") if name not in peft]
    if missing:
        raise InputError(f"{path}: lacks {missing[0]!r}; add it")
    return LoraConfig(
        rank=peft["r"],
        alpha=peft["lora_alpha"],
        dropout=peft.get("lora_dropout", 0.0),
        targets=tuple(targets),
        vision=vision,
    )


def adapter_tensors(config: Qwen3VLConfig, lora: LoraConfig) -> list[Tensor]:
    """Every tensor of the adapters, named as PEFT does: lora_A [r, in], lora_B [out, r]."""
    shapes, table = adapter_shapes(config, lora), []
    for name, shape, path, index in tensors(config):
        module = path[:-1]
        if path[-1] == "kernel" and (*module, "a") in shapes:
            prefix = f"base_model.model.{name.removesuffix('.weight')}"
            a = (lora.rank, *shape[1:])
            b = (shape[0], lora.rank, *[1] * (len(shape) - 2))
            table.append(Tensor(f"{prefix}.lora_A.weight", a, (*module, "a"), index))
            table.append(Tensor(f"{prefix}.lora_B.weight", b, (*module, "b"), index))
    # The layers of a stacked leaf must stand together.
    return sorted(table, key=lambda tensor: tensor.path)
