"""What a model said: the text of a chat completion, and the JSON in that text."""

import json
import re

_DECODER = json.JSONDecoder()


def message_text(reply: bytes) -> str:
    """The text of a chat completion's first choice; content in parts is joined, thoughts left out.

    Raises ValueError: the reply is not a chat completion.
    """
    try:
        content = json.loads(reply)["choices"][0]["message"]["content"]
        if isinstance(content, list):
            spoken = ("text", "output_text")
            content = "".join(part["text"] for part in content if part.get("type") in spoken)
        return (content or "").strip()
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        raise ValueError("the reply is not a chat completion") from None


def json_part(text: str) -> str:
    """The JSON in an answer, without thoughts, fences and prose around it.

    Of several objects the last that is not empty counts, as models draft and quote before they
    answer. An answer without one is returned whole, without thoughts and fence; thoughts that do
    not end are no answer.
    """
    try:
        json.loads(text)
        return text.strip()
    except (ValueError, RecursionError):
        text = re.sub(r"(?is)^.*</think(ing)?>|<think(ing)?>.*", "", text).strip()
    found, start = "", text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
            found = text[start:end] if value else found
        except ValueError as error:  # what was read so far is part of a broken object
            end = max(getattr(error, "pos", 0), start + 1)
        except RecursionError:
            break
        start = text.find("{", end)
    return found or re.sub(r"^```[A-Za-z]*|```$", "", text).strip()
