"""The shape of every parameter, written down: to trace a model for its shapes takes seconds."""

import jax
import jax.numpy as jnp
from flax import traverse_util

from agentic_styling.planner.model.config import Qwen3VLConfig, TextConfig, VisionConfig
from agentic_styling.planner.model.text import text_stacks
from agentic_styling.planner.model.vision import vision_stacks


def param_shapes(config: Qwen3VLConfig) -> dict:
    """The tree of `init_params` with a float32 `jax.ShapeDtypeStruct` in place of each array."""
    text, vision, hidden = config.text, config.vision, config.text.hidden_size
    shapes = {
        "language_model/embed_tokens/embedding": (text.vocab_size, hidden),
        "language_model/norm/scale": (hidden,),
        "visual/pos_embed/embedding": (vision.num_position_embeddings, vision.hidden_size),
        **_linear("visual/patch_embed", vision.patch_dim, vision.hidden_size),
        **_merger("visual/merger", vision, vision.hidden_size),
    }
    if not config.tie_word_embeddings:
        shapes["lm_head/embedding"] = (text.vocab_size, hidden)
    for i in range(len(vision.deepstack_visual_indexes)):
        merged = vision.hidden_size * vision.spatial_merge_size**2
        shapes |= _merger(f"visual/deepstack_merger_{i}", vision, merged)
    stacks = [("language_model", text_stacks(config), _decoder_layer(text))]
    stacks += [("visual", vision_stacks(vision), _block(vision))]
    for tower, names, layer in stacks:
        for name, start, stop in names:
            shapes |= {f"{tower}/{name}/{k}": (stop - start, *v) for k, v in layer.items()}
    leaves = {k: jax.ShapeDtypeStruct(v, jnp.float32) for k, v in sorted(shapes.items())}
    return traverse_util.unflatten_dict(leaves, sep="/")


def _decoder_layer(text: TextConfig) -> dict[str, tuple[int, ...]]:
    hidden, dim, bias = text.hidden_size, text.head_dim, text.attention_bias
    queries, keys = text.num_attention_heads * dim, text.num_key_value_heads * dim
    shapes = {
        "input_layernorm/scale": (hidden,),
        "post_attention_layernorm/scale": (hidden,),
        "self_attn/q_norm/scale": (dim,),
        "self_attn/k_norm/scale": (dim,),
        **_linear("self_attn/q_proj", hidden, queries, bias),
        **_linear("self_attn/k_proj", hidden, keys, bias),
        **_linear("self_attn/v_proj", hidden, keys, bias),
        **_linear("self_attn/o_proj", queries, hidden, bias),
    }
    count, width = text.num_experts, text.moe_intermediate_size
    if count:
        shapes["mlp/experts/gate_up_proj"] = (count, hidden, 2 * width)
        shapes["mlp/experts/down_proj"] = (count, width, hidden)
        return shapes | _linear("mlp/gate", hidden, count, False)
    for name in ("gate_proj", "up_proj"):
        shapes |= _linear(f"mlp/{name}", hidden, text.intermediate_size, False)
    return shapes | _linear("mlp/down_proj", text.intermediate_size, hidden, False)


def _block(vision: VisionConfig) -> dict[str, tuple[int, ...]]:
    hidden, width = vision.hidden_size, vision.intermediate_size
    return {
        **_norm("norm1", hidden),
        **_norm("norm2", hidden),
        **_linear("attn/qkv", hidden, 3 * hidden),
        **_linear("attn/proj", hidden, hidden),
        **_linear("mlp/linear_fc1", hidden, width),
        **_linear("mlp/linear_fc2", width, hidden),
    }


def _merger(name: str, vision: VisionConfig, normed: int) -> dict[str, tuple[int, ...]]:
    merged = vision.hidden_size * vision.spatial_merge_size**2
    return {
        **_norm(f"{name}/norm", normed),
        **_linear(f"{name}/linear_fc1", merged, merged),
        **_linear(f"{name}/linear_fc2", merged, vision.out_hidden_size),
    }


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/scale": (size,), f"{name}/bias": (size,)}


def _linear(name: str, inputs: int, outputs: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f"{name}/kernel": (inputs, outputs)} | ({f"{name}/bias": (outputs,)} if bias else {})
