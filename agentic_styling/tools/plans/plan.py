"""A plan: what a photograph shows, the steps that restyle it, and the instruction in words."""

import functools
import json
import warnings
from dataclasses import dataclass

from agentic_styling.tools.plans.resolve import ResolvedStep, resolve
from agentic_styling.tools.plans.steps import (
    MAX_STEPS,
    PlanError,
    Step,
    check_keys,
    check_step,
    check_text,
    show,
)
from agentic_styling.tools.plans.vocabulary import ALIASES, DIMENSIONS, UNKNOWN, VOCABULARY
from agentic_styling.utils.errors import nearest

_KEYS = ("version", "goal", "context", "steps", "instruction")
_STEP_KEYS = ("reasoning", "tool", "parameters")


@dataclass(frozen=True)
class Plan:
    """A validated plan, immutable: do not change its dicts either, it is resolved only once.

    Args:
      context: maps a dimension to the option that the photograph shows; a missing one is unknown.
      steps: at most 8. A plan without steps leaves the photograph as it is.
      instruction: the edit in words.

    Raises:
      PlanError: something is not in the vocabulary. Aliases are replaced and keys ordered.
    """

    context: dict
    steps: tuple[Step, ...] = ()
    instruction: str = ""

    def __post_init__(self):
        if not isinstance(self.steps, list | tuple):
            raise PlanError(f"steps: {show(self.steps)} is not a list; write [] for no step")
        if len(self.steps) > MAX_STEPS:
            raise PlanError(f"steps: {len(self.steps)} steps; a plan has at most {MAX_STEPS}")
        object.__setattr__(self, "context", _check_context(self.context))
        object.__setattr__(
            self, "steps", tuple(check_step(s, f"step {i}") for i, s in enumerate(self.steps, 1))
        )
        check_text(self.instruction, "instruction")

    @functools.cached_property
    def resolved(self) -> tuple[ResolvedStep, ...]:
        """The steps as the executor runs them, in order, modifiers resolved; at most 8."""
        return resolve(self.steps, self.context)

    @property
    def resolved_steps(self) -> tuple[Step, ...]:
        """The step behind each frame of `execute_steps` after the first."""
        return tuple(resolved.step for resolved in self.resolved)

    @classmethod
    def from_json(cls, text: str | dict) -> "Plan":
        """Reads a plan.

        Args:
          text: JSON text, or the dict that it holds. Only "steps" is required; "goal", the text
            that the plan was written for, is not kept. If a text's steps are empty, a UserWarning
            says that the plan changes nothing.

        Raises:
          PlanError: not JSON, or not a valid plan; one line naming the field and a fix.
        """
        data = _load(text) if isinstance(text, str) else text
        check_keys(data, _KEYS, "plan")
        version = data.get("version", 1)
        if type(version) is not int or version != 1:
            raise PlanError(f"version: {show(version)} is not supported; use 1")
        check_text(data.get("goal", ""), "goal")
        if "steps" not in data:
            raise PlanError('plan: "steps" is missing; write [] for no step')
        steps = data["steps"]
        if isinstance(steps, list | tuple):
            steps = [_read_step(s, f"step {i}") for i, s in enumerate(steps, 1)]
        plan = cls(data.get("context", {}), steps, data.get("instruction", ""))
        if isinstance(text, str) and not plan.steps:
            warnings.warn('plan: "steps" is empty, so the plan changes nothing', stacklevel=2)
        return plan

    def to_json(self) -> str:
        """The plan as compact JSON, keys in the order in which a planner writes them."""
        data = {
            "version": 1,
            "context": self.context,
            "steps": [{key: getattr(step, key) for key in _STEP_KEYS} for step in self.steps],
            "instruction": self.instruction,
        }
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _load(text: str) -> object:
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise PlanError(f"plan: not JSON ({reason}); write one JSON object") from None


def _check_context(context: object) -> dict:
    if not isinstance(context, dict):
        raise PlanError(f"context: {show(context)} is not an object; write {{}} if unknown")
    checked = {}
    for key, value in context.items():
        dimension = ALIASES.get(key, key) if isinstance(key, str) else key
        if dimension not in DIMENSIONS:
            raise PlanError(f"context: unknown dimension {show(key)}; {nearest(key, DIMENSIONS)}")
        if dimension in checked:
            raise PlanError(f"context: {dimension!r} is given twice, also as {key!r}; keep one")
        values = (*VOCABULARY[dimension].options, UNKNOWN)
        if value not in values:
            fix = nearest(value, values)
            raise PlanError(f"context: {dimension} has no option {show(value)}; {fix}")
        checked[dimension] = value
    return {name: checked[name] for name in DIMENSIONS if name in checked}


def _read_step(data: object, where: str) -> Step:
    check_keys(data, _STEP_KEYS, where)
    if "tool" not in data:
        raise PlanError(f'{where}: "tool" is missing; use one of {", ".join(VOCABULARY)}')
    return Step(data.get("reasoning", ""), data["tool"], data.get("parameters", {}))
