"""The sky of a weather: its colours, clouds and lightning."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of, screen
from agentic_styling.tools.transforms.conventions import Scene, computed, image_transform
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    full_grid,
    hash_noise,
    ramp,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.light.daylight import horizon_of

_BOLT = 0.0022  # half width of lightning, in parts of the shorter side


def clouds(scene: Scene, cover: jax.Array, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Opacity and light, [H, W] each in [0, 1], of clouds on a level ceiling.

    cover: 0 few, 0.5 about half of the sky, 1 all of it. They are lit from above and the left.
    """
    height, width = scene.sky.shape
    y, x = coarse_grid(height, width)
    up = jnp.maximum(horizon_of(scene) * height / min(height, width) - y, 0.0) + 0.4
    away, across = 1.6 / up, (x - 0.5 * width / min(height, width)) / up
    bend, turn = (turbulence(away, across, seed + jnp.uint32(k), 2) - 0.5 for k in (41, 83))

    def thickness(shift):
        v, u = 1.1 * away + 0.8 * bend + shift, 1.1 * across + 0.8 * turn - shift
        return turbulence(v, u, seed, 5)

    thick = thickness(0.0)
    opacity = ramp(thick, 0.8 - 0.7 * cover, 1.0 - 0.7 * cover)
    light = jnp.clip(0.6 + 3.2 * (thick - thickness(0.16)) - 0.6 * (thick - 0.5), 0.0, 1.0)
    return to_full(opacity, height, width), to_full(light, height, width)


@image_transform
def paint(image, scene, colors, cover, amount, level, seed):
    """Replaces a picture's sky; branches before it stay.

    Args:
      colors: float [4, 3]: zenith, horizon, clouds in light and in shade.
      cover: of clouds, 0 few to 1 all of the sky.
      amount: 0 the identity, 1 nothing of its own sky is left.
      level: brightness of the light.
    """
    height = image.shape[1]
    y = jnp.linspace(0.0, 1.0, height)[:, None]
    down = jnp.clip(y / horizon_of(scene), 0.0, 1.0)
    opacity, light = clouds(scene, cover, seed)
    opacity = opacity * (1 - 0.5 * down * down)  # far clouds fade into the air
    usual = jnp.sum(luma_of(image) * scene.sky) / (jnp.sum(scene.sky) + 1e-3) + 0.03
    # Its own clouds go; what stands dark before it stays.
    relief = jnp.clip((luma_of(image) + 0.03) / (0.72 * usual), 0.0, 1.0)
    share, relief = computed(amount * scene.sky, relief)
    planes = []
    for plane, (zenith, horizon, lit, shade) in zip(image, colors.T, strict=True):
        open_sky = zenith + down * (horizon - zenith)
        color = open_sky + opacity * (shade + light * (lit - shade) - open_sky)
        planes.append(plane + share * (level * relief * color - plane))
    return jnp.clip(jnp.stack(planes), 0.0, 1.0)


@image_transform
def lightning(image: jax.Array, scene: Scene, amount: jax.Array, seed: jax.Array) -> jax.Array:
    """Draws a flash from the clouds to the horizon, and its glow; nothing without enough sky."""
    height, width = scene.sky.shape
    short = min(height, width)
    y, x = full_grid(height, width)
    horizon = horizon_of(scene) * height / short
    side = hash_noise(0, 0, seed)
    start = (0.2 + 0.6 * side) * width / short
    zigzag = turbulence(9 * y, jnp.zeros_like(y), seed + jnp.uint32(2), 5) - 0.5
    at = start + 0.45 * zigzag * ramp(y, 0.0, 0.25) + 0.1 * (0.5 - side) * y
    away = jnp.abs(x - at)
    width_here = jnp.maximum(_BOLT, 0.6 / short)
    core = jnp.clip(1.6 - away / width_here, 0.0, 1.0)
    glow = 0.22 / (1 + (away / 0.012) ** 2) + 0.3 / (1 + (away / 0.12) ** 2)
    falls = ramp(horizon - y, -0.05, 0.12)
    room = ramp(jnp.mean(scene.sky), 0.08, 0.2)
    light = room * scene.sky * (falls * 2.4 * core + glow * (0.35 + 0.65 * falls))
    return screen(image, amount * light * jnp.array([0.86, 0.88, 1.0])[:, None, None])
