"""Words in plans: the names of steps, and known words in free text."""

import functools
import re

from agentic_styling.tools.plans.vocabulary import ALIASES, AUTO, DIMENSIONS, VOCABULARY

_SPELLINGS = {"grey": "gray", "golden": "gold"}


def read_name(text: str) -> tuple[str, str | None] | None:
    """The (tool, target option) that a name stands for, or None if it is not a valid name.

    "weather:fog_dense" names both, "weather" the tool alone (option None), and an option of only
    one dimension needs no tool. Aliases, capitals, spaces and hyphens are accepted.
    """
    name, colon, option = text.partition(":")
    name, option = as_word(name), as_word(option)
    tool = VOCABULARY.get(ALIASES.get(name, name))
    if tool is None:
        dimensions = () if colon else options_in_dimensions().get(name, ())
        return (dimensions[0], name) if len(dimensions) == 1 else None
    if not colon:
        return tool.name, None
    target = tool.parameters[tool.target]
    return (tool.name, option) if target.kind == "enum" and option in target.values else None


@functools.cache
def options_in_dimensions() -> dict[str, tuple[str, ...]]:
    """Each target option of the dimensions, and the dimensions that have it."""
    dimensions: dict[str, tuple[str, ...]] = {}
    for name in DIMENSIONS:
        for option in VOCABULARY[name].options:
            dimensions[option] = (*dimensions.get(option, ()), name)
    return dimensions


def find_word(text: str, known: tuple[str, ...]) -> str | None:
    """The first known word in a free text ("deep orange sky": orange); AUTO only on its own."""
    if as_word(text) == AUTO:
        return AUTO
    words = [word for word in known if word != AUTO]
    words += [spelling for spelling, word in _SPELLINGS.items() if word in known]
    match = word_pattern(words).search(text.lower())
    if match is None:
        return None
    word = as_word(match[0])
    return _SPELLINGS.get(word, word)


def word_pattern(names) -> re.Pattern:
    """Matches whole names in lower case, the longest first; "_" may be a space or hyphen."""
    return _pattern(tuple(names))


@functools.cache
def _pattern(names: tuple[str, ...]) -> re.Pattern:
    longest = sorted(names, key=len, reverse=True)
    choices = "|".join(re.escape(name).replace("_", r"[\s_-]+") for name in longest)
    return re.compile(rf"(?<![a-z0-9])(?:{choices})(?![a-z0-9])")


def as_word(text: str) -> str:
    """A name in lower case with underscores."""
    return re.sub(r"[\s_-]+", "_", text.strip().lower())
