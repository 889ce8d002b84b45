"""A plan: the look of a photograph, the steps that restyle it, and the instruction in words."""

import json
from dataclasses import dataclass

from agentic_styling.tools.plans.names import read_name
from agentic_styling.tools.plans.vocabulary import (
    ALIASES,
    DIMENSIONS,
    MAX_ITEMS,
    UNKNOWN,
    VOCABULARY,
    Parameter,
)
from agentic_styling.utils.errors import InputError, nearest

MAX_STEPS = 8
_KEYS = ("version", "context", "steps", "instruction")
_STEP_KEYS = ("reasoning", "tool", "parameters")
# Tools whose parameters name other steps; no name may stand for one of them.
STRUCTURAL = (
    "conditional_transform",
    "sequence_transform",
    "parallel_transform",
    "layered_transformation",
)


class PlanError(InputError):
    """A plan that cannot run: one line with the step, the field, the value and the nearest one."""


@dataclass(frozen=True)
class Step:
    """One tool call. `parameters` holds at least the tool's target; the rest have defaults."""

    reasoning: str
    tool: str
    parameters: dict


@dataclass(frozen=True)
class Plan:
    """A checked plan: at most 8 steps, in the vocabulary's names and order. Raises PlanError.

    context maps a dimension to the option the photograph shows; a missing dimension is unknown.
    """

    context: dict
    steps: tuple[Step, ...] = ()
    instruction: str = ""

    def __post_init__(self):
        if not isinstance(self.steps, list | tuple):
            raise PlanError(f"steps: {_show(self.steps)} is not a list; write [] for no step")
        if len(self.steps) > MAX_STEPS:
            raise PlanError(f"steps: {len(self.steps)} steps; a plan has at most {MAX_STEPS}")
        object.__setattr__(self, "context", _check_context(self.context))
        object.__setattr__(
            self, "steps", tuple(check_step(s, f"step {i}") for i, s in enumerate(self.steps, 1))
        )
        _check_text(self.instruction, "instruction")

    @classmethod
    def from_json(cls, text: str | dict) -> "Plan":
        """Read a plan from JSON text or its dict; only `steps` must be there. Raises PlanError."""
        data = _load(text) if isinstance(text, str) else text
        _check_keys(data, _KEYS, "plan")
        if type(data.get("version", 1)) is not int or data.get("version", 1) != 1:
            raise PlanError(f"version: {_show(data['version'])} is not known; use 1")
        if "steps" not in data:
            raise PlanError('plan: "steps" is missing; write [] for no step')
        steps = data["steps"]
        if isinstance(steps, list | tuple):
            steps = [_read_step(s, f"step {i}") for i, s in enumerate(steps, 1)]
        return cls(data.get("context", {}), steps, data.get("instruction", ""))

    def to_json(self) -> str:
        """The plan as compact JSON, keys in the order a planner writes them."""
        steps = [
            {"reasoning": s.reasoning, "tool": s.tool, "parameters": s.parameters}
            for s in self.steps
        ]
        data = {"version": 1, "context": self.context, "steps": steps}
        data["instruction"] = self.instruction
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise PlanError(f"plan: not JSON ({reason}); write one JSON object") from None


def _show(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of thousands of digits
        text = "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."


def _check_keys(data: object, known: tuple[str, ...], where: str) -> None:
    if not isinstance(data, dict):
        raise PlanError(f"{where}: {_show(data)} is not an object; write {{{', '.join(known)}}}")
    for key in data:
        if key not in known:
            raise PlanError(f"{where}: unknown field {_show(key)}; {nearest(key, known)}")


def _check_text(value: object, where: str) -> None:
    if not isinstance(value, str):
        raise PlanError(f"{where}: {_show(value)} is not text; write a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PlanError(f"{where}: {_show(value)} is not valid Unicode; write UTF-8 text") from None


def _check_context(context: object) -> dict:
    if not isinstance(context, dict):
        raise PlanError(f"context: {_show(context)} is not an object; write {{}} if unknown")
    found = {}
    for key, value in context.items():
        dimension = ALIASES.get(key, key) if isinstance(key, str) else key
        if dimension not in DIMENSIONS:
            raise PlanError(f"context: unknown dimension {_show(key)}; {nearest(key, DIMENSIONS)}")
        if dimension in found:
            raise PlanError(f"context: {dimension!r} is given twice, also as {key!r}; keep one")
        tool = VOCABULARY[dimension]
        values = (*tool.parameters[tool.target].values, UNKNOWN)
        if value not in values:
            mend = nearest(value, values)
            raise PlanError(f"context: {dimension} has no option {_show(value)}; {mend}")
        found[dimension] = value
    return {name: found[name] for name in DIMENSIONS if name in found}


def _read_step(data: object, where: str) -> Step:
    _check_keys(data, _STEP_KEYS, where)
    if "tool" not in data:
        raise PlanError(f'{where}: "tool" is missing; use one of {", ".join(VOCABULARY)}')
    return Step(data.get("reasoning", ""), data["tool"], data.get("parameters", {}))


def check_step(step: Step, where: str) -> Step:
    """The step with its tool's alias resolved and its parameters in order. Raises PlanError."""
    if not isinstance(step, Step):
        raise PlanError(f"{where}: {_show(step)} is not a Step; build one")
    _check_text(step.reasoning, f"{where}: reasoning")
    name = ALIASES.get(step.tool, step.tool) if isinstance(step.tool, str) else step.tool
    if not isinstance(name, str) or name not in VOCABULARY:
        raise PlanError(f"{where}: unknown tool {_show(step.tool)}; {nearest(name, VOCABULARY)}")
    tool, given = VOCABULARY[name], step.parameters
    if not isinstance(given, dict):
        raise PlanError(f"{where}: parameters: {_show(given)} is not an object; write {{...}}")
    for key in given:
        if key not in tool.parameters:
            mend = nearest(key, tool.parameters)
            raise PlanError(f"{where}: {name} has no parameter {_show(key)}; {mend}")
    if tool.target not in given:
        mend = _what_to_write(tool.parameters[tool.target])
        raise PlanError(f'{where}: {name} needs "{tool.target}"; {mend}')
    checked = {
        key: _check_value(parameter, given[key], f"{where}: {name}.{key}")
        for key, parameter in tool.parameters.items()
        if key in given
    }
    step = Step(step.reasoning, name, checked)
    for key, parameter in tool.parameters.items():
        if parameter.kind == "object" and key in checked:
            checked[key] = _check_branch(step, key.removesuffix("_parameters"), where)
        elif parameter.kind == "action" and key in checked:
            _check_branch(step, key.removesuffix("_action"), where)
    return step


def branch_step(step: Step, branch: str) -> Step | None:
    """The step that a conditional_transform takes, branch "then" or "else"; None for nothing."""
    action = step.parameters.get(f"{branch}_action", "")
    if not action:
        return None
    tool, option = read_name(action)
    named = {VOCABULARY[tool].target: option} if option else {}
    more = step.parameters.get(f"{branch}_parameters", {})
    return Step(step.reasoning, tool, named | more)


def _check_branch(step: Step, branch: str, where: str) -> dict:
    """The branch's own parameters, as its tool has them and in its order."""
    more = step.parameters.get(f"{branch}_parameters", {})
    where = f"{where}: {step.tool}.{branch}_action"
    taken = branch_step(step, branch)
    if taken is None and more:
        raise PlanError(f"{where}: is missing, but {branch}_parameters are given; name the tool")
    if taken is None:
        return {}
    parameters = check_step(taken, where).parameters
    return {key: value for key, value in parameters.items() if key in more}


def _check_value(parameter: Parameter, value: object, where: str) -> object:
    """The value; of a list a copy."""
    kind, values = parameter.kind, parameter.values
    if kind in ("text", "name"):
        _check_text(value, where)
    elif kind == "action":
        _check_action(parameter, value, where)
    elif kind == "list":
        return _check_list(parameter, value, where)
    elif kind == "object":
        if not isinstance(value, dict):
            raise PlanError(f"{where}: {_show(value)} is not an object; write {{...}}")
    elif kind == "bool":
        if not isinstance(value, bool):
            raise PlanError(f"{where}: {_show(value)} is not a truth value; use true or false")
    elif kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not values[0] <= value <= values[1]:
            mend = f"use a number from {values[0]:g} to {values[1]:g}"
            raise PlanError(f"{where}: {_show(value)} is out of range; {mend}")
    elif not isinstance(value, str) or value not in values:
        raise PlanError(f"{where}: {_show(value)} is not an option; {nearest(value, values)}")
    return value


def _check_action(parameter: Parameter, value: object, where: str) -> None:
    _check_text(value, where)
    named = read_name(value)
    if value == parameter.default or (named and named[0] not in STRUCTURAL):
        return
    if named:
        raise PlanError(f"{where}: {named[0]} cannot depend on a condition; name one step")
    mend = nearest(value, parameter.values)
    mend = mend if mend.startswith("did you mean") else _what_to_write(parameter)
    raise PlanError(f"{where}: {_show(value)} names no step; {mend}")


def _check_list(parameter: Parameter, value: object, where: str) -> list:
    if not isinstance(value, list | tuple):
        raise PlanError(f"{where}: {_show(value)} is not a list; {_what_to_write(parameter)}")
    if len(value) > MAX_ITEMS:
        raise PlanError(f"{where}: {len(value)} items; a list has at most {MAX_ITEMS}")
    item = parameter._replace(kind=parameter.items)
    return [_check_value(item, v, f"{where}[{i}]") for i, v in enumerate(value)]


def _what_to_write(parameter: Parameter) -> str:
    if parameter.kind == "enum":
        return "use one of " + ", ".join(parameter.values)
    if parameter.kind == "list":
        example = parameter.values[-1] if parameter.values else "..."
        return f"write a list such as {json.dumps([example])}"
    if parameter.kind == "number":
        return "use a number from {:g} to {:g}".format(*parameter.values)
    return 'write a tool and an option, as in "weather:fog_dense"'
