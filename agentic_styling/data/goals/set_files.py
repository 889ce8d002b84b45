"""The form of a set's file, checked field by field."""

import re
from collections.abc import Iterable

from agentic_styling.data.goals.goals import CONSTRAINTS
from agentic_styling.data.teachers.habits import KINDS
from agentic_styling.data.teachers.scripted import MAX_TEACHER_STEPS
from agentic_styling.data.trajectory import SPLITS
from agentic_styling.tools import DIMENSIONS, VOCABULARY
from agentic_styling.utils.checks import parse_object
from agentic_styling.utils.errors import InputError, nearest, one_line

LEVELS = {"explicit": 0.4, "suggestive": 0.3, "vague": 0.3}  # how often each is drawn
NONE = "none"  # among a theme's options: the dimension is not asked for
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEPT = [kept for _, kept in CONSTRAINTS]
_SLOTS = {"scene": "", "list": "", "noun": "", "phrase": ""}


def check(text: str, where: str) -> dict:
    """Reads the file of a set.

    Args:
      text: JSON, an object of
        steps: [fewest, most] steps of a plan, within 1 to 5.
        skills: skill of the scripted teacher in [0, 1], as text -> share; shares sum to 1.
        habits (optional): kind of `habits.KINDS` -> share of its keys that have one.
        habit_strength (optional): share of a context's plans that follow the habits.
        constraint_share: of the goals that leave room for one, how many preserve something.
        held_out_share: of test goals, how many ask for what is held out of the other splits.
        composed (optional): {"share", "templates": {split: texts}}; goals without a theme.
        themes: a list of {"name", "noun", "held_out" (false), "targets": {dimension: {option:
          weight}}, "keep" (all), and of each level of LEVELS that it has {split: texts}}.
        dimensions, manners, pairs: instead of themes, as in simple.json.
      where: the file, for errors.

    Returns:
      The object.

    Raises:
      InputError: naming the file and the field that is missing or wrong.
    """
    rows = parse_object(text, where, "see data/goals/sets/demo.json")
    try:
        _check(rows, where)
    except InputError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else error
        raise InputError(
            f"{where}: is not a set of goals ({one_line(why)}); see data/goals/sets/demo.json"
        ) from None
    return rows


def _check(rows: dict, where: str) -> None:
    low, high = rows["steps"]
    _require(1 <= low <= high <= MAX_TEACHER_STEPS, where, f"steps: {low}, {high}; use 1 to 5")
    rows |= {"habits": {}, "habit_strength": 0.0} | rows
    check_behaviour(rows, where)
    shares = [rows["constraint_share"], rows["held_out_share"]]
    composed = rows.get("composed")
    if composed:
        shares.append(composed["share"])
        _check_splits(composed["templates"], SPLITS, f"{where}: composed.templates")
    _require(all(0 <= share <= 1 for share in shares), where, "shares are in [0, 1]")
    _require(("themes" in rows) != ("dimensions" in rows), where, "give themes or dimensions")
    if "dimensions" in rows:
        held_out = _check_dimensions(rows, where)
    else:
        held_out = [_check_theme(row, low, high, where) for row in rows["themes"]]
        names = [row["name"] for row in rows["themes"]]
        _require(len(set(names)) == len(names), where, "themes: two have the same name")
    _require(False in held_out, where, "every theme is held out; training needs one")
    if rows["held_out_share"]:
        _require(True in held_out, where, "held_out_share: no theme is held out; make it 0")


def check_behaviour(rows: dict, where: str) -> None:
    """Raises InputError for skills and habits that the scripted teacher cannot have."""
    try:
        skills = [float(skill) for skill in rows["skills"]]
    except ValueError as error:
        raise InputError(f"{where}: skills: {error}; use numbers from 0 to 1") from None
    for kind in rows["habits"]:
        fix = nearest(kind, KINDS)
        _require(kind in KINDS, where, f"habits: {kind!r} is not known; {fix}")
    shares = rows["skills"].values()
    checked = {
        "skills": [*skills, *shares],
        "habits": rows["habits"].values(),
        "habit_strength": [rows["habit_strength"]],
    }
    for name, values in checked.items():
        for value in values:
            _require(0 <= value <= 1, where, f"{name}: {value} is not in [0, 1]")
    _require(abs(sum(shares) - 1) < 1e-8, where, "skills: the shares do not sum to 1")


def _check_theme(row: dict, low: int, high: int, where: str) -> bool:
    """Whether the theme is held out."""
    where, held_out = f"{where}: theme {row['name']!r}", row.get("held_out", False)
    _require(isinstance(row["noun"], str), where, "noun is not text")
    for name, weights in row["targets"].items():
        _check_options(name, set(weights) - {NONE}, where)
        _require(all(w > 0 for w in weights.values()), where, f"{name}: weights are above 0")
    fewest = sum(NONE not in weights for weights in row["targets"].values())
    reachable = fewest <= high and len(row["targets"]) >= low
    _require(reachable, where, f"its goals never have {low} to {high} steps")
    for kept in row.get("keep", ()):
        _require(kept in _KEPT, where, f"keep: {kept!r} is not known; {nearest(kept, _KEPT)}")
    levels = [level for level in LEVELS if level in row]
    _require(bool(levels), where, f"has no phrasings; give one of {', '.join(LEVELS)}")
    for level in levels:
        _check_splits(row[level], ["test"] if held_out else SPLITS, f"{where}, {level}")
    return held_out


def _check_dimensions(rows: dict, where: str) -> list[bool]:
    """Of each option, whether it is held out."""
    held_out = []
    for name in ("manners", "pairs"):
        _check_splits(rows[name], SPLITS, f"{where}: {name}", places=2)
    for name, row in rows["dimensions"].items():
        _check_options(name, row["suggestive"], where)
        _check_splits(row["explicit"], SPLITS, f"{where}: {name}, explicit")
        for option, texts in row["suggestive"].items():
            held_out.append("train" not in texts)
            splits = ["test"] if held_out[-1] else SPLITS
            _check_splits(texts, splits, f"{where}: {name}, {option}")
    return held_out


def _check_options(name: str, options: Iterable[str], where: str) -> None:
    known = name in DIMENSIONS
    _require(known, where, f"dimension {name!r} is not known; {nearest(name, DIMENSIONS)}")
    values = VOCABULARY[name].parameters[VOCABULARY[name].target].values
    for option in options:
        fix = nearest(option, values)
        _require(option in values, where, f"{name}: option {option!r} is not known; {fix}")


def _check_splits(texts: dict, splits: Iterable[str], where: str, places: int = 0) -> None:
    for split in splits:
        _require(bool(texts.get(split)), where, f"has no phrasing for {split}; add one")
        _require(isinstance(texts[split], list), where, f"{split} is not a list; put it in [ ]")
        for text in texts[split]:
            text.format(*[""] * places, **_SLOTS)


def _require(condition: bool, where: str, message: str) -> None:
    if not condition:
        raise InputError(f"{where}: {message}")
