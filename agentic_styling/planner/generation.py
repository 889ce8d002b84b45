"""Sampling from the planner: prefill and decoding in one jitted program."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.config import Qwen3VLConfig
from agentic_styling.planner.decoding import decode, unstacked_layers
from agentic_styling.planner.model import Inputs, Qwen3VL, output_embedding
from agentic_styling.planner.positions import token_positions


@flax.struct.dataclass
class GenerateResult:
    """What was sampled.

    tokens int32 [B, N], the first stop id after a row's end; lengths int32 [B], the stop token
    counted; logps float32 [B, N], the model's log-probability of each token (at temperature 1,
    whatever the temperature sampled at), 0 after the end.
    """

    tokens: jax.Array
    lengths: jax.Array
    logps: jax.Array


def generate(
    config: Qwen3VLConfig,
    params,
    inputs: Inputs,
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    temperature: float = 1.0,
    seed: int | np.ndarray = 0,
    num_samples: int = 1,
) -> GenerateResult:
    """Continue padded prompts until a stop token or max_new_tokens.

    inputs: B prompts, padded left or right. temperature 0 takes the likeliest token. seed: one
    for each row of the result, or an int, which gives row r the seed + r; what a row samples
    depends on its prompt and its seed only. num_samples: samples a prompt, sharing one prefill;
    the result has B * num_samples rows, the samples of a prompt together.
    """
    rows = inputs.tokens.shape[0] * num_samples
    seeds = seed + np.arange(rows) if np.ndim(seed) == 0 else np.asarray(seed)
    return _generate(
        config,
        params,
        inputs,
        max_new_tokens,
        num_samples,
        jnp.float32(temperature),
        jnp.asarray(seeds % 2**32, jnp.uint32),
        jnp.asarray(stop_ids, jnp.int32),
    )


@functools.partial(jax.jit, static_argnames=("config", "max_new_tokens", "num_samples"))
def _generate(config, params, inputs, max_new_tokens, num_samples, temperature, seeds, stop_ids):
    keys = jax.vmap(jax.random.key)(seeds)
    hidden, caches = Qwen3VL(config, keep_cache=True).apply({"params": params}, inputs)
    _, position = token_positions(inputs.tokens, inputs.mask, inputs.grids, config)
    prompt_length = inputs.mask.shape[1]
    last = jnp.argmax(jnp.where(inputs.mask, jnp.arange(prompt_length), -1), axis=1)
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)

    def grow(x):
        return jnp.repeat(jnp.pad(x, ((0, 0), (0, 0), (0, max_new_tokens), (0, 0))), num_samples, 0)

    # Decoding works on single layers: a scan over a stacked cache would copy it at each token.
    caches = [jax.tree.map(lambda x, i=i: grow(x[i]), c) for c in caches for i in range(len(c[0]))]
    hidden, position, mask = (
        jnp.repeat(x, num_samples, 0) for x in (hidden, position, inputs.mask)
    )
    mask = jnp.pad(mask, ((0, 0), (0, max_new_tokens)))
    layers = unstacked_layers(config, params)

    def draw(hidden, step):
        embedding = output_embedding(config, params)
        logits = jnp.einsum("bsd,vd->bv", hidden, embedding, preferred_element_type=jnp.float32)
        token = sample(logits, keys, step, temperature)
        logps = jax.nn.log_softmax(logits)
        return token, jnp.take_along_axis(logps, token[:, None], axis=1)[:, 0]

    def advance(state):
        step, done, mask, caches, tokens, logps = state
        slot = prompt_length + step - 1
        mask = mask.at[:, slot].set(True)
        hidden, caches = decode(
            config, params, layers, tokens[:, step - 1], position + step - 1, mask, caches, slot
        )
        token, logp = draw(hidden, step)
        tokens = tokens.at[:, step].set(jnp.where(done, stop_ids[0], token))
        logps = logps.at[:, step].set(jnp.where(done, 0, logp))
        return step + 1, done | jnp.isin(token, stop_ids), mask, caches, tokens, logps

    def unfinished(state):
        step, done, *_ = state
        return (step < max_new_tokens) & ~done.all()

    token, logp = draw(hidden, 0)
    tokens = jnp.full((len(token), max_new_tokens), stop_ids[0]).at[:, 0].set(token)
    logps = jnp.zeros(tokens.shape).at[:, 0].set(logp)
    state = (1, jnp.isin(token, stop_ids), mask, caches, tokens, logps)
    *_, tokens, logps = jax.lax.while_loop(unfinished, advance, state)
    stopped = jnp.isin(tokens, stop_ids)
    lengths = jnp.where(stopped.any(1), jnp.argmax(stopped, axis=1) + 1, max_new_tokens)
    return GenerateResult(tokens, lengths, logps)


def sample(logits, keys, step, temperature):
    """One token a row from softmax(logits / temperature); temperature 0 takes the largest.

    logits float32 [B, V]; keys [B], one a row, so that a row's draw depends on no other row.
    """

    def perturb(key):
        return jax.random.gumbel(jax.random.fold_in(key, step), logits.shape[1:])

    def noisy():
        return logits + temperature * jax.vmap(perturb)(keys)

    noisy_logits = jax.lax.cond(temperature > 0, noisy, lambda: logits)
    return jnp.argmax(noisy_logits, axis=-1).astype(jnp.int32)
