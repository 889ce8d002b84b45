"""One step on one photograph as the executor does it, and what a photographer would measure."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import skimage.data
from skimage.color import rgb2lab
from skimage.transform import resize
from sklearn.datasets import load_sample_image

from agentic_styling.tools import Plan, Step, dimensions, encode_plans
from agentic_styling.tools.executor.api import run_on_cpu
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.plans.encode import NUM_SLOTS, SLOTS
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.color_transform import color_transform
from agentic_styling.tools.transforms.conventions import Scene

SIDE = 128


@functools.cache
def photograph(name: str) -> jax.Array:
    """A photograph that scikit-image or scikit-learn brings along, [3, SIDE, SIDE]."""
    load = getattr(skimage.data, name, None)
    image = load() if load else load_sample_image(f"{name}.jpg")
    side = min(image.shape[:2])
    image = resize(image[:side, :side] / 255, (SIDE, SIDE), anti_aliasing=True)
    return jnp.asarray(image.transpose(2, 0, 1), jnp.float32)


@functools.cache
def scene_of(name: str):
    return jax.jit(estimate_scene)(photograph(name))


def a_scene():
    """Sky above, a field below."""
    y = np.broadcast_to(((np.arange(SIDE) + 0.5) / SIDE)[:, None], (SIDE, SIDE))
    sky, below = (y < 0.4).astype(np.float32), (y > 0.5).astype(np.float32)
    maps = ((1 - y).astype(np.float32), sky, below, np.zeros_like(sky))
    return Scene(*map(jnp.asarray, maps))


def options_of(tool: str, **given) -> np.ndarray:
    """int32 [NUM_SLOTS] of a step, defaults filled in."""
    options = np.zeros(NUM_SLOTS, np.int32)
    for slot, name in enumerate(SLOTS[tool]):
        if name:
            parameter = VOCABULARY[tool].parameters[name]
            options[slot] = parameter.values.index(given.pop(name, parameter.default))
    assert not given, given
    return options


@jax.jit
def graded(image, scene, tool, options):
    source, target = dimensions.looks_of(tool, options)
    return color_transform(image, scene, source[None], target[None], jnp.ones(1))


def on_planes(draw, *rest):
    """`draw` on planes [3, H, W]."""
    axis = {"channel_axis": 0} if hasattr(draw, "__wrapped__") else {}
    return draw(*rest, **axis)


drawn = jax.jit(on_planes, static_argnums=0)


@functools.partial(jax.jit, static_argnums=0)
def drawn_with_slope(renderer, scene, options):
    """What a renderer makes of bars of black, grey and white in bfloat16, and its gradient."""
    height, width = scene.depth.shape
    bars = jnp.round(2 * jnp.linspace(0, 1, height)) / 2
    image = jnp.broadcast_to(bars[None, :, None], (3, height, width)).astype(jnp.bfloat16)

    def total(image):
        edit = on_planes(renderer, image, scene, options, jnp.uint32(0))
        return jnp.sum(edit.astype(jnp.float32)), edit

    slope, edit = jax.grad(total, has_aux=True)(image)
    return edit, slope


def styled(tool: str, name: str, seed: int = 0, **given) -> np.ndarray:
    """A bundled photograph after one step at full strength, [3, SIDE, SIDE].

    By the executor, whose kernels are compiled once for all tests of pictures of this size.
    """
    plans = encode_plans([Plan({}, (Step("", tool, given),))])
    image = jnp.moveaxis(photograph(name), 0, -1)[None]
    (picture,) = run_on_cpu(image, plans, np.full(plans.tool.shape, seed, np.uint32), False)
    assert np.isfinite(picture).all()
    return np.moveaxis(np.asarray(picture), -1, 0)


def lab(image: np.ndarray) -> np.ndarray:
    """CIE L*, a*, b* as planes, by scikit-image."""
    return rgb2lab(np.moveaxis(np.asarray(image, np.float64), 0, -1)).transpose(2, 0, 1)


def nearest_pair(pictures: dict[str, np.ndarray]) -> tuple[float, str, str]:
    """The mean colour difference (CIE 1976) of the two pictures that are most alike."""
    labs = {name: lab(picture) for name, picture in pictures.items()}
    return min(
        (float(np.sqrt(((labs[a] - labs[b]) ** 2).sum(0)).mean()), a, b)
        for a in labs
        for b in labs
        if a < b
    )
