"""Habits of the scripted teacher: systematic mistakes, which no average over plans removes.

Mistakes of skill differ from plan to plan, and the most frequent plan of a context is right. A
habit belongs to a key: a theme and a tool, a tool, or an option of the state. Of the keys of each
kind, a share has one, and what it does is drawn from the set's seed and the key alone, so all
contexts with the key share it. Of a context's plans a share, the strength, follows all of its
habits, and the others none: below 1/2 the right plan is the most frequent one, above 1/2 that of
the habits is, and below 1 both occur. A goal without a theme has an option in the theme's place.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from agentic_styling.data.goals.goals import COMPOSED, Goal
from agentic_styling.data.photos.states import ORDER, STATES, make_step, source_of
from agentic_styling.data.teachers.scripted import neighbour
from agentic_styling.tools import MODIFIERS, UNKNOWN, Step

# Kind of habit -> what it does, and of which keys.
KINDS = {
    "neighbour": "of a theme and tool: takes a neighbouring option",
    "full_strength": "of a tool: is always at full strength",
    "forgets_constraint": "of a theme and what is kept: does not keep it",
    "adds_step": "of a theme: adds a step that nobody asked for",
    "misreads": "of an option of the state: sees another, in the context and in the steps' sources",
}


@dataclass(frozen=True)
class Habits:
    """The habits of a teacher.

    seed: of the set. shares: kind of KINDS -> how many of its keys have the habit, in [0, 1].
    strength: how many of a context's plans follow them, in [0, 1].
    """

    seed: int
    shares: Mapping[str, float]
    strength: float

    def draw(self, kind: str, *key: str) -> np.random.Generator | None:
        """What a key's habit is drawn from, the same at each call; None where it has none."""
        name = "/".join((str(self.seed), kind, *key))
        rng = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))
        return rng if rng.random() < self.shares.get(kind, 0.0) else None


def misled(
    goal: Goal, state: Mapping[str, str], habits: Habits, low: int, high: int
) -> tuple[Goal, dict[str, str]]:
    """The goal's request and the picture's state as one who follows the habits takes them.

    They are the same where no key has a habit. A request of low to high steps stays one, and no
    step is from an option to itself: a habit that would make it otherwise is not followed. A goal
    keeps one thing at most.
    """
    wanted = {step.tool: step.option for step in goal.request}
    seen = {name: _seen(habits, name, option) for name, option in state.items()}
    seen = {n: state[n] if wanted.get(n) == option else option for n, option in seen.items()}
    changes = [_usual(habits, goal, s, seen) for s in goal.request if s.tool not in MODIFIERS]
    kept = [s for s in goal.request if s.tool in MODIFIERS]
    theme = goal.theme or "".join(step.option for step in goal.request[:1])
    forgets = any(habits.draw("forgets_constraint", theme, s.option) for s in kept)
    if forgets and len(changes) >= low:
        kept = []
    if changes and len(changes) + len(kept) < high:
        changes += _needless(habits.draw("adds_step", theme), changes, seen)
        changes.sort(key=lambda step: ORDER.index(step.tool))
    return replace(goal, request=(*changes, *kept)), seen


def _seen(habits: Habits, name: str, option: str) -> str:
    rng = habits.draw("misreads", name, option)
    return str(rng.choice([o for o in STATES[name][1] if o != option])) if rng else option


def _usual(habits: Habits, goal: Goal, step: Step, seen: Mapping[str, str]) -> Step:
    """A step that changes something, as it is usually taken."""
    target, strength = step.option, step.parameters["strength"]
    source = seen.get(step.tool, source_of(step))
    if rng := habits.draw("neighbour", goal.theme or target, step.tool):
        other = neighbour(step.tool, target, rng)
        target = target if other == source else other
    if habits.draw("full_strength", step.tool):
        strength = 1.0
    return make_step(step.tool, source, target, strength)


def _needless(rng: np.random.Generator | None, changes: list[Step], seen) -> list[Step]:
    """The step to add, if any: of the first tool, in the key's own order, that is not there yet."""
    if rng is None:
        return []
    taken = {step.tool for step in changes}
    tool = next(str(t) for t in rng.permutation(list(COMPOSED)) if t not in taken)
    source, target = seen.get(tool, UNKNOWN), str(rng.choice(COMPOSED[tool]))
    return [] if source == target else [make_step(tool, source, target, 0.75)]
