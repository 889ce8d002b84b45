"""The image tools: vocabulary, plans, transforms, and the executor."""

from agentic_styling.tools.executor.added import add_tool
from agentic_styling.tools.executor.api import execute, execute_steps
from agentic_styling.tools.plans.encode import (
    COMBINE,
    NUM_SLOTS,
    SLOTS,
    TOOL_INDEX,
    PlanArrays,
    encode_plans,
)
from agentic_styling.tools.plans.plan import Plan
from agentic_styling.tools.plans.steps import MAX_STEPS, PlanError, Step
from agentic_styling.tools.plans.vocabulary import (
    ALIASES,
    AUTO,
    DIMENSIONS,
    MAX_ITEMS,
    MODIFIERS,
    UNKNOWN,
    VOCABULARY,
    Parameter,
    Tool,
    new_tool,
)

__all__ = [
    "ALIASES", "AUTO", "COMBINE", "DIMENSIONS", "MAX_ITEMS", "MAX_STEPS", "MODIFIERS",
    "NUM_SLOTS", "Parameter", "Plan", "PlanArrays", "PlanError", "SLOTS", "Step", "TOOL_INDEX",
    "Tool", "UNKNOWN", "VOCABULARY", "add_tool", "encode_plans", "execute", "execute_steps",
    "new_tool",
]  # fmt: skip
