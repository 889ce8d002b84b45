"""Conditions of a conditional_transform, evaluated on a plan's context."""

import re
from collections.abc import Mapping

from agentic_styling.tools.plans.names import as_word, options_in_dimensions, word_pattern
from agentic_styling.tools.plans.vocabulary import ALIASES, DIMENSIONS, UNKNOWN

_NOT = re.compile(r"!=|\b(?:not|no|never|without|isn't|isnt|aren't|arent|doesn't|doesnt)\b")


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
    dimensions = {ALIASES.get(as_word(d), as_word(d)) for d in _DIMENSION.findall(clause)}
    rest = _DIMENSION.sub(" ", clause)
    shown = [
        context[dimension] == option
        for option in map(as_word, _OPTION.findall(rest))
        for dimension in options_in_dimensions()[option]
        if dimension in (dimensions or DIMENSIONS) and context.get(dimension, UNKNOWN) != UNKNOWN
    ]
    if not shown:
        return None
    return any(shown) != (len(_NOT.findall(rest)) % 2 == 1)


_DIMENSION = word_pattern((*DIMENSIONS, *ALIASES))
_OPTION = word_pattern(options_in_dimensions())


def _all(values) -> bool | None:
    values = list(values)
    return False if False in values else None if None in values else True


def _any(values) -> bool | None:
    values = list(values)
    return True if True in values else None if None in values else False
