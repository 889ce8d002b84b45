"""A tokenizer's tokens as a trie of bytes, walked in parallel with an automaton over bytes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.utils.errors import InputError


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
