"""Published plans as ours and back: order, reasons, and whatever JSON there may be."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data.formats.published_plans import (
    LeftOut,
    read_analysis,
    read_published_plan,
    write_published_plan,
)
from tests.data.formats.published_rows import action, published_plan
from tests.tools.strategies import plans


def test_actions_run_by_priority_and_equal_ones_as_written():
    order = [("clear_sunny", 3), ("hail", 1), ("sandstorm", None), ("fog_dense", 3.0)]
    actions = [
        action("weather", {"weather_type": option}, priority=priority) for option, priority in order
    ]
    steps = read_published_plan(published_plan(*actions)).steps
    names = [step.parameters["weather_type"] for step in steps]
    assert names == ["hail", "clear_sunny", "fog_dense", "sandstorm"]


def test_the_instruction_is_the_overall_one_where_the_editor_has_none():
    assert read_published_plan(published_plan(hidream_prompt="")).instruction == "Winter."


FOG = {"weather_type": "fog_dense"}


@pytest.mark.parametrize(
    ("plan", "reason", "words"),
    [
        ("not json", "malformed plan", "not JSON"),
        ("{", "malformed plan", "not JSON"),
        (None, "malformed plan", "not an object"),
        ({"actions": None}, "malformed plan", "is not a list"),
        (published_plan("fog"), "malformed plan", "action 1: 'fog'"),
        (published_plan(action(priority=9)), "malformed plan", "priority 9"),
        (published_plan(action(priority="1")), "malformed plan", "priority '1'"),
        (published_plan(action(parameters=3)), "malformed plan", "action 1: parameters"),
        (published_plan(action(reasoning=3)), "malformed plan", "reasoning"),
        (published_plan(hidream_prompt="\ud800"), "malformed plan", "hidream_prompt"),
        (published_plan(action("wether", FOG)), "unknown action", "did you mean 'weather'?"),
        (published_plan(action(None, FOG)), "unknown action", "action space"),
        (published_plan(action(["rain"], FOG)), "unknown action", "action_id ['rain']"),
        (
            published_plan(action(), action("weather", {"weather_type": "fog_dens"})),
            "unknown option",
            "action 2: weather.weather_type: 'fog_dens' is not an option; did you mean 'fog_dense",
        ),
        (published_plan(action("weather", {})), "missing parameter", '"weather_type"'),
        (published_plan(action("weather", FOG | {"wind": 1})), "unknown parameter", "'wind'"),
        (
            published_plan(action("selective_blend", {"target_apply_ratio": 70})),
            "value out of range",
            "from 0 to 1",
        ),
        (
            published_plan(action("conditional_transform", {"then_action": "add a dragon"})),
            "unsupported compositional action",
            "'add a dragon'",
        ),
        (
            published_plan(action("sequence_transform", {"steps": ["fog_dense"] * 5})),
            "unsupported compositional action",
            "at most 4",
        ),
        (published_plan(*[action()] * 9), "too many actions", "9 steps"),
    ],
)
def test_a_plan_that_cannot_run_says_why(plan, reason, words):
    for form in (plan, json.dumps(plan)) if isinstance(plan, dict) else (plan,):
        with pytest.raises(LeftOut) as problem:
            read_published_plan(form)
        assert problem.value.reason == reason
        assert words in str(problem.value) and "\n" not in str(problem.value)


def test_an_analysis_is_read_as_far_as_it_is_plain():
    analysis = {
        "Season-Cycle": "winter bare",
        "weather_conditions": {"now": ["fog_dense"], "why": "fog"},
        "color_grading": {"a": "cool_blue", "b": "warm_sunset"},
        "mood_lighting": "not soft_cozy",
        "deep": {"time_of_day": {"value": "blue_hour"}},
        "architecture_style": None,
    }
    assert read_analysis(analysis) == {
        "season": "winter_bare",
        "weather": "fog_dense",
        "time_of_day": "blue_hour",
    }
    assert read_analysis("fog_dense") == read_analysis([analysis]) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PUBLISHED_KEYS = st.sampled_from(["action_id", "reasoning", "priority", "parameters", "other"])
NAMES = st.sampled_from(["season_cycle", "weather", "layered_transformation", "selective_blend"])
ACTIONS = st.fixed_dictionaries(
    {"action_id": NAMES | JSON, "parameters": st.dictionaries(st.text(max_size=8), JSON) | JSON},
    optional={"priority": st.integers(0, 6) | JSON, "reasoning": JSON},
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    JSON
    | st.fixed_dictionaries(
        {"actions": st.lists(ACTIONS | st.dictionaries(PUBLISHED_KEYS, JSON), max_size=3) | JSON},
        optional={"hidream_prompt": JSON, "overall_instruction": JSON},
    )
)
def test_any_json_is_a_plan_or_left_out_in_one_line(data):
    for form in (data, json.dumps(data)):
        try:
            plan = read_published_plan(form)
        except LeftOut as problem:
            assert problem.reason and "\n" not in str(problem)
        else:
            assert read_published_plan(write_published_plan(plan)) == plan


@settings(max_examples=50, deadline=None, derandomize=True)
@given(plans(branches=True))
def test_plans_go_there_and_back(plan):
    written = json.dumps(write_published_plan(plan))
    assert read_published_plan(written, plan.context) == plan


def test_published_plans_have_the_published_keys_and_names():
    plan = read_published_plan(published_plan(*[action()] * 6))
    written = write_published_plan(plan, "Winter first.")
    assert list(written) == ["reasoning", "overall_instruction", "actions", "hidream_prompt"]
    assert list(written["actions"][0]) == ["action_id", "reasoning", "priority", "parameters"]
    assert written["actions"][0]["action_id"] == "season_cycle"
    assert [a["priority"] for a in written["actions"]] == [1, 2, 3, 4, 5, 5]
