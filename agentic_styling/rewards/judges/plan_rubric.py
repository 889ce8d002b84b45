"""The rubric of plans: eight questions about a plan with its reasons, its goal and photograph.

Source: the plan judge of arXiv 2603.07148; its dimensions, asked in our words.
"""

from collections import namedtuple
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from agentic_styling.rewards.judges.edit_rubric import quoted_goal
from agentic_styling.rewards.judges.rubric import RUBRICS, Rubric
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError

PLAN_PARTS = tuple(RUBRICS["plan"]["questions"])
PlanScores = namedtuple("PlanScores", (*PLAN_PARTS, "overall"))
PlanScores.__doc__ = (
    "Scores of a batch of plans, float32 [B] each in [0, 100]; overall: their mean."
)


def plan_words(goals: Sequence[str], plans: Sequence[Plan]) -> list[str]:
    """Goals and plans, reasons and all. Raises InputError naming the row."""
    words = []
    for row, (goal, plan) in enumerate(zip(goals, plans, strict=True)):
        if not isinstance(goal, str) or not isinstance(plan, Plan):
            kinds = f"a {type(goal).__name__} and a {type(plan).__name__}"
            raise InputError(f"goals[{row}] and plans[{row}] are {kinds}; give a text and a Plan")
        try:
            words.append(f"The goal: {quoted_goal(goal)}.\nThe plan: {plan.to_json()}")
        except InputError as error:
            raise InputError(f"goals[{row}]: {error}") from None
    return words


def combine_plan(parts: dict[str, jax.Array]) -> PlanScores:
    """PlanScores from parts [B] in percent, one for each of PLAN_PARTS."""
    parts = {name: jnp.clip(parts[name], 0, 100) for name in PLAN_PARTS}
    return PlanScores(**parts, overall=jnp.stack(list(parts.values())).mean(0))


PLAN = Rubric(**RUBRICS["plan"], words=plan_words, combine=combine_plan)
