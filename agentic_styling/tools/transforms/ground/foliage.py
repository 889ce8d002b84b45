"""Plants: where they are in a photograph; how they turn, flower, wither or lose their leaves."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.color_transform import (
    display_value,
    greens_of,
    soft_logit,
)
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene, computed, image_transform
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import (
    coarse,
    coarse_grid,
    four_randoms,
    full_grid,
    ramp,
    to_full,
    turbulence,
    value_noise,
)

# Distance of blossoms in parts of the shorter side, and the depth up to which they are so large.
_BLOSSOMS = ((0.011, 0.7), (0.017, 0.5), (0.026, 0.3))


@image_transform
def leaves_of(image: jax.Array) -> jax.Array:
    """How much of each pixel is green leaves: [H, W] in [0, 1)."""
    return greens_of(soft_logit(image))


def turn(image, old, new, amount) -> tuple[jax.Array, jax.Array]:
    """Leaves in another colour, and where they are, [H, W].

    old: what its greens have been given already, [3] in logits; new: what is added in its place,
    [3, H, W]; amount: [H, W] in [0, 1].
    """
    old = old[:, None, None]
    logits = computed(soft_logit(image))
    plain = logits - greens_of(logits - old) * old
    plain, leaves = computed(plain, amount * jnp.minimum(1.6 * greens_of(plain), 1.0))
    return display_value(plain + leaves * new), leaves


def mottled(scene: Scene, seed: jax.Array) -> jax.Array:
    """Noise [H, W] in -1 to 1 by which one tree differs from the next, and leaves of one."""
    height, width = scene.sky.shape
    y, x = coarse_grid(height, width)
    trees = turbulence(5 * y, 5 * x, seed, 2) + 0.6 * turbulence(26 * y, 26 * x, seed + 3, 2)
    return to_full(jnp.clip(3.0 * (trees / 1.6 - 0.5), -1.0, 1.0), height, width)


def lighter_than_around(image: jax.Array) -> jax.Array:
    """How much lighter [H, W] than its surroundings a pixel is."""
    height, width = image.shape[1:]
    luma = luma_of(image)
    return luma - to_full(spread(coarse(luma[None]), 0.02), height, width)[0]


def close_of(scene: Scene) -> jax.Array:
    """How surely a picture is a close-up: a scalar, 0 where that is in doubt."""
    return ramp(scene.closeup, 0.65, 0.95)


def nearby(planes: jax.Array, where: jax.Array, reach: float) -> tuple[jax.Array, jax.Array]:
    """The mean of planes [C, H, W] over a map [H, W] around every pixel, and the map's share."""
    height, width = where.shape
    small = coarse(jnp.concatenate([planes * where, where[None]]))
    small = to_full(spread(small, reach), height, width)
    return small[:-1] / (small[-1] + 1e-3), small[-1]


@image_transform
def blossoms(image, scene, leaves, amount, seed):
    """Boughs in white and pink blossom among leaves; near ones show their single flowers.

    Args:
      leaves: [H, W], where leaves are.
      amount: 0 none, 1 in full bloom.
    """
    height, width = leaves.shape
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    boughs = turbulence(8 * cy, 8 * cx, seed + jnp.uint32(8), 4)
    hue = to_full(turbulence(2.5 * cy, 2.5 * cx, seed + jnp.uint32(9), 2), height, width)
    share = ramp(leaves, 0.2, 0.6) * ramp(to_full(boughs, height, width), 0.4, 0.6)
    share = amount * share * (1 - scene.sky) * (1 - scene.subject)
    share = share * (1 - ramp(scene.ground, 0.1, 0.5))
    luma = luma_of(image)
    light = nearby(luma[None], jnp.ones_like(luma), 0.03)[0][0]
    share = share * ramp(light, 0.12, 0.32) * (1 - 0.5 * close_of(scene))
    share, lit = computed(share, 0.22 + 0.25 * jnp.mean(luma) + 1.3 * luma)

    def pale(tone):
        return jnp.stack([jnp.full_like(tone, 0.98), 0.62 + 0.3 * tone, 0.74 + 0.2 * tone])

    # Far ones are seen as a mass with the light and shade of the leaves.
    tone = 0.8 * ramp(hue, 0.35, 0.65)
    mass = share * (0.6 + 0.3 * ramp(lighter_than_around(image), -0.05, 0.05))
    image = computed(image + mass * (jnp.minimum(pale(tone) * lit, 1.0) - image))
    single = share * (1 - 0.8 * close_of(scene))

    def layer(image, size_and_seed):
        cell, far, seed = size_and_seed
        u = x / cell
        v, column = y / cell + 0.618 * jnp.floor(u), jnp.floor(u)
        row = jnp.floor(v)
        there, ry, rx, own = four_randoms(row, column, seed)
        radius = 0.24 + 0.14 * own
        dy = (v - row - radius - ry * (1 - 2 * radius)) / radius
        dx = (u - column - radius - rx * (1 - 2 * radius)) / radius
        away = dy * dy + dx * dx
        shape = jnp.clip((1 - away) / jnp.clip(7.0 / (cell * min(height, width)), 0.35, 1.0), 0, 1)
        near = ramp(far - scene.depth, 0.0, 0.2)
        cover = 0.6 * shape * near * (there < 0.8 * single)
        shade = lit * (1.06 - 0.25 * away - 0.12 * dy)
        color = pale(jnp.clip(tone + own - 0.5, 0.0, 1.0)) * shade
        return image + cover * (jnp.minimum(color, 1.0) - image), None

    sizes, depths = jnp.array(_BLOSSOMS).T
    seeds = seed + 17 * jnp.arange(len(_BLOSSOMS), dtype=jnp.uint32)
    return jax.lax.scan(layer, image, (sizes, depths, seeds))[0]


@image_transform
def thinned(image, scene, leaves, amount, seed):
    """Takes the leaves off upright plants: grey twigs, and between them what is behind.

    Args:
      leaves: [H, W], where leaves are.
      amount: 0 none, 1 all.
    """
    y, x = full_grid(*leaves.shape)
    crown = amount * leaves * (1 - scene.ground) * (1 - scene.subject)
    luma = luma_of(image)
    sky, open_ = nearby(image, scene.sky, 0.1)
    around, _ = nearby(luma[None], jnp.ones_like(luma), 0.04)
    behind = 0.85 * around + ramp(open_, 0.03, 0.2) * (sky - 0.85 * around)
    twigs = jnp.maximum(_ridges(18 * y, 26 * x, seed), _ridges(37 * y, 48 * x, seed + 1))
    bright = ramp(lighter_than_around(image), -0.05, 0.08)
    through = crown * (0.35 + 0.5 * bright) * (1 - twigs) * (1 - close_of(scene))
    grey = luma * jnp.array([1.04, 1.0, 0.96])[:, None, None]
    bark = grey * (1 - 0.3 * crown * (1 - close_of(scene)))
    wood = computed(image + ramp(crown, 0.1, 0.5) * (bark - image))
    return wood + through * (behind - wood)


def _ridges(y, x, seed):
    """A net of thin lines, [H, W] in [0, 1]."""
    net = value_noise(y + 0.4 * x, x - 0.2 * y, seed + jnp.uint32(61))
    return ramp(1 - jnp.abs(2 * net - 1), 0.78, 0.95)
