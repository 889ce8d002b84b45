"""A goal and its request: the steps, with true sources, that the goal's text asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agentic_styling.data.photos.states import ORDER, make_step
from agentic_styling.tools import UNKNOWN, Step
from agentic_styling.utils.package_data import read_beside

# Share of goals drawn to change something known of the picture, so that looking at it pays.
RELEVANT_SHARE = 0.7
STRENGTHS = {0.5: 0.25, 0.75: 0.5, 1.0: 0.25}
# Targets of composed goals: what can be asked for in two words and clearly seen.
COMPOSED: dict[str, list[str]] = read_beside(__file__, "composed.json")
# Pairs {dimension: options}, {dimension: options}: an option of the first contradicts every option
# of the second that is of another dimension, so that no goal asks for both.
CLASHES: list[list[dict[str, list[str]]]] = read_beside(__file__, "clashes.json")
# What a goal can ask to preserve: (tool, what it keeps).
_REGIONS = ("left_half", "right_half", "top_half", "bottom_half", "center")
CONSTRAINTS = (
    *(("preserve_attribute", kept) for kept in ("color", "lighting")),
    *(("exclude_region", kept) for kept in _REGIONS),
)
# Media without colors to preserve.
COLOURLESS = {"pencil_sketch", "charcoal_sketch", "ink_brush", "pen_ink_lines"}


@dataclass(frozen=True)
class Goal:
    """What a person asks for: a text, its theme ("" for none) and the request behind it.

    noun: names the theme in a reason. explicit: whether the text names the look outright.
    level: "explicit", "suggestive" or "vague". held_out: whether it asks for what no goal of
    another split than test asks for.
    """

    text: str
    theme: str
    noun: str
    explicit: bool
    request: tuple[Step, ...]
    level: str = ""
    held_out: bool = False


def make_request(
    targets: dict[str, str],
    strength: float | dict[str, float],
    state: dict[str, str],
    constraint: tuple[str, str] | None = None,
) -> tuple[Step, ...]:
    """The steps, without reasons, that turn a picture in `state` into `targets`.

    Args:
      targets: dimension -> option. One that the picture already shows is left out.
      strength: of every step, in [0, 1]; or dimension -> strength, 0.75 where it has none.
      state: dimension -> option, what is known of the picture: the steps' sources.
      constraint: (tool, what it keeps), the last step; the others are in ORDER.
    """
    strengths = strength if isinstance(strength, dict) else dict.fromkeys(targets, strength)
    steps = [
        make_step(name, state.get(name, UNKNOWN), targets[name], strengths.get(name, 0.75))
        for name in ORDER
        if name in targets and state.get(name) != targets[name]
    ]
    if constraint:
        steps.append(make_step(constraint[0], UNKNOWN, constraint[1], 1.0))
    return tuple(steps)


def compatible_constraints(targets: dict[str, str]) -> list[tuple[str, str]]:
    """The CONSTRAINTS that do not contradict the targets."""
    color = "color_grading" in targets or targets.get("artistic_medium") in COLOURLESS
    light = "time_of_day" in targets or "mood_lighting" in targets
    contradicted = {"color": color, "lighting": light}
    return [key for key in CONSTRAINTS if not contradicted.get(key[1])]


def clash(targets: dict[str, str]) -> tuple[str, str] | None:
    """The first two options of `targets` that contradict each other, or None."""
    for one, other in CLASHES:
        for here, there in ((a, b) for a in one for b in other if a != b):
            if targets.get(here) in one[here] and targets.get(there) in other[there]:
                return targets[here], targets[there]
    return None


def pick_constraint(options: list[tuple[str, str]], rng: np.random.Generator) -> tuple[str, str]:
    """One of some constraints: a tool first, then what it keeps."""
    tool = pick(sorted({tool for tool, _ in options}), rng)
    return pick([option for option in options if option[0] == tool], rng)


def keeps(step: Step) -> str:
    """What a constraint step keeps, in words."""
    kept = step.option
    if step.tool == "preserve_attribute":
        return {"color": "the colours", "lighting": "the light"}.get(kept, f"the {kept}")
    return "the " + kept.replace("_", " ").replace("center", "centre")


def pick(items: Sequence, rng: np.random.Generator, p: Sequence[float] | None = None):
    """One of the items, with probabilities p (None: uniform)."""
    return items[rng.choice(len(items), p=p)]
