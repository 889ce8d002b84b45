import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data.goals.goals import Goal, make_request
from agentic_styling.data.goals.sets import sample_goal
from agentic_styling.data.photos.states import sample_state
from agentic_styling.data.teachers.scripted import CLAUSES, FAULTS, KINDS, teach
from agentic_styling.tools import DIMENSIONS, MODIFIERS, VOCABULARY, Plan


def taught(seed, skill, split="train"):
    rng = np.random.default_rng(seed)
    state = sample_state(rng)
    goal = sample_goal("demo", state, split, rng)
    return state, goal, teach(goal, state, skill, rng)


def calls(steps):
    return [(s.tool, s.parameters) for s in steps]


@given(st.integers(0, 2**32), st.floats(0, 1), st.sampled_from(["train", "test"]))
@settings(max_examples=100, deadline=None)
def test_plans_are_valid_at_any_skill(seed, skill, split):
    state, goal, plan = taught(seed, skill, split)
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.context == {name: state.get(name, "unknown") for name in DIMENSIONS}
    assert list(plan.context) == list(DIMENSIONS)
    assert 1 <= len(plan.steps) <= 5
    assert any(s.tool not in MODIFIERS for s in plan.steps)
    assert len({s.tool for s in plan.steps}) == len(plan.steps)
    for step in plan.steps:
        tool = VOCABULARY[step.tool]
        assert set(step.parameters) <= {tool.source, tool.target, "strength"}
        if tool.source:
            assert step.parameters["strength"] in (0.25, 0.5, 0.75, 1.0)
    for text in [s.reasoning for s in plan.steps] + [plan.instruction]:
        assert text[0].isupper() and text[-1] == "." and "_" not in text and "{" not in text
    assert all(6 <= len(s.reasoning.split()) <= 20 for s in plan.steps)
    assert 8 <= len(plan.instruction.split()) <= 45


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_the_best_plan_is_the_request(seed):
    _, goal, plan = taught(seed, 1.0)
    assert calls(plan.steps) == calls(goal.request)


def test_mistakes_grow_as_skill_falls():
    shares = []
    for skill in (1.0, 0.75, 0.5, 0.25, 0.0):
        wrong = 0
        for seed in range(200):
            _, goal, plan = taught(seed, skill)
            wrong += calls(plan.steps) != calls(goal.request)
        shares.append(wrong / 200)
    assert shares == sorted(shares) and shares[0] == 0
    assert 0.05 < shares[1] < 0.4 and shares[-1] > 0.9


def test_every_kind_of_mistake_is_made():
    seen = set()
    for seed in range(300):
        _, goal, plan = taught(seed, 0.0)
        asked, done = ({s.tool: s for s in steps} for steps in (goal.request, plan.steps))
        for tool in asked.keys() | done.keys():
            if tool not in done:
                seen.add("forgot constraint" if tool in MODIFIERS else "forgot")
            elif tool not in asked:
                seen.add("needless")
            else:
                theirs, mine = asked[tool].parameters, done[tool].parameters
                seen |= {name.split("_")[0] for name in mine if mine[name] != theirs[name]}
    targets = {VOCABULARY[d].target.split("_")[0] for d in DIMENSIONS}
    assert seen == {"forgot", "forgot constraint", "needless", "source", "strength"} | targets


def test_reasons_name_what_was_seen_and_what_is_wanted():
    state = {"time_of_day": "night_moonlit"}
    request = make_request({"time_of_day": "pre_dawn", "weather": "mist_light"}, 1.0, state)
    goal = Goal("a misty dawn", "misty_dawn", "a misty dawn", True, request)
    plan = teach(goal, state, 1.0, np.random.default_rng(0))
    assert "a moonlit night" in plan.steps[0].reasoning.lower()
    assert "the light before dawn" in plan.steps[0].reasoning
    assert "light mist" in plan.steps[1].reasoning.lower()
    assert plan.instruction == (
        "Fully relight it as the light before dawn and bring in light mist; "
        "keep subject and composition as before."
    )


def test_the_instruction_names_the_constraint():
    for seed in range(200):
        _, goal, plan = taught(seed, 1.0)
        if plan.steps[-1].tool == "exclude_region":
            region = plan.steps[-1].option.replace("_", " ").replace("center", "centre")
            assert plan.instruction.endswith(f"keep the {region} as before.")


@pytest.mark.parametrize("table", [CLAUSES, KINDS])
def test_tables_cover_the_dimensions(table):
    assert set(table) == set(DIMENSIONS)


def test_faults_are_of_options_that_exist():
    for name, options in FAULTS.items():
        assert set(options) <= set(VOCABULARY[name].parameters[VOCABULARY[name].target].values)
