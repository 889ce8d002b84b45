"""Shapes of models for the live comparison: what matters is named, the sizes are drawn."""

import zlib

import numpy as np

from tests.planner import oracle

# Query heads a key head, tied, attention bias, decoder layers, vision blocks, deepstack blocks,
# experts (0 = dense).
SHAPES = {
    "grouped and tied": (2, True, False, 3, 3, [0, 1], 0),
    "ungrouped and untied, late deepstack": (1, False, False, 4, 4, [1, 3], 0),
    "one key head, one deepstack block": (4, True, False, 2, 2, [1], 0),
    "bias, deepstack after every block and layer": (2, False, True, 3, 3, [0, 1, 2], 0),
    "deep, deepstack out of order": (1, True, True, 5, 6, [4, 1], 0),
    "no deepstack": (2, False, False, 2, 2, [], 0),
    "experts": (2, False, False, 3, 3, [0, 1], 8),
    "experts with bias, late deepstack": (4, True, True, 2, 3, [2], 5),
}


def hf_config(name: str):
    """A Hugging Face config of the named shape; the name is the seed."""
    groups, tied, bias, layers, depth, deepstack, experts = SHAPES[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    kv_heads = 1 if groups == 4 else 2
    head_dim = int(rng.choice([16, 32]))
    height, width = (int(side) for side in rng.integers(2, head_dim // 6 + 1, 2))
    hidden = 8 * int(rng.integers(5, 11))
    vision_heads = int(rng.choice([2, 4]))
    text = {
        "vocab_size": 512,
        "hidden_size": hidden,
        "intermediate_size": 8 * int(rng.integers(6, 20)),
        "num_hidden_layers": layers,
        "num_attention_heads": groups * kv_heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "attention_bias": bias,
        "max_position_embeddings": 4096,
        "rms_norm_eps": float(rng.choice([1e-5, 1e-6])),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": float(rng.choice([1e4, 5e6])),
            "mrope_section": [head_dim // 2 - height - width, height, width],
            "mrope_interleaved": True,
        },
    }
    vision = {
        "depth": depth,
        "hidden_size": vision_heads * int(rng.choice([8, 16])),
        "intermediate_size": 8 * int(rng.integers(4, 10)),
        "num_heads": vision_heads,
        "out_hidden_size": hidden,
        "num_position_embeddings": int(rng.choice([4, 7, 8])) ** 2,
        "deepstack_visual_indexes": deepstack,
    }
    config = oracle.HF_CONFIG | {
        "tie_word_embeddings": tied,
        "text_config": text | {"model_type": "qwen3_vl_text"},
        "vision_config": oracle.HF_CONFIG["vision_config"] | vision,
    }
    if experts:
        sizes = {
            "num_experts": experts,
            "num_experts_per_tok": int(rng.integers(2, 4)),
            # Wider than the hidden size, so that no expert is square.
            "moe_intermediate_size": hidden + 2 * int(rng.integers(5, 12)),
        }
        config = oracle.with_experts(config, **sizes) | {"tie_word_embeddings": tied}
    return config
