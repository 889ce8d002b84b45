"""Floating-point operations of training, and the peak of a device.

MFU (model FLOPs utilisation) is their ratio. Rematerialisation and padding do not count, attention
counts the pairs of positions that attend to each other. Source: PaLM, arXiv 2204.02311, appendix B.
"""

import jax
import numpy as np

from agentic_styling.planner import LoraConfig, Qwen3VLConfig

# Dense bfloat16 operations per second, from the vendors' data sheets. The first match counts.
PEAKS = (
    ("TPU v6", 918e12),
    ("TPU v5p", 459e12),
    ("TPU v5 lite", 197e12),
    ("TPU v5e", 197e12),
    ("TPU v5", 459e12),
    ("TPU v4", 275e12),
    ("H200", 989e12),
    ("H100", 989e12),
    ("A100", 312e12),
)


def peak_flops(device: jax.Device) -> float | None:
    """Operations per second of a device; None if it is not known."""
    return next((peak for name, peak in PEAKS if name in device.device_kind), None)


def train_flops(
    config: Qwen3VLConfig,
    lora: LoraConfig | None,
    lengths: np.ndarray,
    completions: np.ndarray,
    patches: int,
    pictures: int,
) -> float:
    """FLOPs of an update; lengths, completions: int [E], tokens; patches: of each of the pictures.

    The backward pass costs twice the forward pass if parameters are trained, and once if adapters
    are, as kernels need no gradient then. A vision tower without adapters has no backward pass.
    """
    text = _text(config, lengths)
    text += 2 * config.text.hidden_size * config.text.vocab_size * completions.sum()
    vision = pictures * _vision(config, patches)
    if lora is None:
        return float(3 * (text + vision))
    return float(2 * text + (2 if lora.vision else 1) * vision)


def _text(config: Qwen3VLConfig, lengths: np.ndarray) -> float:
    text = config.text
    heads = text.num_attention_heads * text.head_dim
    kv_heads = text.num_key_value_heads * text.head_dim
    hidden, width = text.hidden_size, text.intermediate_size
    if text.num_experts:
        width = text.moe_intermediate_size * text.num_experts_per_tok
    kernels = hidden * (2 * heads + 2 * kv_heads) + 3 * hidden * width
    kernels += hidden * text.num_experts
    lengths = lengths.astype(float)
    # Scores and weighted sums, 2 operations each, of half of all pairs.
    pairs = 2 * heads * (lengths * (lengths + 1)).sum()
    return text.num_hidden_layers * (2 * kernels * lengths.sum() + pairs)


def _vision(config: Qwen3VLConfig, patches: int) -> float:
    vision = config.vision
    hidden, merged = vision.hidden_size, vision.hidden_size * vision.spatial_merge_size**2
    layer = 2 * (4 * hidden**2 + 2 * hidden * vision.intermediate_size) + 4 * hidden * patches
    merger = 2 * (merged**2 + merged * vision.out_hidden_size) / vision.spatial_merge_size**2
    mergers = 1 + len(vision.deepstack_visual_indexes)
    each = 2 * vision.patch_dim * hidden + vision.depth * layer + mergers * merger
    return patches * each
