"""The sky and its lights: sun, moon and stars, clouds, lightning, and the shadows of daylight."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of, screen
from agentic_styling.tools.transforms.conventions import Scene, computed, image_transform
from agentic_styling.tools.transforms.filters.blur import spread
from agentic_styling.tools.transforms.filters.fields import (
    coarse,
    coarse_grid,
    four_randoms,
    full_grid,
    hash_noise,
    ramp,
    slopes,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.ground.foliage import nearby

_STARS = 70.0  # cells along the shorter side, with a star at most in each
_MOON = 0.026  # radius, in parts of the shorter side
_BOLT = 0.0022  # half width of lightning, in parts of the shorter side


def horizon_of(scene: Scene) -> jax.Array:
    """How far down the sky reaches, in parts of the height; 0.4 where there is none."""
    y = jnp.linspace(0.0, 1.0, scene.sky.shape[0])[:, None]
    total = jnp.sum(scene.sky)
    open_sky = ramp(total / scene.sky.size, 0.01, 0.05)
    reach = 2 * jnp.sum(y * scene.sky) / (total + 1.0)
    return 0.4 + open_sky * (jnp.clip(reach, 0.15, 1.0) - 0.4)


@image_transform
def sky_matte(image: jax.Array, scene: Scene) -> jax.Array:
    """The sky [H, W] with sharp borders: where the map is unsure, the colours beside it decide.

    A pixel's share is its place between the mean colours of the sky and of the rest nearby.

    Source: Wang and Cohen (2007), Image and Video Matting: A Survey, equation 1.
    """
    height, width = image.shape[1:]
    colors = jnp.stack([luma_of(image), image[2] - image[0]])
    planes = coarse(jnp.concatenate([colors, scene.sky[None]]))
    weights = jnp.stack([planes[2] ** 4, (1 - planes[2]) ** 4])
    sums = spread(jnp.concatenate([weights, *(weights * plane for plane in planes[:2])]), 0.04)
    near = sums[:2]
    sky, rest = jnp.moveaxis(sums[2:].reshape(2, 2, *near.shape[1:]) / (near + 1e-4), 1, 0)
    apart = sky - rest
    contrast = jnp.sum(apart**2, axis=0)
    scale = apart / (contrast + 1e-3)
    trust = contrast / (contrast + 0.01) * ramp(jnp.minimum(near[0], near[1]), 0.005, 0.03)
    lines = jnp.stack([*scale, jnp.sum(rest * scale, axis=0), trust])
    lines = computed(to_full(lines, height, width))
    share = ramp(jnp.sum(colors * lines[:2], axis=0) - lines[2], 0.3, 0.8)
    unsure = jnp.minimum(12 * scene.sky * (1 - scene.sky), 1.0)
    return scene.sky + lines[3] * unsure * (share - scene.sky)


@image_transform
def sky_by_color(image: jax.Array, scene: Scene) -> jax.Array:
    """The sky [H, W] by its colour nearby: towers that the map took in are left out, rims filled.

    A pixel much darker than the sky around it is none, and one of just its colour is. All of it
    fades where the map is unsure of what it takes for sky. Not `sky_matte`, whose borders leave a
    bright rim around temples and trees under a darker sky.
    """
    sky, near = nearby(image, scene.sky * scene.sky, 0.06)
    dark = (luma_of(image) + 0.02) / (luma_of(sky) + 0.02)
    away = jnp.sum((image - sky) ** 2, axis=0)
    alike = jnp.exp(-away / 0.006) * ramp(near, 0.1, 0.35) * (1 - scene.ground)
    alike = alike * ramp(scene.sky, 0.01, 0.1)
    share = jnp.maximum(ramp(scene.sky, 0.3, 0.7), alike)
    sure = jnp.sum(scene.sky**2) / (jnp.sum(scene.sky) + 1.0)
    return share * ramp(dark, 0.5, 0.8) * ramp(sure, 0.5, 0.8)


@image_transform
def paint_sky(image, scene, top, horizon, amount):
    """Recolours the sky; clouds and branches stay.

    Args:
      top: of the zenith, float [3].
      horizon: of the horizon, float [3].
      amount: 0 the identity, 1 nothing of the sky's own colour is left.
    """
    luma = luma_of(image)
    usual = jnp.sum(luma * scene.sky) / (jnp.sum(scene.sky) + 1e-3) + 0.03
    y = jnp.linspace(0.0, 1.0, image.shape[1])[:, None]
    down = jnp.clip(y / horizon_of(scene), 0.0, 1.0) ** 1.4
    relief = jnp.minimum((luma + 0.03) / usual, 1.5)
    share = amount * scene.sky
    planes = [
        plane + share * (relief * (a + down * (b - a)) - plane)
        for plane, a, b in zip(image, top, horizon, strict=True)
    ]
    return jnp.clip(jnp.stack(planes), 0.0, 1.0)


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
def replace_sky(image, scene, colors, cover, amount, level, seed):
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


def starlight(scene: Scene, seed: jax.Array) -> jax.Array:
    """Stars [H, W] in the open sky, few bright and many faint."""
    y, x = full_grid(*scene.sky.shape)
    row, column = jnp.floor(y * _STARS), jnp.floor(x * _STARS)
    at_y, at_x, bright, there = four_randoms(row, column, seed)
    dy = (y * _STARS - row - 0.2 - 0.6 * at_y) / _STARS
    dx = (x * _STARS - column - 0.2 - 0.6 * at_x) / _STARS
    radius = jnp.maximum(0.0011, 0.45 / min(scene.sky.shape))  # not below half a pixel
    spot = 1 / (1 + ((dy * dy + dx * dx) / radius**2) ** 2)
    clear = ramp(scene.sky, 0.75, 1.0)
    return spot * clear * (there > 0.8) * (0.04 + 0.6 * bright**5)


@image_transform
def moonlight(image: jax.Array, scene: Scene, amount: jax.Array, color: jax.Array) -> jax.Array:
    """Draws the moon where the sky is most open, and its glow; nothing without enough sky."""
    height, width = scene.sky.shape
    y, x = coarse_grid(height, width)
    wide = width / min(height, width)
    room = spread(coarse(scene.sky[None]), 0.05)[0]
    # Not at the border, nor in the middle; on the right where both sides are as good.
    place = room - 12 * (y - 0.16) ** 2 - 1.2 * (x / wide - 0.78) ** 2
    at = jnp.argmax(jax.lax.stop_gradient(place))
    fits = ramp(room.ravel()[at], 0.8, 0.93) * ramp(jnp.mean(scene.sky), 0.16, 0.26)
    fits = fits * ramp(scene.outdoors, 0.3, 0.7)
    rows, columns = full_grid(height, width)
    dy, dx = rows - y[at // x.shape[1], 0], columns - x[0, at % x.shape[1]]
    away = (dy * dy + dx * dx) / _MOON**2
    disc = jnp.clip((1 - away) * (0.4 * _MOON * min(height, width)) + 0.5, 0.0, 1.0)
    # Its seas: two broad soft spots.
    seas = 1 / (1 + ((dy / _MOON + 0.25) ** 2 + (dx / _MOON + 0.35) ** 2) * 6)
    seas = seas + 0.7 / (1 + ((dy / _MOON - 0.3) ** 2 + (dx / _MOON - 0.25) ** 2) * 8)
    light = 2.2 * disc * (1 - 0.3 * seas) + 0.22 / (1 + 0.14 * away) + 0.1 / (1 + 0.012 * away)
    light = amount * fits * light * ramp(scene.sky, 0.3, 0.9)
    return screen(image, light * color[:, None, None])


def facing(scene: Scene, dy: jax.Array, dx: jax.Array) -> jax.Array:
    """How far [H, W] the subject's form turns to a light that lies towards (dy, dx), -1 to 1.

    The subject is taken to be round: its outline turns away from its middle.
    """
    height, width = scene.subject.shape
    form = spread(coarse(scene.subject[None]), 0.08)[0]
    short = min(form.shape)
    slope_y, slope_x = slopes(form)
    turn = -0.1 * short * (slope_y * dy + slope_x * dx)
    turn = turn / (0.5 + jnp.abs(turn))
    return to_full(turn, height, width) * scene.subject


def cast_shadow(scene: Scene, dy: jax.Array, dx: jax.Array) -> jax.Array:
    """The subject's shadow [H, W] on the ground, 0 to 1.

    dy > 0, dx: where the shadow of a point falls from the foot below it, for a height of one. The
    subject is taken to stand upright on one line; one that the border cuts off casts none.
    """
    height, width = scene.subject.shape
    subject = coarse(scene.subject[None])[0]
    h, w = subject.shape
    rows = jnp.sum(subject, axis=1)
    stands = jax.lax.stop_gradient(rows > 0.3 * jnp.max(rows) + 1e-3)
    foot = jnp.max(jnp.where(stands, jnp.arange(h), 0))
    tall = (jnp.arange(h) - foot) / dy
    level = jnp.maximum(1 - jnp.abs((foot - tall)[:, None] - jnp.arange(h)), 0.0)
    level = level * (tall >= 0)[:, None]
    # Every row is sheared by its own distance: by interpolation between whole columns.
    at = jnp.clip(jnp.arange(w)[None] - dx * tall[:, None], 0, w - 1)
    left = jnp.clip(at.astype(jnp.int32), 0, w - 2)
    upright = level @ subject
    a, b = (jnp.take_along_axis(upright, left + k, axis=1) for k in (0, 1))
    shade = (a + (at - left) * (b - a)) * (foot < 0.93 * h)
    shade = to_full(spread(shade[None], 0.015)[0], height, width)
    return shade * scene.ground * (1 - ramp(scene.subject, 0.1, 0.7))
