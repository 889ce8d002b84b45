"""Goals: what people ask for, and the request (steps with true sources) that they mean by it."""

from dataclasses import dataclass

import numpy as np

from agentic_styling.data.goals.themes import Theme, themes
from agentic_styling.data.goals.words import listing, noun, phrase
from agentic_styling.data.photos.states import ORDER, make_step, target_of
from agentic_styling.tools import MODIFIERS, UNKNOWN, Step

THEME_SHARE = 0.7
CONSTRAINT_SHARE = 0.2
# Share of goals that are drawn to change something known of the picture, so that looking pays.
RELEVANT_SHARE = 0.7
STRENGTHS = {0.5: 0.25, 0.75: 0.5, 1.0: 0.25}
INTENSITY = {
    "train": {
        0.5: [", just a touch", ", kept subtle", ", only a touch of it"],
        0.75: [""],
        1.0: [", at full strength", ", bold", ", make it bold and full"],
    },
    "test": {0.5: [", just a subtle touch"], 0.75: [""], 1.0: [", bold and at full strength"]},
}
# Targets of composed goals: what can be asked for in two words and clearly seen.
COMPOSED = {
    "time_of_day": ["pre_dawn", "sunrise_golden", "morning_bright", "midday_overhead"]
    + ["golden_hour_sunset", "dusk_twilight", "blue_hour", "night_moonlit", "midnight_dark"],
    "season": ["spring_blooming", "summer_lush", "autumn_falling", "winter_bare"],
    "weather": ["clear_sunny", "light_rain", "heavy_rain", "light_snow", "heavy_snow_blizzard"]
    + ["fog_dense", "mist_light", "sandstorm"],
    "mood_lighting": ["bright_cheerful", "soft_cozy", "mysterious_shadowy", "ominous_dark"]
    + ["romantic_intimate", "serene_calm", "nostalgic_sepia"],
    "color_grading": ["warm_sunset", "cool_blue", "monochrome_bw", "sepia_vintage"]
    + ["pastel_soft", "neon_electric", "orange_teal", "purple_pink"],
    "artistic_medium": ["film_photography", "oil_painting_smooth", "oil_painting_thick"]
    + ["watercolor_flowing", "pencil_sketch", "charcoal_sketch", "pixel_art"]
    + ["anime_cel_shaded"],
    "atmospheric_effects": ["leaves_falling", "petals_floating", "ash_embers"]
    + ["sparkles_magical", "bokeh_lights", "film_grain"],
}
COMPOSED_TEMPLATES = {
    "train": ["{scene}", "show {scene}", "I want {scene}", "turn this into {scene}", "{list}"],
    "test": ["I want to show {scene}", "give me {list}"],
}
CONSTRAINTS = {
    ("preserve_attribute", "color"): {
        "train": ["but keep its colours", "and keep the colours as they are"],
        "test": ["but keep the colours"],
    },
    ("preserve_attribute", "lighting"): {
        "train": ["but keep the light as it is", "and keep its light and shadow"],
        "test": ["but keep its light as it is"],
    },
    ("exclude_region", "left_half"): {
        "train": ["but leave the left half untouched", "but not the left half"],
        "test": ["but leave the left half"],
    },
    ("exclude_region", "right_half"): {
        "train": ["but leave the right half untouched", "but not the right half"],
        "test": ["but leave the right half"],
    },
    ("exclude_region", "top_half"): {
        "train": ["but leave the top half untouched", "but not the top half"],
        "test": ["but leave the top half"],
    },
    ("exclude_region", "bottom_half"): {
        "train": ["but leave the bottom half untouched", "but not the bottom half"],
        "test": ["but leave the bottom half"],
    },
    ("exclude_region", "center"): {
        "train": ["but leave the centre untouched", "but not the centre"],
        "test": ["but leave the centre"],
    },
}
# Media that have no colours to keep.
COLOURLESS = {"pencil_sketch", "charcoal_sketch", "ink_brush", "pen_ink_lines"}


@dataclass(frozen=True)
class Goal:
    """What a person asks for: its text, the theme ("" for none) and the request behind it.

    `noun` names the theme in a reason, `explicit` says whether the text names the look outright.
    Goals of the sets (`sets.py`) also say their level, "explicit", "suggestive" or "vague", and
    whether they ask for what training goals never ask for.
    """

    text: str
    theme: str
    noun: str
    explicit: bool
    request: tuple[Step, ...]
    level: str = ""
    held_out: bool = False


def sample_goal(state: dict[str, str], split: str, rng: np.random.Generator) -> Goal:
    """A goal that asks a picture in `state` for at least one change.

    Phrasings and templates of the splits "train" and "test" are disjoint.
    """
    relevant = bool(state) and rng.random() < RELEVANT_SHARE
    while True:
        if rng.random() < THEME_SHARE:
            theme = pick(themes(), rng)
            text, explicit = pick(theme.phrasings[split], rng)
        else:
            theme = _compose_targets(rng)
            text, explicit = _compose_text(theme.targets, split, rng), True
        if relevant and not theme.targets.keys() & state.keys():
            continue
        strength = pick(list(STRENGTHS), rng, list(STRENGTHS.values()))
        constraint = None
        if rng.random() < CONSTRAINT_SHARE:
            constraint = pick_constraint(compatible_constraints(theme.targets), rng)
        request = make_request(theme.targets, strength, state, constraint)
        if any(step.tool not in MODIFIERS for step in request):
            break
    text += pick(INTENSITY[split][strength], rng)
    if constraint:
        text += f", {pick(CONSTRAINTS[constraint][split], rng)}"
    return Goal(text, theme.name, theme.noun, explicit, request)


def make_request(
    targets: dict[str, str],
    strength: float,
    state: dict[str, str],
    constraint: tuple[str, str] | None = None,
) -> tuple[Step, ...]:
    """The steps that turn a picture in `state` into `targets`, in ORDER, then the constraint.

    A target that the picture already shows is left out.
    """
    steps = [
        make_step(name, state.get(name, UNKNOWN), targets[name], strength)
        for name in ORDER
        if name in targets and state.get(name) != targets[name]
    ]
    if constraint:
        steps.append(make_step(constraint[0], UNKNOWN, constraint[1], strength))
    return tuple(steps)


def compatible_constraints(targets: dict[str, str]) -> list[tuple[str, str]]:
    """The constraints that do not contradict the targets, as (tool, what it keeps)."""
    colour = "color_grading" in targets or targets.get("artistic_medium") in COLOURLESS
    light = "time_of_day" in targets or "mood_lighting" in targets
    clash = {"color": colour, "lighting": light}
    return [key for key in CONSTRAINTS if not clash.get(key[1])]


def pick_constraint(options: list[tuple[str, str]], rng) -> tuple[str, str]:
    """One of the constraints: a tool first, then what it keeps."""
    tool = pick(sorted({tool for tool, _ in options}), rng)
    return pick([option for option in options if option[0] == tool], rng)


def keeps(step: Step) -> str:
    """What a constraint step keeps, in words."""
    kept = target_of(step)
    if step.tool == "preserve_attribute":
        return {"color": "the colours", "lighting": "the light"}.get(kept, f"the {kept}")
    return "the " + kept.replace("_", " ").replace("center", "centre")


def _compose_targets(rng) -> Theme:
    names = rng.choice(list(COMPOSED), rng.integers(1, 4), replace=False)
    targets = {name: pick(COMPOSED[name], rng) for name in ORDER if name in names}
    return Theme("", "this request", targets, {})


def _compose_text(targets: dict[str, str], split: str, rng) -> str:
    words = dict(targets)
    medium = words.pop("artistic_medium", None)
    subject = noun("artistic_medium", medium) if medium else "a scene"
    scene = " ".join([subject, *(phrase(*item) for item in words.items())])
    return pick(COMPOSED_TEMPLATES[split], rng).format(scene=scene, list=listing(targets))


def pick(items, rng, p=None):
    """One of the items, with probabilities p (None: all alike)."""
    return items[rng.choice(len(items), p=p)]
