"""Light that the air or the lens spreads: bloom, shafts of light, auras, flare, spots, vignette."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of, screen
from agentic_styling.tools.transforms.conventions import Scene, computed, image_transform
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import (
    coarse,
    coarse_grid,
    full_grid,
    ramp,
    to_full,
    value_noise,
)


@image_transform
def bloom(image, amount, color, *, threshold=0.6, sigma=0.05):
    """Lets the bright parts of a picture glow beyond their edges.

    Args:
      amount: 1 is a soft-focus filter, 0 the identity.
      color: tint of the glow, float [3].
      threshold: display value from which things glow.
      sigma: of the glow, in parts of the shorter side.
    """
    height, width = image.shape[1:]
    bright = coarse(image)
    bright = jnp.maximum(bright - threshold, 0.0) / (1 - threshold)
    glow = 0.6 * spread(bright, sigma) + 0.4 * spread(bright, 3 * sigma)
    light = amount * glow * color[:, None, None]
    return screen(image, jnp.maximum(to_full(light, height, width), 0.0))


@image_transform
def brightest(image: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column, in parts of the shorter side, of the brightest place of [3, H, W].

    weight: [H, W], what counts more. No gradient goes through the place.
    """
    height, width = image.shape[1:]
    light = coarse((luma_of(image) * weight)[None])
    light = spread(light, 0.02) + 0.25 * spread(light, 0.1)
    y, x = coarse_grid(height, width)
    at = jnp.argmax(jax.lax.stop_gradient(light[0]))
    return y[at // x.shape[1], 0], x[0, at % x.shape[1]]


def radial_smear(mask, y, x, reach):
    """Coarse planes [C, h, w] smeared away from a point, in parts of the shorter side.

    reach: 0.7: up to seven tenths of the way to the point count. By doubling: each pass adds the
    picture zoomed about the point, a product of two interpolation matrices, so nothing is gathered.
    """
    short = min(mask.shape[1:])
    passes = 6
    zoom = (1 - reach) ** (1 / (2**passes - 1))
    for i in range(passes):
        scale = zoom ** (2**i)
        closer = _zoom_matrix(mask.shape[1], y * short - 0.5, scale)
        beside = _zoom_matrix(mask.shape[2], x * short - 0.5, scale)
        mask = 0.5 * (mask + 0.97 ** (2**i) * (closer @ (mask @ beside.T)))
    return mask


def _zoom_matrix(n: int, centre: jax.Array, scale: jax.Array) -> jax.Array:
    """[n, n]: row i interpolates linearly at centre + scale * (i - centre), the border repeated."""
    at = jnp.clip(centre + scale * (jnp.arange(n) - centre), 0, n - 1)
    return jnp.maximum(1 - jnp.abs(at[:, None] - jnp.arange(n)), 0.0)


@image_transform
def god_rays(image, scene, amount, color, seed):
    """Draws shafts of light and the shade between them, blocked by what stands before the light.

    They fan out downwards from the sky's brightest place; without a sky from a bright opening such
    as a window, and without either from above the picture, on its brighter side.

    Source: Mitchell (2007), GPU Gems 3, chapter 13.
    """
    height, width = image.shape[1:]
    short = min(height, width)
    y, x = coarse_grid(height, width)
    sky, luma, subject = coarse(jnp.stack([scene.sky, luma_of(image), scene.subject]))
    outside = jnp.mean(sky) > 0.05
    opening = jnp.where(outside, sky * ramp(luma, 0.2, 0.9), ramp(luma, 0.6, 0.9) * (1 - subject))
    up = jnp.linspace(1.0, 0.2, height)[:, None]
    weight = jnp.where(outside, scene.sky, 1 - scene.subject) * up
    sun_y, sun_x = brightest(image, weight, channel_axis=0)
    near = 1 / (1 + ((y - sun_y) ** 2 + (x - sun_x) ** 2) / 0.004)
    bright = jnp.sum(luma * near) / jnp.sum(near) - jnp.mean(luma)
    seen = outside | ((bright > 0.25) & (sun_y < 0.5 * height / short))
    side = jnp.where(sun_x > 0.5 * width / short, 0.25, -0.25)
    sun_y, sun_x = jnp.where(seen, sun_y, -0.3), jnp.where(seen, sun_x, sun_x + side)
    opening = jnp.where(seen, opening, 1.0) * (1 - subject)
    dy, dx = y - sun_y, x - sun_x
    away = jnp.sqrt(dy * dy + dx * dx + 1e-6)
    # Noise on the circle of directions has no seam.
    broad, fine = (value_noise(k * dy / away, k * dx / away, seed + jnp.uint32(k)) for k in (7, 19))
    shafts = ramp(0.55 * broad + 0.45 * fine, 0.4, 0.7) * ramp(dy / away, -0.1, 0.45)
    smeared = radial_smear(opening[None], sun_y, sun_x, 0.85)[0]
    lit = jnp.minimum(1.3 * smeared / (jnp.max(smeared) + 0.05), 1.0) * jnp.exp(-0.9 * away)
    glow = 0.12 * lit + 0.6 * seen / (1 + (away / 0.08) ** 2)
    beams, glow = computed(to_full(jnp.stack([lit * shafts, glow]), height, width))
    before = 1 - 0.8 * scene.subject * (1 - scene.depth)
    light = (beams + glow) * (1 - 0.6 * scene.sky) * before
    shade = jnp.minimum(0.28 * amount, 0.27 + 0.07 * amount)  # strong beams stay brighter than it
    shade = shade * (1 - jnp.minimum(beams + glow, 1.0))
    shade = shade * (1 - 0.8 * scene.sky)
    return screen(image * (1 - shade), amount * light * color[:, None, None])


@image_transform
def aura(image: jax.Array, scene: Scene, amount: jax.Array | float, color: jax.Array) -> jax.Array:
    """Draws a glow around the subject, as of light that it gives off itself."""
    height, width = image.shape[1:]
    subject = coarse(scene.subject[None])
    near, far = spread(subject, 0.025), spread(subject, 0.085)
    glow = (1.1 * near * (1 - subject) + 0.9 * far * (1 - 0.8 * subject))[0]
    rim = to_full(glow, height, width)
    lit = screen(image, amount * rim * color[:, None, None])
    return bloom(lit, 0.5 * amount, color, threshold=0.55, sigma=0.03, channel_axis=0)


def spotlight(image, y, x, radius, amount, color):
    """A soft spot of coloured light, and dark around it. Place and radius in parts of the shorter
    side; amount 0 is the identity, 1 leaves 25 % of the light outside."""
    rows, columns = full_grid(*image.shape[1:])
    away = ((rows - y) ** 2 + (columns - x) ** 2) / radius**2
    lit = 1 / (1 + away * away)
    gain = 1 + amount * (-0.75 * (1 - lit) + 0.35 * lit * color[:, None, None])
    return jnp.clip(image * gain, 0.0, 1.0)


@image_transform
def vignette(image, amount, color=None):
    """Darkens the corners as cos^4 of the field angle behind a simple lens.

    Args:
      amount: 1 leaves a corner a quarter of its light, 0 is the identity.
      color: float [3] that corners are drawn towards; black if None.
    """
    height, width = image.shape[1:]
    y = jnp.linspace(-1.0, 1.0, height)[:, None]
    x = jnp.linspace(-1.0, 1.0, width)[None, :]
    kept = 1 / (1 + 0.5 * amount * (y * y + x * x)) ** 2
    target = 0.0 if color is None else color[:, None, None] * (1 - kept)
    return image * kept + target
