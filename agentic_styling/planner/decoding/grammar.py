"""The automaton of plans over a tokenizer's tokens, evaluated on the device while decoding.

The tokens are a trie of bytes, which is walked in parallel with the automaton over bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.decoding.automaton import DETOURS, Automaton, plan_automaton
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.tools import MAX_STEPS, VOCABULARY
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

_REFUSED = 127  # above every text node's number


@flax.struct.dataclass
class PlanGrammar:
    """Tables over N nodes, E edges and V tokens; every tokenisation of a plan has its path.

    edges int32 [3, E + width]: token, the node it leads to, the steps it begins after the first;
    offsets int32 [N + 1]: where each node's edges begin; width: the most edges of a node.
    texts int32 [N]: the first node of the free text a node lies in, or -1. text_moves int8 [T, V]:
    which of a text's T nodes a token leads to that stays in the text, _REFUSED for others; one
    table for all texts. distance int32 [N]: tokens that suffice to end the plan, the end token
    included; between characters it is the least number without another step. start int32: the first
    node. end: the token that ends a plan.
    """

    edges: jax.Array
    offsets: jax.Array
    texts: jax.Array
    text_moves: jax.Array
    distance: jax.Array
    start: jax.Array
    width: int = flax.struct.field(pytree_node=False)
    end: int = flax.struct.field(pytree_node=False)


@flax.struct.dataclass
class GrammarState:
    """The state of each row: node int32 [B], and further int32 [B], its steps after the first."""

    node: jax.Array
    further: jax.Array


def initial_state(grammar: PlanGrammar, rows: int) -> GrammarState:
    """The state of rows that have written nothing."""
    return GrammarState(jnp.full(rows, grammar.start), jnp.zeros(rows, jnp.int32))


def allowed(grammar: PlanGrammar, state: GrammarState, remaining) -> jax.Array:
    """Which tokens may come next, bool [B, V].

    remaining: tokens left after the next one, int or int32 [B]. A row that starts with at least
    `distance[start]` tokens left and follows this mask ends its plan in time.
    """
    remaining = jnp.broadcast_to(remaining, state.node.shape)
    tokens, targets, begun = _edges(grammar, state.node)
    fit = grammar.distance[targets] <= remaining[:, None]
    fit &= state.further[:, None] + begun < MAX_STEPS
    text = grammar.texts[state.node]
    budget = remaining - grammar.distance[text]
    # A text's nodes are ordered by detour, so those within the budget are the first `reach`.
    reach = jnp.sum(jnp.array(DETOURS) <= budget[:, None], axis=1)
    reach = jnp.where(text >= 0, reach, 0).astype(jnp.int8)
    mask = grammar.text_moves[_text_node(state.node, text)] < reach[:, None]
    rows = jnp.arange(len(mask))[:, None]
    return mask.at[rows, tokens].set(fit, mode="drop")


def advance(grammar: PlanGrammar, state: GrammarState, token: jax.Array) -> GrammarState:
    """The state after an allowed token, int32 [B]."""
    tokens, targets, begun = _edges(grammar, state.node)
    taken = tokens == token[:, None]
    text = grammar.texts[state.node]
    inside = text + grammar.text_moves[_text_node(state.node, text), token]
    node = jnp.where(taken.any(1), jnp.sum(targets, axis=1, where=taken), inside)
    return GrammarState(node, state.further + jnp.sum(begun, axis=1, where=taken))


def _edges(grammar: PlanGrammar, node: jax.Array):
    """Each row's edges, three int32 [B, width]; the token is V where there is none."""

    def window(offset):
        return jax.lax.dynamic_slice(grammar.edges, (0, offset), (3, grammar.width))

    first, last = grammar.offsets[node], grammar.offsets[node + 1]
    tokens, targets, begun = jax.vmap(window, out_axes=1)(first)
    real = jnp.arange(grammar.width) < (last - first)[:, None]
    return jnp.where(real, tokens, grammar.text_moves.shape[1]), targets, begun


def _text_node(node: jax.Array, text: jax.Array) -> jax.Array:
    return jnp.where(text >= 0, node - text, 0)


@in_32_bits
def compile_plan_grammar(tokenizer: Tokenizer, vocab_size: int) -> PlanGrammar:
    """The grammar of plans over the tokens of a byte-level tokenizer.

    Args:
      tokenizer: added tokens are never allowed, except <|im_end|> at the end.
      vocab_size: the model's, at least the tokenizer's; other ids are never allowed.

    Raises:
      InputError: the tokenizer is not byte-level, or has more tokens than the model.
    """
    if tokenizer.vocab_size > vocab_size:
        raise InputError(
            f"vocab_size {vocab_size}: {tokenizer.path} has {tokenizer.vocab_size} tokens; "
            "use the tokenizer that the model was made for"
        )
    tokens = tuple(sorted(token_bytes(tokenizer).items()))
    compiled = _compile(tokens, tokenizer.im_end, vocab_size, repr(VOCABULARY))
    return jax.tree.map(jnp.asarray, compiled)  # on the devices of the mesh that is set now


@functools.lru_cache(maxsize=2)  # seconds of work, which the planners of one run share
def _compile(tokens: tuple, im_end: int, vocab_size: int, vocabulary: str) -> PlanGrammar:
    """vocabulary: that of the tools, as a key of the cache."""
    automaton, trie = plan_automaton(), trie_of(dict(tokens))
    text_moves, closed = _text_moves(automaton, trie, vocab_size)
    nodes = len(automaton.moves) + 1  # and one that is reached by the end token, and kept by it
    end = [automaton.end, nodes - 1]
    edges = np.concatenate(
        [_edge_rows(automaton, trie, closed), [[n, im_end, nodes - 1, 0] for n in end]]
    )
    edges = edges[np.argsort(edges[:, 0], kind="stable")]
    source, token, target, begun = edges.T
    degree = np.bincount(source, minlength=nodes)
    texts = np.append(automaton.texts, -1)
    width = int(degree.max())
    return PlanGrammar(
        edges=np.pad([token, target, begun], ((0, 0), (0, width))).astype(np.int32),
        offsets=np.append(0, degree.cumsum()).astype(np.int32),
        texts=texts,
        text_moves=text_moves,
        distance=_distances(source, target, begun, texts),
        start=np.int32(automaton.start),
        width=width,
        end=im_end,
    )


def _text_moves(automaton: Automaton, trie: Trie, vocab_size: int):
    """The table text_moves, and the paths that close a text: (text node, trie node) [2, n]."""
    size, first = len(DETOURS), automaton.texts.max()
    moves = automaton.moves[first : first + size]
    moves = np.where(moves >= 0, moves - first, -1)
    moves[0, ord('"')] = size  # all texts close in the same way; what follows differs
    moves = np.concatenate([moves, np.full((1, 256), -1)])
    origin, node, at, _ = walk(moves, trie, np.arange(size), np.arange(size), np.zeros(size, int))
    table = np.full((size, vocab_size), _REFUSED, np.int8)
    inside = (node < size) & (trie.token[at] >= 0)
    table[origin[inside], trie.token[at[inside]]] = node[inside]
    return table, np.stack([origin, at])[:, node == size]


def _edge_rows(automaton: Automaton, trie: Trie, closed: np.ndarray) -> np.ndarray:
    """Rows (node, token, next node, steps begun after the first) of moves not in text_moves."""
    outside = np.flatnonzero(automaton.texts < 0)
    origin, node, at = [outside], [outside], [np.zeros_like(outside)]
    for first in np.unique(automaton.texts[automaton.texts >= 0]):
        origin.append(first + closed[0])
        node.append(np.full(closed.shape[1], automaton.moves[first, ord('"')]))
        at.append(closed[1])
    starts = (np.concatenate(x) for x in (origin, node, at))
    origin, node, at, begun = walk(automaton.moves, trie, *starts, again=automaton.again)
    token = trie.token[at]
    return np.stack([origin, token, node, begun], axis=1)[token >= 0]


def _distances(source, target, begun, texts) -> np.ndarray:
    """Tokens to the end from each node, int32 [N], on paths that begin no further step.

    Such a path exists from every node, so the limit on steps never blocks it.
    """
    source, target = source[begun == 0], target[begun == 0]
    middles = np.flatnonzero(texts >= 0)
    detours = np.array(DETOURS)[middles - texts[middles]]
    distance = np.full(len(texts), np.iinfo(np.int32).max // 2, np.int32)
    distance[-1], previous = 0, None
    while previous is None or (distance != previous).any():
        previous = distance.copy()
        np.minimum.at(distance, source, distance[target] + 1)
        inside = distance[texts[middles]] + detours
        distance[middles] = np.minimum(distance[middles], inside)
    return distance


class Trie(NamedTuple):
    """Node 0 is the root, and a node's children are consecutive.

    first, count int32 [M]: a node's children; byte int32 [M]: of the edge to it; token int32 [M]:
    the token that ends here, or -1.
    """

    first: np.ndarray
    count: np.ndarray
    byte: np.ndarray
    token: np.ndarray


def token_bytes(tokenizer: Tokenizer) -> dict[bytes, int]:
    """The id of each token's bytes, without added (special) tokens.

    Raises InputError unless the tokenizer is byte-level and every byte is a token.
    """
    byte_of = {character: byte for byte, character in _byte_characters().items()}
    try:
        tokens = {
            bytes(byte_of[c] for c in text): token for text, token in tokenizer.vocabulary().items()
        }
    except KeyError:
        tokens = {}
    if not all(bytes([byte]) in tokens for byte in range(256)):
        raise InputError(f"{tokenizer.path}: not every byte is a token; use a byte-level BPE")
    return tokens


def _byte_characters() -> dict[int, str]:
    """The character that stands for each byte in GPT-2's byte-level vocabularies."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in visible]
    written = {byte: chr(256 + place) for place, byte in enumerate(others)}
    return written | {byte: chr(byte) for byte in visible}


def trie_of(tokens: Mapping[bytes, int]) -> Trie:
    """The trie of the tokens' bytes, built level by level."""
    lengths = np.array([len(text) for text in tokens])
    offsets = lengths.cumsum() - lengths
    text = np.frombuffer(b"".join(tokens), np.uint8)
    at = np.zeros(len(tokens), np.int64)  # the node of each token's beginning
    parents, labels, size = [], [np.zeros(1, int)], 1
    for depth in range(lengths.max()):
        longer = np.flatnonzero(lengths > depth)
        step = at[longer] * 256 + text[offsets[longer] + depth]
        steps, child = np.unique(step, return_inverse=True)
        at[longer] = size + child
        size += len(steps)
        parents.append(steps // 256)
        labels.append(steps % 256)
    # Nodes are sorted within each level, so parents are in order and siblings consecutive.
    count = np.bincount(np.concatenate(parents), minlength=size)
    token = np.full(size, -1)
    token[at] = list(tokens.values())
    return Trie(1 + count.cumsum() - count, count, np.concatenate(labels), token)


def walk(moves, trie: Trie, origin, node, at, *, again: int = -1):
    """All paths through the automaton and the trie in parallel, from starts (node, at).

    moves int32 [N, 256], -1 = refused. origin: labels of the starts. Returns arrays (origin, node,
    at, passed) of all places on the paths, the starts included; passed counts the visits to the
    node `again`.
    """
    passed = np.zeros(len(node), int)
    places = [(origin, node, at, passed)]
    while len(node):
        count = trie.count[at]
        before = count.cumsum() - count
        at = np.repeat(trie.first[at] - before, count) + np.arange(count.sum())
        node = moves[np.repeat(node, count), trie.byte[at]]
        kept = node >= 0
        at, node = at[kept], node[kept]
        origin, passed = (np.repeat(x, count)[kept] for x in (origin, passed))
        passed = passed + (node == again)
        places.append((origin, node, at, passed))
    return [np.concatenate(column) for column in zip(*places, strict=True)]
