"""The rows of the gallery: a plan for every value of every parameter."""

from typing import NamedTuple

from agentic_styling.tools import DIMENSIONS, MODIFIERS, UNKNOWN, VOCABULARY, Plan, Step
from agentic_styling.utils.errors import InputError, nearest
from agentic_styling.utils.package_data import read_beside

# Of parameters, by tool and name: "shown_on", the target that a parameter is shown on ("": all
# others of its tool); "examples", the values of free texts, lists and objects; "beside", what it
# needs beside it to have an effect. Of modifiers: "modified", the "steps" that each acts on and its
# own parameters; "modified_for", the steps of single values that would not change those.
_TABLES = read_beside(__file__, "demonstrations.json")
_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Row(NamedTuple):
    """A value of a parameter: its label and the plan that shows it."""

    label: str
    plan: Plan


class Section(NamedTuple):
    """A parameter: `rows` show its values, and `note` says on which target or steps."""

    tool: str
    parameter: str
    note: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """tool.parameter."""
        return f"{self.tool}.{self.parameter}"

    @property
    def kind(self) -> str:
        """ "target" of a dimension, "source" of one, or "other"."""
        spec = VOCABULARY[self.tool]
        if self.tool in DIMENSIONS and self.parameter in (spec.target, spec.source):
            return "target" if self.parameter == spec.target else "source"
        return "other"


def sections(only: str | None = None) -> list[Section]:
    """Every parameter that changes pictures, in the order of the vocabulary.

    Args:
      only: a tool ("weather") or a parameter of it ("weather.intensity"); None for all.

    Raises:
      InputError: `only` is neither a tool nor a parameter.
    """
    wanted, _, parameter = (only or "").partition(".")
    if wanted and wanted not in VOCABULARY:
        raise InputError(f"--only: no tool {wanted!r}; {nearest(wanted, VOCABULARY)}")
    if parameter and parameter not in VOCABULARY[wanted].parameters:
        fix = nearest(parameter, VOCABULARY[wanted].parameters)
        raise InputError(f"--only: {wanted} has no parameter {parameter!r}; {fix}")
    every = []
    for tool in VOCABULARY if not wanted else [wanted]:
        build = _modifier_section if tool in MODIFIERS else _dimension_section
        # The target first, and last the source, which shows the way back from a look.
        names = sorted(VOCABULARY[tool].parameters, key=lambda n: _rank(tool, n))
        every += [build(tool, name) for name in names if parameter in ("", name)]
    return [section for section in every if section.rows]


def _rank(tool: str, parameter: str) -> int:
    spec = VOCABULARY[tool]
    return {spec.target: 0, "strength": 2, spec.source: 3}.get(parameter, 1)


def _values(tool: str, name: str) -> tuple:
    """The values that the gallery shows; none for reasons and names of objects."""
    parameter = VOCABULARY[tool].parameters[name]
    examples = _TABLES["examples"].get(tool, {})
    if name in examples:
        return tuple(examples[name])
    if parameter.kind == "number":
        return _LEVELS
    return tuple(parameter.values) if parameter.kind in ("enum", "bool", "text") else ()


def _label(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_label, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_label(v)}" for k, v in value.items()) or "{}"
    return str(value) or "none"


def _plan(*steps: tuple[str, dict], context: dict | None = None) -> Plan:
    return Plan(context or {}, tuple(Step("", tool, parameters) for tool, parameters in steps))


def _dimension_section(tool: str, name: str) -> Section:
    spec = VOCABULARY[tool]
    if name == spec.target:
        rows = tuple(Row(v, _plan((tool, {name: v}))) for v in _values(tool, name))
        return Section(tool, name, "", rows)
    first = {spec.target: spec.parameters[spec.target].values[0]}
    targets = _TABLES["shown_on"].get(tool, {})
    on = targets.get(name, targets.get("", first))
    shown = on[spec.target]
    if name == spec.source:
        note = f"each look applied, then converted back to {shown}"
        rows = tuple(Row(v, _way_back(tool, v, on)) for v in _values(tool, name))
        return Section(tool, name, note, rows)
    rows = tuple(Row(_label(v), _plan((tool, {**on, name: v}))) for v in _values(tool, name))
    return Section(tool, name, f"on {shown}", rows)


def _way_back(tool: str, source: str, on: dict) -> Plan:
    spec = VOCABULARY[tool]
    back = (tool, {**on, spec.source: source})
    if source == UNKNOWN:
        return _plan(back)
    return _plan((tool, {spec.target: source}), back)


def _modifier_section(tool: str, name: str) -> Section:
    """Rows that act on the same steps follow a row of these steps alone."""
    steps, base = (_TABLES["modified"][tool][key] for key in ("steps", "parameters"))
    base = base | _TABLES["beside"].get(tool, {}).get(name, {})
    others, groups = _TABLES["modified_for"].get(tool, {}), {}
    for value in _values(tool, name):
        own = others.get(value, steps) if isinstance(value, str) else steps
        acted_on = [_TABLES["steps"][step] for step in own]
        plan = _plan(*acted_on, (tool, {**base, name: value}), context=_TABLES["context"])
        first = [Row(_names(acted_on), _plan(*acted_on))] if acted_on and name != "strength" else []
        groups.setdefault(_names(acted_on), first).append(Row(_label(value), plan))
    rows = tuple(row for group in groups.values() for row in group)
    note = f"on {next(iter(groups))}" if len(groups) == 1 and steps else ""
    return Section(tool, name, note, rows)


def _names(steps: list[tuple[str, dict]]) -> str:
    return " and ".join(next(iter(parameters.values())) for _, parameters in steps)
