"""Prompts in Qwen's chat template, completions, and their padding into arrays."""

import json
from collections.abc import Iterable, Sequence

import numpy as np

from agentic_styling.errors import InputError
from agentic_styling.planner.tokenizer import Tokenizer
from agentic_styling.tools import VOCABULARY


def encode_prompts(
    tokenizer: Tokenizer, goals: Iterable[str], image_tokens: int, *, system: bool = False
) -> list[list[int]]:
    """The prompt's token ids for each goal: one image, the goal, and the assistant's turn opened.

    image_tokens: how many placeholders the image takes (`images.image_tokens`). system: begin
    with the turn that explains the tools, for models that were not trained on our plans.
    """
    turn = _turn(tokenizer, "system", tokenizer.encode(system_text())) if system else []
    image = [tokenizer.vision_start, *[tokenizer.image_pad] * image_tokens, tokenizer.vision_end]
    answer = [tokenizer.im_start, *tokenizer.encode("assistant\n")]
    prompts = []
    for row, goal in enumerate(goals):
        if not goal.strip():
            raise InputError(f"goals[{row}] is empty; say what the picture should become")
        prompts.append(turn + _turn(tokenizer, "user", image + tokenizer.encode(goal)) + answer)
    return prompts


def encode_completions(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """The token ids the model should answer: the text of each plan and the end of the turn."""
    return [[*tokenizer.encode(text), tokenizer.im_end] for text in texts]


def pad_rows(
    rows: Sequence[Sequence[int]], pad: int, *, length: int | None = None, multiple: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Right-pad rows of token ids to tokens int32 [B, S] and mask bool [B, S].

    S is length, or else the longest row's length rounded up to a multiple. Nothing is ever cut:
    raises InputError naming the row and both lengths if one is longer than length.
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


def system_text() -> str:
    """What a model that never saw our plans is told: the tools, and the form of the answer."""
    signatures = "\n".join(json.dumps(signature) for signature in tool_signatures())
    return (
        "You are an expert photo stylist. Look at the photograph, read the goal, and plan the "
        "edit as a short sequence of tool calls.\n\n"
        "# Tools\n\nThe tools, as JSON signatures within <tools></tools> XML tags:\n"
        f"<tools>\n{signatures}\n</tools>\n\n"
        "# Answer\n\nAnswer with one JSON object and nothing else. context says how the photograph "
        'is now, one value or "unknown" for each dimension; a step gives its reason before its '
        "call; instruction is one precise sentence for the whole edit:\n"
        '{"version":1,"context":{"season":"summer_lush"},"steps":[{"reasoning":"...",'
        '"tool":"...","parameters":{}}],"instruction":"..."}'
    )


def tool_signatures() -> list[dict]:
    """The vocabulary as function signatures in JSON schema."""
    types = {"enum": "string", "text": "string", "bool": "boolean", "number": "number"}
    signatures = []
    for tool in VOCABULARY.values():
        properties = {}
        for parameter in tool.parameters.values():
            schema = {"type": types[parameter.kind]}
            if parameter.kind == "enum":
                schema["enum"] = list(parameter.values)
            elif parameter.kind == "number":
                schema["minimum"], schema["maximum"] = parameter.values
            properties[parameter.name] = schema
        schema = {"type": "object", "properties": properties, "required": [tool.target]}
        signatures.append(
            {"type": "function", "function": {"name": tool.name, "parameters": schema}}
        )
    return signatures


def _turn(tokenizer: Tokenizer, role: str, content: list[int]) -> list[int]:
    start, end = tokenizer.encode(f"{role}\n"), tokenizer.encode("\n")
    return [tokenizer.im_start, *start, *content, tokenizer.im_end, *end]
