"""Habits of the scripted teacher: of keys and the seed alone, followed in a share of plans."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentic_styling.data.goals.goals import Goal, make_request
from agentic_styling.data.goals.sets import read, sample_goal
from agentic_styling.data.photos.states import STATES, sample_state, source_of
from agentic_styling.data.pipeline import Context
from agentic_styling.data.teachers.habits import KINDS, Habits, misled
from agentic_styling.data.teachers.teachers import Procedural
from agentic_styling.tools import MODIFIERS, VOCABULARY, Plan
from agentic_styling.utils.errors import InputError

STATE = {"time_of_day": "night_moonlit"}
TARGETS = {"weather": "fog_dense", "time_of_day": "pre_dawn", "season": "winter_bare"}


def goal_of(theme="misty_dawn", strength=0.5, constraint=("exclude_region", "center")):
    request = make_request(TARGETS, strength, STATE, constraint)
    return Goal("text", theme, "a dawn", True, request)


def always(kind, seed=0):
    return Habits(seed, {kind: 1.0}, 1.0)


def led(goal, kind, seed=0, low=1, high=5):
    return misled(goal, STATE, always(kind, seed), low, high)


def calls(steps):
    return [(s.tool, s.parameters) for s in steps]


def options(goal):
    return {s.tool: s.option for s in goal.request}


def test_without_habits_nothing_changes():
    goal = goal_of()
    assert misled(goal, STATE, Habits(0, {}, 1.0), 1, 5) == (goal, STATE)
    assert misled(goal, STATE, Habits(0, dict.fromkeys(KINDS, 0.0), 1.0), 1, 5) == (goal, STATE)


def test_each_kind_does_what_it_says():
    goal = goal_of()
    (near, seen), before = led(goal, "neighbour", seed=1), options(goal)
    assert seen == STATE and near.request[-1] == goal.request[-1]
    for step in near.request[:-1]:
        every = VOCABULARY[step.tool].options
        apart = (every.index(step.option) - every.index(before[step.tool])) % len(every)
        assert apart in (1, 2, len(every) - 1, len(every) - 2)
    strong, _ = led(goal, "full_strength")
    assert [s.parameters.get("strength", 1.0) for s in strong.request] == [1.0] * 4
    assert options(strong) == before
    forgetful, _ = led(goal, "forgets_constraint")
    assert calls(forgetful.request) == calls(goal.request[:-1])
    eager, _ = led(goal, "adds_step")
    [added] = [s for s in eager.request if s.tool not in before]
    assert added.tool not in MODIFIERS and added.option in VOCABULARY[added.tool].options
    assert calls(s for s in eager.request if s != added) == calls(goal.request)
    wrong, seen = led(goal, "misreads")
    assert seen.keys() == STATE.keys() and seen != STATE
    assert seen["time_of_day"] in STATES["time_of_day"][1]
    sources = {s.tool: source_of(s) for s in wrong.request}
    assert sources["time_of_day"] == seen["time_of_day"] and sources["weather"] == "unknown"
    assert options(wrong) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_habit_is_of_the_seed_and_the_key_alone(kind):
    goal = goal_of()
    other = replace(goal, text="other words", explicit=False, level="vague")
    assert led(goal, kind)[0].request == led(other, kind)[0].request
    made = {str(calls(led(goal, kind, seed)[0].request)) for seed in range(8)}
    themes = {str(calls(led(goal_of(name), kind)[0].request)) for name in map(str, range(8))}
    assert (len(made) > 1) == (kind in ("neighbour", "adds_step", "misreads"))
    assert (len(themes) > 1) == (kind in ("neighbour", "adds_step"))


def test_a_share_of_the_keys_has_a_habit_and_a_larger_share_has_those_too():
    def those_with(share, seed=0):
        habits = Habits(seed, {"neighbour": share}, 1.0)
        return {i for i in range(2000) if habits.draw("neighbour", str(i), "weather")}

    few, more = those_with(0.2), those_with(0.5)
    assert abs(len(few) / 2000 - 0.2) < 0.03 and abs(len(more) / 2000 - 0.5) < 0.04
    assert few < more and those_with(0.0) == set() and len(those_with(1.0)) == 2000
    assert abs(len(few & those_with(0.2, seed=1)) / 2000 - 0.04) < 0.02  # of its own draw


def test_a_goal_without_a_theme_has_an_option_in_its_place():
    keys = []

    class Noting(Habits):
        def draw(self, *key):
            keys.append(key)

    misled(goal_of(theme=""), STATE, Noting(0, {}, 1.0), 1, 5)
    assert ("forgets_constraint", "winter_bare", "center") in keys
    assert ("adds_step", "winter_bare") in keys and ("neighbour", "fog_dense", "weather") in keys


def test_habits_that_would_break_the_number_of_steps_are_not_followed():
    goal = goal_of()  # four steps
    assert led(goal, "forgets_constraint", low=4)[0] == goal
    assert len(led(goal, "forgets_constraint", low=3)[0].request) == 3
    assert led(goal, "adds_step", high=4)[0] == goal
    assert len(led(goal, "adds_step", high=5)[0].request) == 5


def taught(count, strength, skills=None, plans=200):
    """Plans of contexts of complex whose request the habits change, and right ones by context."""
    shares = {"neighbour": 0.3, "misreads": 0.3, "full_strength": 0.3}
    teacher = Procedural(
        "complex", skills=skills or {"1": 1}, habits=shares, habit_strength=strength
    )
    drawn = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        state = sample_state(rng)
        goal = sample_goal("complex", state, "train", rng)
        drawn.append(Context(f"c{seed}", "p", {}, None, state, goal, (), ()))
    drawn = [
        c for c in drawn if misled(c.goal, c.state, teacher.habits, 3, 5) != (c.goal, c.state)
    ][:count]
    made, _ = teacher(drawn, None, [(i,) for i in range(count)], plans)
    for context in made:
        right = [
            calls(p.steps) == calls(context.goal.request)
            and {n: p.context[n] for n in context.state} == context.state
            for p in context.plans
        ]
        yield context, right


@pytest.mark.parametrize("strength", [0.25, 0.75])
def test_the_mode_is_right_below_one_half_and_wrong_above(strength):
    for context, right in taught(8, strength):
        assert abs(np.mean(right) - (1 - strength)) < 0.13  # four deviations of 200 draws
        plans = Counter(str((calls(p.steps), p.context)) for p in context.plans)
        assert len(plans) == 2
        [(_, most)] = plans.most_common(1)
        assert (most == sum(right)) == (strength < 0.5)


def test_good_plans_stay_among_those_of_little_skill():
    for _, right in taught(4, 0.75, skills={"1": 0.5, "0": 0.5}, plans=100):
        assert 0.02 < np.mean(right) < 0.3  # about 1/8


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from(["simple", "regular", "complex"]),
)
@example(0, 1.0, "regular")
@settings(max_examples=60, deadline=None)
def test_plans_with_habits_are_valid(seed, skill, name):
    rng = np.random.default_rng(seed)
    state = sample_state(rng)
    goal = sample_goal(name, state, "train", rng)
    teacher = Procedural(
        name,
        seed,
        skills={str(skill): 1.0},
        habits=dict.fromkeys(KINDS, 0.5),
        habit_strength=0.8,
    )
    drawn = [Context("c", "p", {}, None, state, goal, (), ())]
    [context], _ = teacher(drawn, None, [(seed,)], 3)
    low, high = read(name)["steps"]
    for plan in context.plans:
        assert Plan.from_json(plan.to_json()) == plan
        assert low <= len(plan.steps) <= high
        assert len({s.tool for s in plan.steps}) == len(plan.steps)
        if skill == 1.0:
            changes = [s for s in plan.steps if s.tool not in MODIFIERS]
            assert all(source_of(s) == plan.context[s.tool] for s in changes)
            assert all(source_of(s) != s.option for s in changes)


def test_no_habit_makes_a_step_from_an_option_to_itself():
    other = next(o for o in STATES["time_of_day"][1] if o != STATE["time_of_day"])
    every = VOCABULARY["weather"].options
    near = every[every.index("fog_dense") + 1]
    day = replace(goal_of(), request=make_request({"time_of_day": other}, 0.5, STATE))
    fog = replace(goal_of(), request=make_request({"weather": "fog_dense"}, 0.5, {"weather": near}))
    found = []
    for seed in range(60):
        (late,) = led(day, "misreads", seed)[0].request
        (usual,) = led(fog, "neighbour", seed)[0].request
        assert source_of(late) != late.option and source_of(usual) != usual.option
        found.append((source_of(late), usual.option))
    assert {source for source, _ in found} == {*STATES["time_of_day"][1]} - {other}
    assert {target for _, target in found} > {"fog_dense"}


def test_the_behaviour_is_that_of_the_set_but_for_what_is_given():
    rows = read("regular")
    settings = Procedural("regular").settings()
    assert settings == {
        "name": "procedural",
        **{name: rows[name] for name in ("skills", "habits", "habit_strength")},
    }
    other = Procedural("regular", habit_strength=0.1, habits={"misreads": 1.0}).settings()
    assert other == settings | {"habit_strength": 0.1, "habits": {"misreads": 1.0}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"habits": {"misread": 0.5}}, "build: habits: 'misread' .*did you mean 'misreads'"),
        ({"habits": {"misreads": 1.5}}, r"build: habits: 1\.5 is not in \[0, 1\]"),
        ({"habit_strength": -0.1}, r"build: habit_strength: -0\.1 is not in"),
        ({"skills": {"1.0": 0.5}}, "build: skills: the shares do not sum to 1"),
        ({"skills": {"1": 0.5, "1.0": 1.0}}, "build: skills: the shares do not sum to 1"),
        ({"skills": {"high": 1.0}}, "build: skills: .*'high'; use numbers from 0 to 1"),
        ({"skills": {"2": 1.0}}, r"build: skills: 2\.0 is not in"),
    ],
)
def test_behaviour_that_cannot_be_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        Procedural("simple", **given)
