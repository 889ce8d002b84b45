"""What lies on the ground: snow, fallen leaves, flowers, hailstones, grass, mud, rain water.

Everything lies on one level plane, seen in perspective from above the lower border: it gets smaller
and flatter towards the horizon. It takes its light from the photograph's own ground.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.air.sky import horizon_of, sky_by_color
from agentic_styling.tools.transforms.color.spaces import level_of, luma_of
from agentic_styling.tools.transforms.conventions import Scene, computed, image_transform
from agentic_styling.tools.transforms.filters.blur import shift, spread
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
from agentic_styling.tools.transforms.ground.foliage import close_of, leaves_of, lighter_than_around

_NEAREST_HORIZON = 0.1  # the least size of things, relative to that at the lower border
_SLANT = 1.8  # how much flatter than wide the ground looks at the lower border
_SCALES = (0.8, 1.0, 1.25)  # of strewn things, a layer each
_SNOW_LIGHT = (0.955, 0.97, 0.99)
_SNOW_SHADE = (0.50, 0.60, 0.78)


class Plane(NamedTuple):
    """Coordinates on the ground, in parts of the shorter side at the lower border."""

    away: jax.Array  # [h, 1]
    across: jax.Array  # [h, w]
    size: jax.Array  # [h, 1], of things relative to those at the lower border


def plane_of(scene: Scene, grid=full_grid) -> Plane:
    """The ground at full size, or at that of another grid; seen from above in a close-up."""
    height, width = scene.ground.shape
    short = min(height, width)
    y, x = grid(height, width)
    bottom = height / short
    horizon = jnp.minimum(jnp.minimum(horizon_of(scene), 0.6), _top_of(scene.ground))
    horizon = (horizon - close_of(scene) * (horizon + 0.5)) * bottom
    down = (y - horizon) / (bottom - horizon)
    size = jnp.maximum(down, _NEAREST_HORIZON)
    beyond = jnp.maximum(_NEAREST_HORIZON - down, 0.0) / _NEAREST_HORIZON
    away = _SLANT * (bottom - horizon) * (1 / size + beyond)
    return Plane(away, (x - 0.5 * width / short) / size, size)


def _top_of(ground):
    """How far up the ground reaches, in parts of the height from the top."""
    up = 1 - jnp.linspace(0.0, 1.0, ground.shape[0])[:, None]
    total = jnp.sum(ground)
    known = ramp(total / ground.size, 0.02, 0.08)
    return 1 - known * jnp.clip(2 * jnp.sum(up * ground) / (total + 1.0), 0.0, 1.0)


def bare_ground(image: jax.Array, scene: Scene) -> jax.Array:
    """Where things may lie, [H, W]: the ground outdoors, without the subject that stands on it.

    By a subject, what is of another colour than the ground is a leg rather than ground; and what
    a close-up shows blurred is its background.
    """
    height, width = scene.ground.shape
    maps = jnp.stack([scene.ground, scene.subject])
    small, maps = coarse(image), coarse(maps)
    soft = spread(small, 0.01)
    lying = maps[0] * (1 - ramp(maps[1], 0.02, 0.2))
    detail = lying * sum(map(jnp.abs, slopes(luma_of(small))))
    near = spread(jnp.concatenate([soft * lying, jnp.stack([lying, maps[1], detail])]), 0.1)
    away = jnp.sum((soft - near[:3] / (near[3] + 1e-3)) ** 2, axis=0)
    leg = ramp(away, 0.03, 0.1) * ramp(near[4], 0.02, 0.12)
    blurred = scene.closeup * (1 - ramp(near[5] / (near[3] + 1e-3), 0.01, 0.03))
    free = to_full((1 - leg) * (1 - blurred), height, width)
    doubt = 0.35 * scene.closeup
    ground = ramp(scene.ground, 0.12 + doubt, 0.6 + doubt)
    outside = ramp(scene.outdoors, 0.4, 0.7)
    return ground * free * (1 - ramp(scene.subject, 0.2, 0.7)) * outside


def noise_of(scene: Scene, scale: float, seed: jax.Array, octaves: int = 3) -> jax.Array:
    """Soft noise [H, W] in [0, 1] that lies on the ground, `scale` bumps to the shorter side."""
    plane = plane_of(scene, coarse_grid)
    noise = turbulence(scale * plane.away, scale * plane.across, seed, octaves)
    return to_full(noise, *scene.ground.shape)


def shading(image: jax.Array, scene: Scene, detail: float) -> jax.Array:
    """Light [H, W] on the ground, 1 on the mean: its shadows, and so much of its own texture."""
    height, width = scene.ground.shape
    luma = luma_of(image)
    small = coarse(jnp.stack([luma * scene.ground, scene.ground]))
    near = spread(small, 0.02)
    mean = jnp.sum(small[0]) / (jnp.sum(small[1]) + 1e-3) + 0.02
    soft = to_full((near[0] + 0.02 * mean) / (near[1] + 0.02), height, width)
    return jnp.clip((soft + detail * (luma - soft)) / mean, 0.35, 1.7)


def lay(image: jax.Array, cover: jax.Array, color: jax.Array) -> jax.Array:
    """A covering of opacity [H, W] and colour [3, H, W] over a picture."""
    return image + cover * (jnp.clip(color, 0.0, 1.0) - image)


@image_transform
def snow(image, scene, leaves, amount, seed):
    """Lays snow on the ground, and on what faces up: roofs, branches, leaves.

    Args:
      leaves: [H, W], where leaves are.
      amount: 0 none, 0.5 a dusting with patches, 1 closed.
    """
    ground = computed(bare_ground(image, scene))
    patches = noise_of(scene, 5.0, seed, 4) - 0.5
    texture = jnp.clip(6 * lighter_than_around(image), -0.5, 0.5)  # blades and stones stand out
    lying = ground + (1.4 - amount) * (0.7 * patches + 0.5 * texture) + 1.3 * (amount - 1)
    cover = jnp.minimum(1.6 * amount, 0.95) * ramp(lying, 0.3, 0.7) * ramp(ground, 0.15, 0.5)
    stays = 0.9 * amount * _ledges(image, scene, leaves)
    cover = 1 - (1 - cover) * (1 - stays)
    drift = noise_of(scene, 2.6, seed + jnp.uint32(31), 4) - 0.5
    light = 0.72 + 0.75 * (shading(image, scene, 0.45) - 1) + 0.8 * drift * ground
    light = ramp(jnp.maximum(light, 0.75 * stays), -0.1, 1.0)
    y, x = full_grid(*ground.shape)
    glint = hash_noise(jnp.floor(300 * y), jnp.floor(300 * x), seed + jnp.uint32(5))
    light = light + 0.3 * (glint > 0.985) - 0.05 * glint
    cover, light = computed(cover, light)
    low, high = (jnp.array(c)[:, None, None] for c in (_SNOW_SHADE, _SNOW_LIGHT))
    return lay(image, cover, _snow_level(image, scene) * (low + light * (high - low)))


def _snow_level(image, scene):
    """`level_of`, lower where the ground of a picture is darker than the rest, as at night."""
    luma = luma_of(image)
    mean = jnp.mean(luma)
    lying = (jnp.sum(luma * scene.ground) + 10 * mean) / (jnp.sum(scene.ground) + 10)
    return jnp.clip(0.28 + 0.9 * lying + 1.0 * mean, 0.3, 1.0)


def _ledges(image: jax.Array, scene: Scene, leaves: jax.Array) -> jax.Array:
    """Where snow stays above the ground, [H, W]: rims under the open sky, lit tops, leaves."""
    height, width = scene.sky.shape
    step = max(1, round(min(height, width) / 110))
    luma = luma_of(image)

    def moved(plane, rows):
        return shift(plane[None], rows, 0)[0]

    higher = lighter_than_around(image)
    sky = sky_by_color(image, scene, channel_axis=0)
    rim = jnp.maximum(moved(sky, step), moved(sky, 3 * step)) - sky
    roof = (moved(sky, 6 * step) - sky) * ramp(higher, -0.02, 0.06)
    rim = jnp.maximum(jnp.maximum(0.9 * rim, 0.7 * roof), 0.0)
    down, across = (jnp.abs(slope) for slope in slopes(luma))
    level = ramp(down / (down + across + 0.02), 0.45, 0.75)
    top = ramp(higher, 0.0, 0.14) * level * ramp(luma - moved(luma, -step), 0.02, 0.16)
    dusted = ramp(leaves, 0.1, 0.5) * ramp(higher, -0.09, 0.07)
    stays = jnp.maximum(rim, jnp.maximum(0.7 * top, 0.8 * dusted))
    held = scene.subject * (0.4 + 0.6 * close_of(scene))
    return stays * (1 - sky) * (1 - held) * scene.outdoors


@image_transform
def strewn(image, scene, colors, cell, share, round_, seed):
    """Strews small things over the ground: leaves, flowers, hailstones.

    Args:
      colors: float [3, 3]; each has a mixture of two neighbours.
      cell: their distance at the lower border, in parts of the shorter side.
      share: of the cells that hold one, in the densest places, a number or [H, W].
      round_: 0 oblong as a leaf, 1 round.
    """
    plane = plane_of(scene)
    short = min(scene.ground.shape)
    patches = noise_of(scene, 3.0, seed)
    dense = (
        share * ramp(bare_ground(image, scene), 0.25, 0.7) * (0.5 + 0.5 * ramp(patches, 0.3, 0.65))
    )
    light = shading(image, scene, 0.25) * (0.35 + 0.65 * level_of(image, channel_axis=0))
    dense, light = computed(dense, light)
    mean = jnp.mean(colors, axis=0)[:, None, None]
    image = lay(image, 0.55 * dense, 0.7 * mean * light)  # layers too deep to be distinguished
    first, middle, last = colors[:, :, None, None]

    def layer(image, scale_and_seed):
        size, seed = cell * scale_and_seed[0], scale_and_seed[1]
        seen = ramp(size * plane.size * short, 1.5, 4.0)
        cover, shade, tone = _fleck(plane, size, dense, round_, short, seed)
        cover = seen * cover + (1 - seen) * 0.35 * dense
        early, late = jnp.minimum(2 * tone, 1.0), jnp.maximum(2 * tone - 1, 0.0)
        color = first + early * (middle - first) + late * (last - middle)
        return lay(image, cover, color * (shade * light)), None

    seeds = seed + 71 * jnp.arange(len(_SCALES), dtype=jnp.uint32)
    return jax.lax.scan(layer, image, (jnp.array(_SCALES), seeds))[0]


def _fleck(plane, size, share, round_, short, seed):
    """Opacity, shade and tone, [H, W] each, of one layer of strewn things."""
    u = plane.across / size
    v = plane.away / size + 0.618 * jnp.floor(u)
    row, column = jnp.floor(v), jnp.floor(u)
    there, ry, rx, tone = four_randoms(row, column, seed)
    cos, sin, wide, bright = four_randoms(row, column, seed + jnp.uint32(0x51))
    cos, sin = cos - 0.5, sin - 0.4983
    norm = jax.lax.rsqrt(cos * cos + sin * sin)
    radius = 0.3 + 0.16 * wide
    dv = (v - row - radius - ry * (1 - 2 * radius)) / radius
    du = (u - column - radius - rx * (1 - 2 * radius)) / radius
    along = (dv * cos + du * sin) * norm
    across = (du * cos - dv * sin) * norm / (0.45 + 0.25 * wide + round_ * (0.55 - 0.25 * wide))
    away = along * along + across * across
    soft = jnp.clip(3.0 / (radius * size * plane.size * short), 0.3, 1.0)
    cover = jnp.clip((1 - away) / soft, 0.0, 1.0) * (there < share)
    vein = (1 - round_) * 0.2 * jnp.clip(1 - 6 * jnp.abs(across), 0.0, 1.0)
    return cover, 0.7 + 0.45 * bright - vein + 0.18 * across, tone


@image_transform
def grass(image, scene, dark, light, seed):
    """Draws blades of grass in tufts; each row hides the feet of the next.

    Args:
      dark: float [3], the darkest blades.
      light: float [3], the lightest.
    """
    tufts = noise_of(scene, 5.0, seed)
    plane = plane_of(scene)
    row = plane.away / (0.03 * _SLANT)
    tone, cover = 0.3 * jnp.ones_like(plane.across), 0.0
    for nearer in (0, 1, 2):
        blade, shade = _blades(scene, plane, jnp.floor(row) - nearer, row % 1 + nearer, seed)
        tone, cover = tone + blade * (shade - tone), jnp.maximum(cover, blade)
    seen = ramp(0.009 * plane.size * min(scene.ground.shape), 0.3, 1.0)
    tone = 0.5 + seen * (tone - 0.5) + 0.5 * (tufts - 0.5)
    dark, light = dark[:, None, None], light[:, None, None]
    lit = shading(image, scene, 0.6) * (0.35 + 0.65 * level_of(image, channel_axis=0))
    edge = ramp(
        bare_ground(image, scene) + 0.25 * (tufts - 0.5) + 0.2 * (cover - 1) * seen, 0.25, 0.65
    )
    return lay(image, 0.85 * edge, (dark + tone * (light - dark)) * lit)


def _blades(scene, plane, row, up, seed):
    """Opacity and tone [H, W] of the blades that stand in a row, `up` rows above their feet."""
    size = plane.size * plane.away / jnp.maximum((row + 0.5) * 0.03 * _SLANT, 0.03)
    u = plane.across * plane.size / (0.009 * size)
    lean = hash_noise(row, jnp.floor(u / 3), seed + jnp.uint32(4)) - 0.5
    u = u + 0.9 * lean * up + 0.618 * row
    column = jnp.floor(u)
    there, tall, bright, _ = four_randoms(row, column, seed)
    tall = 1.0 + 1.9 * tall
    half = 0.5 * (1 - up / tall)
    blade = jnp.clip((half - jnp.abs(u - column - 0.5)) * 6, 0.0, 1.0) * (there < 0.8)
    return blade, 0.15 + 0.5 * bright + 0.18 * up


@image_transform
def mud(image: jax.Array, scene: Scene, seed: jax.Array) -> jax.Array:
    """Covers the ground with wet, trodden mud and puddles that mirror what stands above."""
    plane = plane_of(scene, coarse_grid)
    lumps = turbulence(15 * plane.away, 10 * plane.across, seed, 3)
    slope = jnp.roll(lumps, -1, 0) - lumps
    gloss = ramp(slope * min(lumps.shape) / 128, 0.04, 0.16) * plane.size
    lumps, gloss = (to_full(field, *scene.ground.shape) for field in (lumps, gloss))
    lit = shading(image, scene, 0.35) * (0.35 + 0.65 * level_of(image, channel_axis=0))
    brown = jnp.array([0.36, 0.265, 0.18])[:, None, None] * (0.55 + 0.85 * lumps)
    sheen = jnp.array([0.40, 0.42, 0.45])[:, None, None] * (gloss * level_of(image, channel_axis=0))
    edge = ramp(bare_ground(image, scene), 0.25, 0.65)
    covered = lay(image, 0.9 * edge, brown * lit + sheen)
    return puddles(computed(covered), image, scene, 0.85, 0.54, seed + jnp.uint32(3))


@image_transform
def wet(image: jax.Array, scene: Scene, amount: jax.Array, seed: jax.Array) -> jax.Array:
    """Darkens the ground as rain does, with puddles except on leaves.

    amount: 0 the identity, 1 soaked.
    """
    dark = amount * bare_ground(image, scene)
    luma = luma_of(image)
    deeper = luma + (1 + 0.15 * dark) * (image - luma)
    soaked = computed(deeper * (1 - 0.32 * dark))
    leafy = ramp(leaves_of(image, channel_axis=0), 0.0, 0.4)
    water = 0.75 * jnp.minimum(amount, 1.2) * (1 - 0.8 * leafy)
    return puddles(soaked, image, scene, water, 0.56, seed)


def puddles(image, above, scene, amount, level: float, seed):
    """Water on a picture's ground that mirrors another picture of the same scene.

    level: the noise, 0 to 1, above which water stands: 0.5 on half of the ground.
    """
    height, width = scene.ground.shape
    small = coarse(above)
    rows = jnp.arange(small.shape[1], dtype=jnp.float32)
    shore = jnp.clip(jnp.minimum(horizon_of(scene), 0.6), 0.35, 0.6) * small.shape[1]
    source = jnp.clip(2 * shore - rows, 0, small.shape[1] - 1)
    ripple = 2.0 + 0.06 * jnp.maximum(rows - shore, 0.0)  # what lies below it is smeared downwards
    weights = jnp.exp(-0.5 * ((source[:, None] - rows) / ripple[:, None]) ** 2)
    mirrored = (weights / jnp.sum(weights, axis=1, keepdims=True)) @ small
    mirrored = to_full(spread(mirrored, 0.008), height, width)
    plane = plane_of(scene, coarse_grid)
    shape = turbulence(3.4 * plane.away, 2.2 * plane.across, seed + jnp.uint32(77), 3)
    water = to_full(ramp(shape, level, level + 0.1), height, width)
    near = ramp(plane_of(scene).size, 0.15, 0.5)
    water = amount * water * near * ramp(bare_ground(above, scene), 0.3, 0.8)
    return lay(image, water, 0.08 + 0.78 * mirrored)
