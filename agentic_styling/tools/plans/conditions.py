"""Conditions of a conditional_transform, decided on what a plan's context says of a photograph."""

import re
from collections.abc import Mapping

from agentic_styling.tools.plans.names import options_in_dimensions, word_pattern
from agentic_styling.tools.plans.vocabulary import ALIASES, DIMENSIONS, UNKNOWN

_NOT = re.compile(r"!=|\b(?:not|no|never|without|isn't|isnt|aren't|arent|doesn't|doesnt)\b")


def holds(condition: str, context: Mapping[str, str]) -> bool | None:
    """Whether a condition holds; None where it cannot be told.

    Clauses are joined by "and" (which binds closer) and "or". A clause names one option or several
    (any of them will do): "weather is light_rain", "season == winter_bare", "weather in [hail,
    light_snow]", or plain English, "if it shows heavy rain". "not", "!=", "isn't" or the like
    turns it round. A clause without an option, with one that the dimension lacks, or on a
    dimension whose state is unknown cannot be told; nor can what depends on it. No condition
    always holds.
    """
    said = condition.lower().replace("’", "'").strip()
    if not said:
        return True
    return _any(
        _all(_clause(clause, context) for clause in re.split(r"\band\b|&&", part))
        for part in re.split(r"\bor\b|\|\|", said)
    )


def _clause(clause: str, context) -> bool | None:
    dimensions = {ALIASES.get(_name(d), _name(d)) for d in _DIMENSION.findall(clause)}
    rest = _DIMENSION.sub(" ", clause)
    shown = [
        context[dimension] == option
        for option in map(_name, _OPTION.findall(rest))
        for dimension in options_in_dimensions()[option]
        if dimension in (dimensions or DIMENSIONS) and context.get(dimension, UNKNOWN) != UNKNOWN
    ]
    if not shown:
        return None
    return any(shown) != (len(_NOT.findall(rest)) % 2 == 1)


def _name(found: str) -> str:
    return re.sub(r"[\s_-]+", "_", found)


_DIMENSION = word_pattern((*DIMENSIONS, *ALIASES))
_OPTION = word_pattern(options_in_dimensions())


def _all(values) -> bool | None:
    values = list(values)
    return False if False in values else None if None in values else True


def _any(values) -> bool | None:
    values = list(values)
    return True if True in values else None if None in values else False
