"""The tokens that the plan grammar allows at each place of plans."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.decoding.automaton import DETOURS
from agentic_styling.planner.decoding.grammar import (
    GrammarState,
    PlanGrammar,
    advance,
    allowed,
    initial_state,
)
from agentic_styling.utils.precision import in_32_bits

_CHUNK = 256  # states whose tokens are looked up at a time


@in_32_bits
def allowed_tokens(
    grammar: PlanGrammar, rows: Sequence[np.ndarray], limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Looks up what a sampler could have taken in place of each token of plans.

    Args:
      grammar: the one under which plans are sampled.
      rows: N plans, int [L] each, with the token that ends them.
      limit: the most tokens that a sampled plan can have.

    Returns:
      index int32 [N, limit], the row of the table for each token, 0 after the end; and the table,
      uint8 [K, ceil(V / 8)], a bit a token, the lowest first. Its first row allows every token; the
      others differ from each other. A plan that could not have been sampled, being longer than
      `limit` or not in the grammar, has index 0 throughout.
    """
    tokens = np.full((len(rows), limit), grammar.end, np.int32)
    written = np.zeros(tokens.shape, bool)
    for row, own in enumerate(rows):
        if len(own) <= limit:
            tokens[row, : len(own)], written[row, : len(own)] = own, True
    nodes, further = (np.asarray(x).T for x in _states(grammar, tokens))
    # With more tokens left than any way to the end takes, their number does not matter.
    enough = int(grammar.distance.max()) + max(DETOURS)
    left = np.broadcast_to(np.minimum(np.arange(limit)[::-1], enough), nodes.shape)
    places = np.stack([nodes, further, left], axis=-1)[written]
    states, of_place = np.unique(places, axis=0, return_inverse=True)
    padded = np.pad(states, ((0, _CHUNK - len(states) % _CHUNK), (0, 0)))
    masks = [np.asarray(_masks(grammar, part)) for part in padded.reshape(-1, _CHUNK, 3)]
    number = {bytes(np.full_like(masks[0][0], 255)): 0}
    found = [
        number.setdefault(bytes(mask), len(number)) for mask in np.concatenate(masks)[: len(states)]
    ]
    index = np.zeros(tokens.shape, np.int32)
    index[written] = np.array(found, np.int32)[of_place.reshape(-1)]
    table = np.frombuffer(b"".join(number), np.uint8).reshape(len(number), -1)
    could = (table[index, tokens // 8] >> (tokens % 8).astype(np.uint8)) & 1
    index[(could == 0).any(axis=1)] = 0
    return index, table


@jax.jit
def _states(grammar: PlanGrammar, tokens: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The nodes before each of the tokens [N, L], and the steps after the first, [L, N] both."""

    def step(state, token):
        return advance(grammar, state, token), (state.node, state.further)

    return jax.lax.scan(step, initial_state(grammar, len(tokens)), tokens.T)[1]


@jax.jit
def _masks(grammar: PlanGrammar, states: jax.Array) -> jax.Array:
    """The tokens that may follow states (node, further steps, tokens left), bits [C, V / 8]."""
    node, further, left = states.T
    mask = allowed(grammar, GrammarState(node, further), left)
    return jnp.packbits(mask, axis=1, bitorder="little")
