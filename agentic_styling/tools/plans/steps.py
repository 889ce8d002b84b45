"""Steps of a plan, checked against the vocabulary."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from agentic_styling.tools.plans.vocabulary import (
    ALIASES,
    MAX_ITEMS,
    VOCABULARY,
    Parameter,
    read_name,
)
from agentic_styling.utils.errors import InputError, nearest

MAX_STEPS = 8
# Tools whose parameters name other steps; no name may stand for one of them.
STRUCTURAL = (
    "conditional_transform",
    "sequence_transform",
    "parallel_transform",
    "layered_transformation",
)


class PlanError(InputError):
    """An invalid plan: one line with the step, the field, the value and a suggested fix."""


@dataclass(frozen=True)
class Step:
    """One tool call. `parameters` holds at least the tool's target; the rest have defaults."""

    reasoning: str
    tool: str
    parameters: dict

    @property
    def option(self):
        """The value of the tool's target parameter."""
        return self.parameters[VOCABULARY[self.tool].target]

    @property
    def strength(self) -> float:
        """How strongly the step acts, in [0, 1]."""
        return self.parameters.get("strength", 1.0)


def show(value: object, spell: Callable[[object], str] = repr) -> str:
    """A value in an error line, at most 60 characters."""
    try:
        text = " ".join(spell(value).split())
    except (ValueError, RecursionError):  # an integer of thousands of digits, or deep nesting
        text = "a huge value"
    return text if len(text) <= 60 else text[:57] + "..."


def check_keys(data: object, known: tuple[str, ...], where: str) -> None:
    """Raises PlanError unless `data` is a dict without unknown keys."""
    if not isinstance(data, dict):
        raise PlanError(f"{where}: {show(data)} is not an object; write {{{', '.join(known)}}}")
    for key in data:
        if key not in known:
            raise PlanError(f"{where}: unknown field {show(key)}; {nearest(key, known)}")


def check_text(value: object, where: str) -> None:
    """Raises PlanError unless `value` is text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise PlanError(f"{where}: {show(value)} is not text; write a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PlanError(f"{where}: {show(value)} is not valid Unicode; write UTF-8 text") from None


def check_step(step: Step, where: str) -> Step:
    """The step with its tool's alias replaced and its parameters in order.

    Args:
      step: what may be a step of the vocabulary.
      where: names it in errors, such as "step 2".

    Raises:
      PlanError: something is not in the vocabulary.
    """
    if not isinstance(step, Step):
        raise PlanError(f"{where}: {show(step)} is not a Step; build one")
    check_text(step.reasoning, f"{where}: reasoning")
    name = ALIASES.get(step.tool, step.tool) if isinstance(step.tool, str) else step.tool
    if not isinstance(name, str) or name not in VOCABULARY:
        raise PlanError(f"{where}: unknown tool {show(step.tool)}; {nearest(name, VOCABULARY)}")
    tool, given = VOCABULARY[name], step.parameters
    if not isinstance(given, dict):
        raise PlanError(f"{where}: parameters: {show(given)} is not an object; write {{...}}")
    for key in given:
        if key not in tool.parameters:
            fix = nearest(key, tool.parameters)
            raise PlanError(f"{where}: {name} has no parameter {show(key)}; {fix}")
    if tool.target not in given:
        fix = _what_to_write(tool.parameters[tool.target])
        raise PlanError(f'{where}: {name} needs "{tool.target}"; {fix}')
    checked = {
        key: _check_value(parameter, given[key], f"{where}: {name}.{key}")
        for key, parameter in tool.parameters.items()
        if key in given
    }
    step = Step(step.reasoning, name, checked)
    if name == "conditional_transform":
        for branch in ("then", "else"):
            own = _check_branch(step, branch, where)
            if f"{branch}_parameters" in checked:
                checked[f"{branch}_parameters"] = own
    return step


def branch_step(step: Step, branch: str) -> Step | None:
    """The step in a branch, "then" or "else", of a conditional_transform; None if it is empty."""
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


_TYPES = {str: "text", bool: "a truth value", type(None): "null", list: "a list", dict: "an object"}


def _check_value(parameter: Parameter, value: object, where: str) -> object:
    """The value; of a list a copy."""
    kind, values = parameter.kind, parameter.values
    if kind in ("text", "name"):
        check_text(value, where)
    elif kind == "action":
        _check_action(parameter, value, where)
    elif kind == "list":
        return _check_list(parameter, value, where)
    elif kind == "object":
        if not isinstance(value, dict):
            raise PlanError(f"{where}: {show(value)} is not an object; write {{...}}")
    elif kind == "bool":
        if not isinstance(value, bool):
            raise PlanError(f"{where}: {show(value)} is not a truth value; use true or false")
    elif kind == "number":
        fix = _what_to_write(parameter)
        if isinstance(value, bool) or not isinstance(value, int | float):
            given = _TYPES.get(type(value), f"a {type(value).__name__}")
            raise PlanError(f"{where}: {show(value)} is {given}, not a number; {fix}")
        if not values[0] <= value <= values[1]:
            raise PlanError(f"{where}: {show(value)} is out of range; {fix}")
    elif not isinstance(value, str) or value not in values:
        raise PlanError(f"{where}: {show(value)} is not an option; {nearest(value, values)}")
    return value


def _check_action(parameter: Parameter, value: object, where: str) -> None:
    check_text(value, where)
    named = read_name(value)
    if value == parameter.default or (named and named[0] not in STRUCTURAL):
        return
    if named:
        raise PlanError(f"{where}: {named[0]} cannot depend on a condition; name one step")
    fix = nearest(value, parameter.values)
    fix = fix if fix.startswith("did you mean") else _what_to_write(parameter)
    raise PlanError(f"{where}: {show(value)} names no step; {fix}")


def _check_list(parameter: Parameter, value: object, where: str) -> list:
    if not isinstance(value, list | tuple):
        raise PlanError(f"{where}: {show(value)} is not a list; {_what_to_write(parameter)}")
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
