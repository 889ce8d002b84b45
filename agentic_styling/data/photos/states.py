"""Source states: the known looks that a crop is put into, for the planner to read from pixels.

An unlabelled photograph says nothing about its state, so states are rendered instead of guessed.
"""

import numpy as np

from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Plan, Step
from agentic_styling.utils.package_data import read_beside

_DATA: dict = read_beside(__file__, "states.json")
# Order of steps in a picture: place and light first, then grading, weather, medium, particles.
ORDER: tuple[str, ...] = tuple(_DATA["order"])
# How often a dimension is drawn, and its options: those that a person can recognize in the picture
# and that look like no option of another dimension.
STATES: dict[str, tuple[float, list[str]]] = _DATA["states"]
NUM_DIMENSIONS = (0.45, 0.40, 0.15)  # chance of one, two, three dimensions
# Two of these at once cannot be told apart: the picture shows one color cast, not its two causes.
TONES = {"time_of_day", "season", "color_grading", "mood_lighting"}


def sample_state(rng: np.random.Generator) -> dict[str, str]:
    """A random state: one to three dimensions, each with a visually clear option."""
    weights = {name: weight for name, (weight, _) in STATES.items()}
    state = {}
    for _ in range(1 + rng.choice(3, p=NUM_DIMENSIONS)):
        share = np.array(list(weights.values()))
        name = str(rng.choice(list(weights), p=share / share.sum()))
        state[name] = str(rng.choice(STATES[name][1]))
        for taken in TONES if name in TONES else {name}:
            del weights[taken]
    return {name: state[name] for name in DIMENSIONS if name in state}


def state_plan(state: dict[str, str]) -> Plan:
    """The plan that puts an unedited crop into `state`: unknown sources, full strength."""
    steps = [make_step(name, UNKNOWN, state[name], 1.0) for name in ORDER if name in state]
    return Plan({}, tuple(steps), "")


def make_step(tool: str, source: str, target: str, strength: float) -> Step:
    """A step that names its source (unless the tool is a modifier), target and strength."""
    row = VOCABULARY[tool]
    if row.source is None:
        return Step("", tool, {row.target: target})
    return Step("", tool, {row.source: source, row.target: target, "strength": strength})


def source_of(step: Step) -> str:
    """The option a step starts from, "unknown" for a modifier."""
    return step.parameters.get(VOCABULARY[step.tool].source, UNKNOWN)
