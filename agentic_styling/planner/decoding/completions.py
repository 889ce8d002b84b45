"""Sampled tokens as texts, with their log-probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agentic_styling.planner.decoding.generation import GenerateResult
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.utils.errors import InputError


class Completion(NamedTuple):
    """A text that a planner sampled, or one that it was given to score.

    tokens: ids of the text, with the one that ends it. choices: how many of them had an alternative
    under the grammar. logp: the sum of the log-probabilities of these, in nats, each among what the
    grammar allowed, at temperature 1.
    """

    text: str
    tokens: list[int]
    logp: float
    choices: int


def texts_of(tokenizer: Tokenizer, result: GenerateResult) -> list[str]:
    """The text of each row, without the token that ends it."""
    tokens, lengths = np.asarray(result.tokens), np.asarray(result.lengths)
    stops = (tokenizer.im_end, tokenizer.pad)
    rows = [list(row[:length]) for row, length in zip(tokens, lengths, strict=True)]
    return [tokenizer.decode(row[:-1] if row[-1] in stops else row) for row in rows]


def completions_of(tokenizer: Tokenizer, result: GenerateResult) -> list[Completion]:
    """Each row with the log-probability of its choices."""
    free = np.asarray(result.free)
    logps, choices = (np.asarray(result.choice_logps) * free).sum(1), free.sum(1)
    rows = zip(np.asarray(result.tokens), np.asarray(result.lengths), strict=True)
    tokens = [row[:length].tolist() for row, length in rows]
    columns = texts_of(tokenizer, result), tokens, logps.tolist(), choices.tolist()
    return [Completion(*each) for each in zip(*columns, strict=True)]


def force_tokens(tokenizer: Tokenizer, tokens: Sequence[Sequence[int]], forced: np.ndarray) -> None:
    """Writes completions into rows int [B, N] of tokens that stand in place of sampled ones.

    Raises InputError unless there are B of at most N tokens, each whole: with a stop token last, or
    with N tokens. The rest of another would be sampled.
    """
    if len(tokens) != len(forced):
        raise InputError(f"{len(tokens)} rows of tokens and {len(forced)} goals; give a row each")
    stops = (tokenizer.im_end, tokenizer.pad)
    for row, given in enumerate(tokens):
        ended = len(given) == forced.shape[1] or (len(given) > 0 and given[-1] in stops)
        if len(given) > forced.shape[1] or not ended:
            raise InputError(
                f"tokens[{row}]: {len(given)} tokens, and none that stops is the last; add it, or "
                f"use max_new_tokens={len(given)}"
            )
        forced[row, : len(given)] = given
