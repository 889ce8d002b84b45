"""Regions of a picture as soft masks: boxes by position, and parts of the estimated scene."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene

SOFT_EDGE = 0.1  # width of a soft edge, as a share of the picture
_HARD_EDGE = 1e-4

# left, right, top, bottom as shares of the picture; 1: everything outside that box
_BOXES = {
    "everywhere": (-1.0, 2.0, -1.0, 2.0, 0.0),
    "left_half": (-1.0, 0.5, -1.0, 2.0, 0.0),
    "right_half": (0.5, 2.0, -1.0, 2.0, 0.0),
    "top_half": (-1.0, 2.0, -1.0, 0.5, 0.0),
    "bottom_half": (-1.0, 2.0, 0.5, 2.0, 0.0),
    "center": (0.25, 0.75, 0.25, 0.75, 0.0),
    "edges": (0.25, 0.75, 0.25, 0.75, 1.0),
}
_ESTIMATED = "foreground background outdoor indoor sky ground subject greens lights buildings"
REGIONS = (*_BOXES, *_ESTIMATED.split())


def region_index(names: tuple[str, ...]) -> np.ndarray:
    """int32 index into REGIONS of each name."""
    return np.array([REGIONS.index(name) for name in names], np.int32)


def region_mask(region: jax.Array, hard: jax.Array, image: jax.Array, scene: Scene) -> jax.Array:
    """The mask of a region of a photograph.

    The foreground is the main subject and what is near, in a close-up the subject alone; the
    background everything else. Outdoor is all of a picture taken outdoors, and of another the sky
    in its windows; indoor everything else. Greens stand for plants, lights for lamps, and buildings
    for everything that is neither sky, ground, greens nor subject.

    Args:
      region: index into REGIONS.
      hard: whether the edge is hard.
      image: the photograph [3, H, W] in [0, 1].
      scene: its estimated scene.

    Returns:
      [H, W] in [0, 1].
    """
    box = jnp.asarray(np.array(list(_BOXES.values()), np.float32))[region % len(_BOXES)]
    boxed = _box_mask(box, jnp.where(hard, _HARD_EDGE, SOFT_EDGE), *image.shape[1:])
    estimated = region - len(_BOXES)
    return jax.lax.cond(
        estimated >= 0, lambda: _estimate(estimated, hard, image, scene), lambda: boxed
    )


def _box_mask(box, edge, height, width):
    y = ((jnp.arange(height) + 0.5) / height)[:, None]
    x = ((jnp.arange(width) + 0.5) / width)[None, :]
    inside = 1.0
    for side in (x - box[0], box[1] - x, y - box[2], box[3] - y):
        inside = inside * jnp.clip(side / edge + 0.5, 0.0, 1.0)
    return jnp.where(box[4] > 0, 1 - inside, inside)


def _estimate(index, hard, image, scene):
    red, green, blue = image.astype(jnp.float32)
    sky, ground, subject = scene.sky, scene.ground, scene.subject
    near = jnp.maximum(_rise(0.55 - scene.depth, 0.12) * (1 - scene.closeup), subject)
    outdoor = jnp.maximum(sky, _rise(scene.outdoors - 0.7, 0.2))
    greens = _rise(jnp.minimum(green - blue, green - red + 0.02) - 0.04, 0.03)
    lights = _rise(luma_of(image.astype(jnp.float32)) - 0.85, 0.08) * (1 - sky)
    built = (1 - sky) * (1 - ground) * (1 - greens) * (1 - subject)
    there = (near, 1 - near, outdoor, 1 - outdoor, sky, ground, subject, greens, lights, built)
    mask = sum(jnp.where(index == i, m, 0.0) for i, m in enumerate(there))
    return jnp.where(hard, _rise(mask - 0.5, 0.01), mask)


def _rise(value, width):
    return jnp.clip(value / (2 * width) + 0.5, 0.0, 1.0)


def ramp(direction: jax.Array, height: int, width: int) -> jax.Array:
    """[H, W] from 0 to 1; direction: index into the vocabulary's gradient_direction."""
    y = jnp.linspace(0.0, 1.0, height)[:, None]
    x = jnp.linspace(0.0, 1.0, width)[None, :]
    away = (2 * y - 1) ** 2 + (2 * x - 1) ** 2
    out = jnp.minimum(away / (0.5 + 0.5 * away), 1.0)  # 0 in the middle, 1 at the sides
    # top_to_bottom, bottom_to_top, left_to_right, right_to_left, center_out, edges_in
    ramps = (y, 1 - y, x, 1 - x, out, 1 - out)
    return sum(jnp.where(direction == i, r, 0.0) for i, r in enumerate(ramps))
