"""Adapters in PEFT's files, both ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from flax import traverse_util
from jax.sharding import Mesh

from agentic_styling.planner.checkpoints.partition import Rule
from agentic_styling.planner.checkpoints.safetensors_files import check, open_file
from agentic_styling.planner.checkpoints.streaming import check_tree, load_tree, write_tree
from agentic_styling.planner.checkpoints.tensor_names import Tensor, tensors
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.lora import LoraConfig, adapter_shapes, module_kind
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
# Fields of a PEFT config that do not change what the tensors compute, whatever their values, and
# those that must have one of these values. Any other field, known today or not, must be off.
NUMBERS = {"r": "rank", "lora_alpha": "alpha", "lora_dropout": "dropout"}
WITHOUT_EFFECT = {
    *("peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision"),
    *("inference_mode", "target_modules", "exclude_modules", "layers_to_transform"),
    *("layers_pattern", "megatron_core", "qalora_group_size", "eva_config"),
}
ALLOWED = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    # The others, such as pissa, olora and loftq, move the base.
    "init_lora_weights": (True, False, "gaussian", "orthogonal", "eva"),
}


@in_32_bits
def save_adapters(directory, config: Qwen3VLConfig, adapters, lora: LoraConfig) -> None:
    """Write the directory that PEFT's from_pretrained reads: its config and safetensors."""
    flat, table = traverse_util.flatten_dict(adapters), adapter_tensors(config, lora)
    check_tree(table, flat)
    peft = {
        "peft_type": "LORA",
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": sorted({_module(tensor.name) for tensor in table}),
        "bias": "none",
        "inference_mode": True,
    }
    write_tree(Path(directory), {WEIGHTS_FILE: table}, flat, {CONFIG_FILE: peft})


@in_32_bits
def load_adapters(
    directory, config: Qwen3VLConfig, mesh: Mesh | None = None, rules: Sequence[Rule] = (), **layout
):
    """Read a directory of PEFT's, or of `save_adapters`; its tensors say what has adapters.

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
    fields = _read_peft(directory / CONFIG_FILE)
    stored = open_file(directory / WEIGHTS_FILE)
    kernels = _kernels(config)
    kinds = {module_kind(kernels[m]) for m in map(_module, stored) if m in kernels}
    if not kinds:
        raise InputError(
            f"{directory / WEIGHTS_FILE}: has no adapter of this model; use one trained from it"
        )
    known = {module_kind(path) for path in kernels.values()}
    try:
        lora = LoraConfig(**fields, **_targets(kinds, known))
    except InputError as error:
        raise InputError(f"{directory / CONFIG_FILE}: {error}") from None
    table = adapter_tensors(config, lora)
    check(directory / WEIGHTS_FILE, {tensor.name: tensor.shape for tensor in table}, stored)
    return lora, load_tree(table, stored, mesh, rules, **layout)


def _read_peft(path: Path) -> dict:
    """Rank, alpha and dropout of an adapter_config.json that has nothing else with an effect."""
    fields = read_object(path, "name a directory that has it, or fetch it again")
    peft = {"lora_dropout": 0.0} | fields
    for name in (*NUMBERS, "peft_type"):
        if name not in peft:
            raise InputError(f"{path}: lacks {name!r}; add it")
    for name, value in peft.items():
        if name in NUMBERS:
            good = type(value) in ((int,) if name == "r" else (int, float))
        else:
            good = value in ALLOWED[name] if name in ALLOWED else not value
        if not good and name not in WITHOUT_EFFECT:
            raise InputError(
                f"{path}: {name} {value!r} is not supported; merge the adapter into its base with "
                "PEFT's merge_and_unload, or train without it"
            )
    return {field: peft[name] for name, field in NUMBERS.items()}


def _targets(adapted: set[str], known: set[str]) -> dict:
    """The targets and the vision flag of a LoraConfig for these kinds of modules and no others."""
    vision = any(kind.startswith("visual.") for kind in adapted)
    others = {kind for kind in known - adapted if vision or not kind.startswith("visual.")}
    targets = set()
    for kind in adapted:
        parts = kind.split(".")
        ends = (".".join(parts[-n:]) for n in range(1, len(parts) + 1))
        matched = (e for e in ends if not any(f".{o}".endswith(f".{e}") for o in others))
        targets.add(next(matched, kind))
    return {"targets": tuple(sorted(targets)), "vision": vision}


def _kernels(config: Qwen3VLConfig) -> dict[str, tuple[str, ...]]:
    """The path of every module with a kernel, by Hugging Face's name of it."""
    return {
        tensor.name.removesuffix(".weight"): tensor.path[:-1]
        for tensor in tensors(config)
        if tensor.path[-1] == "kernel"
    }


def _module(name: str) -> str:
    """Hugging Face's name of the module of an adapter's tensor."""
    return re.sub(r"\.lora_[AB]\.weight$", "", name.removeprefix(PREFIX))


def adapter_tensors(config: Qwen3VLConfig, lora: LoraConfig) -> list[Tensor]:
    """Every tensor of the adapters, named as PEFT does: lora_A [r, in], lora_B [out, r]."""
    shapes, table = adapter_shapes(config, lora), []
    for name, shape, path, index in tensors(config):
        module = path[:-1]
        if path[-1] == "kernel" and (*module, "a") in shapes:
            prefix = PREFIX + name.removesuffix(".weight")
            a = (lora.rank, *shape[1:])
            b = (shape[0], lora.rank, *[1] * (len(shape) - 2))
            table.append(Tensor(f"{prefix}.lora_A.weight", a, (*module, "a"), index))
            table.append(Tensor(f"{prefix}.lora_B.weight", b, (*module, "b"), index))
    # The layers of a stacked leaf must stand together.
    return sorted(table, key=lambda tensor: tensor.path)
