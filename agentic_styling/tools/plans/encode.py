"""Plans as arrays of fixed shape, so that another plan never recompiles the executor."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from agentic_styling.tools.plans.plan import Plan
from agentic_styling.tools.plans.resolve import touches
from agentic_styling.tools.plans.steps import MAX_STEPS, PlanError, Step
from agentic_styling.tools.plans.vocabulary import (
    DIMENSIONS,
    MODIFIERS,
    VOCABULARY,
    Parameter,
    Tool,
    find_word,
)
from agentic_styling.utils.precision import in_32_bits

TOOL_INDEX: dict[str, int] = {}
SLOTS: dict[str, tuple[str | None, ...]] = {}
NUM_SLOTS = 5
# How a step's result is combined with the picture: alone; as a layer; among parallel steps.
COMBINE = ("replace",)
COMBINE += ("normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "add")
COMBINE += ("additive", "multiplicative", "average", "max_effect")


class PlanArrays(NamedTuple):
    """Plans as arrays, a pytree. Slots are in the order in which steps run (resolve.py).

    Attributes:
      tool: int32 [B, T], index into VOCABULARY's order; -1 is no step. Never one of STRUCTURAL.
      options: int32 [B, T, 5], index of a value in `Parameter.values`; slot s of a tool is
          `SLOTS[tool][s]`: 0 the source (0 = unknown), 1 the target, then the tool's other
          parameters; 0 where unused.
      strength: float32 [B, T] in [0, 1], that of a group multiplied by its member's.
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

    ```
    replace         b = p = r: the base layer of a layered_transformation, the first of its
                    group if there; without one the layers lie on the picture as it stood
    normal .. add   p + opacity * strength * (mode(p, r) - p), mode(lower, upper) a blend mode
                    of layers, r the step at full strength
    additive        p + (r - b)
    multiplicative  p * r / b
    average         b + the mean of (r - b) over the group's members
    max_effect      r where it is farther from b than p is, else p
    ```

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
    encoded = [p.name for p in tool.parameters.values()
               if p.kind in ("enum", "bool") or (p.kind == "text" and p.values)]  # fmt: skip
    first = [name if name in encoded else None for name in (tool.source, tool.target)]
    names = [*first, *(name for name in encoded if name not in first)]
    return (*names, *[None] * (NUM_SLOTS - len(names)))


def index_tools() -> None:
    """Fills TOOL_INDEX and SLOTS from VOCABULARY, again when a tool has been added to it."""
    TOOL_INDEX.clear()
    SLOTS.clear()
    for index, (name, tool) in enumerate(VOCABULARY.items()):
        TOOL_INDEX[name], SLOTS[name] = index, _slots(tool)


index_tools()
# The slot of a graduated_effect's effect, and those that it draws itself: saturation, brightness
# and blur. The others fade a step of the plan.
EFFECT = SLOTS["graduated_effect"].index("effect_type")
DRAWN_EFFECTS = tuple(
    VOCABULARY["graduated_effect"].parameters["effect_type"].values.index(name)
    for name in ("saturation", "brightness", "blur")
)


@in_32_bits
def encode_plans(plans: Sequence[Plan], max_steps: int = MAX_STEPS) -> PlanArrays:
    """Encodes plans as PlanArrays [B, max_steps, ...], defaults filled in, padded with tool -1.

    Text that means nothing to the executor causes a UserWarning and counts as the default.

    Args:
      plans: B plans.
      max_steps: slots a plan; all plans with the same number share compiled programs.

    Raises:
      PlanError: a plan has more resolved steps than max_steps.
    """
    shape = (len(plans), max_steps)
    tool = np.full(shape, -1, np.int32)
    options = np.zeros((*shape, NUM_SLOTS), np.int32)
    strength = np.zeros(shape, np.float32)
    numbers = np.zeros((*shape, 2), np.float32)
    combine, group = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    touched = np.zeros((*shape, max_steps), bool)
    for b, plan in enumerate(plans):
        count = len(plan.resolved)
        if count > max_steps:
            raise PlanError(f"plan {b}: {count} steps; raise max_steps={max_steps}")
        for t, resolved in enumerate(plan.resolved):
            step = resolved.step
            tool[b, t] = TOOL_INDEX[step.tool]
            options[b, t] = _encode_options(step)
            strength[b, t] = resolved.strength
            numbers[b, t] = resolved.numbers
            combine[b, t] = COMBINE.index(resolved.combine)
            group[b, t] = resolved.group
            if step.tool in MODIFIERS:
                touched[b, t, :count] = [touches(step, other) for other in plan.resolved_steps]
    arrays = (tool, options, strength, numbers, combine, group, touched)
    return PlanArrays(*jax.device_put(arrays))


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
    return parameter.values.index(value)


def is_modifier(tool: jax.Array) -> jax.Array:
    """True where a tool index is a modifier: it changes how other steps act, not the pixels."""
    return (tool >= len(DIMENSIONS)) & (tool < len(DIMENSIONS) + len(MODIFIERS))


def is_graduated_picture(tool: jax.Array, options: jax.Array) -> jax.Array:
    """Whether a step is a graduated saturation, brightness or blur, which draws by itself."""
    own = sum(options[..., EFFECT] == index for index in DRAWN_EFFECTS) > 0
    return (tool == TOOL_INDEX["graduated_effect"]) & own
