"""The rubric of edits: six questions about a photograph, its edit and the request in words."""

from agentic_styling.rewards.judges.rubric import RUBRICS, Rubric
from agentic_styling.rewards.scores import combine
from agentic_styling.tools.plans.steps import Step, branch_step, check_step
from agentic_styling.tools.plans.vocabulary import (
    AUTO,
    DIMENSIONS,
    VOCABULARY,
    find_word,
    read_name,
)
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.package_data import read_beside

NOTHING = "Nothing is to change: the result should look like the photograph."

_WORDS: dict = read_beside(__file__, "request_words.json")
_CHANGES, _KEEPS, _STRENGTHS = _WORDS["changes"], _WORDS["keeps"], _WORDS["strengths"]


def batch_words(requests) -> list[str]:
    """`request_words` of each request of a batch. Raises InputError naming the row."""
    words = []
    for row, request in enumerate(requests):
        if not isinstance(request, str | list | tuple):
            kind = type(request).__name__
            raise InputError(
                f"requests[{row}] is a {kind}; give a tuple of Steps, or a goal in words"
            )
        try:
            words.append(request_words(request))
        except InputError as error:
            raise InputError(f"requests[{row}]: {error}") from None
    return words


def request_words(request: tuple[Step, ...] | str) -> str:
    """A request in English: each change with its strength, then what must be kept.

    Only options, numbers and known words of steps are included, no free text such as reasoning;
    except `target_object`, `examples` and `condition`, quoted and cut to 60 characters. A goal in
    words is quoted in one line. Raises InputError if it is empty, and for an unknown step.
    """
    if isinstance(request, str):
        return f"- What a person asked for in these words: {quoted_goal(request)}."
    steps = [check_step(step, f"request step {i}") for i, step in enumerate(request, 1)]
    changes = [_change(step) for step in steps if step.tool not in _KEEPS]
    kept = [_kept(step) for step in steps if step.tool in _KEEPS]
    lines = [f"- {line[0].upper()}{line[1:]}." for line in changes] or [NOTHING]
    if kept:
        lines += ["Must be kept:", *(f"- {line[0].upper()}{line[1:]}." for line in kept)]
    return "\n".join(lines)


def strength_words(strength: float) -> str:
    """A strength in [0, 1] in words."""
    return next(words for low, words in _STRENGTHS if strength >= low)


def quoted_goal(goal: str) -> str:
    """A goal quoted whole, in one line. Raises InputError for an empty one."""
    goal = " ".join(goal.split()).replace('"', "'")
    if not goal:
        raise InputError("the goal is empty; say what the picture should become")
    return f'"{goal}"'


def _change(step: Step) -> str:
    strength = strength_words(step.strength)
    if step.tool != "conditional_transform":
        return f"{_CHANGES[step.tool].format(_target(step))}, {strength}{_details(step)}"
    then, otherwise = (_branch(branch_step(step, name)) for name in ("then", "else"))
    condition = _quoted(step.parameters.get("condition", "")) or "something unsaid"
    return f"if {condition} holds of the photograph, {then}, else {otherwise}; {strength}"


def _branch(step: Step | None) -> str:
    """What a branch asks for; its tool may be named without an option."""
    if step is None:
        return "change nothing"
    if VOCABULARY[step.tool].target not in step.parameters:
        return f"change the {_plain(step.tool)}"
    return f"keep {_kept(step)}" if step.tool in _KEEPS else _change(step)


def _kept(step: Step) -> str:
    words = _KEEPS[step.tool].format(_target(step).removesuffix(" only"))
    strength = f", {strength_words(step.strength)}" if step.strength < 0.875 else ""
    return words + strength + _details(step)


def _target(step: Step) -> str:
    if isinstance(step.option, list):
        return ", ".join(filter(None, map(_named_step, step.option))) or "nothing"
    return _plain(step.option)


def _details(step: Step) -> str:
    """A step's other parameters, except its source and strength, in brackets."""
    tool = VOCABULARY[step.tool]
    details = []
    for name, value in step.parameters.items():
        if name not in (tool.target, tool.source, "strength"):
            words = _value_words(tool.parameters[name], value)
            details += [f"{_plain(name)}: {words}"] if words else []
    return f" ({'; '.join(details)})" if details else ""


def _value_words(parameter, value) -> str:
    """A parameter's value in words; "" for a reason or a value without meaning."""
    if parameter.name == "target_object":
        return _quoted(value)
    if parameter.name == "examples":
        return ", ".join(map(_quoted, value))
    if parameter.kind == "list":
        step_names = parameter.items == "name"
        values = map(_named_step, value) if step_names else map(_plain, value)
        return "" if parameter.items == "text" else ", ".join(filter(None, values))
    if parameter.kind == "name":
        return _named_step(value)
    if parameter.kind == "text":
        value = find_word(value, parameter.values) if parameter.values else None
    return "" if value in (None, AUTO) else _plain(value)


def _named_step(name: str) -> str:
    """A step's name in words, "weather fog dense"; "" for an invalid name."""
    tool, option = read_name(name) or (None, None)
    if tool not in DIMENSIONS:
        return ""
    return _plain(f"{tool} {option}" if option else tool)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value).replace("_", " ")


def _quoted(text: str) -> str:
    """Free text as one short quoted line."""
    text = " ".join(text.split()).replace('"', "'")
    return f'"{text[:60]}"' if text else ""


EDIT = Rubric(**RUBRICS["edit"], words=batch_words, combine=combine)
