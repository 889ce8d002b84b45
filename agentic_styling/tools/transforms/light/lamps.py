"""Lamps in a photograph: small lights, candles, spots, coloured gels, light from behind, beams."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.air.sky import facing
from agentic_styling.tools.transforms.color.spaces import luma_of, relight, screen
from agentic_styling.tools.transforms.conventions import Scene, image_transform
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import (
    coarse,
    coarse_grid,
    full_grid,
    hash_noise,
    middle_of,
    ramp,
    to_full,
    turbulence,
)

_CANDLE = np.array([1.0, 0.62, 0.28], np.float32)
_CANDLES = ((0.78, 0.16), (0.68, 0.55), (0.84, 0.9))  # about where: parts of height and width
_BEAMS = ((0.2, 0.35, 0.16), (0.62, 0.12, 0.2))  # at the top, lean, half width


@image_transform
def lamps(image: jax.Array, scene: Scene, amount: jax.Array, color: jax.Array) -> jax.Array:
    """Lets the brightest small things, warm ones above all, shine as lamps and glow.

    color: of the lamps, float [3].
    """
    height, width = image.shape[1:]
    small = coarse(jnp.concatenate([image, (1 - scene.sky)[None]]))
    luma = luma_of(small[:3]) * small[3]
    brightest = jnp.max(luma) + 0.02
    around = spread(luma[None], 0.07)[0]
    warmth = ramp((small[0] - small[2]) / (luma + 0.05), 0.05, 0.4)
    source = ramp(luma / brightest, 0.45, 0.85) * ramp((luma - 1.2 * around) / brightest, 0.0, 0.25)
    source = source * (0.15 + 0.85 * warmth)
    glow = 0.6 * spread(source[None], 0.02)[0] + 1.2 * spread(source[None], 0.07)[0]
    shine, glow = (amount * to_full(x, height, width) for x in (source, glow))
    color = color[:, None, None]
    lit = image + shine * (1.3 * jnp.sqrt(luma_of(image) + 1e-4) * color - image)
    return screen(jnp.clip(lit, 0.0, 1.0), jnp.maximum(glow, 0.0) * color)


@image_transform
def lamp_beside(image: jax.Array, scene: Scene, amount: jax.Array, color: jax.Array) -> jax.Array:
    """Lights a picture by a lamp beyond its right border, less far from it; nothing under a sky."""
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    short = min(height, width)
    away = (y - 0.3 * height / short) ** 2 + (x - 1.02 * width / short) ** 2
    pool = to_full(1 / (1 + away / 0.22), height, width)
    turned = 1 + 0.5 * facing(scene, -0.2, 1.0)
    amount = amount * (1 - ramp(jnp.mean(scene.sky), 0.03, 0.15))
    lit = relight(image, 1 + amount * (2.0 * pool * turned * color[:, None, None] - 0.3))
    return screen(lit, 0.3 * amount * pool**2 * color[:, None, None])


@image_transform
def side_lights(image, scene, left, right, own, air):
    """Lights a picture from the left and from the right alone, in two colours.

    Args:
      left: float [3].
      right: float [3].
      own: how much of the things' own colours is left, 0 to 1.
      air: how far the air before them glows.
    """
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    wide = width / min(height, width)
    depth, subject, sky, turned = coarse(
        jnp.stack([scene.depth, scene.subject, scene.sky, facing(scene, 0.0, -1.0)])
    )
    fields = [1 / (1 + (away / (0.36 * wide)) ** 2) for away in (x, wide - x)]
    signs = air / (1 + ((y - 0.4) / 0.3) ** 2)
    signs = signs * (0.25 + 0.75 * depth) * (1 - 0.5 * subject) * (1 - 0.6 * sky)
    light, glow = 0.12, 0.0
    for field, form, color in zip(fields, (1, -1), (left, right), strict=True):
        color = color[:, None, None]
        light = light + 1.75 * field * (1 + 0.35 * form * turned) * color
        glow = glow + signs * field**4 * color
    light, glow = (to_full(plane, height, width) for plane in (light, glow))
    luma = luma_of(image)
    lit = relight(luma + own * (image - luma), light)
    return screen(lit, jnp.maximum(glow, 0.0))


@image_transform
def candlelight(image: jax.Array, scene: Scene, seed: jax.Array) -> jax.Array:
    """Lights a picture by three candles low in it, and little elsewhere."""
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    short = min(height, width)
    pools = 0.0
    for i, (down, along) in enumerate(_CANDLES):
        dy, dx, flicker = (hash_noise(i, k, seed) for k in range(3))
        away = (y - (down + 0.12 * dy - 0.06) * height / short) ** 2
        away = away + (x - (along + 0.12 * dx - 0.06) * width / short) ** 2
        pools = pools + (0.7 + 0.5 * flicker) / (1 + away / 0.05)
    light = to_full(pools, height, width) * _CANDLE[:, None, None]
    return lamps(
        screen(relight(image, 0.4 + 1.9 * light), 0.06 * light), scene, 0.8, _CANDLE, channel_axis=0
    )


@image_transform
def spot_on_subject(image: jax.Array, scene: Scene) -> jax.Array:
    """Puts a cone of light from above on the subject, and darkness around it."""
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    at_y, at_x = middle_of(scene.subject**2 + 1e-3)
    # The lamp hangs above, a little to the side on which there is more room.
    lamp_y = -0.35
    lamp_x = at_x + jnp.where(at_x < 0.5 * width / min(height, width), 0.3, -0.3)
    down = (y - lamp_y) / (at_y - lamp_y)
    across = x - lamp_x - down * (at_x - lamp_x)
    beam = ramp(1 - jnp.abs(across) / (0.27 * down), 0.0, 0.6) * (1 - ramp(down, 0.9, 1.35))
    away = ((y - at_y) / 0.36) ** 2 + ((x - at_x) / 0.32) ** 2
    lit = relight(image, 0.1 + 2.1 / (1 + away * away) + 0.15 * beam)
    haze = 0.25 * beam / (0.6 + down * down)
    return screen(lit, haze * jnp.array([1.0, 0.95, 0.85])[:, None, None])


@image_transform
def rim_light(image: jax.Array, scene: Scene) -> jax.Array:
    """Lights the subject's border from behind and above; the rest is darker."""
    height, width = image.shape[1:]
    inside = spread(coarse(scene.subject[None]), 0.022)[0]
    border = jnp.maximum(scene.subject - to_full(inside, height, width) ** 1.5, 0.0)
    rim = border * ramp(scene.subject, 0.15, 0.6)
    rim = rim * (0.7 + 0.6 * jnp.maximum(facing(scene, -1.0, 0.0), 0.0))
    lit = relight(image, 0.55 + 0.4 * _body(scene) + 4.0 * rim)
    return screen(lit, 0.6 * rim * jnp.array([0.85, 0.92, 1.0])[:, None, None])


@image_transform
def silhouette(image: jax.Array, scene: Scene) -> jax.Array:
    """Lights what is far from behind; the subject and the foreground are dark."""
    at_y, at_x = middle_of(scene.subject**2 + 1e-3)
    y, x = full_grid(*image.shape[1:])
    away = (y - at_y + 0.15) ** 2 + (x - at_x) ** 2
    # Where nothing is far, a lamp behind the subject lights what is around it.
    lamp = 0.9 * ramp(1 - scene.subject, 0.5, 1.0) / (1 + away / 0.12)
    far = jnp.maximum(ramp(scene.depth, 0.2, 0.85), lamp) * (1 - 0.8 * _body(scene))
    glow = (0.08 + 0.92 * far) * (0.55 / (1 + away / 0.07) + 0.08)
    color = jnp.array([1.0, 0.85, 0.62])[:, None, None]
    return screen(relight(image, 0.22 + 1.5 * far), glow * color)


def _body(scene: Scene) -> jax.Array:
    """The subject with its holes filled [H, W], but not with sky."""
    height, width = scene.subject.shape
    subject = coarse(scene.subject[None])
    filled = ramp(to_full(spread(subject, 0.03)[0], height, width), 0.45, 0.8)
    open_sky = scene.sky * ramp(jnp.mean(scene.sky), 0.04, 0.12)
    return jnp.maximum(scene.subject, filled) * (1 - open_sky)


@image_transform
def beams(image: jax.Array, scene: Scene, seed: jax.Array) -> jax.Array:
    """Draws two broad beams from above, seen in drifting fog."""
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    wide = width / min(height, width)
    light = 0.0
    for at, lean, half in _BEAMS:
        across = (x - at * wide - lean * y) / (half * (0.35 + y))
        light = light + jnp.exp(-across * across) / (1 + 0.8 * y * y)
    light = to_full(light * (0.34 + 0.68 * turbulence(4 * y, 4 * x, seed)), height, width)
    light = jnp.maximum(light, 0.0) * (0.45 + 0.55 * scene.depth)
    return screen(image, light * jnp.array([0.86, 0.93, 1.0])[:, None, None])
