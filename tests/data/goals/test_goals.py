import numpy as np
import pytest

from agentic_styling.data.goals.goals import (
    COMPOSED,
    COMPOSED_TEMPLATES,
    CONSTRAINTS,
    INTENSITY,
    compatible_constraints,
    keeps,
    make_request,
    sample_goal,
)
from agentic_styling.data.goals.themes import themes
from agentic_styling.data.photos.states import (
    ORDER,
    STATES,
    TONES,
    sample_state,
    source_of,
    state_plan,
    target_of,
)
from agentic_styling.tools import DIMENSIONS, MODIFIERS, VOCABULARY, Plan, Step

COUNT = 1500


@pytest.fixture(scope="module")
def drawn():
    rows = {}
    for split in ("train", "test"):
        rngs = [np.random.default_rng([7, i]) for i in range(COUNT)]
        states = [sample_state(rng) for rng in rngs]
        goals = [sample_goal(s, split, rng) for s, rng in zip(states, rngs, strict=True)]
        rows[split] = list(zip(states, goals, strict=True))
    return rows


def test_states_are_one_to_three_known_options(drawn):
    states = [state for state, _ in drawn["train"]]
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


def test_goals_ask_for_a_change_that_is_not_there_yet(drawn):
    for split in drawn:
        for state, goal in drawn[split]:
            Plan(state, goal.request)  # raises unless valid
            changes = [s for s in goal.request if s.tool not in MODIFIERS]
            assert 1 <= len(changes) <= 4 and len(goal.request) - len(changes) <= 1
            assert [s.tool for s in changes] == [n for n in ORDER if n in [s.tool for s in changes]]
            for step in changes:
                assert target_of(step) != state.get(step.tool)
                assert source_of(step) == state.get(step.tool, "unknown")


def test_splits_share_no_goal(drawn):
    train, test = ({goal.text for _, goal in drawn[split]} for split in ("train", "test"))
    assert not train & test
    assert not set(COMPOSED_TEMPLATES["train"]) & set(COMPOSED_TEMPLATES["test"])
    for strength in (0.5, 1.0):
        assert not set(INTENSITY["train"][strength]) & set(INTENSITY["test"][strength])
    for texts in CONSTRAINTS.values():
        assert not set(texts["train"]) & set(texts["test"])


def test_shares_are_as_documented(drawn):
    goals = [goal for _, goal in drawn["train"]]
    strengths = [s.parameters["strength"] for g in goals for s in g.request[:1]]
    assert {g.theme for g in goals} == {t.name for t in themes()} | {""}
    assert 0.55 < np.mean([g.theme != "" for g in goals]) < 0.8
    assert 0.15 < np.mean([g.request[-1].tool in MODIFIERS for g in goals]) < 0.25
    assert abs(np.mean(np.array(strengths) == 0.75) - 0.5) < 0.06
    known = [source_of(s) != "unknown" for g in goals for s in g.request if s.tool in DIMENSIONS]
    assert np.mean(known) > 0.25  # else a planner that never looks loses little


def test_the_words_of_intensity_and_constraint_match_the_request(drawn):
    for split in drawn:
        for _, goal in drawn[split]:
            strength = goal.request[0].parameters["strength"]
            assert any(text in goal.text for text in INTENSITY[split][strength])
            last = goal.request[-1]
            if last.tool in MODIFIERS:
                texts = CONSTRAINTS[last.tool, target_of(last)][split]
                assert goal.text.endswith(tuple(texts))


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


def test_same_generator_same_goal(drawn):
    rng = np.random.default_rng([7, 11])
    state = sample_state(rng)
    assert (state, sample_goal(state, "test", rng)) == drawn["test"][11]
