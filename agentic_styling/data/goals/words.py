"""Options in plain words: what a person would call them in a goal, a reason or an instruction.

`words.json` has each option as a noun, each dimension's way to make a phrase of a noun, and the
options that need another phrase: "at blue hour", not "in blue hour". A sentence names dimensions in
its order, the last after a comma; neighbours share the words that both begin with: "in light rain
and in dusky twilight".
"""

from agentic_styling.utils.package_data import read_beside

_WORDS: dict[str, dict] = read_beside(__file__, "words.json")
NOUNS: dict[str, dict[str, str]] = _WORDS["nouns"]


def noun(dimension: str, option: str) -> str:
    """An option as a noun, "a moonlit night"."""
    return NOUNS[dimension][option]


def phrase(dimension: str, option: str) -> str:
    """An option as a phrase that follows a noun, "on a moonlit night"."""
    exception = _WORDS["exceptions"].get(dimension, {}).get(option)
    return (exception or _WORDS["phrases"][dimension]).format(noun(dimension, option))


def listing(targets: dict[str, str]) -> str:
    """Options by their nouns, "a moonlit night, film grain".

    Commas divide the list, so the commas inside a noun ("a soft, cosy mood") are dropped.
    """
    return ", ".join(noun(*item).replace(",", "") for item in targets.items())


def scene(targets: dict[str, str]) -> str:
    """Options as a phrase that follows a noun, "in light rain at dusk, as pixel art"."""
    phrases = []
    for name in (name for name in _WORDS["first"] if name in targets):
        text = phrase(name, targets[name])
        for shared, names in _WORDS["shared"].items():
            if phrases and {phrases[-1][0], name} <= {*names} and phrases[-1][1].startswith(shared):
                text = text.replace(shared, "and ", 1) if text.startswith(shared) else text
        phrases.append((name, text))
    last = [phrase(name, targets[name]) for name in _WORDS["last"] if name in targets]
    return ", ".join(filter(None, [" ".join(text for _, text in phrases), " ".join(last)]))
