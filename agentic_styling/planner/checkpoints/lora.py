"""Low-rank adapters beside the parameters: made, applied, merged, and in PEFT's files.

LoRA, arXiv:2106.09685. Adapters are a tree of their own, so that the model without them is the
model itself. To train, apply `Qwen3VL` to `lora_variables(...)` and differentiate by the adapters
alone; to generate, `merge_lora` them once, which makes a token as cheap as without adapters.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
from flax import traverse_util

from agentic_styling.planner.checkpoints.safetensors_files import (
    check,
    open_file,
    read_json,
    replacing,
    write_file,
)
from agentic_styling.planner.checkpoints.streaming import (
    check_tree,
    leaf_shapes,
    load_tree,
    write_tree,
)
from agentic_styling.planner.checkpoints.tensor_names import Tensor, tensors
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.utils.errors import InputError, nearest

TEXT_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
VISION_PROJECTIONS = ("qkv", "proj", "linear_fc1", "linear_fc2")
PEFT_CONFIG, PEFT_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PEFT_NO_VISION = r"model\.visual\..*"
# What a PEFT config must not say, as it would make another function of the same tensors.
PEFT_UNSUPPORTED = (
    "use_dora",
    "use_rslora",
    "fan_in_fan_out",
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "modules_to_save",
    "trainable_token_indices",
)


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """Which projections get adapters, and of which kind.

    targets: names as in PEFT's target_modules, the ends of module names ("proj" is both that of
    the vision attention and the patch embedding, "attn.proj" the first alone). vision: whether
    the vision tower gets adapters too. dropout: in [0, 1), of the adapters' inputs; it acts where
    `Compute.lora_dropout` says so.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = (*TEXT_PROJECTIONS, "qkv", "attn.proj", "linear_fc1", "linear_fc2")
    vision: bool = False

    def __post_init__(self):
        if self.rank < 1:
            raise InputError(f"lora rank {self.rank} must be at least 1")
        if not 0 <= self.dropout < 1:
            raise InputError(f"lora dropout {self.dropout} must be in [0, 1)")
        known = (*TEXT_PROJECTIONS, *VISION_PROJECTIONS)
        for target in self.targets:
            if target.split(".")[-1] not in known:
                raise InputError(f"lora target {target!r} is unknown; {nearest(target, known)}")
            if any(part.isdigit() for part in target.split(".")):
                raise InputError(f"lora target {target!r} is of one layer; name it for all of them")

    @property
    def scale(self) -> float:
        """What the product of an adapter's matrices is multiplied by."""
        return self.alpha / self.rank

    def adapts(self, module: str) -> bool:
        """Whether a module of this Hugging Face name gets an adapter."""
        if module.startswith("model.visual.") and not self.vision:
            return False
        return any(f".{module}".endswith(f".{target}") for target in self.targets)


@functools.partial(jax.jit, static_argnums=(0, 1))
def init_lora(config: Qwen3VLConfig, lora: LoraConfig, key: jax.Array):
    """Adapters of a model, float32: a uniform in +-1/sqrt(inputs), b zero, as PEFT begins.

    The tree is that of the parameters with {"a": [(L,) in, r], "b": [(L,) r, out]} in the place
    of each adapted projection's own leaves.
    """
    shapes = leaf_shapes(adapter_tensors(config, lora))
    keys = dict(zip(shapes, jax.random.split(key, len(shapes)), strict=True))

    def draw(path, shape):
        if path[-1] == "b":
            return jnp.zeros(shape)
        bound = shape[-2] ** -0.5
        return jax.random.uniform(keys[path], shape, minval=-bound, maxval=bound)

    return traverse_util.unflatten_dict({p: draw(p, shape) for p, shape in shapes.items()})


def lora_variables(params, adapters, lora: LoraConfig) -> dict:
    """What `Qwen3VL(...).apply` takes for the model with its adapters."""

    def scaled(path, leaf):
        return leaf * lora.scale if path[-1].key == "b" else leaf

    return {"params": params, "lora": jax.tree_util.tree_map_with_path(scaled, adapters)}


def merge_lora(params, adapters, lora: LoraConfig):
    """Parameters of a model without adapters that computes the same: W + a b alpha / r.

    The other leaves are shared with params. The sum is in float32, then cast to the kernel's
    dtype; adapters of bfloat16 kernels lose the part that is too small for it.
    """
    flat, pairs = traverse_util.flatten_dict(params), traverse_util.flatten_dict(adapters)
    kernels = {path[:-1]: flat[(*path[:-1], "kernel")] for path in pairs}
    changed = _merged(kernels, pairs, lora.scale)
    return traverse_util.unflatten_dict(flat | changed)


@jax.jit
def _merged(kernels, pairs, scale):
    def merged(path, kernel):
        a, b = pairs[(*path, "a")], pairs[(*path, "b")] * scale
        product = jnp.matmul(a, b, precision="highest", preferred_element_type=jnp.float32)
        return (kernel.astype(jnp.float32) + product).astype(kernel.dtype)

    return {(*path, "kernel"): merged(path, kernel) for path, kernel in kernels.items()}


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
        "exclude_modules": None if lora.vision else PEFT_NO_VISION,
        "bias": "none",
        "inference_mode": True,
    }

    def write(arrays):
        with replacing(Path(directory)) as unfinished:
            header = {t.name: (flat[t.path].dtype.name, t.shape) for t in table}
            write_file(unfinished / PEFT_WEIGHTS, header, arrays)
            text = json.dumps(peft, indent=2) + "\n"
            (unfinished / PEFT_CONFIG).write_text(text, encoding="utf-8")

    write_tree(table, flat, write)


def load_adapters(directory, config: Qwen3VLConfig, mesh=None, dtype=None):
    """Read a directory of PEFT's, or of `save_adapters`: (lora, adapters).

    Raises InputError for kinds of adapters that are not plain LoRA on all layers alike.
    """
    directory = Path(directory)
    peft = read_json(directory / PEFT_CONFIG)
    found = open_file(directory / PEFT_WEIGHTS)
    lora = _read_peft(directory / PEFT_CONFIG, peft, vision=any(".visual." in n for n in found))
    table = adapter_tensors(config, lora)
    check(directory / PEFT_WEIGHTS, {tensor.name: tensor.shape for tensor in table}, found)
    return lora, load_tree(table, found, mesh, dtype)


def _read_peft(path: Path, peft: dict, vision: bool) -> LoraConfig:
    if peft.get("peft_type") != "LORA":
        raise InputError(f"{path}: peft_type {peft.get('peft_type')!r} is not supported; use LORA")
    for name in PEFT_UNSUPPORTED:
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
    table = []
    for name, shape, path, index in tensors(config):
        module = name.removesuffix(".weight")
        if path[-1] != "kernel" or not lora.adapts(module):
            continue
        prefix = f"base_model.model.{module}"
        a = (lora.rank, *shape[1:])
        b = (shape[0], lora.rank, *[1] * (len(shape) - 2))
        table.append(Tensor(f"{prefix}.lora_A.weight", a, (*path[:-1], "a"), index))
        table.append(Tensor(f"{prefix}.lora_B.weight", b, (*path[:-1], "b"), index))
    if not table:
        raise InputError(
            f"lora targets {', '.join(lora.targets)} name nothing in this model; for the vision "
            "tower's set vision=True"
        )
    # A leaf's layers stand together.
    return sorted(table, key=lambda tensor: tensor.path)
