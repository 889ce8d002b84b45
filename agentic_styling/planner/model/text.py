"""The text decoder of Qwen3-VL, over whole rows and one token at a time."""

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.model.attention import SegmentMask, attend, choose, frequencies, rotate
from agentic_styling.planner.model.config import Qwen3VLConfig, TextConfig
from agentic_styling.planner.model.linear import Compute, linear
from agentic_styling.planner.model.moe import SparseMLP


class RMSNorm(nn.Module):
    """Root-mean-square norm: float32, cast back to the input's dtype, then the weight."""

    eps: float

    @nn.compact
    def __call__(self, x):
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        y = x.astype(jnp.float32)
        y = y * jax.lax.rsqrt(jnp.mean(y * y, axis=-1, keepdims=True) + self.eps)
        return y.astype(x.dtype) * scale.astype(x.dtype)


def mrope_axes(config) -> np.ndarray:
    """Which of time, height, width rotates each frequency (interleaved M-RoPE): [head_dim / 2]."""
    axes = np.zeros(config.text.head_dim // 2, np.int32)
    for axis in (1, 2):
        axes[axis : 3 * config.text.mrope_section[axis] : 3] = axis
    return axes


def rope_angles(config: Qwen3VLConfig, positions, dtype):
    """Cosine and sine [B, S, head_dim / 2] of interleaved M-RoPE for positions [B, S, 3]."""
    positions = positions[..., mrope_axes(config)].astype(jnp.float32)
    angles = positions * frequencies(config.text.rope_theta, config.text.head_dim)
    return jnp.cos(angles).astype(dtype), jnp.sin(angles).astype(dtype)


@flax.struct.dataclass
class KVCache:
    """A prompt's keys and values, shared by its samples, and those of the tokens sampled since.

    prompt_key, prompt_value [B, K, S, D]; key, value [R, K, N, D], where the R rows are R / B
    samples of each prompt, together. Heads come first, so that reading needs no transposition.
    """

    prompt_key: jax.Array
    prompt_value: jax.Array
    key: jax.Array
    value: jax.Array

    @classmethod
    def after_prefill(cls, key, value, samples: int, length: int):
        """Room for `length` tokens of `samples` samples a prompt; key and value [B, K, S, D]."""
        batch, heads, _, dim = key.shape
        empty = jnp.zeros((batch * samples, heads, length, dim), key.dtype)
        return cls(key, value, empty, empty)

    def write(self, key, value, slot):
        """The cache with one token's key and value, [R, K, 1, D], at `slot`."""
        return self.replace(
            key=jax.lax.dynamic_update_slice_in_dim(self.key, key, slot, axis=2),
            value=jax.lax.dynamic_update_slice_in_dim(self.value, value, slot, axis=2),
        )

    def extended(self, length: int):
        """The cache with room for `length` tokens a row, at least as many as now."""
        more = ((0, 0), (0, 0), (0, length - self.key.shape[2]), (0, 0))
        return self.replace(key=jnp.pad(self.key, more), value=jnp.pad(self.value, more))

    def take(self, prompts, rows):
        """The cache of some prompts, int [P], and of their rows, int [P * samples]."""
        prompt_key, prompt_value = self.prompt_key[prompts], self.prompt_value[prompts]
        return KVCache(prompt_key, prompt_value, self.key[rows], self.value[rows])


def attend_cached(query, cache: KVCache, prompt_mask, slot):
    """Attention of one query per row to its prompt and the slots up to `slot`, softmax in float32.

    query [R, 1, H, D]; prompt_mask bool [B, S]. Returns [R, 1, H, D]. The samples of a prompt
    share one matrix product, so that the prompt's keys are read once for all of them.
    """
    rows, _, heads, dim = query.shape
    batch, kv_heads, length, _ = cache.prompt_key.shape
    groups = (rows, kv_heads, heads // kv_heads)
    query = (query * dim**-0.5).reshape(*groups, dim)

    def by_prompt(x):
        """[R, K, G, X] -> [B, K, samples * G, X]."""
        x = x.reshape(batch, -1, *x.shape[1:]).swapaxes(1, 2)
        return x.reshape(batch, kv_heads, -1, x.shape[-1])

    def by_row(x):
        """The inverse."""
        x = x.reshape(batch, kv_heads, rows // batch, -1, x.shape[-1]).swapaxes(1, 2)
        return x.reshape(*groups, x.shape[-1])

    def scores(query, key, mask):
        product = jnp.einsum("bkrd,bktd->bkrt", query, key, preferred_element_type=jnp.float32)
        return jnp.where(mask, product, jnp.finfo(jnp.float32).min)

    prompt = by_row(scores(by_prompt(query), cache.prompt_key, prompt_mask[:, None, None]))
    new = scores(query, cache.key, jnp.arange(cache.key.shape[2]) <= slot)
    weights = jax.nn.softmax(jnp.concatenate([prompt, new], axis=-1), axis=-1)
    prompt, new = jnp.split(weights.astype(cache.value.dtype), [length], axis=-1)
    prompt = jnp.einsum("bkrt,bktd->bkrd", by_prompt(prompt), cache.prompt_value)
    out = by_row(prompt) + jnp.einsum("bkrt,bktd->bkrd", new, cache.value)
    return out.reshape(rows, 1, heads, dim)


class Attention(nn.Module):
    """Grouped-query attention with per-head norms of query and key."""

    config: TextConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x, rope, mask, cache=None, slot=None):
        config, (batch, length, _) = self.config, x.shape

        def project(heads, name):
            y = linear(heads * config.head_dim, name, self.compute, config.attention_bias)(x)
            return y.reshape(batch, length, heads, config.head_dim)

        query = project(config.num_attention_heads, "q_proj")
        key = project(config.num_key_value_heads, "k_proj")
        value = project(config.num_key_value_heads, "v_proj")
        query = rotate(RMSNorm(config.rms_norm_eps, name="q_norm")(query), *rope)
        key = rotate(RMSNorm(config.rms_norm_eps, name="k_norm")(key), *rope)
        key, value = jnp.swapaxes(key, 1, 2), jnp.swapaxes(value, 1, 2)
        if cache is None:
            out, cache = attend(query, key, value, mask), (key, value)
        else:
            cache = cache.write(key, value, slot)
            out = attend_cached(query, cache, mask, slot)
        depth = config.num_hidden_layers
        project = linear(
            config.hidden_size, "o_proj", self.compute, config.attention_bias, depth=depth
        )
        return project(out.reshape(batch, length, -1)), cache


class MLP(nn.Module):
    """SwiGLU."""

    config: TextConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x):
        config = self.config
        gate = linear(config.intermediate_size, "gate_proj", self.compute)(x)
        up = linear(config.intermediate_size, "up_proj", self.compute)(x)
        depth = config.num_hidden_layers
        down = linear(config.hidden_size, "down_proj", self.compute, depth=depth)
        return down(nn.silu(gate) * up)


class DecoderLayer(nn.Module):
    """One pre-norm layer. Adds the deepstack features, if any, at its end.

    Returns (hidden, (key, value)), or (hidden, None) unless keep_cache. With a `KVCache` x is one
    token a row, mask bool [B, S] that of the prompts, and the cache is written at `slot`.
    """

    config: TextConfig
    compute: Compute = Compute()
    keep_cache: bool = False

    @nn.compact
    def __call__(self, x, deepstack, rope, mask, cache=None, slot=None):
        norm = RMSNorm(self.config.rms_norm_eps, name="input_layernorm")
        attention, cache = Attention(self.config, self.compute, name="self_attn")(
            norm(x), rope, mask, cache, slot
        )
        x = x + attention
        norm = RMSNorm(self.config.rms_norm_eps, name="post_attention_layernorm")
        mlp = SparseMLP if self.config.num_experts else MLP
        x = x + mlp(self.config, self.compute, name="mlp")(norm(x))
        if deepstack is not None:
            x = x + deepstack
        return x, cache if self.keep_cache else None


class Embedding(nn.Module):
    """The token embedding, initialised so that tied logits start near unit scale."""

    config: TextConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, tokens):
        shape = (self.config.vocab_size, self.config.hidden_size)
        table = self.param("embedding", nn.initializers.normal(shape[1] ** -0.5), shape)
        return table[tokens].astype(self.compute.dtype or table.dtype)


class Decoder(nn.Module):
    """Embedding, stacked layers and final norm.

    The layers form two stacks, those with deepstack features and the rest, so that the rest
    carries no zeros.
    """

    config: Qwen3VLConfig
    compute: Compute = Compute()
    keep_cache: bool = False

    def setup(self):
        text = self.config.text
        self.embed_tokens = Embedding(text, self.compute)
        axes = (0, nn.broadcast, nn.broadcast)
        for name, start, stop in text_stacks(self.config):
            stack = self.compute.stack(DecoderLayer, stop - start, axes)
            setattr(self, name, stack(text, self.compute, self.keep_cache))
        self.norm = RMSNorm(text.rms_norm_eps)

    def __call__(self, x, positions, mask, deepstack=None, segments=None):
        """x [B, S, D]; positions [B, S, 3]; mask bool [B, S]; deepstack [K, B, S, D] or None.

        segments int32 [B, S]: of packed rows, attention stays within a segment; 0 = padding.
        Returns hidden [B, S, D] and, with keep_cache, a list of each stack's keys and values,
        each [L, B, K, S, head_dim].
        """
        attention = choose(self.compute.attention, x.dtype, self.config.text.head_dim)
        if attention != "cudnn" or segments is not None:
            segments = mask.astype(jnp.int32) if segments is None else segments
            mask = SegmentMask(segments, causal=True, implementation=attention)
            return self._layers(x, positions, mask, deepstack)
        # With padding last this kernel needs no mask, and is much faster.
        first = jnp.argmax(mask, axis=1)
        x, positions, mask = (_roll(y, -first, 0, 1) for y in (x, positions, mask))
        deepstack = None if deepstack is None else _roll(deepstack, -first, 1, 2)
        mask = SegmentMask(
            mask.astype(jnp.int32), causal=True, implementation=attention, one_first=True
        )
        x, caches = self._layers(x, positions, mask, deepstack)
        return _roll(x, first, 0, 1), jax.tree.map(lambda y: _roll(y, first, 1, 3), caches)

    def _layers(self, x, positions, mask, deepstack):
        rope = rope_angles(self.config, positions, x.dtype)
        caches = []
        for name, _, _ in text_stacks(self.config):
            features = deepstack if name == "layers_0" else None
            x, cache = getattr(self, name)(x, features, rope, mask)
            caches.append(cache)
        return self.norm(x), caches


def _roll(x, by, rows: int, axis: int):
    """Each row of x (an index of axis `rows`) rolled by its own amount along a later axis."""
    return jax.vmap(lambda row, n: jnp.roll(row, n, axis - 1), (rows, 0), rows)(x, by)


def text_stacks(config: Qwen3VLConfig) -> list[tuple[str, int, int]]:
    """The scanned stacks of decoder layers: (name, first layer, end)."""
    taps, layers = len(config.vision.deepstack_visual_indexes), config.text.num_hidden_layers
    bounds = [(0, taps), (taps, layers)]
    return [(f"layers_{i}", *bound) for i, bound in enumerate(bounds) if bound[0] < bound[1]]


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
