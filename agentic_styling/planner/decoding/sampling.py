"""Sampling from logits: temperature, top-k and top-p."""

import jax
import jax.numpy as jnp

from agentic_styling.utils.errors import InputError

_HIGHEST = 1e30  # its reciprocal is still a normal float32; from about 1e5 on all is as likely
_BLOCK = 128


def check_temperature(temperature: float, name: str = "temperature") -> None:
    """Raise InputError unless the temperature is a finite number, 0 or above."""
    if not 0 <= temperature <= _HIGHEST:
        raise InputError(
            f"{name} {temperature}: out of range; use 0 for the likeliest tokens, or 1"
        )


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
