"""Attention to a shared prompt and to what each sample has written, against a sum by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.model.text import KVCache, attend_cached

PROMPTS, SAMPLES, HEADS, KV_HEADS, DIM, LENGTH, NEW = 2, 3, 4, 2, 8, 5, 4


def test_attention_to_the_cache_equals_a_sum_by_hand():
    keys = iter(jax.random.split(jax.random.key(0), 12))
    prompt = [jax.random.normal(next(keys), (PROMPTS, KV_HEADS, LENGTH, DIM)) for _ in range(2)]
    mask = np.array([[False, True, True, True, True], [True, True, True, False, False]])
    cache, written = KVCache.after_prefill(*prompt, SAMPLES, NEW), []
    rows = PROMPTS * SAMPLES
    for slot in range(3):
        pair = [jax.random.normal(next(keys), (rows, KV_HEADS, 1, DIM)) for _ in range(2)]
        cache = cache.write(*pair, slot)
        written.append(pair)
    query = jax.random.normal(next(keys), (rows, 1, HEADS, DIM))
    out = np.asarray(attend_cached(query, cache, jnp.asarray(mask), 2))
    for row in range(rows):
        for head in range(HEADS):
            group, source = head // (HEADS // KV_HEADS), row // SAMPLES
            key, value = (
                np.concatenate(
                    [np.asarray(prompt[i])[source, group, mask[source]]]
                    + [np.asarray(pair[i])[row, group] for pair in written]
                )
                for i in range(2)
            )
            scores = key @ np.asarray(query)[row, 0, head] / DIM**0.5
            weights = np.exp(scores - scores.max())
            expected = weights / weights.sum() @ value
            np.testing.assert_allclose(out[row, 0, head], expected, atol=1e-5)
