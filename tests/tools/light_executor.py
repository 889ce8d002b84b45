"""The executor with light kernels: its logic in seconds, without the minutes the true ones take.

Weather, media and effects draw something simple here, and the scene is a known one. What the true
kernels draw is tested in test_executed_plans.py and dimensions/.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools import execute
from agentic_styling.tools.executor import api, dispatch, stages
from agentic_styling.tools.plans.encode import TOOL_INDEX
from agentic_styling.tools.transforms.conventions import Scene
from tests.tools.planned import ROWS, encoded, photograph

HEIGHT, WIDTH = 24, 36  # a shape of no other test: what is compiled for it has the light kernels
PHOTOGRAPH = photograph(HEIGHT, WIDTH)
IMAGES = np.broadcast_to(PHOTOGRAPH, (ROWS, *PHOTOGRAPH.shape))
KEY = jax.random.key(7)
QUICK = {"xla_backend_optimization_level": 0}
DRAWN = ("weather", "artistic_medium", "atmospheric_effects")

_Y = np.linspace(1, 0, HEIGHT, dtype=np.float32)[:, None] * np.ones((1, WIDTH), np.float32)
SUBJECT = np.zeros((HEIGHT, WIDTH), np.float32)
SUBJECT[9:16, 12:24] = 1


def _light_kernel(k):
    """Darkens what is far, casts a colour of its own, and adds a level by the seed."""
    cast = jnp.array([[0.2], [-0.1], [0.05]])[:, :, None] * (1 - k)

    def draw(image, scene, options, seed, channel_axis=0):
        own = jnp.sum(options * jnp.arange(1, 6)) % 5 / 20
        return image * (0.9 - own * scene.depth) + cast + (seed % 64).astype(jnp.float32) / 640

    return draw


def _light_renderer_of(tool, options):
    return sum(jnp.where(tool == TOOL_INDEX[name], i + 1, 0) for i, name in enumerate(DRAWN)) - 1


def _known_scene(image):
    """Depth falls from top to bottom, sky above, ground below, the subject in the middle."""
    maps = (_Y, np.float32(_Y > 0.75), np.float32(_Y < 0.3), SUBJECT)
    return Scene(*map(jnp.asarray, maps))


@contextlib.contextmanager
def light_kernels():
    """execute and execute_steps as they are but for the kernels that they call."""
    with pytest.MonkeyPatch.context() as patch:
        graduated = stages.RENDERERS[-1]
        light = tuple(_light_kernel(k) for k in range(len(DRAWN)))
        patch.setattr(stages, "RENDERERS", (*light, graduated))
        patch.setattr(stages.dimensions, "renderer_of", _light_renderer_of)
        patch.setattr(stages.dimensions, "branch_of", lambda tool, options: None)
        patch.setattr(dispatch, "estimate_scene", _known_scene)
        patch.setattr(api, "classify", lambda square, aspect: (square, aspect))
        patch.setattr(api, "scene_of", lambda image, shares, kind: _known_scene(image))
        patch.setattr(api, "_programs", {})
        yield
    dispatch.run_in_one.clear_cache()


def run(*rows, images=IMAGES, key=KEY) -> np.ndarray:
    """Rows of steps, or plans, at most ROWS, on the photograph."""
    return np.asarray(execute(images, encoded(rows), key))[: len(rows)]
