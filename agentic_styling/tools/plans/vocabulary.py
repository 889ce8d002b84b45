"""The action space: the tools, their parameters and values; and the words by which plans name them.

Names and values, in vocabulary.json, are those of the published action space. Added: `strength` on
every tool, "unknown" as the default of every source, a source for weather and atmospheric_effects,
"auto" (what the target implies) where the published file has no default, the regions sky, ground
and subject, and defaults for its required parameters other than the target. A selective_blend's
preserve ratio is by default what the target's ratio leaves of 1.
"""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from agentic_styling.utils.package_data import read_beside

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
    return {
        name: new_tool(
            name, *(_parameter(row, names) for row in tool["parameters"]), source=tool.get("source")
        )
        for name, tool in read_beside(__file__, "vocabulary.json")[group].items()
    }


_DIMENSIONS = _read_tools("dimensions")
DIMENSIONS = tuple(_DIMENSIONS)
# Every action; a name may also be that of a tool alone.
ACTIONS = tuple(f"{name}:{option}" for name, tool in _DIMENSIONS.items() for option in tool.options)
_MODIFIERS = _read_tools("modifiers", actions=ACTIONS, names=(*DIMENSIONS, *ACTIONS))
MODIFIERS = tuple(_MODIFIERS)
VOCABULARY = _DIMENSIONS | _MODIFIERS


_SPELLINGS = {"grey": "gray", "golden": "gold"}
_NOT = re.compile(
    r"!=|\b(?:not|no|never|neither|without|unless|isn't|isnt|aren't|arent|doesn't|doesnt)\b"
)


def read_name(text: str) -> tuple[str, str | None] | None:
    """The (tool, target option) that a name stands for, or None if it is not a valid name.

    "weather:fog_dense" names both, "weather" the tool alone (option None), and an option of only
    one dimension needs no tool. Aliases, capitals, spaces and hyphens are accepted.
    """
    name, colon, option = text.partition(":")
    name, option = _as_word(name), _as_word(option)
    tool = VOCABULARY.get(ALIASES.get(name, name))
    if tool is None:
        dimensions = () if colon else _options_in_dimensions().get(name, ())
        return (dimensions[0], name) if len(dimensions) == 1 else None
    if not colon:
        return tool.name, None
    target = tool.parameters[tool.target]
    return (tool.name, option) if target.kind == "enum" and option in target.values else None


@functools.cache
def _options_in_dimensions() -> dict[str, tuple[str, ...]]:
    """Each target option of the dimensions, and the dimensions that have it."""
    dimensions: dict[str, tuple[str, ...]] = {}
    for name in DIMENSIONS:
        for option in VOCABULARY[name].options:
            dimensions[option] = (*dimensions.get(option, ()), name)
    return dimensions


def find_word(text: str, known: tuple[str, ...]) -> str | None:
    """The first known word in a free text ("deep orange sky": orange); AUTO only on its own."""
    if _as_word(text) == AUTO:
        return AUTO
    words = [word for word in known if word != AUTO]
    words += [spelling for spelling, word in _SPELLINGS.items() if word in known]
    match = _word_pattern(tuple(words)).search(text.lower())
    if match is None:
        return None
    word = _as_word(match[0])
    return _SPELLINGS.get(word, word)


@functools.cache
def _word_pattern(names: tuple[str, ...]) -> re.Pattern:
    """Matches whole names in lower case, the longest first; "_" may be a space or hyphen."""
    longest = sorted(names, key=len, reverse=True)
    choices = "|".join(re.escape(name).replace("_", r"[\s_-]+") for name in longest)
    return re.compile(rf"(?<![a-z0-9])(?:{choices})(?![a-z0-9])")


def _as_word(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def holds(condition: str, context: Mapping[str, str]) -> bool | None:
    """Whether a condition holds; None if that is undecided.

    Clauses are joined by "and" (which binds tighter) and "or". A clause names one option or several
    (any of them suffices): "weather is light_rain", "season == winter_bare", "weather in [hail,
    light_snow]", or plain English, "if it shows heavy rain". "not", "!=", "isn't" or the like
    negates it. A clause without an option, with an option of another dimension, or on a dimension
    whose state is unknown is undecided. An empty condition holds.
    """
    text = condition.lower().replace("’", "'").strip()
    if not text:
        return True
    every = (
        min((_clause(c, context) for c in re.split(r"\band\b|&&", part)), key=_TRUTH)
        for part in re.split(r"\bor\b|\|\|", text)
    )
    return max(every, key=_TRUTH)


def _clause(clause: str, context) -> bool | None:
    dimensions = {ALIASES.get(_as_word(d), _as_word(d)) for d in _DIMENSION.findall(clause)}
    rest = _DIMENSION.sub(" ", clause)
    shown = [
        context[dimension] == option
        for option in map(_as_word, _OPTION.findall(rest))
        for dimension in _options_in_dimensions()[option]
        if dimension in (dimensions or DIMENSIONS) and context.get(dimension, UNKNOWN) != UNKNOWN
    ]
    if not shown:
        return None
    return any(shown) != (len(_NOT.findall(rest)) % 2 == 1)


_DIMENSION = _word_pattern((*DIMENSIONS, *ALIASES))
_OPTION = _word_pattern(tuple(_options_in_dimensions()))
_TRUTH = (False, None, True).index  # in the order of Kleene's logic: "and" takes the least
