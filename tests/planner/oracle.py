"""The small perturbed model and inputs on which both sides are compared; numpy only.

Default initialisation hides mistakes (zero biases, unit norms), so every weight is drawn.
"""

import zlib
from pathlib import Path

import numpy as np

GOLDENS = Path(__file__).parent / "goldens.npz"
VOCABULARY_STEP = 8  # the goldens keep every 8th logit
PROJECTIONS = 8  # and 8 random projections of each gradient
IMAGE, VIDEO, START, END = 500, 501, 502, 503

HF_CONFIG = {
    "model_type": "qwen3_vl",
    "tie_word_embeddings": True,
    "image_token_id": IMAGE,
    "video_token_id": VIDEO,
    "vision_start_token_id": START,
    "vision_end_token_id": END,
    "text_config": {
        "model_type": "qwen3_vl_text",
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5e6,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
    },
    "vision_config": {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 16,
        "out_hidden_size": 64,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    },
}

# name: for each row, its length and the grids of its images; rows are padded on the left.
CASES = {
    "text": [(24, []), (17, [])],
    "one_image": [(20, [(1, 4, 6)]), (12, [])],
    "images": [(44, [(1, 4, 6), (1, 8, 6)]), (26, [(1, 6, 6)])],
}


def draw(name: str, shape) -> np.ndarray:
    """Standard normal numbers that depend on the name only."""
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """A perturbed weight for each Hugging Face tensor name."""
    return {name: _weight(name, shape).astype(np.float32) for name, shape in shapes.items()}


def _weight(name: str, shape) -> np.ndarray:
    noise = draw(name, shape)
    if "embed_tokens" in name or "pos_embed" in name or "lm_head" in name:
        return 0.5 * noise
    if len(shape) == 1:
        return 0.2 * noise + (1 if "norm" in name and name.endswith("weight") else 0)
    return 1.5 * noise / np.sqrt(np.prod(shape[1:]))


def batch(case: str) -> dict[str, np.ndarray]:
    """What a Hugging Face processor would make of the case."""
    rows = CASES[case]
    length = max(size for size, _ in rows)
    ids = np.full((len(rows), length), 0)
    mask = np.zeros((len(rows), length), int)
    text = np.random.default_rng(zlib.crc32(case.encode())).integers(1, 400, ids.shape)
    for row, (size, grids) in enumerate(rows):
        tokens = list(text[row, :3])
        for _, height, width in grids:
            tokens += [START, *[IMAGE] * (height * width // 4), END]
        tokens += list(text[row, len(tokens) : size])
        ids[row, length - size :], mask[row, length - size :] = tokens, 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    grids = np.array([grid for _, row in rows for grid in row])
    if len(grids):
        inputs["image_grid_thw"] = grids
        pixels = draw(f"pixels {case}", (grids.prod(-1).sum(), 1536))
        inputs["pixel_values"] = pixels.astype(np.float32)
    return inputs


def cotangent(case: str, mask: np.ndarray) -> np.ndarray:
    """The loss is the sum of the logits times this: [B, S, V], 0 at padding."""
    noise = draw(f"cotangent {case}", (*mask.shape, HF_CONFIG["text_config"]["vocab_size"]))
    return (noise * mask[..., None] / np.sqrt(noise.size)).astype(np.float32)


def project(name: str, gradient: np.ndarray) -> np.ndarray:
    """Random projections of a gradient, whose mean square is the square of its norm."""
    directions = draw(f"direction {name}", (PROJECTIONS, gradient.size))
    return directions @ gradient.reshape(-1).astype(np.float64)
