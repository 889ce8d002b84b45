"""One decoding step of the text decoder, with KV caches."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.kv_cache import KVCache
from agentic_styling.planner.model.text import DecoderLayer, RMSNorm, rope_angles, text_stacks


def decode(config, params, layers, token, position, prompt_mask, caches: list[KVCache], slot):
    """The next hidden states [R, 1, D], after the final norm, and the caches.

    layers: of `unstacked_layers`. token and position int32 [R]; prompt_mask bool [B, S]; caches:
    one a layer, which get the token's keys and values at `slot`.
    """
    language_model = params["language_model"]
    x = language_model["embed_tokens"]["embedding"][token][:, None]
    position = jnp.repeat(position[:, None, None], 3, axis=-1)
    rope = rope_angles(config, position, x.dtype)
    layer, written = DecoderLayer(config.text, keep_cache=True), []
    for layer_params, cache in zip(layers, caches, strict=True):
        x, cache = layer.apply({"params": layer_params}, x, None, rope, prompt_mask, cache, slot)
        written.append(cache)
    norm = RMSNorm(config.text.rms_norm_eps)
    return norm.apply({"params": language_model["norm"]}, x), written


def unstacked_layers(config: Qwen3VLConfig, params) -> list:
    """The parameters of each decoder layer, taken out of the scanned stacks.

    Decoding works on single layers: a scan over stacks would copy each layer's parameters and
    cache at every token. On one CPU device they are views; elsewhere a copy for the call.
    """
    stacks = {name: params["language_model"][name] for name, *_ in text_stacks(config)}
    devices = {device for x in jax.tree.leaves(stacks) for device in x.devices()}
    if {device.platform for device in devices} == {"cpu"} and len(devices) == 1:
        stacks = jax.tree.map(np.asarray, stacks)
        return [jax.tree.map(jax.device_put, layer) for layer in _split(stacks)]
    return jax.jit(_split)(stacks)


def _split(stacks) -> list:
    return [
        jax.tree.map(lambda x, i=i: x[i], stack)
        for stack in stacks.values()
        for i in range(len(jax.tree.leaves(stack)[0]))
    ]
