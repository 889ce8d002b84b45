"""Qwen3-VL in Flax: towers, weights, prompts, generation."""

from agentic_styling.planner.config import Qwen3VLConfig, TextConfig, VisionConfig
from agentic_styling.planner.from_scratch import new_planner
from agentic_styling.planner.generation import GenerateResult, generate
from agentic_styling.planner.hf import hf_inputs, hf_logits
from agentic_styling.planner.images import (
    TINY_IMAGES,
    ImageSettings,
    image_to_patches,
    image_tokens,
    smart_resize,
)
from agentic_styling.planner.model import Inputs, Qwen3VL, init_params, output_embedding
from agentic_styling.planner.planner import Planner
from agentic_styling.planner.prompts import encode_completions, encode_prompts, pad_rows
from agentic_styling.planner.tokenizer import Tokenizer, train_tokenizer
from agentic_styling.planner.weights import load_pretrained, save_pretrained

__all__ = [
    "TINY_IMAGES",
    "GenerateResult",
    "ImageSettings",
    "Inputs",
    "Planner",
    "Qwen3VL",
    "Qwen3VLConfig",
    "TextConfig",
    "Tokenizer",
    "VisionConfig",
    "encode_completions",
    "encode_prompts",
    "generate",
    "hf_inputs",
    "hf_logits",
    "image_to_patches",
    "image_tokens",
    "init_params",
    "load_pretrained",
    "new_planner",
    "output_embedding",
    "pad_rows",
    "save_pretrained",
    "smart_resize",
    "train_tokenizer",
]
