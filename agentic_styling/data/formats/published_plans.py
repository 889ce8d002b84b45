"""Plans in the form of the published data set, read into ours and written from it.

A published plan is {"reasoning", "overall_instruction", "actions": [{"action_id", "reasoning",
"priority", "parameters"}], "hidream_prompt"}. Its actions run by priority, 1 first, equal ones in
the order written. Its hidream_prompt, the editor's prompt, is our instruction;
overall_instruction if it is empty.
"""

import functools
import json
from collections.abc import Iterator, Mapping

from agentic_styling.tools import ALIASES, DIMENSIONS, MODIFIERS, VOCABULARY, Plan, PlanError, Step
from agentic_styling.tools.plans.steps import show as spelled
from agentic_styling.utils.errors import InputError, nearest, one_line

show = functools.partial(spelled, spell=ascii)
LAST = 5  # the lowest priority, and that of an action without one
_PUBLISHED_NAMES = {ours: published for published, ours in ALIASES.items()}
_DEPTH = 4  # of an analysis, how far down a dimension is looked for


class LeftOut(InputError):
    """Why a row cannot be used: `reason`, which is counted, and a line about this row."""

    def __init__(self, reason: str, line: str):
        super().__init__(line)
        self.reason = reason


def read_published_plan(data: str | Mapping, context: Mapping[str, str] | None = None) -> Plan:
    """A published plan (JSON text or its object) as ours, for a picture that shows `context`.

    Null values count as missing, since a table has a column for every parameter. Raises
    LeftOut: malformed plan, unknown action, unknown parameter, missing parameter, unknown option,
    value out of range, unsupported compositional action, too many actions.
    """
    data = as_object(data, "malformed plan", "target_action_plan")
    actions = data.get("actions")
    if not isinstance(actions, list):
        raise LeftOut("malformed plan", f"actions: {show(actions)} is not a list")
    ordered = sorted(enumerate(actions, 1), key=lambda item: _priority(item[1], item[0]))
    steps = [_read_action(action, f"action {i}") for i, action in ordered]
    instruction = _text(data, "hidream_prompt", "plan") or _text(
        data, "overall_instruction", "plan"
    )
    try:
        return Plan(dict(context or {}), tuple(steps), instruction)
    except PlanError as error:
        reason = "too many actions" if str(error).startswith("steps:") else "malformed plan"
        raise LeftOut(reason, str(error)) from None


def write_published_plan(plan: Plan, reasoning: str = "") -> dict:
    """A plan in the published form. What that form lacks (`strength`, a few sources) stays in the
    parameters; steps past the fifth share its priority and keep their order."""
    actions = [
        {
            "action_id": _PUBLISHED_NAMES.get(step.tool, step.tool),
            "reasoning": step.reasoning,
            "priority": min(i, LAST),
            "parameters": step.parameters,
        }
        for i, step in enumerate(plan.steps, 1)
    ]
    return {
        "reasoning": reasoning,
        "overall_instruction": plan.instruction,
        "actions": actions,
        "hidream_prompt": plan.instruction,
    }


def read_analysis(data: object) -> dict[str, str]:
    """The state of a picture, dimension -> option, as far as an analysis names it unambiguously.

    An analysis has a dimension (or its published name) as a key, at any depth up to four, and its
    option as the value or as the only option below it. Other dimensions are unknown and left out.
    """
    options: dict[str, set[str]] = {}
    for key, value in _items(data, _DEPTH):
        name = _word(key)
        name = ALIASES.get(name, name)
        if name in DIMENSIONS:
            known = VOCABULARY[name].options
            named = {_word(text) for text in _strings(value, _DEPTH)}
            options.setdefault(name, set()).update(named.intersection(known))
    return {name: min(options[name]) for name in DIMENSIONS if len(options.get(name, ())) == 1}


def as_object(data: object, reason: str, where: str) -> dict:
    """JSON text or a mapping as a dict without nulls. Raises LeftOut of that reason."""
    try:
        if isinstance(data, str | bytes):
            data = json.loads(data)
        if isinstance(data, Mapping):
            return _without_nulls(data)
    except (ValueError, RecursionError) as error:
        raise LeftOut(reason, f"{where}: not JSON ({one_line(error)})") from None
    raise LeftOut(reason, f"{where}: {show(data)} is not an object")


def _read_action(action: object, where: str) -> Step:
    tool = action.get("action_id")
    name = ALIASES.get(tool, tool) if isinstance(tool, str) else tool
    if not isinstance(name, str) or name not in VOCABULARY:
        known = (*VOCABULARY, *ALIASES)
        fix = nearest(tool, known)
        fix = fix if fix.startswith("did") else "it is not in the action space"
        raise LeftOut("unknown action", f"{where}: action_id {show(tool)}; {fix}")
    parameters = as_object(action.get("parameters", {}), "malformed plan", f"{where}: parameters")
    step = Step(_text(action, "reasoning", where), name, parameters)
    try:
        return Plan({}, (step,)).steps[0]
    except PlanError as error:
        line = str(error).replace("step 1", where, 1)
        raise LeftOut(_reason(step), line) from None


def _reason(step: Step) -> str:
    """The kind of a step's first error, in the order in which plans are checked."""
    tool = VOCABULARY[step.tool]
    if any(key not in tool.parameters for key in step.parameters):
        return "unknown parameter"
    if tool.target not in step.parameters:
        return "missing parameter"
    for key, parameter in tool.parameters.items():
        value = step.parameters.get(key, parameter.default)
        if parameter.kind == "enum" and value not in parameter.values:
            return "unknown option" if isinstance(value, str) else "malformed plan"
        if parameter.kind == "number" and is_number(value):
            low, high = parameter.values
            if not low <= value <= high:
                return "value out of range"
    return "unsupported compositional action" if step.tool in MODIFIERS else "malformed plan"


def _priority(action: object, number: int) -> float:
    if not isinstance(action, dict):
        raise LeftOut("malformed plan", f"action {number}: {show(action)} is not an object")
    priority = action.get("priority", LAST)
    if not is_number(priority) or not 1 <= priority <= LAST:
        raise LeftOut(
            "malformed plan", f"action {number}: priority {show(priority)} is not within 1 to 5"
        )
    return priority


def _text(data: Mapping, key: str, where: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str) or not is_unicode(value):
        raise LeftOut("malformed plan", f"{where}: {key}: {show(value)} is not text")
    return value


def is_number(value: object) -> bool:
    """Whether a JSON value is a number, which its true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON may spell half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(v) for v in value]
    return value


def _items(data: object, depth: int) -> Iterator[tuple[object, object]]:
    if depth and isinstance(data, Mapping):
        for key, value in data.items():
            yield key, value
            yield from _items(value, depth - 1)


def _strings(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(part, depth - 1)


def _word(text: object) -> str:
    return "_".join(str(text).lower().replace("-", " ").replace("_", " ").split())
