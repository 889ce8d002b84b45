"""Plans made without a planner: the Edit-Only baseline and controls that should score low."""

import functools
import re

import numpy as np

from agentic_styling.tools import DIMENSIONS, MAX_STEPS, VOCABULARY, Plan, Step
from agentic_styling.utils.package_data import read_beside

# Everyday words for options, in addition to their names, that a goal may use.
SYNONYMS: dict[str, dict[str, str]] = read_beside(__file__, "literal_words.json")
# What a goal asks to keep: (regular expression, tool, option).
_KEEP = r"\b(?:keep|keeping|leave|preserve)\b[^.,;]*\b"
CONSTRAINTS = (
    (_KEEP + r"colou?rs?\b", "preserve_attribute", "color"),
    (_KEEP + r"(?:light|lighting|brightness)\b", "preserve_attribute", "lighting"),
    (_KEEP + r"(?:textures?|details?)\b", "preserve_attribute", "texture"),
    (r"\bleft half\b", "exclude_region", "left_half"),
    (r"\bright half\b", "exclude_region", "right_half"),
    (r"\b(?:top|upper) half\b", "exclude_region", "top_half"),
    (r"\b(?:bottom|lower) half\b", "exclude_region", "bottom_half"),
    (r"\b(?:centre|center|middle)\b", "exclude_region", "center"),
)
# The most drastic option of each tool. A plan has at most eight steps, so location and period, the
# mildest, are left out.
STRONGEST = {
    "architecture_style": "cyberpunk_neon",
    "time_of_day": "midnight_dark",
    "season": "winter_bare",
    "weather": "heavy_snow_blizzard",
    "mood_lighting": "ominous_dark",
    "color_grading": "neon_electric",
    "artistic_medium": "pixel_art",
    "atmospheric_effects": "holographic_glitch",
}


def _step(tool: str, option: str) -> Step:
    return Step("", tool, {VOCABULARY[tool].target: option})


@functools.cache
def _lexicon() -> tuple[re.Pattern, dict[str, tuple[str, str]]]:
    """A pattern of all known phrases, longest first, and the (tool, option) of each."""
    # A phrase of two tools ("blue hour") belongs to the first; hand-written words come first.
    phrases: dict[str, tuple[str, str]] = {}
    for tool, words in SYNONYMS.items():
        for option, listed in words.items():
            for phrase in listed.split(", "):
                phrases.setdefault(phrase, (tool, option))
    for tool in (*SYNONYMS, *DIMENSIONS):
        for option in VOCABULARY[tool].options:
            phrases.setdefault(option.replace("_", " "), (tool, option))
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b"), phrases


def edit_only(goal: str) -> Plan:
    """Edit-Only, method E: the goal's literal words as tool calls, without planning.

    There is no context and no reasoning. Each tool takes the first option named in the goal, at
    full strength and with an unknown source; unknown words do nothing. What the goal literally
    asks to keep is kept.

    Source: the baseline of that name in Mukherjee et al. 2026, arXiv 2603.07148.
    """
    words = " ".join(goal.lower().replace("_", " ").split())
    kept = []
    for pattern, tool, option in CONSTRAINTS:
        match = re.search(pattern, words)
        if match and tool not in {step.tool for step in kept}:
            kept.append(_step(tool, option))
            words = words.replace(match[0], ";")
    pattern, phrases = _lexicon()
    chosen: dict[str, str] = {}
    for match in pattern.finditer(words):
        tool, option = phrases[match[0]]
        chosen.setdefault(tool, option)
    steps = [_step(tool, chosen[tool]) for tool in DIMENSIONS if tool in chosen]
    return Plan({}, (*steps[: MAX_STEPS - len(kept)], *kept), goal)


def identity() -> Plan:
    """The empty plan, which also stands for invalid outputs."""
    return Plan({}, (), "")


def random_plan(rng: np.random.Generator) -> Plan:
    """A plan of one to five different tools with random options at full strength."""
    tools = rng.choice(DIMENSIONS, size=rng.integers(1, 6), replace=False)
    return Plan({}, tuple(_step(str(t), str(rng.choice(VOCABULARY[t].options))) for t in tools), "")


def strongest() -> Plan:
    """A plan of the most drastic option of eight tools at full strength."""
    return Plan({}, tuple(_step(tool, option) for tool, option in STRONGEST.items()), "")
