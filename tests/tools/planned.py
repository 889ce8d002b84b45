"""Short ways to write plans, and a photograph to run them on."""

import jax.numpy as jnp
import numpy as np
from skimage.transform import resize
from sklearn.datasets import load_sample_image

from agentic_styling.tools import VOCABULARY, Plan, PlanArrays, Step, encode_plans

ROWS = 12  # of every batch, so that a file compiles an executor once


def step(tool: str, target=None, **parameters) -> Step:
    """A step of a tool, of its first target option where none is given."""
    tool = VOCABULARY[tool]
    target = tool.parameters[tool.target].values[0] if target is None else target
    return Step("", tool.name, {tool.target: target, **parameters})


def encoded(rows) -> PlanArrays:
    """Rows of steps, or of plans, as arrays of ROWS plans; the rest are empty."""
    plans = [row if isinstance(row, Plan) else Plan({}, tuple(row)) for row in rows]
    return encode_plans(plans + [Plan({})] * (ROWS - len(plans)))


def photograph(height: int, width: int) -> np.ndarray:
    """A pagoda under a wide sky, float32 [height, width, 3] in [0, 1]."""
    image = resize(load_sample_image("china.jpg") / 255, (height, width), anti_aliasing=True)
    return image.astype(np.float32)


def planes(height: int, width: int):
    """The same as [3, height, width]."""
    return jnp.moveaxis(jnp.asarray(photograph(height, width)), -1, 0)
