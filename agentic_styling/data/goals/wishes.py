"""Wishes: endless goals in the everyday words of people, drawn for a picture.

`wishes.json` has several names of every option, by their grammar: nouns ("a starry night"),
phrases that follow a noun ("at night"), adjectives ("moonlit") and orders ("make {} night"); and
the sentences, joins and words for a strength to say them with. A name means one option only. Scenes
are vague: what a film, a painting or an occasion looks like, several options at once.
"""

import re

import numpy as np

from agentic_styling.data.goals.goals import Goal, clash, compatible_constraints, make_request
from agentic_styling.tools import DIMENSIONS
from agentic_styling.utils.package_data import read_beside

_WORDS: dict = read_beside(__file__, "wishes.json")
# Dimension -> option -> form -> names.
NAMES: dict[str, dict[str, dict[str, list[str]]]] = _WORDS["names"]
# Kinds of sentence, by the forms of the first wish and of the others ("list": any), and chances.
# "compound" is an adjective, a noun and phrases, as in "a rainy night in neon".
KINDS = {
    ("list", "list"): 0.18,
    ("nouns", "nouns"): 0.18,
    ("nouns", "phrases"): 0.08,
    ("phrases", "phrases"): 0.16,
    ("adjectives", "adjectives"): 0.14,
    ("orders", "orders"): 0.18,
    ("orders", "phrases"): 0.08,
    ("compound", "phrases"): 0.2,
}
_COMPOUND = ("adjectives", "nouns", "phrases", "phrases")
COUNTS = (0.60, 0.23, 0.11, 0.06)  # chance of one, two, three, four wishes
# Chance that a wish is said by two names of its option, as people describe what they mean, and that
# there is a third. Without such wishes a planner took every further word for a wish of its own.
TWICE_SHARE = 0.35
SCENE_SHARE = 0.06
UNKNOWN_SHARE = 0.1
FILLER_SHARE = 0.22  # chance of a clause that says nothing about the look
SHOWN_SHARE = 0.04  # chance that a wish is for what the picture shows, so that looking pays
KEEP_SHARE = 0.14
NOT_SHARE = 0.11
TYPO_SHARE = 0.1
_WHOLE_DEGREE, _OWN_DEGREES = 0.17, 0.19  # chance of words for a strength of all, of some wishes
_USUAL = 0.75
VOWELS = (*"aeio8", "up")  # what "an" goes before
# Dimensions of which there can be more or less: "lots of fog", but not "lots of a city".
_AMOUNTS = {"weather", "mood_lighting", "atmospheric_effects"}
_REPLACED = {"background", "outdoor", "indoor", "foreground"}  # by another place
# Short ones are whole words: a mummy is not a mommy.
_AMERICAN = re.compile("|".join(rf"\b{w}\b" if len(w) < 4 else w for w in _WORDS["spelling"]))
# Degrees that go before an adjective, but not between "a" and "look".
_LOOSE_DEGREE = re.compile(r"\b(a|as|so|just|kind|ever)\b")
_ASKING = re.compile("(who|what|where|when|which|how|why|is|are|do|does|can)\\b")
_KEPT = [(tool, kept) for tool, row in _WORDS["keep"]["names"].items() for kept in row]
_ROOTS = np.sqrt([len(NAMES[name]) for name in DIMENSIONS])


def sample_wish(rng: np.random.Generator, state: dict[str, str]) -> Goal:
    """Draws a goal in everyday words.

    Args:
      rng: advanced by the draw; the same state of it gives the same goal.
      state: dimension -> option, what is known of the picture.

    Returns:
      A goal with one to four wishes and at most one thing to keep. Its request is empty where the
      picture already shows all of them, and where the text asks for what no tool does.
    """
    if rng.random() < SCENE_SHARE:
        return _scene(state, rng)
    unknown = _unknown(rng) if rng.random() < UNKNOWN_SHARE else ""
    if unknown and rng.random() < 0.5:
        said = _frame("orders", unknown, "", rng)
        if rng.random() < 0.4:
            text = _unknown(rng, "alone")
            said = text, bool(_ASKING.match(text))
        return Goal(_finish(*said, rng), "", "", True, (), "explicit")
    targets = _draw_targets(state, rng)
    kind = ("orders", "orders") if unknown else _draw_kind(targets, rng)
    body, strengths, tail = _say(targets, kind, rng)
    if unknown:
        parts = (unknown, body) if rng.random() < 0.5 else (body, unknown)
        body = _pick((" and ", ", then ", " and also ", ". "), rng).join(parts)
    elif rng.random() < NOT_SHARE:
        tail = _negation(targets, kind[len(targets) > 1], state, rng) + tail
    constraint = None
    changes = any(state.get(name) != option for name, option in targets.items())
    if changes and rng.random() < KEEP_SHARE:
        constraint = _draw_constraint(targets, rng)
        words = _pick(_WORDS["keep"]["names"][constraint[0]][constraint[1]], rng)
        if kind[0] == "orders" and rng.random() < 0.4:
            body = _pick(_WORDS["keep"]["before"], rng).format(words) + body
        else:
            tail += _pick(_WORDS["keep"]["after"], rng).format(words)
    form = "nouns" if kind[0] == "compound" else kind[0]
    text = _finish(*_frame(form, body, tail, rng), rng)
    request = make_request(targets, strengths, state, constraint)
    return Goal(text, "", "", True, request, "explicit")


def _scene(state, rng) -> Goal:
    """A goal that tells of a scene."""
    scene = _pick(_WORDS["scenes"], rng)
    strength = _pick((0.5, 1.0), rng) if rng.random() < _WHOLE_DEGREE else _USUAL
    tail = _pick(_WORDS["degrees"][str(strength)]["whole"], rng) if strength != _USUAL else ""
    text = _finish(_pick(scene["texts"], rng) + tail, False, rng)
    return Goal(text, "", "", False, make_request(scene["options"], strength, state), "vague")


def every_name() -> list[str]:
    """All names of all options, orders about "it"."""
    forms = [form for options in NAMES.values() for form in options.values()]
    return [name.format("it") for form in forms for names in form.values() for name in names]


def _pick(items, rng):
    """One of the items; `rng.choice` takes fifty times as long."""
    return items[int(rng.random() * len(items))]


def _weighted(weights, rng) -> int:
    """An index drawn with weights."""
    left = rng.random() * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1


def _draw_targets(state, rng) -> dict[str, str]:
    """One to four dimensions, those of many options more often, without clashes."""
    while True:
        weights, targets = _ROOTS.tolist(), {}
        for _ in range(1 + _weighted(COUNTS, rng)):
            index = _weighted(weights, rng)
            weights[index] = 0.0
            targets[DIMENSIONS[index]] = _pick(list(NAMES[DIMENSIONS[index]]), rng)
        if state and rng.random() < SHOWN_SHARE:
            targets.popitem()
            name = _pick(list(state), rng)
            targets[name] = state[name]
        if len(targets) == 1 or not clash(targets):
            return targets


def _draw_kind(targets, rng) -> tuple[str, str]:
    kind = list(KINDS)[_weighted(KINDS.values(), rng)]
    forms = [NAMES[name][option] for name, option in targets.items()]
    if kind[0] == "compound" and len(forms) > 1 and "adjectives" in forms[0]:
        return kind
    return kind if all(kind[0] in form or kind[0] == "list" for form in forms) else ("list",) * 2


def _say(targets, kind, rng) -> tuple[str, dict[str, float], str]:
    """The wishes in a row, their strengths, and words for a strength of all of them."""
    chance = rng.random()
    whole = chance < _WHOLE_DEGREE
    own = not whole and chance < _WHOLE_DEGREE + _OWN_DEGREES and "phrases" not in kind
    strengths = dict.fromkeys(targets, _pick((0.5, 1.0), rng) if whole else _USUAL)
    marked = _pick(list(targets), rng) if own else None
    texts, compound = [], kind[0] == "compound"
    forms = _COMPOUND if compound else (kind[0], *kind[1:] * 3)
    for form, (name, option) in zip(forms, targets.items(), strict=False):
        if own and (name == marked or rng.random() < 0.3):
            strengths[name] = _pick((0.5, 1.0), rng)
        said = _USUAL if whole else strengths[name]
        text = _name(name, option, form, said, bool(texts), rng)
        while (texts or not compound) and rng.random() < TWICE_SHARE:
            text += _again(NAMES[name][option], text, rng)
        texts.append(text)
    if compound:
        texts[:2] = [_before_noun(*texts[:2])]
    joins = kind[0] if kind[0] == kind[1] else "mixed"
    between, last = _pick(_WORDS["joins"][joins], rng)
    body = last.join(filter(None, [between.join(texts[:-1]), texts[-1]]))
    tail = _pick(_WORDS["degrees"][str(strengths[name])]["whole"], rng) if whole else ""
    return body, strengths, tail


def _name(name, option, form, strength, follows, rng) -> str:
    """A wish in a form, with words for its strength unless that is usual."""
    names = NAMES[name][option]
    if form == "list":  # anything but an order; nouns often without their article
        form = _pick(("nouns", "nouns", "phrases", "adjectives"), rng)
        form = form if form in names and strength == _USUAL else "nouns"
        text = _pick(names[form], rng)
        if strength == _USUAL and text.startswith(("a ", "an ")) and rng.random() < 0.6:
            return text.split(" ", 1)[1]
    else:
        text = _order(name, names, follows, rng) if form == "orders" else _pick(names[form], rng)
    if strength == _USUAL:
        return text
    counted = name not in _AMOUNTS or text.startswith(("a ", "an ", "the "))
    if form == "nouns" and strength == 1.0 and counted:
        form = "counted"
    return _pick(_WORDS["degrees"][str(strength)][form], rng).format(text)


def _before_noun(adjective: str, noun: str) -> str:
    """The noun with an adjective between its article, if it has one, and itself."""
    article, _, bare = noun.partition(" ")
    if article not in ("a", "an", "the"):
        return f"{adjective} {noun}"
    if article != "the":
        article = "an" if adjective.startswith(VOWELS) else "a"
    return f"{article} {adjective} {bare}"


def _again(names, text, rng) -> str:
    """Another name of the same option, to follow a text; empty if it is in there already."""
    form = _pick([form for form in ("nouns", "phrases", "adjectives") if form in names], rng)
    other = _pick(names[form], rng)
    return "" if other in text else _pick(_WORDS["again"][form], rng).format(other)


def _order(name, names, follows, rng) -> str:
    """An order for an option; one that follows another says "it"."""
    subject = "it" if follows else _pick(_WORDS["subjects"]["picture"], rng)
    chance = rng.random()
    if chance < 0.4:
        return _pick(names["orders"], rng).format(subject)
    if chance < 0.65 and "adjectives" in names:
        return f"make {subject} {_pick(names['adjectives'], rng)}"
    return _pick(_WORDS["orders"][name], rng).format(s=subject, x=_pick(names["nouns"], rng))


def _negation(targets, form, state, rng) -> str:
    """Words for what is not wished: what the picture shows least, or a sibling of the last wish."""
    name, option = list(targets.items())[-1]
    if form in ("nouns", "phrases") and rng.random() < 0.5:
        other = state.get(name)
        if other in (None, option):
            other = _pick([o for o in NAMES[name] if o != option], rng)
        kind = "nouns" if form == "nouns" and rng.random() < 0.5 else "any"
        return _pick(_WORDS["not"][kind], rng).format(_pick(NAMES[name][other][form], rng))
    shown = {*targets.values(), *state.values()}
    rows = [row for row in _WORDS["without"] if not shown.intersection(row["options"])]
    return _pick(_WORDS["no"], rng).format(_pick(_pick(rows, rng)["words"], rng))


def _draw_constraint(targets, rng) -> tuple[str, str]:
    """A tool first, then what it keeps, of what the targets leave to be kept."""
    out = {("preserve_attribute", name) for name in ("color", "lighting")}
    out -= set(compatible_constraints(targets))
    if "location_setting" in targets:
        out |= {("exclude_region", name) for name in _REPLACED}
    kept = [key for key in _KEPT if key not in out]
    tool = _pick(sorted({tool for tool, _ in kept}), rng)
    return _pick([key for key in kept if key[0] == tool], rng)


def _unknown(rng, kind="templates") -> str:
    """An order that no tool follows, or of kind "alone" something else that is none of a look."""
    text = _pick(_WORDS["unknown"][kind], rng)
    return text.format(**{slot: _pick(w, rng) for slot, w in _WORDS["unknown"]["slots"].items()})


def _frame(form, body, tail, rng) -> tuple[str, bool]:
    """The body and its tail in a sentence, and whether that is a question."""
    subjects = _WORDS["subjects"]
    picture = _pick(subjects["scene" if rng.random() < 0.25 else "picture"], rng)
    anyone = _pick(subjects["people"], rng) if rng.random() < 0.4 else picture
    article = "an" if body.startswith(VOWELS) else "a"
    frame = _pick(_WORDS["frames"][form], rng)
    if "{a}" in frame and _LOOSE_DEGREE.search(body):
        frame = "make {s} {x}"
    if frame.startswith("{w}") and anyone == "it":
        anyone = "this"
    text = frame.removesuffix("?").format(x=body, s=picture, w=anyone, a=article) + tail
    return text if frame == "{x}" else text.replace(". ", ", "), frame.endswith("?")


def _finish(text: str, question: bool, rng) -> str:
    """A filler, manners, spelling, a typo, case and the end of the sentence."""
    if rng.random() < FILLER_SHARE:
        before = rng.random() < 0.3
        filler = _pick(_WORDS["fillers"]["before" if before else "after"], rng)
        text = filler + text if before else text + filler
    if rng.random() < 0.07:
        text = _pick(_WORDS["openers"], rng) + text
    if rng.random() < 0.1 and "please" not in text and "pls" not in text:
        text += _pick(_WORDS["thanks"], rng)
    if rng.random() < 0.5:
        text = _AMERICAN.sub(lambda match: _WORDS["spelling"][match[0]], text)
    if rng.random() < TYPO_SHARE:
        text = _mistype(text, rng)
    chance = rng.random()
    if chance < 0.35:
        text = ". ".join(part[0].upper() + part[1:] for part in text.split(". "))
    elif chance < 0.5:
        text = text.lower()
    elif chance < 0.6:
        words = (word[0].upper() + word[1:] for word in text.split())
        text = text.upper() if chance < 0.57 else " ".join(words)
    marks = ("?", "?", "") if question else ("", "", "", "", "", ".", ".", ".", "!")
    return text + _pick(marks, rng)


def _mistype(text: str, rng) -> str:
    """One inner letter of a longer word dropped, doubled, swapped or of a neighbouring key."""
    words = list(re.finditer("[a-z]{5,}", text))
    if not words:
        return text
    word = _pick(words, rng)
    at = word.start() + 1 + int(rng.random() * (len(word[0]) - 2))
    key, following = text[at : at + 2]
    other = _pick(_WORDS["keys"][key], rng)
    changed = _pick((following, key * 2 + following, following + key, other + following), rng)
    return text[:at] + changed + text[at + 2 :]
