"""Plans: JSON both ways, and errors that name the step, the field, the value and a fix."""

import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.tools import Plan, PlanError, Step
from agentic_styling.utils.errors import InputError
from tests.tools.strategies import plans

SPRING = {"target_season": "spring_blooming"}

NIGHT = {"target_time": "night_moonlit"}
HAIL = {"then_action": "weather:hail"}
LAYERS = {"overlay_layers": ["weather:hail"]}


@settings(max_examples=100, deadline=None)
@given(plans(branches=True))
def test_round_trip(plan):
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(json.loads(plan.to_json())) == plan


def test_json_is_compact_and_thinks_first():
    plan = Plan(
        {"weather": "fog_dense", "season": "winter_bare"},
        (Step("dark é", "time_of_day", {"strength": 0.5, **NIGHT}),),
        "Make it night.",
    )
    assert plan.to_json() == (
        '{"version":1,"context":{"season":"winter_bare","weather":"fog_dense"},"steps":['
        '{"reasoning":"dark é","tool":"time_of_day","parameters":{"target_time":"night_moonlit",'
        '"strength":0.5}}],"instruction":"Make it night."}'
    )


def test_a_byte_order_mark_is_no_part_of_a_plan():
    text = Plan({}, (Step("", "time_of_day", NIGHT),)).to_json()
    assert Plan.from_json("\ufeff" + text) == Plan.from_json(text)


def test_aliases_are_mapped():
    step = {"tool": "season_cycle", "parameters": {"target_season": "winter_bare"}}
    plan = Plan.from_json({"context": {"weather_conditions": "hail"}, "steps": [step]})
    assert plan.context == {"weather": "hail"}
    assert plan.steps == (Step("", "season", {"target_season": "winter_bare"}),)
    assert plan.instruction == ""


def test_lists_and_branches_are_copied_and_in_order():
    given = {"else_action": "season", "else_parameters": {"strength": 1, **SPRING}, **HAIL}
    opacities = (0.5, 1)
    steps = [
        Step("", "conditional_transform", given),
        Step("", "layered_transformation", LAYERS | {"layer_opacities": opacities}),
    ]
    first, second = Plan({}, steps).steps
    assert list(first.parameters) == ["then_action", "else_action", "else_parameters"]
    assert list(first.parameters["else_parameters"]) == ["target_season", "strength"]
    assert second.parameters["layer_opacities"] == [0.5, 1]
    LAYERS["overlay_layers"].append("moon")
    assert second.parameters["overlay_layers"] == ["weather:hail"]
    LAYERS["overlay_layers"].pop()


BAD = {
    "{": ("plan", "not JSON"),
    "[1]": ("plan", "[1]", "not an object"),
    "{}": ("steps", "missing"),
    '{"version":2,"steps":[]}': ("version", "2", "use 1"),
    '{"version":true,"steps":[]}': ("version", "True"),
    '{"steps":{}}': ("steps", "not a list"),
    '{"steps":[3]}': ("step 1", "3", "not an object"),
    '{"stps":[]}': ("'stps'", "did you mean 'steps'?"),
    '{"steps":[],"instruction":1}': ("instruction", "1", "not text"),
    '{"steps":[],"instruction":"\\ud800"}': ("instruction", "Unicode"),
    '{"steps":[],"context":{"wether":"hail"}}': ("'wether'", "did you mean 'weather'?"),
    '{"steps":[],"context":{"weather":"hale"}}': ("weather", "'hale'", "did you mean 'hail'?"),
    '{"steps":[],"context":{"season":"unknown","season_cycle":"unknown"}}': ("season", "twice"),
}
BAD_STEPS = [
    ("time_of_dy", NIGHT, ("'time_of_dy'", "did you mean 'time_of_day'?")),
    ("time_of_day", {}, ("target_time", "pre_dawn, sunrise_golden")),
    (
        "time_of_day",
        {"target_time": "nite_moonlit"},
        ("target_time", "did you mean 'night_moonlit"),
    ),
    ("time_of_day", {"target_time": ["pre_dawn"]}, ("target_time", "['pre_dawn']")),
    ("time_of_day", NIGHT | {"strenght": 1}, ("'strenght'", "did you mean 'strength'?")),
    ("time_of_day", NIGHT | {"strength": 1.5}, ("strength", "1.5", "from 0 to 1")),
    ("time_of_day", NIGHT | {"strength": float("nan")}, ("strength", "nan")),
    ("time_of_day", NIGHT | {"strength": 10**5000}, ("strength", "huge value")),
    ("time_of_day", NIGHT | {"strength": True}, ("strength: True is a truth value, not a n",)),
    ("time_of_day", NIGHT | {"strength": "0.5"}, ("strength: '0.5' is text, not a number; use",)),
    ("time_of_day", NIGHT | {"strength": None}, ("strength: None is null, not a number; use a",)),
    ("time_of_day", NIGHT | {"strength": [1]}, ("[1] is a list, not a number; use a number f",)),
    ("time_of_day", NIGHT | {"strength": {}}, ("strength: {} is an object, not a number; use",)),
    ("time_of_day", NIGHT | {"sky_color": 3}, ("sky_color", "3", "not text")),
    ("weather", {"weather_type": "hail", "active_precipitation": 1}, ("true or false",)),
    ("weather", [], ("parameters", "[]")),
    ("sequence_transform", {}, ("steps", 'a list such as ["atmospheric_effects:bioluminescence"]')),
    ("sequence_transform", {"steps": "weather"}, ("steps", "'weather'", "not a list")),
    ("sequence_transform", {"steps": ["weather"] * 5}, ("5 items", "at most 4")),
    ("sequence_transform", {"steps": ["weather", 3]}, ("steps[1]", "3", "not text")),
    ("parallel_transform", {"actions": [], "blend_mode": "averag"}, ("mean 'average'?",)),
    ("layered_transformation", LAYERS | {"blend_modes": ["screan"]}, ("blend_modes[0]", "screen")),
    ("layered_transformation", LAYERS | {"layer_opacities": [2]}, ("layer_opacities[0]", "2")),
    ("graduated_effect", {"effect_type": "fog", "intensity_end": -1}, ("intensity_end", "-1")),
    ("selective_blend", {}, ("target_apply_ratio", "from 0 to 1")),
    ("conditional_transform", {"condition": ""}, ("then_action", '"weather:fog_dense"')),
    ("conditional_transform", {"then_action": "wether:hail"}, ("mean 'weather:hail'?",)),
    ("conditional_transform", {"then_action": "zzz"}, ("'zzz' names no step", "weather:fog_dense")),
    ("conditional_transform", {"then_action": ""}, ("then_action", "names no step")),
    ("conditional_transform", {"then_action": "weather"}, ("then_action", "weather_type")),
    ("conditional_transform", {"then_action": "parallel_transform"}, ("cannot depend",)),
    ("conditional_transform", HAIL | {"then_parameters": 1}, ("then_parameters", "not an object")),
    ("conditional_transform", HAIL | {"then_parameters": {"x": 1}}, ("then_action", "'x'")),
    (
        "conditional_transform",
        HAIL | {"then_parameters": {"intensity": "hevy"}},
        ("then_action: weather.intensity", "mean 'heavy'?"),
    ),
    ("conditional_transform", HAIL | {"else_parameters": {"x": 1}}, ("else_action: is missing",)),
]


@pytest.mark.parametrize("text", BAD)
def test_bad_json_says_what_and_how_to_mend(text):
    with pytest.raises(PlanError) as error:
        Plan.from_json(text)
    assert all(part in str(error.value) for part in BAD[text]), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("tool", "parameters", "parts"), BAD_STEPS)
def test_bad_step_names_the_step(tool, parameters, parts):
    good = {"tool": "time_of_day", "parameters": NIGHT}
    with pytest.raises(PlanError) as error:
        Plan.from_json({"steps": [good, {"tool": tool, "parameters": parameters}]})
    assert all(part in str(error.value) for part in ("step 2", *parts)), error.value
    with pytest.raises(PlanError):
        Plan({}, (Step("", tool, parameters),))


def test_too_many_steps():
    steps = (Step("", "time_of_day", NIGHT),) * 9
    with pytest.raises(PlanError, match="9 steps; a plan has at most 8"):
        Plan({}, steps)
    assert len(Plan({}, steps[:8]).steps) == 8


def test_plan_error_is_an_input_error():
    assert issubclass(PlanError, InputError)
    assert issubclass(PlanError, ValueError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(plans(max_steps=3, branches=True), JSON, st.data())
def test_fuzzed_plans_raise_plan_errors_only(plan, junk, data):
    """A plan with one of its values replaced by anything at all is a plan or a PlanError."""
    tree = json.loads(plan.to_json())
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = junk
            break
        node = node[key]
    for given_as in (tree, json.dumps(tree)):
        try:
            assert isinstance(Plan.from_json(given_as), Plan)
        except PlanError as error:
            assert "\n" not in str(error)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_raises_plan_errors_only(text):
    with pytest.raises(PlanError):
        Plan.from_json(text)


def test_deep_nesting_is_a_plan_error():
    with pytest.raises(PlanError):
        Plan.from_json("[" * 100_000)


def test_a_text_without_steps_is_said_to_change_nothing():
    with pytest.warns(UserWarning, match='"steps" is empty, so the plan changes nothing'):
        assert Plan.from_json('{"steps":[]}') == Plan({})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plan.from_json({"steps": []})  # read back by a program: no photograph is left waiting
        Plan.from_json('{"steps":[{"tool":"season","parameters":{"target_season":"winter_bare"}}]}')
