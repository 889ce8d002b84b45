"""Qwen3-VL in Flax: towers, weights, prompts, generation."""

from agentic_styling.planner.checkpoints.hf_checkpoint import (
    load_pretrained,
    read_config,
    save_pretrained,
)
from agentic_styling.planner.checkpoints.peft import load_adapters, save_adapters
from agentic_styling.planner.decoding.allowed_tokens import allowed_tokens
from agentic_styling.planner.decoding.completions import Completion
from agentic_styling.planner.decoding.generation import GenerateResult, generate
from agentic_styling.planner.decoding.grammar import PlanGrammar, compile_plan_grammar
from agentic_styling.planner.decoding.plan_forms import PLAN_FORMS
from agentic_styling.planner.init_planner import extend_vocabulary, new_planner
from agentic_styling.planner.inputs.hf_inputs import hf_inputs, hf_logits
from agentic_styling.planner.inputs.images import (
    TINY_IMAGES,
    ImageSettings,
    image_to_patches,
    image_tokens,
    smart_resize,
)
from agentic_styling.planner.inputs.prompts import (
    encode_completions,
    encode_prompts,
    pad_rows,
)
from agentic_styling.planner.inputs.tokenizer import Tokenizer, train_tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig, TextConfig, VisionConfig
from agentic_styling.planner.model.linear import Compute
from agentic_styling.planner.model.lora import LoraConfig, init_lora, lora_variables, merge_lora
from agentic_styling.planner.model.qwen3_vl import Inputs, Qwen3VL, init_params, output_embedding
from agentic_styling.planner.planner import Planner
from agentic_styling.planner.pretrained import pretrained_directory
from agentic_styling.planner.settings import PlannerSettings
from agentic_styling.utils.checks import check_temperature

__all__ = [
    "PLAN_FORMS", "TINY_IMAGES", "Completion", "Compute", "GenerateResult", "ImageSettings",
    "Inputs", "LoraConfig", "PlanGrammar", "Planner", "PlannerSettings", "Qwen3VL",
    "Qwen3VLConfig", "TextConfig", "Tokenizer", "VisionConfig", "allowed_tokens",
    "check_temperature", "compile_plan_grammar", "encode_completions", "encode_prompts",
    "extend_vocabulary", "generate", "hf_inputs", "hf_logits", "image_to_patches", "image_tokens",
    "init_lora", "init_params", "load_adapters", "load_pretrained", "lora_variables", "merge_lora",
    "new_planner", "output_embedding", "pad_rows", "pretrained_directory", "read_config",
    "save_adapters", "save_pretrained", "smart_resize", "train_tokenizer",
]  # fmt: skip
