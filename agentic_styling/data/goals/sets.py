"""The goals of the three sets: Simple, Regular and Complex, from the files in `sets/`.

Simple asks for one or two atomic changes and has no themes. Regular (interiors) and Complex have
themes, whose plans take three to five steps; Complex often asks to preserve something too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from agentic_styling.data.goals.clashes import clash
from agentic_styling.data.goals.goals import (
    RELEVANT_SHARE,
    STRENGTHS,
    Goal,
    compatible_constraints,
    make_request,
    pick,
    pick_constraint,
)
from agentic_styling.data.goals.words import listing, noun, phrase, scene
from agentic_styling.data.trajectory import SPLITS
from agentic_styling.tools import MODIFIERS
from agentic_styling.utils.errors import InputError

SETS = ("simple", "regular", "complex")
LEVELS = {"explicit": 0.4, "suggestive": 0.3, "vague": 0.3}
NONE = "none"  # among a theme's options: the dimension is not asked for
# Of Simple: how often a goal asks for two changes, and how often one names its look outright.
PAIR_SHARE = 0.5
EXPLICIT_SHARE = 0.5
# The look of a place, of a style and of an era are one thing in three ways: no pair has two.
PLACES = {"location_setting", "architecture_style", "time_period"}


@dataclass(frozen=True)
class SetTheme:
    """A theme of Regular or Complex.

    targets: dimension -> option -> weight; one option is drawn of each dimension, and NONE among
    them leaves the dimension out. phrasings: level -> split -> texts; explicit ones have the slot
    {scene} or {list} for what was drawn. keep: what may be preserved. held_out: only in test.
    """

    name: str
    noun: str
    held_out: bool
    targets: Mapping[str, Mapping[str, int]]
    phrasings: Mapping[str, Mapping[str, tuple[str, ...]]]
    keep: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A goal before its strength and constraint are drawn."""

    text: str
    level: str
    targets: dict[str, str]
    held_out: bool
    theme: str = ""
    noun: str = "this request"
    keep: tuple[str, ...] = ()


def sample_goal(set_name: str, state: dict[str, str], split: str, rng: np.random.Generator) -> Goal:
    """A goal of the set for a picture in `state`, with as many steps as the set's plans have.

    set_name: of SETS; split: of SPLITS, which share no goal. Test goals draw from all themes (of
    Simple: targets), half of them from those held out of the other splits. The same arguments,
    and a generator in the same state, give the same goal. Raises InputError for other names.
    """
    if set_name not in SETS or split not in SPLITS:
        raise InputError(
            f"sample_goal: set {set_name!r}, split {split!r}; use a set of {', '.join(SETS)} and "
            f"a split of {', '.join(SPLITS)}"
        )
    rows, draw = read(set_name), _draw_atomic if set_name == "simple" else _draw_theme
    low, high = rows["steps"]
    held_out = split == "test" and rng.random() < rows["held_out_share"]
    reach = dimensions(set_name, held_out)
    relevant = bool(reach & state.keys()) and rng.random() < RELEVANT_SHARE
    while True:
        draft = draw(set_name, split, held_out, rng)
        if relevant and not draft.targets.keys() & state.keys():
            continue
        strength = pick(list(STRENGTHS), rng, list(STRENGTHS.values()))
        constraint = None
        if len(draft.targets) < high and rng.random() < rows["constraint_share"]:
            kept = [c for c in compatible_constraints(draft.targets) if c[1] in draft.keep]
            constraint = pick_constraint(kept, rng)
        request = make_request(draft.targets, strength, state, constraint)
        changes = [step for step in request if step.tool not in MODIFIERS]
        if changes and low <= len(request) <= high:
            break
    clauses = read("clauses")
    text = draft.text + pick(clauses["strength"][str(strength)][split], rng)
    if constraint:
        text += f", {pick(clauses['constraint'][constraint[1]][split], rng)}"
    explicit = draft.level == "explicit"
    return Goal(text, draft.theme, draft.noun, explicit, request, draft.level, draft.held_out)


@cache
def read(name: str) -> dict:
    """What `sets/NAME.json` says: of a set, its steps, shares and themes or dimensions."""
    return json.loads(sets_text(name))


def sets_text(name: str) -> str:
    """The text of `sets/NAME.json`: a set's name, or "clauses"."""
    path = resources.files("agentic_styling.data.goals") / "sets" / f"{name}.json"
    return path.read_text(encoding="utf-8")


@cache
def set_themes(set_name: str) -> tuple[SetTheme, ...]:
    """Every theme of "regular" or "complex"."""
    return tuple(
        SetTheme(
            name=row["name"],
            noun=row["noun"],
            held_out=row["held_out"],
            targets=row["targets"],
            phrasings={level: row[level] for level in LEVELS},
            keep=tuple(row["keep"]),
        )
        for row in read(set_name)["themes"]
    )


@cache
def atoms(held_out: bool) -> dict[str, tuple[str, ...]]:
    """The targets of Simple, dimension -> options: those held out of training, or the others."""
    return {
        name: tuple(o for o, texts in row["suggestive"].items() if ("train" in texts) != held_out)
        for name, row in read("simple")["dimensions"].items()
    }


@cache
def dimensions(set_name: str, held_out: bool) -> frozenset[str]:
    """Those that some goal of the set, held out of training or not, asks to change."""
    if set_name == "simple":
        return frozenset(atoms(held_out))
    return frozenset(d for t in set_themes(set_name) if t.held_out == held_out for d in t.targets)


def draw_targets(theme: SetTheme, rng: np.random.Generator) -> dict[str, str]:
    """An option of each dimension of the theme, by weight."""
    targets = {}
    for name, weights in theme.targets.items():
        share = np.array(list(weights.values()))
        option = pick(list(weights), rng, share / share.sum())
        if option != NONE:
            targets[name] = option
    return targets


def fill(template: str, targets: dict[str, str]) -> str:
    """An explicit phrasing that names the targets."""
    return template.format(scene=scene(targets), list=listing(targets))


def ask(dimension: str, option: str, template: str) -> str:
    """An explicit phrasing of Simple that names its one target."""
    return template.format(noun=noun(dimension, option), phrase=phrase(dimension, option))


def _draw_theme(set_name: str, split: str, held_out: bool, rng) -> Draft:
    theme = pick([t for t in set_themes(set_name) if t.held_out == held_out], rng)
    targets = draw_targets(theme, rng)
    level = pick(list(LEVELS), rng, list(LEVELS.values()))
    text = pick(theme.phrasings[level][split], rng)
    if level == "explicit":
        text = fill(text, targets)
    return Draft(text, level, targets, held_out, theme.name, theme.noun, theme.keep)


def _draw_atomic(set_name: str, split: str, held_out: bool, rng) -> Draft:
    rows = read(set_name)
    first = _draw_atom(held_out, rng)
    if rng.random() < PAIR_SHARE:
        while True:
            second = _draw_atom(False, rng)
            pair = dict([first, second])
            if len(pair) == 2 and not pair.keys() <= PLACES and not clash(pair):
                break
        both = [
            ask(*a, pick(rows["dimensions"][a[0]]["explicit"][split], rng)) for a in pair.items()
        ]
        text = pick(rows["pairs"][split], rng).format(*both)
        return Draft(text, "explicit", pair, held_out)
    row = rows["dimensions"][first[0]]
    if rng.random() < EXPLICIT_SHARE:
        text = ask(*first, pick(row["explicit"][split], rng))
        text = pick(rows["manners"][split], rng).format(text)
        return Draft(text, "explicit", dict([first]), held_out)
    text = pick(row["suggestive"][first[1]][split], rng)
    return Draft(text, "suggestive", dict([first]), held_out)


def _draw_atom(held_out: bool, rng) -> tuple[str, str]:
    options = atoms(held_out)
    name = pick(list(options), rng)
    return name, pick(options[name], rng)
