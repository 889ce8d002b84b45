"""Tools beyond the ten dimensions, added to the vocabulary at run time."""

import contextlib
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from agentic_styling.tools.executor.stages import ADDED
from agentic_styling.tools.plans.encode import index_tools
from agentic_styling.tools.plans.vocabulary import VOCABULARY, Tool
from agentic_styling.tools.transforms.conventions import renderer
from agentic_styling.utils.errors import InputError


@contextlib.contextmanager
def add_tool(tool: Tool, transform: Callable) -> Iterator[None]:
    """Add a tool to the vocabulary, the grammar and the executor while the context lasts.

    Args:
      tool: its row, made by `plans.vocabulary.new_tool`; its name must be new.
      transform: `(image, options) -> image` in dm-pix's conventions: float32 [H, W, 3] in [0, 1],
        pure, traced; options int32 [5], the index of each parameter's value as in PlanArrays (1 is
        the target). Strength and clipping are applied to its result.

    Raises:
      InputError: a tool of that name exists.

    Programs traced by the caller's own jit before the tool was added do not know it.
    """
    if tool.name in VOCABULARY:
        raise InputError(f"{tool.name}: a tool of that name exists; choose another name")

    @renderer
    def draw(planes: jax.Array, scene, options: jax.Array, seed: jax.Array) -> jax.Array:
        return jnp.moveaxis(transform(jnp.moveaxis(planes, 0, -1), options), -1, 0)

    VOCABULARY[tool.name], ADDED[tool.name] = tool, draw
    index_tools()
    try:
        yield
    finally:
        del VOCABULARY[tool.name], ADDED[tool.name]
        index_tools()
