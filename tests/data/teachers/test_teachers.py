"""What a set takes from its teachers."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from agentic_styling import planner as planner_room
from agentic_styling.data.goals.sets import read, sample_goal
from agentic_styling.data.pipeline import Context
from agentic_styling.data.teachers.teachers import PlannerTeacher, Procedural, why_unfit
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError

FOG = Step("", "weather", {"weather_type": "fog_dense"})
DUSK = Step("", "time_of_day", {"target_time": "dusk_twilight"})
SPRING = Step("", "season", {"target_season": "spring_blooming"})


def plan_of(*steps):
    return Plan({}, steps)


def context(seed, set_name="complex"):
    goal = sample_goal(set_name, {}, "train", np.random.default_rng(seed))
    return Context(f"c-{seed}", "photo", {}, np.zeros((8, 8, 3), np.uint8), {}, goal, (), ())


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((FOG, DUSK), "fewer than 3 steps"),
        ((FOG, DUSK, SPRING), None),
        ((FOG, DUSK, SPRING, FOG), "more than 3 steps"),
        ((FOG,) * 6, "more than 5 steps"),
    ],
)
def test_a_plan_has_the_steps_of_its_set(steps, reason):
    assert why_unfit(plan_of(*steps), 3, 3) == reason


def test_a_step_that_stands_for_too_many_does_not_fit():
    three = ["weather:fog_dense", "time_of_day:dusk_twilight", "season:spring_blooming"]
    others = ["weather:light_snow", "time_of_day:blue_hour", "season:winter_bare"]
    groups = [Step("", "parallel_transform", {"actions": names}) for names in (three, others)]
    assert why_unfit(plan_of(groups[0], FOG), 1, 8) is None
    assert why_unfit(plan_of(*groups), 1, 8) == "more than 5 steps"


def test_the_procedural_teacher_draws_skills_by_the_shares_of_the_set():
    teacher = Procedural("simple")
    drawn = [context(seed, "simple") for seed in range(500)]
    taught, rejects = teacher(drawn, None, [(seed,) for seed in range(500)], 2)
    skills = Counter(str(skill) for c in taught for skill in c.skills)
    assert not rejects
    for skill, share in read("simple")["skills"].items():
        assert abs(skills[skill] / 1000 - share) < 0.05
    assert all(1 <= len(p.steps) <= 2 for c in taught for p in c.plans)


@pytest.fixture
def teacher(monkeypatch, tmp_path):
    """A planner that takes a temperature for how many steps to plan."""

    class Writes:
        system = False

        @classmethod
        def from_pretrained(cls, directory, system):
            return cls()

        def plan(self, images, goals, states, temperature, seed):
            self.seeds, self.states = [*getattr(self, "seeds", []), seed], states
            steps = (FOG, DUSK, SPRING, FOG, DUSK, SPRING)[: round(10 * temperature)]
            return [[plan_of(*steps)] for _ in goals]

    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(planner_room, "Planner", Writes)
    return lambda *heats: PlannerTeacher("complex", tmp_path, temperatures=heats)


def test_a_planner_plans_at_each_temperature_and_what_does_not_fit_is_counted(teacher):
    made = teacher(0.1, 0.3, 0.6, 0.5)
    drawn = [replace(context(seed), state={"season": str(seed)}) for seed in range(3)]
    taught, rejects = made(drawn, np.zeros((3, 8, 8, 3), np.uint8), [(1, i) for i in range(3)], 5)
    assert rejects == {"fewer than 3 steps": 6, "more than 5 steps": 3}
    for c in taught:
        assert c.skills == (0.3, 0.5) and [len(p.steps) for p in c.plans] == [3, 5]
        assert c.teacher.startswith("planner ")
    assert len(set(made.planner.seeds)) == 5
    assert made.planner.states == [c.state for c in drawn]


def test_other_weights_are_other_settings(teacher, tmp_path):
    before = teacher(0.5).settings()
    assert before == teacher(0.5).settings()
    (tmp_path / "model.safetensors").write_bytes(b"other")
    after = teacher(0.5).settings()
    assert {name for name in after if after[name] != before[name]} == {"sha256"}
    json.dumps(after)


@pytest.mark.parametrize("heats", [(), (0.3, -1.0)])
def test_temperatures_are_checked(teacher, heats):
    with pytest.raises(InputError, match="temperatures"):
        teacher(*heats)
