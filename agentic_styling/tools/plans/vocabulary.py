"""The action space: the tools, their parameters, and the values of each.

Names and values, in vocabulary.json, are those of the published action space. Added: `strength` on
every tool, "unknown" as the default of every source, a source for weather and atmospheric_effects,
"auto" (what the target implies) where the published file has no default, and defaults for its
required parameters other than the target. A selective_blend's preserve ratio is by default what the
target's ratio leaves of 1.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

UNKNOWN = "unknown"
AUTO = "auto"
MAX_ITEMS = 4  # of a list


class Parameter(NamedTuple):
    """One parameter.

    kind: "enum", "bool", "number" or "text"; "name", a text that names a step ("weather",
    "weather:fog_dense", or an option alone); "action", a name that must be valid; "object", the
    parameters of the preceding action; "list", at most MAX_ITEMS of kind `items`.
    values: every value of an enum or bool, the (low, high) of a number, the known words of a text,
    name or action (others are accepted); of a list, those of its items.
    default: None where the parameter is required.
    """

    name: str
    kind: str
    values: tuple
    default: object
    items: str = ""


class Tool(NamedTuple):
    """One tool.

    target: the name of its required parameter. source: the name of the parameter that says what
    the photograph shows now, or None.
    """

    name: str
    parameters: dict[str, Parameter]
    target: str
    source: str | None

    @property
    def options(self) -> tuple:
        """The values of the target parameter."""
        return self.parameters[self.target].values


ALIASES = {
    "time_period_era": "time_period",
    "season_cycle": "season",
    "weather_conditions": "weather",
}


def new_tool(name: str, *parameters: Parameter, source: str | None = None) -> Tool:
    """A tool whose first parameter is the target, with a strength added.

    source: name of a parameter for the look it leaves, with the target's values and "unknown".
    """
    target, strength = parameters[0], Parameter("strength", "number", (0.0, 1.0), 1.0)
    if source:
        values = (UNKNOWN, *target.values)
        parameters = (Parameter(source, "enum", values, UNKNOWN), *parameters)
    return Tool(name, {p.name: p for p in (*parameters, strength)}, target.name, source)


def _parameter(row: dict, names: Mapping[str, tuple]) -> Parameter:
    """A parameter of vocabulary.json; values "names" or "actions" are those of the dimensions."""
    values, default = row.get("values", ()), row.get("default")
    values = names[values] if isinstance(values, str) else tuple(values)
    default = tuple(default) if isinstance(default, list) else default
    return Parameter(row["name"], row["kind"], values, default, row.get("items", ""))


def _read_tools(group: str, **names: tuple) -> dict[str, Tool]:
    path = Path(__file__).with_name("vocabulary.json")
    tools = json.loads(path.read_text(encoding="utf-8"))[group]
    return {
        name: new_tool(
            name, *(_parameter(row, names) for row in tool["parameters"]), source=tool.get("source")
        )
        for name, tool in tools.items()
    }


_DIMENSIONS = _read_tools("dimensions")
DIMENSIONS = tuple(_DIMENSIONS)
# Every action; a name may also be that of a tool alone.
ACTIONS = tuple(f"{name}:{option}" for name, tool in _DIMENSIONS.items() for option in tool.options)
_MODIFIERS = _read_tools("modifiers", actions=ACTIONS, names=(*DIMENSIONS, *ACTIONS))
MODIFIERS = tuple(_MODIFIERS)
VOCABULARY = _DIMENSIONS | _MODIFIERS
