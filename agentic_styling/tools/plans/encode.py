"""Plans as arrays of fixed shape, so that another plan never recompiles the executor."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.plans.names import find_word
from agentic_styling.tools.plans.plan import MAX_STEPS, Plan, PlanError, Step
from agentic_styling.tools.plans.resolve import compose, touches
from agentic_styling.tools.plans.vocabulary import (
    DIMENSIONS,
    MODIFIERS,
    VOCABULARY,
    Parameter,
    Tool,
)

TOOL_INDEX: dict[str, int] = {}
SLOTS: dict[str, tuple[str | None, ...]] = {}
NUM_SLOTS = 5
# How a step's result joins the picture: alone; as a layer; among parallel steps.
COMBINE = ("replace",)
COMBINE += ("normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "add")
COMBINE += ("additive", "multiplicative", "average", "max_effect")


class PlanArrays(NamedTuple):
    """Plans as arrays, a pytree. Slots are in the order in which steps run (compose.py).

    tool: int32 [B, T], index into VOCABULARY's order; -1 is no step. Never a conditional_transform,
        sequence_transform, parallel_transform or layered_transformation: their steps stand there.
    options: int32 [B, T, 5], index of a value in `Parameter.values`; slot s of a tool is
        SLOTS[tool][s]: 0 the source (0 = unknown), 1 the target, then the tool's other
        parameters; 0 where unused.
    strength: float32 [B, T] in [0, 1], that of a group multiplied with its member's.
    numbers: float32 [B, T, 2] in [0, 1]: of a graduated_effect intensity_start and intensity_end,
        of a selective_blend source_preserve_ratio and target_apply_ratio, of a layer its opacity
        and 0; else 0.
    combine: int32 [B, T], index into COMBINE.
    group: int32 [B, T], 0 is no group; the slots of group k > 0 are neighbours.
    touches: bool [B, T, T], touches[b, m, t]: modifier slot m constrains step slot t, which holds
        a tool of the ten dimensions or a graduated saturation, brightness or blur.

    A step outside groups is applied to the picture and replaces it. In a group every step is
    applied to the same picture, the group's base b, and its result r joins the picture p, which
    is b before the first member:
        replace         b = p = r: the base layer of a layered_transformation, the first of its
                        group if there; without one the layers lie on the picture as it stood
        normal .. add   p + opacity * strength * (mode(p, r) - p), mode(lower, upper) a blend mode
                        of layers, r the step at full strength
        additive        p + (r - b)
        multiplicative  p * r / b
        average         b + the mean of (r - b) over the group's members
        max_effect      r where it is farther from b than p is, else p
    Modifiers constrain the change of the picture p.
    """

    tool: jax.Array
    options: jax.Array
    strength: jax.Array
    numbers: jax.Array
    combine: jax.Array
    group: jax.Array
    touches: jax.Array


def _slots(tool: Tool) -> tuple[str | None, ...]:
    """The parameter in each slot. Lists, numbers, names and reasons have none."""
    kept = [p.name for p in tool.parameters.values() if _has_slot(p)]
    first = [name if name in kept else None for name in (tool.source, tool.target)]
    names = [*first, *(name for name in kept if name not in first)]
    return (*names, *[None] * (NUM_SLOTS - len(names)))


def _has_slot(parameter: Parameter) -> bool:
    return parameter.kind in ("enum", "bool") or (parameter.kind == "text" and parameter.values)


_COMBINE_INDEX = {name: i for i, name in enumerate(COMBINE)}
_INDEX: dict[str, dict[str, dict]] = {}


def index_tools() -> None:
    """Fill TOOL_INDEX and SLOTS from VOCABULARY, again when a tool has been added to it."""
    for table in (TOOL_INDEX, SLOTS, _INDEX):
        table.clear()
    for i, (name, tool) in enumerate(VOCABULARY.items()):
        TOOL_INDEX[name] = i
        SLOTS[name] = _slots(tool)
        slots = [tool.parameters[p] for p in SLOTS[name] if p]
        _INDEX[name] = {p.name: {v: k for k, v in enumerate(p.values)} for p in slots}


index_tools()


def encode_plans(plans: Sequence[Plan], max_steps: int = MAX_STEPS) -> PlanArrays:
    """Plans as PlanArrays [B, max_steps, ...]; defaults filled in, no step padded with tool -1.

    Raises PlanError if a plan has more steps than max_steps. Text without a meaning to the
    executor is warned about and counts as the default; so are names of steps (compose.py).
    """
    shape = (len(plans), max_steps)
    tool = np.full(shape, -1, np.int32)
    options = np.zeros((*shape, NUM_SLOTS), np.int32)
    strength = np.zeros(shape, np.float32)
    numbers = np.zeros((*shape, 2), np.float32)
    combine, group = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    touched = np.zeros((*shape, max_steps), bool)
    for b, plan in enumerate(plans):
        try:
            placed = compose(plan, max_steps)
        except PlanError as error:
            raise PlanError(f"plan {b}: {error}") from None
        for t, one in enumerate(placed):
            tool[b, t] = TOOL_INDEX[one.step.tool]
            options[b, t] = _encode_options(one.step)
            strength[b, t] = one.strength
            numbers[b, t] = one.numbers
            combine[b, t] = _COMBINE_INDEX[one.combine]
            group[b, t] = one.group
            if one.step.tool in MODIFIERS:
                touched[b, t, : len(placed)] = [touches(one.step, other.step) for other in placed]
    arrays = (tool, options, strength, numbers, combine, group, touched)
    return PlanArrays(*map(jnp.asarray, arrays))


def _encode_options(step: Step) -> list[int]:
    parameters = VOCABULARY[step.tool].parameters
    return [
        _encode_value(step.tool, parameters[name], step.parameters) if name else 0
        for name in SLOTS[step.tool]
    ]


def _encode_value(tool: str, parameter: Parameter, given: dict) -> int:
    value = given.get(parameter.name, parameter.default)
    if parameter.kind == "text" and value != parameter.default:
        word = find_word(value, parameter.values)
        if word is None:
            known = ", ".join(parameter.values)
            message = f"{tool}.{parameter.name}: {value!r} has no effect; known are {known}"
            warnings.warn(message, stacklevel=4)
        value = word or parameter.default
    return _INDEX[tool][parameter.name][value]


def is_modifier(tool: jax.Array) -> jax.Array:
    """True where a tool index is a modifier (which changes how the others act, not the pixels)."""
    return (tool >= len(DIMENSIONS)) & (tool < len(DIMENSIONS) + len(MODIFIERS))
