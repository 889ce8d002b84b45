"""One token a row through the text decoder, against its KV cache."""

import jax
import jax.numpy as jnp

from agentic_styling.planner.config import Qwen3VLConfig
from agentic_styling.planner.text import DecoderLayer, RMSNorm, rope_angles, text_stacks


def decode(config, params, layers, token, position, mask, caches, slot):
    """One token a row through the decoder, against the caches.

    token and position int32 [B]; mask bool [B, T] of the cache's slots; caches: (key, value) of
    each layer, [B, K, T, head_dim], which get the token's at `slot`. Returns hidden [B, 1, D]
    after the final norm, and the caches.
    """
    language_model = params["language_model"]
    x = language_model["embed_tokens"]["embedding"][token][:, None]
    position = jnp.repeat(position[:, None, None], 3, axis=-1)
    rope = rope_angles(config, position, x.dtype)
    layer, written = DecoderLayer(config.text, keep_cache=True), []
    for layer_params, cache in zip(layers, caches, strict=True):
        x, cache = layer.apply(
            {"params": layer_params}, x, None, rope, mask[:, None, None], cache, slot
        )
        written.append(cache)
    norm = RMSNorm(config.text.rms_norm_eps)
    return norm.apply({"params": language_model["norm"]}, x), written


def unstacked_layers(config: Qwen3VLConfig, params) -> list:
    """The parameters of each decoder layer, taken out of the scanned stacks."""
    return [
        jax.tree.map(lambda x, i=i: x[i], params["language_model"][name])
        for name, start, stop in text_stacks(config)
        for i in range(stop - start)
    ]
