import numpy as np
import pytest

from agentic_styling.evaluation.baselines import (
    CONSTRAINTS,
    SYNONYMS,
    edit_only,
    identity,
    random_plan,
    strongest,
)
from agentic_styling.evaluation.plan_metrics import actions
from agentic_styling.tools import DIMENSIONS, VOCABULARY


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (
            "make it a misty dawn",
            {("time_of_day", "sunrise_golden"), ("weather", "mist_light")},
        ),
        (
            "Watercolor flowing, with light snow at the blue hour",
            {
                ("artistic_medium", "watercolor_flowing"),
                ("weather", "light_snow"),
                ("time_of_day", "blue_hour"),
            },
        ),
        (
            "A heavy snow blizzard at golden hour sunset",
            {("weather", "heavy_snow_blizzard"), ("time_of_day", "golden_hour_sunset")},
        ),
        (
            "a rainy night, but keep its colours",
            {
                ("weather", "light_rain"),
                ("time_of_day", "night_moonlit"),
                ("preserve_attribute", "color"),
            },
        ),
        (
            "midnight; leave the left half untouched",
            {("time_of_day", "midnight_dark"), ("exclude_region", "left_half")},
        ),
        ("sepia and then neon", {("color_grading", "sepia_vintage")}),
        ("foggy autumn", {("weather", "fog_dense"), ("season", "autumn_falling")}),
        ("like a forgotten fairy tale", set()),
        ("knights and brains", set()),
        ("", set()),
    ],
)
def test_edit_only_takes_words_literally(goal, expected):
    plan = edit_only(goal)
    assert set(actions(plan.steps)) == expected
    assert plan.context == {}
    assert all(not step.reasoning and len(step.parameters) == 1 for step in plan.steps)


def test_edit_only_finds_every_option_by_its_own_name():
    missed = [
        (tool, option)
        for tool in DIMENSIONS
        for option in VOCABULARY[tool].options
        if not edit_only(option.replace("_", " ")).steps
    ]
    assert missed == []


def test_edit_only_never_exceeds_a_plan():
    everything = " and ".join(VOCABULARY[tool].options[0].replace("_", " ") for tool in DIMENSIONS)
    plan = edit_only(everything + ", keep its colours, leave the left half untouched")
    assert len(plan.steps) == 8
    assert {"preserve_attribute", "exclude_region"} <= {step.tool for step in plan.steps}


def test_literal_words_name_real_options():
    for tool, words in SYNONYMS.items():
        assert set(words) <= set(VOCABULARY[tool].options), tool
    for _, tool, option in CONSTRAINTS:
        assert option in VOCABULARY[tool].parameters[VOCABULARY[tool].target].values


def test_controls():
    assert identity().steps == ()
    assert len(strongest().steps) == 8
    plans = [random_plan(np.random.default_rng(seed)) for seed in range(40)]
    assert plans[3] == random_plan(np.random.default_rng(3))
    assert {len(plan.steps) for plan in plans} == {1, 2, 3, 4, 5}
    assert {step.tool for plan in plans for step in plan.steps} == set(DIMENSIONS)
