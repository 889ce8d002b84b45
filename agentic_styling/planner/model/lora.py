"""Low-rank adapters beside the parameters: initialised, applied and merged.

LoRA, arXiv:2106.09685. Adapters are a tree of their own, so the model without them is the base
model. To train, apply `Qwen3VL` to `lora_variables(...)` and differentiate with respect to the
adapters only; to generate, merge them once with `merge_lora`, so that decoding costs nothing more.
"""

import dataclasses
import functools
import math
import re

import jax
import jax.numpy as jnp
from flax import traverse_util

from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.param_shapes import param_shapes
from agentic_styling.utils.errors import InputError, nearest
from agentic_styling.utils.precision import in_32_bits

TEXT_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
VISION_PROJECTIONS = ("qkv", "proj", "linear_fc1", "linear_fc2")


@dataclasses.dataclass(frozen=True)
class LoraConfig:
    """Which projections get adapters, and of which kind.

    Args:
      rank: inner dimension of an adapter, at least 1.
      alpha: the product of an adapter's matrices is scaled by alpha / rank.
      dropout: rate in [0, 1) on an adapter's inputs; it acts where `Compute.lora_dropout` says so.
      targets: names as in PEFT's target_modules, the ends of module names ("proj" is both that of
        the vision attention and the patch embedding, "attn.proj" the first alone).
      vision: whether the vision tower gets adapters too.

    Raises:
      InputError: a value is out of range, or a target is unknown or names a single layer.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = (*TEXT_PROJECTIONS, "qkv", "attn.proj", "linear_fc1", "linear_fc2")
    vision: bool = False

    def __post_init__(self):
        if self.rank < 1:
            raise InputError(f"lora rank {self.rank} must be at least 1")
        if not math.isfinite(self.alpha):
            raise InputError(f"lora alpha {self.alpha} must be a finite number")
        if not 0 <= self.dropout < 1:
            raise InputError(f"lora dropout {self.dropout} must be in [0, 1)")
        known = (*TEXT_PROJECTIONS, *VISION_PROJECTIONS)
        for target in self.targets:
            if target.split(".")[-1] not in known:
                raise InputError(f"lora target {target!r} is unknown; {nearest(target, known)}")
            if any(part.isdigit() for part in target.split(".")):
                raise InputError(f"lora target {target!r} names one layer; adapters are on all")

    @property
    def scale(self) -> float:
        """The factor of the product of an adapter's matrices."""
        return self.alpha / self.rank


def adapter_shapes(config: Qwen3VLConfig, lora: LoraConfig) -> dict[tuple[str, ...], tuple]:
    """The shape of every leaf of the adapters by its path, in the order of the paths.

    Raises:
      InputError: the targets name no projection of this model.
    """
    shapes = {}
    for path, kernel in sorted(traverse_util.flatten_dict(param_shapes(config)).items()):
        kind = f".model.{module_kind(path[:-1])}"
        named = any(kind.endswith(f".{target}") for target in lora.targets)
        if path[-1] == "kernel" and named and (lora.vision or path[0] != "visual"):
            *stack, inputs, outputs = kernel.shape
            shapes[(*path[:-1], "a")] = (*stack, inputs, lora.rank)
            shapes[(*path[:-1], "b")] = (*stack, lora.rank, outputs)
    if not shapes:
        raise InputError(
            f"lora targets {', '.join(lora.targets)} name nothing in this model; for the vision "
            "tower's set vision=True"
        )
    return shapes


def module_kind(module: tuple[str, ...]) -> str:
    """The name of a module without numbers of layers, such as "visual.blocks.attn.qkv"."""
    # Hugging Face's name of the patch embedding's only projection.
    module += ("proj",) if module[-1] == "patch_embed" else ()
    return ".".join(re.sub(r"_\d+$", "", part) for part in module)


@in_32_bits
@functools.partial(jax.jit, static_argnums=(0, 1))
def init_lora(config: Qwen3VLConfig, lora: LoraConfig, key: jax.Array):
    """Adapters of a model as PEFT initialises them: a uniform in +-1/sqrt(inputs), b zero.

    Returns:
      A float32 tree like the parameters' with {"a": [(layers,) in, rank], "b": [(layers,) rank,
      out]} in place of the leaves of each adapted projection.

    Raises:
      InputError: the targets name no projection of this model.
    """
    shapes = adapter_shapes(config, lora)
    keys = dict(zip(shapes, jax.random.split(key, len(shapes)), strict=True))

    def draw(path, shape):
        if path[-1] == "b":
            return jnp.zeros(shape)
        bound = shape[-2] ** -0.5
        return jax.random.uniform(keys[path], shape, minval=-bound, maxval=bound)

    return traverse_util.unflatten_dict({p: draw(p, shape) for p, shape in shapes.items()})


def lora_variables(params, adapters, lora: LoraConfig) -> dict:
    """The variables for `Qwen3VL(...).apply` of the model with its adapters."""

    def scaled(path, leaf):
        return leaf * lora.scale if path[-1].key == "b" else leaf

    return {"params": params, "lora": jax.tree_util.tree_map_with_path(scaled, adapters)}


@in_32_bits
def merge_lora(params, adapters, lora: LoraConfig):
    """Parameters of a model without adapters that computes the same: W + a b alpha / rank.

    The sum is taken in float32 and cast to the kernel's dtype; in bfloat16 it loses updates that
    are too small for that dtype. All other leaves are shared with `params`.
    """
    flat, pairs = traverse_util.flatten_dict(params), traverse_util.flatten_dict(adapters)
    kernels = {path[:-1]: flat[(*path[:-1], "kernel")] for path in pairs}
    merged = _merged(kernels, pairs, lora.scale)
    return traverse_util.unflatten_dict(flat | merged)


@jax.jit
def _merged(kernels, pairs, scale):
    def merged(path, kernel):
        a, b = pairs[(*path, "a")], pairs[(*path, "b")] * scale
        product = jnp.matmul(a, b, precision="highest", preferred_element_type=jnp.float32)
        return (kernel.astype(jnp.float32) + product).astype(kernel.dtype)

    return {(*path, "kernel"): merged(path, kernel) for path, kernel in kernels.items()}
