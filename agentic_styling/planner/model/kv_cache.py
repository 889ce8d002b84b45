"""Keys and values of one decoder layer while tokens are sampled, and attention to them."""

import flax.struct
import jax
import jax.numpy as jnp


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
