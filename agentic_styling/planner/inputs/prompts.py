"""Prompts in Qwen's chat template, completions, and their padding into arrays."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.utils.errors import InputError


def encode_prompts(
    tokenizer: Tokenizer,
    goals: Iterable[str],
    image_tokens: int | Sequence[int] = 0,
    system: str = "",
    *,
    states: Sequence[Mapping[str, str]] | None = None,
) -> list[list[int]]:
    """The prompt of each goal: an image or a known state, the goal, the assistant's turn opened.

    Args:
      goals: B texts.
      image_tokens: placeholders of an image (`images.image_tokens`), one number for all goals or
        one for each; 0 for a prompt without an image.
      system: the text of a system turn, for models that were not trained on our plans
        (`PLAN_FORMS`); without it the prompt begins with the user's turn, as in Qwen's template.
      states: for a text planner, what is known of each photograph, dimension -> option; its words
        stand in place of the image.

    Returns:
      B lists of token ids.

    Raises:
      InputError: a goal is empty.
    """
    begin = _turn(tokenizer, f"system\n{system}", []) if system else []
    answer = [tokenizer.im_start, *tokenizer.encode("assistant\n")]
    goals, prompts = list(goals), []
    counts = np.broadcast_to(image_tokens, len(goals))
    for row, (goal, count) in enumerate(zip(goals, counts, strict=True)):
        if not goal.strip():
            raise InputError(f"goals[{row}] is empty; say what the picture should become")
        goal, image = goal.lower() if tokenizer.lower_case_goals else goal, []
        if count:
            image = [tokenizer.vision_start, *[tokenizer.image_pad] * count, tokenizer.vision_end]
        if states is not None:
            known = "; ".join(f"{name}: {value}" for name, value in sorted(states[row].items()))
            goal = f"The picture now: {known or 'unknown'}.\n{goal}"
        user = _turn(tokenizer, "user\n", image + tokenizer.encode(goal))
        prompts.append(begin + user + answer)
    return prompts


def encode_completions(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """The token ids of the expected answers: each plan's text and the end of the turn."""
    return [[*tokenizer.encode(text), tokenizer.im_end] for text in texts]


def pad_rows(
    rows: Sequence[Sequence[int]], pad: int, *, length: int | None = None, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Right-pad rows of token ids; nothing is truncated.

    Args:
      rows: B lists of token ids.
      pad: the id of padding.
      length: S; None takes the longest row's length, rounded up to a multiple of `multiple`.

    Returns:
      tokens int32 [B, S] and mask bool [B, S], True = a real token.

    Raises:
      InputError: a row is longer than `length`; it names the row and both lengths.
    """
    longest = max(range(len(rows)), key=lambda row: len(rows[row]))
    needed = len(rows[longest])
    if length is None:
        length = -(-needed // multiple) * multiple
    elif needed > length:
        raise InputError(
            f"row {longest} has {needed} tokens and the limit is {length}; "
            "raise the limit, or shorten the goal or the image"
        )
    tokens = np.full((len(rows), length), pad, np.int32)
    mask = np.zeros((len(rows), length), bool)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids)] = ids
        mask[row, : len(ids)] = True
    return tokens, mask


def _turn(tokenizer: Tokenizer, opening: str, rest: list[int]) -> list[int]:
    """A turn of the template: text that begins with its role, then tokens."""
    return [
        tokenizer.im_start,
        *tokenizer.encode(opening),
        *rest,
        tokenizer.im_end,
        *tokenizer.encode("\n"),
    ]
