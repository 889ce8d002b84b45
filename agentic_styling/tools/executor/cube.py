"""The point-wise part of a plan as a 3D lookup table, and the .cube files that hold one."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools import dimensions
from agentic_styling.tools.plans.encode import encode_plans
from agentic_styling.tools.plans.plan import Plan
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from agentic_styling.tools.transforms.color.color_transform import color_transform
from agentic_styling.tools.transforms.color.look_params import PLACE_FIELDS, without
from agentic_styling.tools.transforms.conventions import Scene
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

LARGEST = 256  # entries a side, the format's limit


@in_32_bits
def plan_to_cube(plan: Plan, size: int = 33) -> tuple[np.ndarray, list[str]]:
    """What the color transforms of a plan's steps make of every colour.

    Args:
      plan: the plan. Steps in groups and modifiers are left out, and of every other step what it
        draws and what depends on the place in the picture (haze, sky, ground, vignette).
      size: entries a side, 2 to 256.

    Returns:
      The table, float32 [size, size, size, 3] in [0, 1] indexed by red, green and blue, and a line
      for each step of which something was left out.

    Raises:
      InputError: `size` is out of range.
    """
    if not 2 <= size <= LARGEST:
        raise InputError(f"size: {size}; use a whole number from 2 to {LARGEST}")
    arrays = jax.tree.map(lambda x: x[0], encode_plans([plan]))
    dimension = jnp.clip(arrays.tool, 0, len(DIMENSIONS) - 1)
    looks = np.stack(jax.vmap(dimensions.looks_of)(dimension, arrays.options))
    kept = without(looks, PLACE_FIELDS)
    kernels = jax.vmap(dimensions.renderer_of)(arrays.tool, arrays.options)
    strength, left_out = np.asarray(arrays.strength).copy(), []
    names = list(VOCABULARY)
    for t, tool in enumerate(np.asarray(arrays.tool)):
        if strength[t] == 0:
            continue
        if tool >= len(DIMENSIONS) or arrays.group[t] > 0 or not looks[:, t].any():
            strength[t] = 0
            left_out.append(f"{names[tool]}: left out")
        elif kernels[t] >= 0 or (kept != looks)[:, t].any():
            left_out.append(
                f"{names[tool]}: only its colours are kept, not what depends on the place"
            )
    steps = jnp.linspace(0.0, 1.0, size)
    colors = jnp.stack(jnp.meshgrid(steps, steps, steps, indexing="ij")).reshape(3, size, -1)
    scene = Scene(*[jnp.zeros(colors.shape[1:])] * 4)
    out = jax.jit(color_transform)(colors, scene, *kept, strength)
    return np.moveaxis(np.asarray(out).reshape(3, size, size, size), 0, -1), left_out


def write_cube(path: str | os.PathLike, table: np.ndarray, title: str = "") -> None:
    """Writes a table as a .cube file, atomically.

    Args:
      path: the file; one of that name is replaced.
      table: [N, N, N, 3], finite, indexed by red, green and blue, N from 2 to 256.
      title: printable, without quotes.

    Raises:
      InputError: a table or title that the format cannot hold, or a path that cannot be written.

    Source: Adobe, Cube LUT specification 1.0 (2013).
    """
    table = np.asarray(table, np.float32)
    size = len(table)
    if table.shape != (size, size, size, 3) or not 2 <= size <= LARGEST:
        raise InputError(f"table: shape {table.shape}; use [N, N, N, 3], N from 2 to {LARGEST}")
    if not np.all(np.isfinite(table)):
        raise InputError("table: not finite; use finite numbers")
    if '"' in title or not title.isprintable():
        raise InputError(f"title: {title!r}; leave out quotes and line breaks")
    head = [f'TITLE "{title}"'] if title else []
    rows = table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()
    lines = [*head, f"LUT_3D_SIZE {size}", *(" ".join(f"{v:.9g}" for v in row) for row in rows)]
    try:
        write_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise InputError(f"{Path(path)}: {error.strerror}; name a file in a folder") from None
