"""Source states: the known looks that a crop is put into, for the planner to read from pixels.

An unlabelled photograph says nothing about its state, so states are rendered instead of guessed.
"""

import numpy as np

from agentic_styling.tools import DIMENSIONS, UNKNOWN, VOCABULARY, Plan, Step

# Order of steps in a picture: place and light first, then grading, weather, medium, particles.
ORDER = (
    "location_setting",
    "architecture_style",
    "time_period",
    "season",
    "time_of_day",
    "mood_lighting",
    "color_grading",
    "weather",
    "artistic_medium",
    "atmospheric_effects",
)

# How often a dimension is drawn, and its options: those that a person can recognize in the picture
# and that look like no option of another dimension.
STATES = {
    "time_of_day": (
        0.28,
        ["sunrise_golden", "golden_hour_sunset", "dusk_twilight", "blue_hour", "night_moonlit"],
    ),
    "weather": (0.24, ["heavy_rain", "light_snow", "heavy_snow_blizzard", "fog_dense"]),
    "color_grading": (
        0.20,
        ["monochrome_bw", "sepia_vintage", "neon_electric"]
        + ["purple_pink", "green_nature", "red_dramatic"],
    ),
    "mood_lighting": (
        0.12,
        ["bright_cheerful", "ominous_dark", "eerie_unsettling", "whimsical_playful"],
    ),
    "season": (0.04, ["autumn_falling", "winter_bare"]),
    "artistic_medium": (0.06, ["pixel_art", "anime_cel_shaded", "pastel_drawing"]),
    "atmospheric_effects": (0.06, ["petals_floating", "bokeh_lights", "holographic_glitch"]),
}
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


def make_step(tool: str, source: str, target: str, strength: float, reasoning: str = "") -> Step:
    """A step that names its source (unless the tool is a modifier), target and strength."""
    row = VOCABULARY[tool]
    if row.source is None:
        return Step(reasoning, tool, {row.target: target})
    parameters = {row.source: source, row.target: target, "strength": strength}
    return Step(reasoning, tool, parameters)


def target_of(step: Step) -> str:
    """The option a step turns the picture into (a modifier: what it keeps)."""
    return step.parameters[VOCABULARY[step.tool].target]


def source_of(step: Step) -> str:
    """The option a step starts from, "unknown" for a modifier."""
    return step.parameters.get(VOCABULARY[step.tool].source, UNKNOWN)
