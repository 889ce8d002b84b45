"""Generation: prefill and decoding in one jitted program."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.decoding.grammar import PlanGrammar, advance, allowed, initial_state
from agentic_styling.planner.decoding.sampling import check_temperature, sample
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.decode_step import decode, unstacked_layers
from agentic_styling.planner.model.kv_cache import KVCache
from agentic_styling.planner.model.positions import token_positions
from agentic_styling.planner.model.qwen3_vl import Inputs, Qwen3VL, output_embedding
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits


@flax.struct.dataclass
class GenerateResult:
    """Sampled continuations.

    tokens int32 [B, N], the first stop id after a row's end; lengths int32 [B], the stop token
    counted; logps float32 [B, N], the model's own log-probability of each token (at temperature 1
    and without a grammar, however it was sampled), 0 after the end.
    """

    tokens: jax.Array
    lengths: jax.Array
    logps: jax.Array


@in_32_bits
def generate(
    config: Qwen3VLConfig,
    params,
    inputs: Inputs,
    *,
    max_new_tokens: int,
    stop_ids: Sequence[int],
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    grammar: PlanGrammar | None = None,
    seed: int | np.ndarray = 0,
    num_samples: int = 1,
) -> GenerateResult:
    """Continue padded prompts until a stop token or max_new_tokens.

    Args:
      config, params: of the model.
      inputs: B prompts, padded left or right, one per row.
      max_new_tokens: most tokens of a continuation.
      stop_ids: tokens that end a row.
      temperature: 0 takes the most likely token.
      top_k, top_p: as for `sampling.sample`.
      grammar: restricts every row to a plan that ends within max_new_tokens.
      seed: one for each row of the result, or an int, which gives row r seed + r. A row's samples
        depend on its prompt and its seed only.
      num_samples: samples per prompt, which share one prefill.

    Returns:
      A GenerateResult of B * num_samples rows, the samples of a prompt together.

    Raises:
      InputError: a setting is out of range, rows are packed, or the grammar does not fit.
    """
    check_temperature(temperature)
    if not 0 <= top_k < 2**31:
        raise InputError(f"top_k {top_k}: out of range; use 0 for all tokens, or 1 and above")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p {top_p}: out of range; use more than 0, and 1 for all tokens")
    if inputs.segments is not None:
        raise InputError("inputs.segments: packed rows cannot be continued; give a prompt a row")
    if grammar is not None:
        _check_grammar(grammar, config, max_new_tokens, stop_ids)
    rows = inputs.tokens.shape[0] * num_samples
    seeds = seed + np.arange(rows) if np.ndim(seed) == 0 else np.asarray(seed)
    return _generate(
        config,
        params,
        unstacked_layers(config, params),
        inputs,
        max_new_tokens,
        num_samples,
        (jnp.float32(temperature), jnp.int32(top_k), jnp.float32(top_p)),
        grammar,
        jnp.asarray(seeds % 2**32, jnp.uint32),
        jnp.asarray(stop_ids, jnp.int32),
    )


def _check_grammar(grammar, config, max_new_tokens, stop_ids):
    least, size = int(grammar.distance[grammar.start]), grammar.text_moves.shape[1]
    if max_new_tokens < least:
        raise InputError(
            f"max_new_tokens {max_new_tokens}: no plan is so short; use {least} or more"
        )
    if grammar.end not in stop_ids:
        raise InputError(
            f"stop_ids {list(stop_ids)}: lacks the token that ends plans; add {grammar.end}"
        )
    if size != config.text.vocab_size:
        raise InputError(
            f"grammar: compiled for {size} tokens; compile it for {config.text.vocab_size}"
        )


@functools.partial(jax.jit, static_argnames=("config", "max_new_tokens", "num_samples"))
def _generate(
    config, params, layers, inputs, max_new_tokens, num_samples, sampling, grammar, seeds, stop_ids
):
    keys = jax.vmap(jax.random.key)(seeds)
    hidden, caches = Qwen3VL(config, keep_cache=True).apply({"params": params}, inputs)
    _, position = token_positions(inputs.tokens, inputs.mask, inputs.grids, config)
    last = jnp.argmax(jnp.where(inputs.mask, jnp.arange(inputs.mask.shape[1]), -1), axis=1)
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)

    caches = [
        KVCache.after_prefill(key[i], value[i], num_samples, max_new_tokens)
        for key, value in caches
        for i in range(len(key))
    ]
    hidden, position = (jnp.repeat(x, num_samples, 0) for x in (hidden, position))

    def draw(hidden, step, written):
        embedding = output_embedding(config, params)
        logits = jnp.einsum("bsd,vd->bv", hidden, embedding, preferred_element_type=jnp.float32)
        choice = logits
        if grammar is not None:
            mask = allowed(grammar, written, max_new_tokens - 1 - step)
            choice = jnp.where(mask, logits, -jnp.inf)
        token = sample(choice, keys, step, *sampling)
        if grammar is not None:
            written = advance(grammar, written, token)
        logit = jnp.take_along_axis(logits, token[:, None], axis=1)[:, 0]
        return token, logit - jax.nn.logsumexp(logits, axis=1), written

    def next_token(state):
        step, done, caches, tokens, logps, written = state
        slot = step - 1
        hidden, caches = decode(
            config, params, layers, tokens[:, slot], position + slot, inputs.mask, caches, slot
        )
        token, logp, written = draw(hidden, step, written)
        tokens = tokens.at[:, step].set(jnp.where(done, stop_ids[0], token))
        logps = logps.at[:, step].set(jnp.where(done, 0, logp))
        return step + 1, done | jnp.isin(token, stop_ids), caches, tokens, logps, written

    def unfinished(state):
        step, done, *_ = state
        return (step < max_new_tokens) & ~done.all()

    written = None if grammar is None else initial_state(grammar, len(hidden))
    token, logp, written = draw(hidden, 0, written)
    tokens = jnp.full((len(token), max_new_tokens), stop_ids[0]).at[:, 0].set(token)
    logps = jnp.zeros(tokens.shape).at[:, 0].set(logp)
    state = (1, jnp.isin(token, stop_ids), caches, tokens, logps, written)
    *_, tokens, logps, _ = jax.lax.while_loop(unfinished, next_token, state)
    stopped = jnp.isin(tokens, stop_ids)
    lengths = jnp.where(stopped.any(1), jnp.argmax(stopped, axis=1) + 1, max_new_tokens)
    return GenerateResult(tokens, lengths, logps)
