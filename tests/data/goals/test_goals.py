import numpy as np

from agentic_styling.data.goals.goals import (
    COMPOSED,
    CONSTRAINTS,
    compatible_constraints,
    keeps,
    make_request,
)
from agentic_styling.data.photos.states import ORDER, STATES, TONES, sample_state, state_plan
from agentic_styling.tools import DIMENSIONS, VOCABULARY, Step

COUNT = 1500


def test_states_are_one_to_three_known_options():
    states = [sample_state(np.random.default_rng([7, i])) for i in range(COUNT)]
    sizes = np.bincount([len(s) for s in states], minlength=4) / COUNT
    np.testing.assert_allclose(sizes, [0, 0.45, 0.40, 0.15], atol=0.05)
    for state in states:
        assert list(state) == [name for name in DIMENSIONS if name in state]
        assert all(option in STATES[name][1] for name, option in state.items())
        assert len(TONES & state.keys()) <= 1
    assert {item for s in states for item in s.items()} == {
        (name, option) for name, (_, options) in STATES.items() for option in options
    }


def test_state_plan_puts_an_unedited_picture_into_the_state():
    plan = state_plan({"weather": "fog_dense", "time_of_day": "blue_hour"})
    assert plan.steps == (
        Step("", "time_of_day", {"source_time": "unknown", "target_time": "blue_hour"} | FULL),
        Step("", "weather", {"source_weather": "unknown", "weather_type": "fog_dense"} | FULL),
    )


FULL = {"strength": 1.0}


def test_order_names_every_dimension_once():
    assert sorted(ORDER) == sorted(DIMENSIONS)


def test_request_has_true_sources_and_leaves_out_what_is_there():
    targets = {"artistic_medium": "pixel_art", "time_of_day": "blue_hour", "weather": "hail"}
    state = {"weather": "hail", "time_of_day": "night_moonlit", "season": "winter_bare"}
    request = make_request(targets, 0.5, state, ("exclude_region", "center"))
    assert request == (
        Step(
            "",
            "time_of_day",
            {"source_time": "night_moonlit", "target_time": "blue_hour", "strength": 0.5},
        ),
        Step(
            "",
            "artistic_medium",
            {"source_medium": "unknown", "target_medium": "pixel_art", "strength": 0.5},
        ),
        Step("", "exclude_region", {"region_type": "center"}),
    )


def test_constraints_do_not_contradict_the_targets():
    def clashes(**targets):
        return set(CONSTRAINTS) - set(compatible_constraints(targets))

    colour, light = ("preserve_attribute", "color"), ("preserve_attribute", "lighting")
    assert clashes(weather="hail") == set()
    assert clashes(color_grading="cool_blue") == {colour}
    assert clashes(artistic_medium="pencil_sketch") == {colour}
    assert clashes(time_of_day="blue_hour", color_grading="cool_blue") == {colour, light}


def test_what_a_constraint_keeps_in_words():
    for (tool, kept), words in {
        ("preserve_attribute", "color"): "the colours",
        ("preserve_attribute", "lighting"): "the light",
        ("exclude_region", "left_half"): "the left half",
        ("exclude_region", "center"): "the centre",
    }.items():
        assert keeps(Step("", tool, {VOCABULARY[tool].target: kept})) == words


def test_composed_targets_exist():
    for name, options in COMPOSED.items():
        tool = VOCABULARY[name]
        assert set(options) <= set(tool.parameters[tool.target].values)
