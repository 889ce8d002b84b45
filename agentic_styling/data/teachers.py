"""Teachers: what writes the plans of a set, behind one call."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from agentic_styling.data.generate import SKILLS, Context
from agentic_styling.data.sets import read
from agentic_styling.data.teacher import teach
from agentic_styling.errors import InputError
from agentic_styling.tools import Plan

TRIES = 1000  # of a procedural plan, until it has as many steps as the set's plans


class Teacher(Protocol):
    """name: in provenance. settings(): as JSON, all that its plans depend on."""

    name: str

    def settings(self) -> dict: ...

    def __call__(
        self,
        drawn: Sequence[Context],
        sources: np.ndarray,
        seeds: Sequence[tuple[int, ...]],
        count: int,
    ) -> tuple[list[Context], Counter]:
        """The contexts with `count` plans each, or fewer, and the rejects by reason.

        sources: uint8 [N, H, W, 3], the pictures as they are; seeds: of each context. What comes
        back is a function of the arguments, and for a context of its own row alone.
        """


class Procedural:
    """Knows the goal's request and blunders at a drawn skill; SKILLS has the shares."""

    name = "procedural"

    def __init__(self, set_name: str):
        self.low, self.high = read(set_name)["steps"]

    def settings(self) -> dict:
        return {"name": self.name, "skills": {str(s): share for s, share in SKILLS.items()}}

    def __call__(self, drawn, sources, seeds, count):
        taught = []
        for context, seed in zip(drawn, seeds, strict=True):
            rng = np.random.default_rng((*seed, 1))
            skills = rng.choice(list(SKILLS), count, p=list(SKILLS.values())).tolist()
            plans = tuple(self._plan(context, skill, rng) for skill in skills)
            taught.append(dataclasses.replace(context, plans=plans, skills=tuple(skills)))
        return taught, Counter()

    def _plan(self, context: Context, skill: float, rng) -> Plan:
        for _ in range(TRIES):
            plan = teach(context.goal, context.state, skill, rng)
            if self.low <= len(plan.steps) <= self.high:
                return plan
        raise AssertionError(f"{context.id}: no plan of {self.low} to {self.high} steps")


class PlannerTeacher:
    """A Qwen3-VL planner of a Hugging Face directory; a context's plans differ in temperature.

    directory: its name and its weights' digest are not read for the settings: give another root
    for another planner. system: whether it is told the tools, as an untrained one has to be.
    """

    name = "planner"

    def __init__(self, directory, *, temperatures=(0.3, 0.7, 1.0), system: bool = False):
        from agentic_styling.planner import Planner

        self.temperatures = checked_temperatures(temperatures)
        self.planner = Planner.from_pretrained(directory, system=system)
        self.directory = Path(directory).name

    def settings(self) -> dict:
        return {
            "name": self.name,
            "planner": self.directory,
            "temperatures": list(self.temperatures),
            "system": self.planner.system,
        }

    def __call__(self, drawn, sources, seeds, count):
        goals, plans = [c.goal.text for c in drawn], [[] for _ in drawn]
        heats = [self.temperatures[k % len(self.temperatures)] for k in range(count)]
        for number, heat in enumerate(heats):
            seed = int(np.random.default_rng((*seeds[0], number)).integers(2**31))
            made = self.planner.plan(sources, goals, temperature=heat, seed=seed)
            for row, (plan,) in zip(plans, made, strict=True):
                row.append(plan)
        given = {"skills": tuple(heats), "teacher": f"{self.name} {self.directory}"}
        return [
            dataclasses.replace(c, plans=tuple(row), **given)
            for c, row in zip(drawn, plans, strict=True)
        ], Counter()


def checked_temperatures(temperatures: Sequence[float]) -> tuple[float, ...]:
    """The temperatures that a context's plans take in turn. Raises InputError for bad ones."""
    if not temperatures or not all(0 <= t < float("inf") for t in temperatures):
        raise InputError(f"temperatures {temperatures}: give one or more, none below 0")
    return tuple(map(float, temperatures))
