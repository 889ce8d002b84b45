"""Small perturbed models and inputs on which both sides are compared; numpy only.

Default initialisation hides mistakes (zero biases, unit norms), so every weight is drawn.
"""

import zlib
from pathlib import Path

import numpy as np

VOCABULARY_STEP = 8  # the goldens keep every 8th logit
PROJECTIONS = 8  # and 8 random projections of each gradient
IMAGE, VIDEO, START, END = 500, 501, 502, 503
PATCH_DIM = 3 * 2 * 16 * 16

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


def with_experts(hf_config, **sizes):
    """The same shape as a mixture of experts, in an untied model."""
    text = hf_config["text_config"] | {"model_type": "qwen3_vl_moe_text"} | sizes
    vision = hf_config["vision_config"] | {"model_type": "qwen3_vl_moe_vision"}
    kind = {"model_type": "qwen3_vl_moe", "tie_word_embeddings": False}
    return hf_config | kind | {"text_config": text, "vision_config": vision}


MOE_CONFIG = with_experts(
    HF_CONFIG,
    num_experts=6,
    num_experts_per_tok=2,
    moe_intermediate_size=48,
    norm_topk_prob=True,
    decoder_sparse_step=1,
    mlp_only_layers=[],
)
# The models of the committed goldens, each in a file of its own.
MODELS = {"dense": HF_CONFIG, "moe": MOE_CONFIG}

# name: for each row, its length and the grids (frames, rows, columns) of its images (one frame)
# and videos (several), in their order.
CASES = {
    "text": [(24, []), (17, [])],
    "one_image": [(20, [(1, 4, 6)]), (12, [])],
    "images": [(44, [(1, 4, 6), (1, 8, 6)]), (26, [(1, 6, 6)])],
    "video": [(14, []), (40, [(3, 4, 6)])],
    "mixed": [(36, [(1, 4, 6), (2, 4, 4)]), (34, [(2, 6, 4), (1, 4, 4)])],
}
# Every case fits in rows of 44 tokens with 2 images or videos of 72 patches.
LARGEST = {"length": 44, "media": 2, "patches": 72}


def goldens(model: str) -> Path:
    return Path(__file__).parent / f"goldens_{model}.npz"


def draw(name: str, shape) -> np.ndarray:
    """Standard normal numbers that depend on the name only."""
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """A perturbed weight for each Hugging Face tensor name, shaped as in a checkpoint."""
    return {name: _weight(name, shape).astype(np.float32) for name, shape in shapes.items()}


def _weight(name: str, shape) -> np.ndarray:
    noise = draw(name, shape)
    if "embed_tokens" in name or "pos_embed" in name or "lm_head" in name:
        return 0.5 * noise
    if len(shape) == 1:
        return 0.2 * noise + (1 if "norm" in name and name.endswith("weight") else 0)
    # Experts are stored input first.
    fan_in = shape[1] if ".experts." in name else np.prod(shape[1:])
    return 1.5 * noise / np.sqrt(fan_in)


def batch(case: str, side: str = "left") -> dict[str, np.ndarray]:
    """What a Hugging Face processor would make of the case, padded on one side."""
    rows = CASES[case]
    length = max(size for size, _ in rows)
    ids = np.zeros((len(rows), length), int)
    mask = np.zeros((len(rows), length), int)
    text = np.random.default_rng(zlib.crc32(case.encode())).integers(1, 400, ids.shape)
    for row, (size, grids) in enumerate(rows):
        place = slice(length - size, None) if side == "left" else slice(size)
        ids[row, place], mask[row, place] = _tokens(text[row], size, grids), 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    grids = np.array([grid for _, row in rows for grid in row]).reshape(-1, 3)
    image = grids[:, 0] == 1
    if image.any():
        inputs["image_grid_thw"] = grids[image]
        inputs["pixel_values"] = _pixels(f"pixels {case}", grids[image])
    if not image.all():
        inputs["video_grid_thw"] = grids[~image]
        inputs["pixel_values_videos"] = _pixels(f"frames {case}", grids[~image])
    return inputs


def _tokens(text, size: int, grids) -> list[int]:
    """A row of text with its placeholders, as the processor of transformers 5 expands them:
    a video keeps its own pair of marks around those of its frames, each after its time."""
    text = iter(text)
    tokens = [next(text) for _ in range(3)]
    for frames, height, width in grids:
        count = height * width // 4
        if frames == 1:
            tokens += [START, *[IMAGE] * count, END]
            continue
        tokens.append(START)
        for _ in range(frames):
            tokens += [next(text), next(text), START, *[VIDEO] * count, END]
        tokens.append(END)
    return tokens + [next(text) for _ in range(size - len(tokens))]


def _pixels(name: str, grids) -> np.ndarray:
    return draw(name, (grids.prod(-1).sum(), PATCH_DIM)).astype(np.float32)


def cotangent(case: str, mask: np.ndarray) -> np.ndarray:
    """The loss is the sum of the logits times this: [B, S, V], 0 at padding."""
    noise = draw(f"cotangent {case}", (*mask.shape, HF_CONFIG["text_config"]["vocab_size"]))
    return (noise * mask[..., None] / np.sqrt(noise.size)).astype(np.float32)


def project(name: str, gradient: np.ndarray) -> np.ndarray:
    """Random projections of a gradient, whose mean square is the square of its norm."""
    directions = draw(f"direction {name}", (PROJECTIONS, gradient.size))
    return directions @ gradient.reshape(-1).astype(np.float64)
