"""The ten styling dimensions: vocabulary, plans, transforms, the executor."""

from agentic_styling.tools.encode import NUM_SLOTS, SLOTS, TOOL_INDEX, PlanArrays, encode_plans
from agentic_styling.tools.execute import execute, execute_steps
from agentic_styling.tools.plan import MAX_STEPS, Plan, PlanError, Step
from agentic_styling.tools.vocabulary import (
    ALIASES,
    AUTO,
    DIMENSIONS,
    MODIFIERS,
    UNKNOWN,
    VOCABULARY,
    Parameter,
    Tool,
)

__all__ = [
    "ALIASES",
    "AUTO",
    "DIMENSIONS",
    "MAX_STEPS",
    "MODIFIERS",
    "NUM_SLOTS",
    "Parameter",
    "Plan",
    "PlanArrays",
    "PlanError",
    "SLOTS",
    "Step",
    "TOOL_INDEX",
    "Tool",
    "UNKNOWN",
    "VOCABULARY",
    "encode_plans",
    "execute",
    "execute_steps",
]
