"""Words in plans: the names of steps, known words in free text, and conditions."""

import functools
import re
from collections.abc import Mapping

from agentic_styling.tools.plans.vocabulary import ALIASES, AUTO, DIMENSIONS, UNKNOWN, VOCABULARY

_SPELLINGS = {"grey": "gray", "golden": "gold"}
_NOT = re.compile(r"!=|\b(?:not|no|never|without|isn't|isnt|aren't|arent|doesn't|doesnt)\b")


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
    return _any(
        _all(_clause(clause, context) for clause in re.split(r"\band\b|&&", part))
        for part in re.split(r"\bor\b|\|\|", text)
    )


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


def _all(values) -> bool | None:
    values = list(values)
    return False if False in values else None if None in values else True


def _any(values) -> bool | None:
    values = list(values)
    return True if True in values else None if None in values else False
