"""Plans as arrays of fixed shape, so that another plan never recompiles the executor."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.plan import MAX_STEPS, Plan, PlanError, Step
from agentic_styling.tools.vocabulary import MODIFIERS, VOCABULARY, Parameter, Tool

TOOL_INDEX = {name: i for i, name in enumerate(VOCABULARY)}
NUM_SLOTS = 5


class PlanArrays(NamedTuple):
    """Plans as arrays, a pytree.

    tool: int32 [B, T], index into VOCABULARY's order; -1 is no step.
    options: int32 [B, T, 5], index of a value in `Parameter.values`; slot s of a tool is
        SLOTS[tool][s]: 0 the source (0 = unknown), 1 the target, then the tool's other
        parameters; 0 where unused.
    strength: float32 [B, T] in [0, 1].
    """

    tool: jax.Array
    options: jax.Array
    strength: jax.Array


def _slots(tool: Tool) -> tuple[str | None, ...]:
    """The parameter in each slot. Reasons and object names have no effect, and no slot."""
    skip = {tool.source, tool.target, "strength"}
    names = [p.name for p in tool.parameters.values() if p.values and p.name not in skip]
    names = [tool.source, tool.target, *names]
    return (*names, *[None] * (NUM_SLOTS - len(names)))


SLOTS = {name: _slots(tool) for name, tool in VOCABULARY.items()}
_INDEX = {
    name: {p.name: {v: i for i, v in enumerate(p.values)} for p in tool.parameters.values()}
    for name, tool in VOCABULARY.items()
}


def encode_plans(plans: Sequence[Plan], max_steps: int = MAX_STEPS) -> PlanArrays:
    """Plans as PlanArrays [B, max_steps, ...]; defaults filled in, no step padded with tool -1.

    Raises PlanError if a plan has more steps than max_steps. Text without a meaning to the
    executor is warned about and counts as the default.
    """
    tool = np.full((len(plans), max_steps), -1, np.int32)
    options = np.zeros((len(plans), max_steps, NUM_SLOTS), np.int32)
    strength = np.zeros((len(plans), max_steps), np.float32)
    for b, plan in enumerate(plans):
        if len(plan.steps) > max_steps:
            raise PlanError(f"plan {b}: {len(plan.steps)} steps; raise max_steps={max_steps}")
        for t, step in enumerate(plan.steps):
            tool[b, t] = TOOL_INDEX[step.tool]
            options[b, t] = _encode_options(step)
            strength[b, t] = step.parameters.get("strength", 1.0)
    return PlanArrays(jnp.asarray(tool), jnp.asarray(options), jnp.asarray(strength))


def _encode_options(step: Step) -> list[int]:
    parameters = VOCABULARY[step.tool].parameters
    return [
        _encode_value(step.tool, parameters[name], step.parameters) if name else 0
        for name in SLOTS[step.tool]
    ]


def _encode_value(tool: str, parameter: Parameter, given: dict) -> int:
    value = given.get(parameter.name, parameter.default)
    index = _INDEX[tool][parameter.name]
    if parameter.kind == "text":
        word = value.strip().lower().replace(" ", "_")
        if word not in index:
            known = ", ".join(parameter.values)
            message = f"{tool}.{parameter.name}: {value!r} has no effect; known are {known}"
            warnings.warn(message, stacklevel=4)
        value = word if word in index else parameter.default
    return index[value]


def is_modifier(tool: jax.Array) -> jax.Array:
    """True where a tool index is a modifier (which changes how the others act, not the pixels)."""
    return tool >= len(VOCABULARY) - len(MODIFIERS)
