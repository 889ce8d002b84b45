"""Plants: where they are in a photograph; how they turn, flower, wither or lose their leaves."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.look_params import SOFT
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import computed, image_transform
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import (
    coarse_factor,
    coarse_grid,
    four_randoms,
    full_grid,
    ramp,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.scene import Scene, enlarge, shrink

# Distance of blossoms in parts of the shorter side, and the depth up to which they are so large.
_BLOSSOMS = ((0.012, 1.1), (0.019, 0.85), (0.03, 0.5))


@image_transform
def leaves_of(image: jax.Array) -> jax.Array:
    """How much of each pixel is green leaves: [H, W] in [0, 1)."""
    return _greens(_logits(image))


def _logits(image):
    return jnp.log((image + SOFT) / (1 + SOFT - image))


def _greens(logits):
    red, green, blue = logits
    excess = jnp.maximum(jnp.minimum(green - blue, 2 * (green - red) + 0.3), 0.0)
    return excess / (0.4 + excess)


def turn(image, old, new, amount) -> tuple[jax.Array, jax.Array]:
    """Leaves in another colour, and where they are, [H, W].

    old: what its greens have been given already, [3] in logits; new: what is added in its place,
    [3, H, W]; amount: [H, W] in [0, 1].
    """
    old = old[:, None, None]
    logits = computed(_logits(image))
    plain = logits - _greens(logits - old) * old
    plain, leaves = computed(plain, amount * jnp.minimum(1.6 * _greens(plain), 1.0))
    value = jax.nn.sigmoid(plain + leaves * new)
    return jnp.clip((1 + 2 * SOFT) * value - SOFT, 0.0, 1.0), leaves


def mottled(scene: Scene, seed: jax.Array) -> jax.Array:
    """Noise [H, W] in -1 to 1 by which one tree differs from the next, and leaves of one."""
    height, width = scene.sky.shape
    y, x = coarse_grid(height, width)
    trees = turbulence(5 * y, 5 * x, seed, 2) + 0.6 * turbulence(26 * y, 26 * x, seed + 3, 2)
    return to_full(jnp.clip(3.0 * (trees / 1.6 - 0.5), -1.0, 1.0), height, width)


def lighter_than_around(image: jax.Array) -> jax.Array:
    """How much lighter [H, W] than its surroundings a pixel is."""
    height, width = image.shape[1:]
    factor = coarse_factor(height, width)
    luma = luma_of(image)
    return luma - enlarge(spread(shrink(luma[None], factor), 0.02), factor, height, width)[0]


@image_transform
def blossoms(image, scene, leaves, amount, seed):
    """Draws white and pink blossoms in clusters on leaves, smaller far away.

    Args:
      leaves: [H, W], where leaves are.
      amount: 0 none, 1 in full bloom.
    """
    height, width = leaves.shape
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    cluster = to_full(turbulence(7 * cy, 7 * cx, seed + jnp.uint32(8), 3), height, width)
    share = amount * ramp(leaves, 0.1, 0.6) * ramp(cluster, 0.46, 0.7)
    share = share * (0.1 + ramp(lighter_than_around(image), -0.01, 0.06)) * (1 - scene.sky)
    share = share * (1 - 0.85 * scene.subject) * (1 - 0.8 * scene.ground)
    luma = luma_of(image)
    lit = 0.5 + 0.35 * jnp.mean(luma) + 0.6 * luma
    opaque = 0.9 - 0.5 * scene.depth
    pixel = 7.0 / min(height, width)

    def layer(image, size_and_seed):
        cell, far, seed = size_and_seed
        u = x / cell
        v, column = y / cell + 0.618 * jnp.floor(u), jnp.floor(u)
        row = jnp.floor(v)
        there, ry, rx, tone = four_randoms(row, column, seed)
        radius = 0.18 + 0.16 * tone
        dy = (v - row - radius - ry * (1 - 2 * radius)) / radius
        dx = (u - column - radius - rx * (1 - 2 * radius)) / radius
        away = dy * dy + dx * dx
        shape = jnp.clip((1 - away) / jnp.clip(pixel / cell, 0.35, 1.0), 0.0, 1.0)
        cover = opaque * shape * (there < share) * (scene.depth < far)
        pale = jnp.stack([jnp.full_like(tone, 0.98), 0.6 + 0.3 * tone, 0.74 + 0.2 * tone])
        shade = lit * (1.02 - 0.2 * away - 0.12 * dy)
        return image + cover * (jnp.minimum(pale * shade, 1.0) - image), None

    sizes, depths = jnp.array(_BLOSSOMS).T
    seeds = seed + 17 * jnp.arange(len(_BLOSSOMS), dtype=jnp.uint32)
    return jax.lax.scan(layer, image, (sizes, depths, seeds))[0]


@image_transform
def thinned(image: jax.Array, scene: Scene, leaves: jax.Array, amount: jax.Array) -> jax.Array:
    """Takes the leaves off upright plants: light comes through where these were lightest.

    Args:
      leaves: [H, W], where leaves are.
      amount: 0 none, 1 all.
    """
    sky = jnp.sum(image * scene.sky, axis=(1, 2)) + 0.02 * image.size / 3 * jnp.mean(image)
    behind = sky / (jnp.sum(scene.sky) + 0.02 * image.size / 3)
    behind = 0.8 * behind + 0.2 * jnp.mean(behind)
    through = ramp(lighter_than_around(image), -0.03, 0.1) * leaves * (1 - scene.ground)
    through = 0.75 * amount * through * (1 - 0.8 * scene.subject)
    dark = image * (1 - 0.35 * amount * leaves * (1 - scene.ground))[None]
    return dark + through * (behind[:, None, None] - dark)
