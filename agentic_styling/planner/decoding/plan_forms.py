"""The forms in which a planner writes a plan: our JSON, and Qwen's tool calls."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.tools import MAX_ITEMS, VOCABULARY, Parameter, Plan, PlanError, Step
from agentic_styling.utils.errors import InputError

OPEN, CLOSE = "<tool_call>", "</tool_call>"
CONTEXT = "Context:"

TASK = """\
You are an expert photo stylist. Look at the photograph, read the goal, and plan the edit as a \
short sequence of tool calls."""
ANSWER = """\
Begin with one line that says how the photograph is now, one value or "unknown" for each dimension:
Context: {"season": "summer_lush"}
Before each call give its reason in a sentence. After the last call write one precise instruction \
for the whole edit."""

# JSON schema's names of kinds; the others are strings.
_TYPES = {"bool": "boolean", "number": "number", "list": "array", "object": "object"}
# Given in place of lists of values that would be too long.
_DESCRIPTIONS = {
    "name": "a step: its tool, or tool:option",
    "action": "tool:option",
    "object": "more parameters of that tool",
}


def write_tool_calls(plan: Plan) -> str:
    """The plan as an assistant's turn: context, each step's reason and call, and the instruction.

    The calls are as in Qwen's chat template. Raises PlanError if a reason or the instruction
    contains the marker of a call.
    """
    parts = [f"{CONTEXT} {_dumps(plan.context)}"]
    for number, step in enumerate(plan.steps, 1):
        call = _dumps({"name": step.tool, "arguments": step.parameters})
        parts += [_checked(step.reasoning, f"step {number}"), f"{OPEN}\n{call}\n{CLOSE}"]
    parts.append(_checked(plan.instruction, "instruction"))
    return "\n".join(part for part in parts if part)


def read_tool_calls(text: str) -> Plan:
    """The plan of such a turn. White space around texts is dropped; the context is optional.

    Raises PlanError naming the step.
    """
    context, rest, steps = {}, text.strip(), []
    if rest.startswith(CONTEXT):
        context, rest = _read_object(rest.removeprefix(CONTEXT), "context")
    while OPEN in rest:
        reasoning, _, rest = rest.partition(OPEN)
        where = f"step {len(steps) + 1}"
        call, rest = _read_object(rest, where)
        if not rest.startswith(CLOSE):
            raise PlanError(f"{where}: the call has no end; write {CLOSE} after its object")
        if set(call) != {"name", "arguments"}:
            raise PlanError(f"{where}: the call has {sorted(call)}; write name and arguments")
        rest = rest.removeprefix(CLOSE)
        step = {"reasoning": reasoning.strip(), "tool": call["name"]}
        steps.append(step | {"parameters": call["arguments"]})
    return Plan.from_json({"context": context, "steps": steps, "instruction": rest.strip()})


def tool_calls_system_text() -> str:
    """The system turn for a model not trained on our plans, with tools in Qwen's form."""
    return f"{TASK}\n\n{ANSWER}\n\n{tools_text(tool_signatures())}"


def tools_text(signatures: list[dict]) -> str:
    """The section of Qwen's chat template that lists the tools."""
    listed = "".join(f"\n{_dumps(signature)}" for signature in signatures)
    return (
        "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n"
        f"<tools>{listed}\n</tools>\n\n"
        "For each function call, return a json object with function name and arguments within "
        "<tool_call></tool_call> XML tags:\n"
        f'{OPEN}\n{{"name": <function-name>, "arguments": <args-json-object>}}\n{CLOSE}'
    )


def tool_signatures() -> list[dict]:
    """The vocabulary as function signatures in JSON schema."""
    signatures = []
    for tool in VOCABULARY.values():
        properties = {name: _schema(p, p.kind) for name, p in tool.parameters.items()}
        schema = {"type": "object", "properties": properties, "required": [tool.target]}
        function = {"name": tool.name, "parameters": schema}
        signatures.append({"type": "function", "function": function})
    return signatures


def _schema(parameter: Parameter, kind: str) -> dict:
    schema = {"type": _TYPES.get(kind, "string")}
    if kind == "enum":
        schema["enum"] = list(parameter.values)
    elif kind == "number":
        schema["minimum"], schema["maximum"] = parameter.values
    elif kind == "list":
        schema |= {"items": _schema(parameter, parameter.items), "maxItems": MAX_ITEMS}
    elif kind in _DESCRIPTIONS:
        schema["description"] = _DESCRIPTIONS[kind]
    return schema


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _checked(text: str, where: str) -> str:
    if OPEN in text:
        raise PlanError(f"{where}: the text contains {OPEN!r}, which begins a call; remove it")
    return text.strip()


def _read_object(text: str, where: str) -> tuple[dict, str]:
    """The JSON object at the start of a text, and the rest without leading space."""
    text = text.lstrip()
    try:
        data, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise PlanError(f"{where}: not JSON ({reason}); write one JSON object") from None
    if not isinstance(data, dict):
        raise PlanError(f"{where}: {text[:40]!r} is not a JSON object; write one")
    return data, text[end:].lstrip()


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
        f"{TASK}\n\n# Tools\n\nThe tools, as JSON signatures within <tools></tools> XML tags:\n"
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


# Stands after a context, so that the context's end is encoded as in plans.
_STEP = Step("So.", "weather", {"weather_type": "hail"})


def force_contexts(
    tokenizer: Tokenizer,
    form: str,
    contexts: Sequence[Mapping[str, str]] | None,
    count: int,
    max_new_tokens: int,
) -> np.ndarray:
    """The tokens with which plans that state given contexts begin, for `generate`.

    Where one token closes the context and begins the first step, it is among them.

    Args:
      tokenizer: of the planner.
      form: how plans are written, one of `PLAN_FORMS`.
      contexts: B contexts, dimension -> option; None forces nothing.
      count: B.
      max_new_tokens: N, of the whole plan.

    Returns:
      int32 [B, N], -1 after the context.

    Raises:
      InputError: not B contexts, or one is not in the vocabulary or leaves no room for a step.
    """
    forced = np.full((count, max(max_new_tokens, 0)), -1, np.int32)
    if contexts is None:
        return forced
    if len(contexts) != count:
        raise InputError(f"{len(contexts)} contexts and {count} goals; give a context per goal")
    for row, context in enumerate(contexts):
        try:
            text = PLAN_FORMS[form].write(Plan(context, (_STEP,)))
        except PlanError as error:
            raise InputError(f"contexts[{row}]: {error}") from None
        ids, end = tokenizer.encode(text), text.index("}") + 1
        if len(ids) >= max_new_tokens:
            raise InputError(
                f"max_new_tokens {max_new_tokens}: contexts[{row}] and a step after it take "
                f"{len(ids) + 1}; use as many or more"
            )
        first = next(n for n in range(len(ids)) if len(tokenizer.decode(ids[:n])) >= end)
        forced[row, :first] = ids[:first]
    return forced
