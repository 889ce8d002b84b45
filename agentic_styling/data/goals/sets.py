"""The goals of a set, drawn from its file.

Four sets ship as files of `sets/`; any JSON file of the same form is one more. A file has either
`themes` (regular, complex, demo), whose goals are written by hand on three levels, or `dimensions`
(simple), whose goals ask for one or two atomic changes. `clauses.json` holds how all of them word
strengths and constraints. `set_files.check` documents and checks the fields.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from agentic_styling.data.goals import set_files
from agentic_styling.data.goals.goals import (
    COMPOSED,
    CONSTRAINTS,
    RELEVANT_SHARE,
    STRENGTHS,
    Goal,
    clash,
    compatible_constraints,
    make_request,
    pick,
    pick_constraint,
)
from agentic_styling.data.goals.set_files import LEVELS, NONE
from agentic_styling.data.goals.words import listing, noun, phrase, scene
from agentic_styling.data.photos.states import ORDER
from agentic_styling.data.trajectory import SPLITS
from agentic_styling.tools import MODIFIERS
from agentic_styling.utils.errors import InputError, nearest

PAPER_SETS = ("simple", "regular", "complex")
SETS = (*PAPER_SETS, "demo")
_SHIPPED = (*SETS, "clauses")  # files of sets/
ANY = tuple(kept for _, kept in CONSTRAINTS)
# Of simple: how often a goal asks for two changes, and how often one names its look outright.
PAIR_SHARE = 0.5
EXPLICIT_SHARE = 0.5
# The look of a place, of a style and of an era are one thing in three ways: no pair has two.
PLACES = {"location_setting", "architecture_style", "time_period"}
_MOST_DRAWS = 10_000  # of a goal, before its file is refused


@dataclass(frozen=True)
class SetTheme:
    """A theme of a set.

    targets: dimension -> option -> weight; one option is drawn of each dimension, and NONE among
    them leaves the dimension out. phrasings: level -> split -> texts; explicit ones may have a slot
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
    """Draws a goal of the set for a picture in `state`.

    Splits share no goal. A test goal draws from what is held out of the other splits with the
    probability `held_out_share` of the set. The same arguments, and a generator in the same state,
    give the same goal.

    Args:
      set_name: one of SETS, or the path of a JSON file.
      state: dimension -> option, what is known of the picture.
      split: one of SPLITS.
      rng: advanced by the draw.

    Returns:
      A goal whose request has as many steps as the set's plans, at least one of them a change.

    Raises:
      InputError: for an unknown set or split, and for a file whose goals never have that many.
    """
    if split not in SPLITS:
        raise InputError(f"split {split!r} is not known; {nearest(split, SPLITS)}")
    rows = read(set_name)
    draw = _draw_atomic if "dimensions" in rows else _draw_theme
    low, high = rows["steps"]
    held_out = split == "test" and rng.random() < rows["held_out_share"]
    reach = dimensions(set_name, held_out)
    relevant = bool(reach & state.keys()) and rng.random() < RELEVANT_SHARE
    for _ in range(_MOST_DRAWS):
        draft = draw(set_name, split, held_out, rng)
        if relevant and not draft.targets.keys() & state.keys():
            continue
        strength = pick(list(STRENGTHS), rng, list(STRENGTHS.values()))
        constraint = None
        if len(draft.targets) < high and rng.random() < rows["constraint_share"]:
            kept = [c for c in compatible_constraints(draft.targets) if c[1] in draft.keep]
            constraint = pick_constraint(kept, rng) if kept else None
        request = make_request(draft.targets, strength, state, constraint)
        changes = [step for step in request if step.tool not in MODIFIERS]
        if changes and low <= len(request) <= high:
            break
    else:
        raise InputError(f"{set_name}: no goal of {low} to {high} steps for {state}; change steps")
    clauses = read("clauses")
    text = draft.text + pick(clauses["strength"][str(strength)][split], rng)
    if constraint:
        text += f", {pick(clauses['constraint'][constraint[1]][split], rng)}"
    explicit = draft.level == "explicit"
    return Goal(text, draft.theme, draft.noun, explicit, request, draft.level, draft.held_out)


@cache
def read(name: str) -> dict:
    """The object of a set's file, of SETS or a user's own, or of "clauses".

    Raises InputError for an unknown name, a missing file, and a field that is missing or wrong.
    """
    text = sets_text(name)
    return json.loads(text) if name in _SHIPPED else set_files.check(text, name)


def sets_text(name: str) -> str:
    """The text of a set's file. Raises InputError where there is none."""
    shipped = name in _SHIPPED
    if not shipped and not name.endswith(".json"):
        raise InputError(
            f"build: set {name!r} is not known; use {', '.join(SETS)} or a .json file of goals"
        )
    path = Path(__file__).parent / f"sets/{name}.json" if shipped else Path(name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name}: cannot be read ({error}); give a JSON file of goals") from None


def set_label(name: str) -> str:
    """The name of a set in ids and directories: of a file, its name without `.json`.

    Raises InputError where that is the name of another set or not a valid name.
    """
    label = name if name in SETS else Path(name).stem
    if name not in SETS and (label in SETS or not set_files.NAME.fullmatch(label)):
        raise InputError(
            f"{name}: {label!r} cannot name a set; name the file in lower case letters, digits "
            f"and _, and not {', '.join(SETS)}"
        )
    return label


def set_number(name: str) -> int:
    """A number that tells the set from others in seeds."""
    if name in SETS:
        return SETS.index(name)
    return int.from_bytes(hashlib.sha256(set_label(name).encode()).digest()[:3]) + len(SETS)


@cache
def set_themes(set_name: str) -> tuple[SetTheme, ...]:
    """Every theme of a set; none of simple."""
    return tuple(
        SetTheme(
            name=row["name"],
            noun=row["noun"],
            held_out=row.get("held_out", False),
            targets=row["targets"],
            phrasings={level: row[level] for level in LEVELS if level in row},
            keep=tuple(row.get("keep", ANY)),
        )
        for row in read(set_name).get("themes", ())
    )


@cache
def atoms(held_out: bool, set_name: str = "simple") -> dict[str, tuple[str, ...]]:
    """Atomic targets, dimension -> options: those held out of training, or the others."""
    return {
        name: tuple(o for o, texts in row["suggestive"].items() if ("train" in texts) != held_out)
        for name, row in read(set_name)["dimensions"].items()
    }


@cache
def dimensions(set_name: str, held_out: bool) -> frozenset[str]:
    """Those that some goal of the set, held out of training or not, asks to change."""
    if "dimensions" in read(set_name):
        return frozenset(atoms(held_out, set_name))
    reach = {d for t in set_themes(set_name) if t.held_out == held_out for d in t.targets}
    return frozenset(reach | (set(COMPOSED) if _composed_share(set_name, held_out) else set()))


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
    """An explicit phrasing of simple that names its one target."""
    return template.format(noun=noun(dimension, option), phrase=phrase(dimension, option))


def _composed_share(set_name: str, held_out: bool) -> float:
    return 0.0 if held_out else (read(set_name).get("composed") or {}).get("share", 0.0)


def _draw_theme(set_name: str, split: str, held_out: bool, rng) -> Draft:
    share = _composed_share(set_name, held_out)
    if share and rng.random() < share:
        return _draw_composed(set_name, split, rng)
    theme = pick([t for t in set_themes(set_name) if t.held_out == held_out], rng)
    targets = draw_targets(theme, rng)
    weights = np.array([LEVELS[level] for level in theme.phrasings])
    level = pick(list(theme.phrasings), rng, weights / weights.sum())
    text = pick(theme.phrasings[level][split], rng)
    if level == "explicit":
        text = fill(text, targets)
    return Draft(text, level, targets, held_out, theme.name, theme.noun, theme.keep)


def _draw_composed(set_name: str, split: str, rng) -> Draft:
    """A goal without a theme: one to three of COMPOSED that do not contradict each other."""
    while True:
        names = rng.choice(list(COMPOSED), rng.integers(1, 4), replace=False)
        targets = {name: pick(COMPOSED[name], rng) for name in ORDER if name in names}
        if not clash(targets):
            break
    text = fill(pick(read(set_name)["composed"]["templates"][split], rng), targets)
    return Draft(text, "explicit", targets, False, keep=ANY)


def _draw_atomic(set_name: str, split: str, held_out: bool, rng) -> Draft:
    rows = read(set_name)
    first = _draw_atom(set_name, held_out, rng)
    targets, form = dict([first]), "manners"
    if rng.random() < PAIR_SHARE:
        form = "pairs"
        while len(targets) < 2 or targets.keys() <= PLACES or clash(targets):
            targets = dict([first, _draw_atom(set_name, False, rng)])
    elif rng.random() >= EXPLICIT_SHARE:
        name, option = first
        text = pick(rows["dimensions"][name]["suggestive"][option][split], rng)
        return Draft(text, "suggestive", targets, held_out)
    explicit = [pick(rows["dimensions"][name]["explicit"][split], rng) for name in targets]
    asked = [ask(*item, text) for item, text in zip(targets.items(), explicit, strict=True)]
    return Draft(pick(rows[form][split], rng).format(*asked), "explicit", targets, held_out)


def _draw_atom(set_name: str, held_out: bool, rng) -> tuple[str, str]:
    options = atoms(held_out, set_name)
    name = pick(list(options), rng)
    return name, pick(options[name], rng)
