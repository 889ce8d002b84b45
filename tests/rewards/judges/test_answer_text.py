"""The JSON in what models say."""

import json

import pytest

from agentic_styling.rewards.judges.answer_text import json_part, message_text

PLAN = '{"context": {}, "steps": [{"tool": "weather"}]}'


@pytest.mark.parametrize(
    "text",
    [
        PLAN,
        f"  {PLAN}\n",
        f"```json\n{PLAN}\n```",
        f"```JSON\n{PLAN}\n```",
        f"```{PLAN}```",
        f'<think>Perhaps {{"a": 1}}.</think>\n\n{PLAN}',
        f'Perhaps {{"a": 1}}.\n</think>{PLAN}',
        f'<Thinking>\n```json\n{{"a": 1}}\n```\n</Thinking>```json\n{PLAN}\n```',
        f"Of the form {{tool}}:\n```json\n{PLAN}\n```\nContext {{}} means unknown.",
        f'A first try: {{"a": 1}}. Better: {PLAN} Done.',
    ],
)
def test_the_answer_is_found(text):
    assert json_part(text) == PLAN


@pytest.mark.parametrize(
    "text, left",
    [
        ("I would say 80.", "I would say 80."),
        (PLAN[:-2], PLAN[:-2]),  # cut short: no object within it is the answer
        (f"```json\n{PLAN[:-9]}\n```", PLAN[:-9]),
        (f"<think>I begin with {PLAN}", ""),
        ("``````", ""),
        ("", ""),
        ("null", "null"),
        ('{"a": "</think>"}', '{"a": "</think>"}'),
        ("{" * 500, "{" * 500),
        ('{"a":' * 9000, '{"a":' * 9000),
        ('{"a": ' + "9" * 5000, '{"a": ' + "9" * 5000),
    ],
)
def test_an_answer_without_an_object_is_left(text, left):
    assert json_part(text) == left


def reply(content):
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


@pytest.mark.parametrize(
    "content, text",
    [
        (" yes ", "yes"),
        (None, ""),
        ([], ""),
        ([{"type": "thinking", "thinking": "no"}, {"type": "text", "text": "yes"}], "yes"),
        ([{"type": "output_text", "text": "y"}, {"type": "text", "text": "es"}], "yes"),
    ],
)
def test_the_text_of_a_message(content, text):
    assert message_text(reply(content)) == text


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"choices": []}', b"[" * 9000, reply(3), reply([3]), reply({"text": 1})],
)
def test_what_is_no_chat_completion(data):
    with pytest.raises(ValueError, match="the reply is not a chat completion"):
        message_text(data)
