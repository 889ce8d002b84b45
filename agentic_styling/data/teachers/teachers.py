"""Teachers, which write the plans of a set."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from agentic_styling.data.goals.set_files import check_behaviour
from agentic_styling.data.goals.sets import read
from agentic_styling.data.pipeline import Context
from agentic_styling.data.teachers.habits import Habits, misled
from agentic_styling.data.teachers.scripted import MAX_TEACHER_STEPS, teach
from agentic_styling.planner import check_temperature
from agentic_styling.tools import Plan
from agentic_styling.utils.digests import digest_of_files
from agentic_styling.utils.errors import InputError

TEMPERATURES = (0.3, 0.7, 1.0)
PLANNER_FILES = ("*.json", "*.safetensors")  # configuration, tokenizer and weights
TRIES = 1000  # of a scripted plan, until it has one of the set's numbers of steps


class Teacher(Protocol):
    """Writes plans. name: in provenance. settings(): all that the plans depend on, as JSON."""

    name: str

    def settings(self) -> dict: ...

    def __call__(
        self,
        drawn: Sequence[Context],
        sources: np.ndarray,
        seeds: Sequence[tuple[int, ...]],
        count: int,
    ) -> tuple[list[Context], Counter]:
        """Plans for N contexts; the same arguments give the same plans.

        Args:
          sources: uint8 [N, H, W, 3], their pictures in their states.
          seeds: one for each context.

        Returns:
          The contexts with up to `count` plans each, of the set's numbers of steps (`why_unfit`),
          and how many plans were rejected for each reason.
        """


def why_unfit(plan: Plan, low: int, high: int) -> str | None:
    """Why a plan does not belong to a set of plans of `low` to `high` steps; None if it does."""
    if len(plan.steps) < low:
        return f"fewer than {low} steps"
    if len(plan.resolved) > MAX_TEACHER_STEPS:
        return f"more than {MAX_TEACHER_STEPS} steps"  # a compositional one stands for several
    return f"more than {high} steps" if len(plan.steps) > high else None


def checked_temperatures(temperatures: Sequence[float]) -> tuple[float, ...]:
    """The temperatures as floats.

    Raises InputError if there is none, or one is not a finite number from 0 up.
    """
    if not temperatures:
        raise InputError(f"temperatures {temperatures}: none given; give one or more, 0 or above")
    return tuple(check_temperature(each, "temperatures") for each in temperatures)


def with_plans(context: Context, plans: dict[tuple[float, int], Plan], name: str) -> Context:
    """The context with plans by (temperature, number), which stands for their skill, of a model."""
    skills = tuple(temperature for temperature, _ in plans)
    return dataclasses.replace(context, plans=tuple(plans.values()), skills=skills, teacher=name)


class Procedural:
    """The scripted teacher, at skills drawn by their shares, with habits.

    Args:
      set_name: of the set, whose file has the behaviour that is not given here.
      seed: of the set: which keys have which habits.
      skills, habits, habit_strength: as in a set's file, see `set_files.check`.

    Raises:
      InputError: for numbers that are no shares, and unknown habits.
    """

    name = "procedural"

    def __init__(
        self,
        set_name: str,
        seed: int = 0,
        *,
        skills: Mapping[str, float] | None = None,
        habits: Mapping[str, float] | None = None,
        habit_strength: float | None = None,
    ):
        given = {"skills": skills, "habits": habits, "habit_strength": habit_strength}
        rows = read(set_name) | {name: value for name, value in given.items() if value is not None}
        check_behaviour(rows, "build")
        self.low, self.high = rows["steps"]
        self.skills = dict(rows["skills"])
        self.habits = Habits(seed, dict(rows["habits"]), rows["habit_strength"])

    def settings(self) -> dict:
        habits = {"habits": self.habits.shares, "habit_strength": self.habits.strength}
        return {"name": self.name, "skills": self.skills, **habits}

    def __call__(self, drawn, sources, seeds, count):
        taught = []
        for context, seed in zip(drawn, seeds, strict=True):
            rng = np.random.default_rng((*seed, 1))
            shares = list(self.skills.values())
            skills = rng.choice([float(s) for s in self.skills], count, p=shares).tolist()
            plans = tuple(self._plan(context, skill, rng) for skill in skills)
            taught.append(dataclasses.replace(context, plans=plans, skills=tuple(skills)))
        return taught, Counter()

    def _plan(self, context: Context, skill: float, rng) -> Plan:
        goal, state = context.goal, context.state
        if self.habits.strength and rng.random() < self.habits.strength:
            goal, state = misled(goal, state, self.habits, self.low, self.high)
        for _ in range(TRIES):
            plan = teach(goal, state, skill, rng)
            if self.low <= len(plan.steps) <= self.high:
                return plan
        raise AssertionError(f"{context.id}: no plan of {self.low} to {self.high} steps")


class PlannerTeacher:
    """The planner of a directory as teacher; a context's plans take the temperatures in turn.

    Plans must have one of the set's numbers of steps. system: whether prompts explain the tools,
    for models not trained on our plans. Raises InputError as `Planner.from_pretrained` does, and
    for invalid temperatures.
    """

    name = "planner"

    def __init__(
        self, set_name: str, directory, *, temperatures=TEMPERATURES, system: bool = False
    ):
        from agentic_styling.planner import Planner

        self.temperatures = checked_temperatures(temperatures)
        self.low, self.high = read(set_name)["steps"]
        self.planner = Planner.from_pretrained(directory, system=system)
        self.directory = Path(directory)

    def settings(self) -> dict:
        files = [p for name in PLANNER_FILES for p in sorted(self.directory.glob(name))]
        return {
            "name": self.name,
            "planner": self.directory.name,
            "sha256": digest_of_files(files)[:16],
            "temperatures": list(self.temperatures),
            "system": self.planner.system,
        }

    def __call__(self, drawn, sources, seeds, count):
        goals, states = [c.goal.text for c in drawn], [c.state for c in drawn]
        kept, rejects = [{} for _ in drawn], Counter()
        for number in range(count):
            temperature = self.temperatures[number % len(self.temperatures)]
            seed = int(np.random.default_rng((*seeds[0], number)).integers(2**31))
            plans = self.planner.plan(
                sources, goals, states=states, temperature=temperature, seed=seed
            )
            for row, (plan,) in enumerate(plans):
                if reason := why_unfit(plan, self.low, self.high):
                    rejects[reason] += 1
                else:
                    kept[row][temperature, number] = plan
        name = f"{self.name} {self.directory.name}"
        return [with_plans(*each, name) for each in zip(drawn, kept, strict=True)], rejects
