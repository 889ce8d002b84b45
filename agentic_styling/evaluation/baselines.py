"""Plans made without a planner: the goal's literal words, and the controls no reward may favour."""

import functools
import re

import numpy as np

from agentic_styling.evaluation.literal_words import CONSTRAINTS, SYNONYMS
from agentic_styling.tools import DIMENSIONS, MAX_STEPS, UNKNOWN, VOCABULARY, Plan, Step

# The most drastic option of each tool; location and period are the mildest looks and stay out,
# since a plan has at most eight steps.
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


def options(tool: str) -> tuple[str, ...]:
    """The target options of a tool, in the vocabulary's order."""
    values = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values
    return tuple(value for value in values if value != UNKNOWN)


@functools.cache
def _lexicon() -> tuple[re.Pattern, dict[str, tuple[str, str]]]:
    """A pattern of all known phrases, the longest first, and the (tool, option) of each.

    Hand-written words come before the options' own names, so that a phrase that two tools share
    ("blue hour") keeps the tool that comes first in the table.
    """
    phrases: dict[str, tuple[str, str]] = {}
    for tool, words in SYNONYMS.items():
        for option, listed in words.items():
            for phrase in filter(None, map(str.strip, listed.split(","))):
                phrases.setdefault(phrase, (tool, option))
    for tool in (*SYNONYMS, *DIMENSIONS):
        for option in options(tool):
            phrases.setdefault(option.replace("_", " "), (tool, option))
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b"), phrases


def edit_only(goal: str) -> Plan:
    """Edit-Only (PAPER, method E): the goal's literal words as tool calls in one go.

    No context, no reasoning; full strength, source unknown; one option a tool, the first named;
    words it does not know do nothing. It keeps what the goal literally asks to keep.
    """
    said = " ".join(goal.lower().replace("_", " ").split())
    kept = []
    for pattern, tool, option in CONSTRAINTS:
        found = re.search(pattern, said)
        if found and tool not in {step.tool for step in kept}:
            kept.append(_step(tool, option))
            said = said.replace(found[0], ";")
    pattern, phrases = _lexicon()
    chosen: dict[str, str] = {}
    for found in pattern.finditer(said):
        tool, option = phrases[found[0]]
        chosen.setdefault(tool, option)
    steps = [_step(tool, chosen[tool]) for tool in DIMENSIONS if tool in chosen]
    return Plan({}, (*steps[: MAX_STEPS - len(kept)], *kept), goal)


def identity() -> Plan:
    """The plan that does nothing; what an invalid text counts as."""
    return Plan({}, (), "")


def random_plan(rng: np.random.Generator) -> Plan:
    """One to five different tools with random options at full strength."""
    tools = rng.choice(DIMENSIONS, size=rng.integers(1, 6), replace=False)
    return Plan({}, tuple(_step(str(t), str(rng.choice(options(str(t))))) for t in tools), "")


def strongest() -> Plan:
    """The most drastic option of eight tools, all at full strength."""
    return Plan({}, tuple(_step(tool, option) for tool, option in STRONGEST.items()), "")
