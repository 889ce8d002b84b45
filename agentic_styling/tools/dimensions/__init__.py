"""The ten dimensions, a file each: the look of every option, and what it draws.

LOOKS[parameter][option] holds look parameters (transforms/color/look_params.py), neutral where
missing. RENDERERS, where there are any, draw the spatial part: transforms in dm-pix's conventions,
`(image, scene, options [5], seed, *, channel_axis=-1) -> image`, which work on planes;
`renderer_of(options)` picks one, -1 for none. Where a renderer has many branches,
`branch_of(options)` names the one that a step needs, and the renderer takes it as `branch`.
LOOK_SCALES[parameter], where there are any, says how much of the target's look each value of
another parameter asks for.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions import (
    architecture_style,
    artistic_medium,
    atmospheric_effects,
    color_grading,
    location_setting,
    mood_lighting,
    season,
    time_of_day,
    time_period,
    weather,
)
from agentic_styling.tools.dimensions.options import is_new
from agentic_styling.tools.plans.encode import NUM_SLOTS, SLOTS
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from agentic_styling.tools.transforms.color.look_params import SIZE, by_option, removable

MODULES = (
    location_setting,
    architecture_style,
    time_period,
    time_of_day,
    season,
    weather,
    mood_lighting,
    color_grading,
    artistic_medium,
    atmospheric_effects,
)
LOOKS = {name: module.LOOKS for name, module in zip(DIMENSIONS, MODULES, strict=True)}
RENDERERS = tuple(r for module in MODULES for r in getattr(module, "RENDERERS", ()))


def _look_tables() -> tuple[np.ndarray, np.ndarray]:
    """float32 [tools, slots, values, SIZE] of look parameters, and [tools, slots, values] of the
    factors of the target's look. A source has a neutral row for "unknown", then what can be taken
    off of each of its target's looks."""
    most = max(len(p.values) for t in VOCABULARY.values() for p in t.parameters.values()) + 1
    table = np.zeros((len(DIMENSIONS), NUM_SLOTS, most, SIZE), np.float32)
    scales = np.ones(table.shape[:3], np.float32)
    for i, name in enumerate(DIMENSIONS):
        for parameter, factors in getattr(MODULES[i], "LOOK_SCALES", {}).items():
            scales[i, SLOTS[name].index(parameter), : len(factors)] = factors
        for parameter, rows in LOOKS[name].items():
            looks = by_option(name, parameter, rows, np.zeros(SIZE))
            table[i, SLOTS[name].index(parameter), : len(looks)] = looks
        table[i, 0, 1:] = [removable(row) for row in table[i, 1, :-1]]
    return table, scales


LOOK_TABLE, SCALE_TABLE = _look_tables()


def looks_of(tool: jax.Array, options: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A step's source look, which is taken off, and its target look, which is put on.

    Args:
      tool: int32, index into DIMENSIONS.
      options: int32 [5], as in PlanArrays.

    Returns:
      Look parameters, float32 [SIZE] each. A source that is the target's look stays on.
    """
    slots = jnp.arange(options.shape[0])
    rows = jnp.asarray(LOOK_TABLE)[tool, slots, options]
    new = jnp.where(is_new(options), 1.0, 0.0)
    scale = jnp.prod(jnp.asarray(SCALE_TABLE)[tool, slots, options])
    return new * rows[0], new * scale * rows[1] + jnp.sum(rows[2:], axis=0)


def renderer_of(tool: jax.Array | int, options: jax.Array) -> jax.Array:
    """Index into RENDERERS of what a step draws, -1 for nothing.

    tool: index into VOCABULARY's order; of an int only that dimension's module is asked.
    """
    first, index = 0, jnp.int32(-1)
    for i, module in enumerate(MODULES):
        drawn = len(getattr(module, "RENDERERS", ()))
        if drawn and (not isinstance(tool, int) or tool == i):
            own = module.renderer_of(options)
            index = jnp.where((tool == i) & (own >= 0), first + own, index)
        first += drawn
    return index


def branch_of(tool: int, options: np.ndarray) -> int | None:
    """The branch of its renderer that a step needs, None where it has one or all are needed.

    tool: any, also one that is no dimension. A CPU compiles only this branch.
    """
    module = MODULES[tool] if 0 <= tool < len(MODULES) else None
    return module.branch_of(options) if hasattr(module, "branch_of") else None
