"""Floating-point operations that training takes by its maths, and what a device could do.

MFU is the first over the second: what is computed again (rematerialisation) and padding are no
work. Source of the convention: PaLM, arXiv 2204.02311, appendix B; attention counts the pairs of
positions that may see each other.
"""

import jax
import numpy as np

from agentic_styling.planner import LoraConfig, Qwen3VLConfig

# Dense bfloat16 operations a second, from the vendors' data sheets; the first name found counts.
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
    """Operations a second of one device, None where it is not known."""
    return next((peak for name, peak in PEAKS if name in device.device_kind), None)


def train_flops(
    config: Qwen3VLConfig,
    lora: LoraConfig | None,
    lengths: np.ndarray,
    completions: np.ndarray,
    patches: int,
    pictures: int,
) -> float:
    """Of one update. lengths, completions: int [E], tokens of each example, and those trained on.

    patches: of one picture; pictures: how many. Forward, once; backward, twice that where
    parameters are trained, once where adapters are: their kernels need no gradient; and nothing
    in a vision tower without adapters does.
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
    # Scores and their use, 2 operations each, of half of all pairs.
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
