"""Generation: prefill and decoding in one jitted program; temperature, top-k and top-p."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.decoding.grammar import PlanGrammar, advance, allowed, initial_state
from agentic_styling.planner.decoding.stages import Rows, decode_stages
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import (
    Inputs,
    Qwen3VL,
    output_embedding,
    token_positions,
)
from agentic_styling.planner.model.text import KVCache, decode, unstacked_layers
from agentic_styling.utils.checks import check_seed, check_temperature
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits


@flax.struct.dataclass
class GenerateResult:
    """Sampled continuations.

    tokens int32 [B, N], the first stop id after a row's end; lengths int32 [B], the stop token
    counted; logps float32 [B, N], the model's own log-probability of each token (at temperature 1
    and without a grammar, however it was sampled), 0 after the end; choice_logps float32 [B, N],
    the same among the tokens that the grammar allows; free bool [B, N], whether it allows more than
    one, False after the end.
    """

    tokens: jax.Array
    lengths: jax.Array
    logps: jax.Array
    choice_logps: jax.Array
    free: jax.Array


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
    seed: int = 0,
    rows: np.ndarray | None = None,
    num_samples: int = 1,
    forced: np.ndarray | None = None,
) -> GenerateResult:
    """Continue padded prompts until a stop token or max_new_tokens.

    Args:
      config, params: of the model.
      inputs: B prompts, padded left or right, one per row.
      max_new_tokens: most tokens of a continuation.
      stop_ids: tokens that end a row.
      temperature: 0 takes the most likely token.
      top_k, top_p: as for `sample`.
      grammar: restricts every row to a plan that ends within max_new_tokens.
      seed: 0 to 2**32 - 1.
      rows: int [B], the number of each prompt, by default 0 to B - 1. A sample depends on its
        prompt, the seed, the prompt's number and the sample's own; its key is
        fold_in(fold_in(key(seed), row), sample).
      num_samples: samples per prompt, which share one prefill.
      forced: int [B, max_new_tokens], tokens that stand in place of sampled ones, -1 for none. The
        grammar, where there is one, has to allow them.

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
        check_grammar(grammar, config, max_new_tokens, stop_ids)
    rows = np.arange(inputs.tokens.shape[0]) if rows is None else rows
    if forced is None:  # as an array, so that both ways share a program
        forced = np.full((len(rows), max_new_tokens), -1)
    return _generate(
        config,
        params,
        unstacked_layers(config, params),
        inputs,
        max_new_tokens,
        num_samples,
        decode_stages(len(rows), num_samples, max_new_tokens),
        (np.float32(temperature), np.int32(top_k), np.float32(top_p)),
        grammar,
        np.uint32(check_seed(seed)),
        np.asarray(rows, np.uint32),
        np.asarray(stop_ids, np.int32),
        np.asarray(forced, np.int32),
    )


def check_grammar(grammar, config, max_new_tokens, stop_ids):
    """Raises InputError for a grammar that does not fit the model, and for too few tokens."""
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


@functools.partial(jax.jit, static_argnames=("config", "max_new_tokens", "num_samples", "stages"))
def _generate(
    config,
    params,
    layers,
    inputs,
    max_new_tokens,
    num_samples,
    stages,
    sampling,
    grammar,
    seed,
    rows,
    stop_ids,
    forced,
):
    fold_in = jax.vmap(jax.random.fold_in)
    by_row = fold_in(jnp.broadcast_to(jax.random.key(seed), rows.shape), rows)
    samples = jnp.tile(jnp.arange(num_samples), len(rows))
    keys = fold_in(jnp.repeat(by_row, num_samples), samples)
    hidden, caches = Qwen3VL(config, keep_cache=True).apply({"params": params}, inputs)
    _, position = token_positions(inputs.tokens, inputs.mask, inputs.grids, config)
    last = jnp.argmax(jnp.where(inputs.mask, jnp.arange(inputs.mask.shape[1]), -1), axis=1)
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)

    caches = [
        KVCache.after_prefill(key[i], value[i], num_samples, stages[0][1])
        for key, value in caches
        for i in range(len(key))
    ]
    hidden, position, forced = (jnp.repeat(x, num_samples, 0) for x in (hidden, position, forced))

    def draw(hidden, step, index, written):
        embedding = output_embedding(config, params)
        logits = jnp.einsum("bsd,vd->bv", hidden, embedding, preferred_element_type=jnp.float32)
        choice = logits
        if grammar is not None:
            mask = allowed(grammar, written, max_new_tokens - 1 - step)
            choice = jnp.where(mask, logits, -jnp.inf)
        token = sample(choice, keys[index], step, *sampling)
        token = jnp.where(forced[index, step] < 0, token, forced[index, step])
        if grammar is not None:
            written = advance(grammar, written, token)
        logit = jnp.take_along_axis(logits, token[:, None], axis=1)[:, 0]
        logp, choice_logp = (logit - jax.nn.logsumexp(x, axis=1) for x in (logits, choice))
        free = (choice > -jnp.inf).sum(1) > 1
        return token, jnp.stack([logp, choice_logp, free], 1), written

    def next_token(state):
        step, rows, tokens, values = state
        slot, index, done = step - 1, rows.index, rows.done
        mask = inputs.mask[index[::num_samples] // num_samples]
        hidden, caches = decode(
            config, params, layers, rows.token, position[index] + slot, mask, rows.caches, slot
        )
        token, value, written = draw(hidden, step, index, rows.written)
        tokens = tokens.at[index, step].set(jnp.where(done, stop_ids[0], token))
        values = values.at[index, step].set(jnp.where(done[:, None], 0, value))
        done |= jnp.isin(token, stop_ids)
        return step + 1, Rows(index, token, done, written, caches), tokens, values

    index = jnp.arange(len(hidden))
    written = None if grammar is None else initial_state(grammar, len(hidden))
    token, value, written = draw(hidden, 0, index, written)
    tokens = jnp.full((len(token), max_new_tokens), stop_ids[0]).at[:, 0].set(token)
    values = jnp.zeros((*tokens.shape, 3)).at[:, 0].set(value)
    state = (1, Rows(index, token, jnp.isin(token, stop_ids), written, caches), tokens, values)
    for prompts, slots, rest in stages:

        def goes_on(state, slots=slots, rest=rest):
            step, rows, *_ = state
            return (step < slots) & (rows.unfinished(num_samples).sum() > rest)

        step, left, *results = state
        state = (step, left.enter(prompts, num_samples, slots), *results)
        state = jax.lax.while_loop(goes_on, next_token, state)
    *_, tokens, values = state
    stopped = jnp.isin(tokens, stop_ids)
    lengths = jnp.where(stopped.any(1), jnp.argmax(stopped, axis=1) + 1, max_new_tokens)
    logps, choice_logps, free = jnp.moveaxis(values, 2, 0)
    return GenerateResult(tokens, lengths, logps, choice_logps, free > 0)


_BLOCK = 128


def sample(logits, keys, step, temperature, top_k=0, top_p=1.0):
    """One token a row, int32 [B], from softmax(logits / temperature), cut by top_k, then top_p.

    logits float32 [B, V], -inf = never; keys [B], one a row, so that a row's draw depends on no
    other row; step: of the row's draws. temperature 0 takes the largest logit. top_k: draw from
    the k largest, 0 = all. top_p in (0, 1]: draw from the likeliest whose probabilities, after
    temperature and top_k, reach p together (nucleus sampling, Holtzman et al. 2020, section 3.1).
    Ties with the last token kept are kept. All may be traced; top_k 0 and top_p 1 cost nothing.
    """

    def drawn():
        # Of the differences, so that the lowest temperatures take the largest logit too.
        kept = (logits - logits.max(axis=1, keepdims=True)) / temperature
        kept = jax.lax.cond(top_k > 0, keep_top_k, lambda x, k: x, kept, top_k)
        kept = jax.lax.cond(top_p < 1, keep_top_p, lambda x, p: x, kept, top_p)
        return _draw(kept, jax.vmap(uniform)(keys))

    def uniform(key):
        return jax.random.uniform(jax.random.fold_in(key, step))

    return jax.lax.cond(temperature > 0, drawn, lambda: _largest(logits)).astype(jnp.int32)


# Both select a block of tokens, then a token in it: the passes over all tokens are plain sums and
# maxima, many times faster on a CPU than argmax or a random number per token (Gumbel trick).


def _largest(logits):
    blocks = _blocks(logits, -jnp.inf)
    block = blocks.max(axis=2).argmax(axis=1)
    return block * _BLOCK + _within(blocks, block).argmax(axis=1)


def _draw(logits, uniform):
    """The token of each row at which the running sum of softmax(logits) passes uniform [B]."""
    weights = _blocks(jnp.exp(logits - logits.max(axis=1, keepdims=True)), 0)
    mass = weights.sum(axis=2)
    block, rest = _passed(mass, uniform * mass.sum(axis=1))
    return block * _BLOCK + _passed(_within(weights, block), rest)[0]


def _blocks(x, fill):
    x = jnp.pad(x, ((0, 0), (0, -x.shape[1] % _BLOCK)), constant_values=fill)
    return x.reshape(len(x), -1, _BLOCK)


def _within(blocks, block):
    return jnp.take_along_axis(blocks, block[:, None, None], axis=1)[:, 0]


def _passed(weights, target):
    """Where the running sum of weights [B, N] exceeds the target [B], and the remainder.

    Never where the weight is 0, whatever the rounding.
    """
    total = jnp.cumsum(weights, axis=1)
    past = (total > target[:, None]) & (weights > 0)
    index = jnp.where(past.any(axis=1), past.argmax(axis=1), weights.argmax(axis=1))
    before = jnp.take_along_axis(total - weights, index[:, None], axis=1)[:, 0]
    return index, target - before


def keep_top_k(logits, k):
    """Logits float32 [B, V] with -inf for all but the k largest of each row and ties."""
    return _keep_heaviest(logits, jnp.ones_like(logits), k)


def keep_top_p(logits, p):
    """Logits float32 [B, V] with -inf below the largest that together reach the probability p."""
    return _keep_heaviest(logits, jax.nn.softmax(logits), p)


def _keep_heaviest(logits, weights, target):
    """Logits at or above the highest threshold from which on the weights sum up to the target.

    The threshold is found by bisection on integers ordered as the logits: 32 sums per row, many
    times cheaper than sorting.
    """
    bits = jax.lax.bitcast_convert_type(logits, jnp.int32)
    order = jnp.where(bits < 0, -(bits & jnp.iinfo(jnp.int32).max), bits)

    def halve(_, bounds):
        low, high = bounds  # the weights from `low` on reach the target, those from `high` do not
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        enough = jnp.sum(weights, axis=1, where=order >= middle[:, None]) >= target
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    low = jnp.full(len(logits), jnp.iinfo(jnp.int32).min)
    high = jnp.full(len(logits), jnp.iinfo(jnp.int32).max)
    low, _ = jax.lax.fori_loop(0, 32, halve, (low, high))
    return jnp.where(order >= low[:, None], logits, -jnp.inf)
