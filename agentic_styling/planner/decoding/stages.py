"""Decoding in stages of static sizes, so that no step pays for rows and slots that are not in use.

Most of a plan's rows end long before the longest, and most are far shorter than max_new_tokens. A
stage decodes some prompts' rows with caches of some length; the next one takes over the rows that
are left, or longer caches. Which stages there are depends on shapes alone, and all are compiled
into one program.
"""

from __future__ import annotations

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from agentic_styling.planner.model.text import KVCache

# More stages are a little faster, but each is one more loop to compile.
FIRST_SLOTS = 4  # the first caches have this part of the slots
SHRINK = (2, 8)  # and later stages these parts of the prompts
LEAST_SLOTS, LEAST_ROWS = 64, 8  # with fewer, a step hardly becomes cheaper


@flax.struct.dataclass
class Rows:
    """R rows that are being decoded, a prompt's samples together.

    index int32 [R]: their numbers among all rows. token int32 [R]: the last one of each. done bool
    [R]. written: the grammar's state, or None. caches: one a layer.
    """

    index: jax.Array
    token: jax.Array
    done: jax.Array
    written: Any
    caches: list[KVCache]

    def unfinished(self, samples: int) -> jax.Array:
        """Which prompts have a sample that is not done, bool [R / samples]."""
        return ~self.done.reshape(-1, samples).all(axis=1)

    def enter(self, prompts: int, samples: int, length: int) -> Rows:
        """The rows of `prompts` prompts, the unfinished first, with caches of `length` slots."""
        caches = [cache.extended(length) for cache in self.caches]
        if prompts * samples == len(self.done):
            return self.replace(caches=caches)
        chosen = jnp.argsort(~self.unfinished(samples), stable=True)[:prompts]
        rows = (chosen[:, None] * samples + jnp.arange(samples)).reshape(-1)
        kept = jax.tree.map(lambda x: x[rows], self.replace(caches=[]))
        return kept.replace(caches=[cache.take(chosen, rows) for cache in caches])


def decode_stages(prompts: int, samples: int, length: int) -> tuple[tuple[int, int, int], ...]:
    """The stages for B prompts, their samples and N new tokens: (prompts, slots, rest) of each.

    A stage ends when all slots are written or no more than `rest` prompts are unfinished. A few
    rows have one stage, as compiling another takes longer than it saves.
    """
    slots = length // FIRST_SLOTS
    counts = [prompts // part for part in SHRINK if prompts // part * samples >= LEAST_ROWS]
    shrinking = zip([prompts, *counts], [*counts, 0], strict=True)
    short = slots >= LEAST_SLOTS and prompts * samples >= LEAST_ROWS
    first = ((prompts, slots, 0),) if short else ()
    return first + tuple((count, length, rest) for count, rest in shrinking)
