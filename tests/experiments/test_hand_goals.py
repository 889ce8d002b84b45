"""What counts as understood: exactly the wished options, or others that the goal allows."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from agentic_styling.evaluation.baselines import edit_only
from agentic_styling.tools import VOCABULARY, Plan, Step

sys.path.append(str(Path(__file__).parents[2] / "experiments/starter"))
hand_goals = importlib.import_module("hand_goals")

NIGHT = {
    "options": {"time_of_day": "night_moonlit", "weather": "light_rain"},
    "also": {"weather": ["heavy_rain"], "atmospheric_effects": ["rain_falling"]},
}


def plan(**options):
    return Plan(
        {}, tuple(Step("", tool, {VOCABULARY[tool].target: o}) for tool, o in options.items())
    )


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"time_of_day": "night_moonlit", "weather": "light_rain"}, True),
        ({"time_of_day": "night_moonlit", "weather": "heavy_rain"}, True),
        ({"time_of_day": "night_moonlit", "weather": "hail"}, False),
        ({"weather": "light_rain"}, False),
        (NIGHT["options"] | {"atmospheric_effects": "rain_falling"}, True),
        (NIGHT["options"] | {"atmospheric_effects": "film_grain"}, False),
        (NIGHT["options"] | {"season": "winter_bare"}, False),
        (NIGHT["options"] | {"preserve_attribute": "color"}, True),
        ({}, False),
    ],
)
def test_exactly_the_wished_options_are_right(options, right):
    assert hand_goals.is_right(NIGHT, plan(**options)) == right


def test_an_invalid_text_is_wrong_and_doing_nothing_can_be_right():
    assert not hand_goals.is_right({"options": {}}, None)
    assert hand_goals.is_right({"options": {}}, plan())


def test_literal_words_are_understood():
    goals = json.loads(hand_goals.GOALS.read_text(encoding="utf-8"))
    right = [hand_goals.is_right(row, edit_only(row["goal"])) for row in goals]
    assert 0 < sum(right) < len(right)
    assert hand_goals.is_right(NIGHT, edit_only("night with light rain"))
