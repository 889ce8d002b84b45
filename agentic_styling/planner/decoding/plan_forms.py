"""The forms in which a planner writes a plan: our JSON, and Qwen's tool calls."""

import json
from collections.abc import Callable
from typing import NamedTuple

from agentic_styling.planner.decoding.tool_calls import (
    read_tool_calls,
    tool_calls_system_text,
    tool_signatures,
    write_tool_calls,
)
from agentic_styling.tools import Plan


class PlanForm(NamedTuple):
    """write: a plan to text. read: a text to its plan, raising PlanError. system_text: the system
    turn for a model that was not trained on our plans."""

    write: Callable[[Plan], str]
    read: Callable[[str], Plan]
    system_text: Callable[[], str]


def json_system_text() -> str:
    """The system turn that lists the tools and describes the answer in JSON."""
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


PLAN_FORMS = {
    "json": PlanForm(Plan.to_json, Plan.from_json, json_system_text),
    "tool_calls": PlanForm(write_tool_calls, read_tool_calls, tool_calls_system_text),
}
