"""Small lights in the air: embers, sparkles, energy, bioluminescence, and bokeh.

colors: float [2, 3], of the halos and of the cores.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of, screen
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
)

_GOLDEN = 0.618034


def lights(v, u, shape: Callable, cell: float, share, seed) -> tuple[jax.Array, jax.Array]:
    """Brightness and whiteness, [H, W] each, of three layers of small lights.

    v, u: where, in parts of the shorter side; share: of the cells that hold one, a number or
    [H, W]; shape: (dv, du, own) -> (brightness, whiteness), in units of a cell, 0 beyond 0.5.
    """
    total, white = 0.0, 0.0
    for i, (scale, bright) in enumerate(((1.0, 1.0), (0.55, 0.8), (0.32, 0.55))):
        size = cell * scale
        column = jnp.floor(u / size)
        along = v / size + _GOLDEN * column
        row = jnp.floor(along)
        present, ry, rx, own = four_randoms(row, column, seed + jnp.uint32(i))
        dv = along - row - 0.5 - 0.3 * (ry - 0.5)
        du = u / size - column - 0.5 - 0.3 * (rx - 0.5)
        glow, core = shape(dv, du, own)
        shown = bright * (present < share)
        total, white = total + shown * glow, white + shown * core
    return total, white


def _fade(dv: jax.Array, du: jax.Array) -> jax.Array:
    """1 in the middle of a cell, 0 from 0.35 on."""
    return jnp.clip(1 - (dv * dv + du * du) * 8.2, 0.0, 1.0) ** 2


def _dot(square: jax.Array, radius: jax.Array | float) -> jax.Array:
    u = square / (radius * radius)
    return 1 / (1 + u * u)


def ember(dv: jax.Array, du: jax.Array, own: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A spark with a tail below, where it came from, bent by its own way."""
    bend = (own - 0.5) * 2.0
    tail = jnp.clip(dv / 0.3, 0.0, 1.0)
    side = du - bend * dv * dv * 2
    width = 0.012 + 0.018 * own
    trail = (1 - tail) ** 2 * (dv > 0) / (1 + (side / (0.6 * width)) ** 2)
    square = du * du + dv * dv
    core = _dot(square, width * 1.3)
    halo = 0.16 * _dot(square, 0.09)
    fade = _fade(dv, du)
    return (core * 1.6 + 0.75 * trail + halo) * fade, core * fade


def sparkle(dv: jax.Array, du: jax.Array, own: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A glint with four points, large or hardly there."""
    size = 0.25 + 0.75 * own**3
    square = dv * dv + du * du
    cross = dv * du
    points = 1 / (1 + (cross / (2.5e-4 * size)) ** 2) * _dot(square, 0.14 * size)
    core = _dot(square, 0.022 * size + 0.004)
    halo = 0.12 * _dot(square, 0.1 * size)
    fade = _fade(dv, du)
    return (1.5 * core + 0.9 * points + halo) * fade, (core + 0.4 * points) * fade


def orb(dv: jax.Array, du: jax.Array, own: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A charge with a tail along the flow."""
    square = dv * dv + du * du
    core = _dot(square, 0.018 + 0.02 * own)
    trail = 1 / (1 + (dv / 0.012) ** 2) * jnp.clip(1 - jnp.abs(du + 0.08) / 0.24, 0.0, 1.0) ** 2
    fade = _fade(dv, du)
    return (1.4 * core + 0.8 * trail + 0.18 * _dot(square, 0.1)) * fade, core * fade


def plankton(dv: jax.Array, du: jax.Array, own: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A living light: a small core in a wide halo."""
    square = dv * dv + du * du
    size = 0.4 + 0.8 * own * own
    core = _dot(square, 0.02 * size)
    fade = _fade(dv, du)
    return (1.3 * core + 0.42 * _dot(square, 0.085 * size)) * fade, 0.6 * core * fade


def _beside(scene: Scene) -> jax.Array:
    """How many of the lights [H, W] are shown: before the subject few."""
    return 1 - 0.8 * ramp(scene.subject, 0.3, 0.6)


def shine(image, glow, white, colors, amount):
    """Lights added to a picture [3, H, W]: colors [2, 3] of halo and core, white ones hottest."""
    halo = colors[0, :, None, None] * glow
    return screen(image, amount * (halo + (colors[1, :, None, None]) * white))


@image_transform
def embers(image, scene: Scene, amount, colors, seed):
    """Draws sparks that rise from below, flakes of ash between them, and the glow of the fire."""
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    bottom = y * (min(height, width) / height)
    sway = 0.05 * jnp.sin(5.1 * y + 2.0) * jnp.ones_like(x)
    share = jnp.clip(0.6 * amount, 0.0, 0.95) * (0.3 + 0.7 * bottom) * _beside(scene)
    glow, white = lights(y + 0 * x, x + sway, ember, 0.24, share, seed)
    flakes = 0.35 * amount * _beside(scene)
    ash, _ = lights(y + 0 * x, x - sway, _flake, 0.1, flakes, seed + jnp.uint32(77))
    image = image * (1 - 0.45 * jnp.clip(ash, 0.0, 1.0))
    fire = 0.3 * jnp.minimum(amount, 1.5) * bottom**3 * colors[0, :, None, None]
    return shine(screen(image, fire), glow, white, colors, 1.0 + 0.7 * amount)


def _flake(dv, du, own):
    cover = jnp.clip(1 - (dv * dv * 2.2 + du * du * 0.9) / (0.03 + 0.05 * own) ** 2, 0.0, 1.0)
    return cover, cover


@image_transform
def sparkles(image, scene: Scene, amount, colors, seed):
    """Draws glints that drift past in a trail, thicker in some places."""
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    drift = to_full(turbulence(2.5 * cy + 1.5 * cx, 2.5 * cx - 1.5 * cy, seed, 3), height, width)
    share = jnp.clip(amount * (0.2 + 1.1 * ramp(drift, 0.4, 0.65)), 0.0, 0.95) * _beside(scene)
    glow, white = lights(y + 0 * x, x + 0 * y, sparkle, 0.22, share, seed)
    veil = 0.1 * jnp.minimum(amount, 2.0) * ramp(drift, 0.4, 0.8)
    image = screen(image, veil * colors[0, :, None, None])
    return shine(image, glow, white, colors, 0.8 + 0.5 * amount)


@image_transform
def energy(image, scene: Scene, amount, colors, seed):
    """Draws charges that swirl around the subject, and discharges between them."""
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    middle_y, middle_x = 0.5 * height / min(height, width), 0.5 * width / min(height, width)
    dy, dx = cy - middle_y, cx - middle_x
    away = jnp.sqrt(dy * dy + dx * dx + 1e-5)
    spin = 1.6 * jnp.exp(-2.2 * away)
    cos, sin = jnp.cos(spin), jnp.sin(spin)
    bent_y, bent_x = dy * cos - dx * sin, dx * cos + dy * sin
    bend = turbulence(2.2 * bent_y, 2.2 * bent_x, seed, 4) - 0.5
    thread = turbulence(3 * bent_y + bend, 3 * bent_x - bend, seed + jnp.uint32(5), 4)
    thread = to_full(thread, height, width)
    bent_y = to_full(bent_y + 0.1 * bend, height, width)
    bent_x = to_full(bent_x - 0.1 * bend, height, width)
    ring = to_full(ramp(away, 0.05, 0.35), height, width) * _beside(scene)
    share = jnp.clip(0.6 * amount, 0.0, 0.95) * (0.35 + 0.65 * ring)
    glow, white = lights(bent_y + 9, bent_x + 9, orb, 0.2, share, seed)
    line = jnp.abs(thread - 0.5)
    arcs = ring * (1 / (1 + (line / 0.003) ** 2) + 0.22 / (1 + (line / 0.02) ** 2))
    glow = glow + 0.8 * jnp.minimum(amount, 1.8) * arcs
    return shine(image, glow, white + 0.4 * arcs, colors, 0.7 + 0.5 * amount)


@image_transform
def bioluminescence(image, scene: Scene, amount, colors, seed):
    """Draws swarms of living lights, mostly below, and their glow on dark things nearby.

    amount: 1 is moderate.
    """
    height, width = image.shape[1:]
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    swarm = turbulence(2.6 * cy, 2.1 * cx, seed, 4)
    bend = turbulence(4 * cy, 4 * cx, seed + jnp.uint32(3), 2) - 0.5
    swarm = to_full(ramp(swarm + 0.25 * (cy / cy[-1] - 0.5), 0.4, 0.72), height, width)
    bend = to_full(bend, height, width)
    share = jnp.clip(amount * (0.1 + 0.95 * swarm), 0.0, 0.95) * _beside(scene)
    glow, white = lights(y + 0.06 * bend, x - 0.06 * bend, plankton, 0.13, share, seed)
    dark = 1 - 0.28 * jnp.minimum(amount, 2.1)  # it is seen at night
    shadow = jnp.array([0.75, 1.05, 1.2])[:, None, None]
    night = image * jnp.clip(dark * shadow, 0.12, 1.0)
    halo = 0.2 * jnp.minimum(amount, 1.4) * swarm * (0.4 + luma_of(image))
    return shine(night, glow + halo, white, colors, 0.9 + 0.5 * amount)


# Cells on the shorter side, how far the lattice is moved (in cells), brightness.
_LATTICES = ((4, 0.0, 1.2), (7, 0.37, 1.1), (12, 0.71, 1.0))


@image_transform
def bokeh(image, scene: Scene, amount, colors, seed):
    """Puts the background out of focus, its lights as discs, larger where it is farther.

    The subject hides them. colors: float [2, 3], mixed with the lights' own.
    """
    height, width = image.shape[1:]
    behind = 1 - ramp(scene.subject, 0.15, 0.55)
    far = behind * ramp(scene.depth, 0.2, 0.55)
    image = image + jnp.minimum(amount, 1.0) * far * (_defocused(image, behind) - image)
    image = computed(image)
    luma = luma_of(image)
    bright = luma**4 * far
    lights = jnp.concatenate([image * bright, jnp.stack([bright, far, scene.depth, scene.sky])])
    common = jnp.mean(luma) ** 4
    lit = 0.0
    for i, (count, offset, power) in enumerate(_LATTICES):
        size = max(2, min(height, width) // count)
        moved = int(offset * size)
        down, right = -(height + moved) % size, -(width + moved) % size
        padded = jnp.pad(lights, ((0, 0), (moved, down), (moved, right)), mode="edge")
        rows, columns = padded.shape[1] // size, padded.shape[2] // size
        cells = padded.reshape(7, rows, size, columns, size).mean((2, 4))
        strong = ramp(cells[3], common, common + 0.12)
        layer = _discs(cells, strong, amount, colors, size, seed + jnp.uint32(i))
        lit = lit + power * layer[:, moved : moved + height, moved : moved + width]
    return screen(image, (0.6 + 0.4 * amount) * lit * behind)


def _defocused(image, behind):
    """A picture [3, H, W] blurred, with nothing from the subject."""
    height, width = image.shape[1:]
    sums = spread(coarse(jnp.concatenate([image * behind, behind[None]])), 0.02)
    return to_full(sums[:3] / (sums[3] + 1e-3), height, width)


def _discs(cells, strong, amount, colors, size, seed):
    """A lattice of discs [3, rows * size, columns * size], soft and brighter at their rims."""
    rows, columns = strong.shape
    draws = four_randoms(np.arange(rows)[:, None], np.arange(columns)[None], seed)
    present, ry, rx, own = (draw[:, None, :, None] for draw in draws)
    planes = (strong, *cells[4:])
    strong, far, depth, sky = (plane[:, None, :, None] for plane in planes)
    share = amount * (0.22 + 0.6 * strong) * ramp(far, 0.1, 0.6) * (1 - 0.25 * sky)
    power = jnp.where(present < share, (0.5 + 0.5 * own) * (0.75 + 0.5 * strong), 0.0)
    light = (cells[:3] / (cells[3] + 1e-3))[:, :, None, :, None]
    first, second = colors[:, :, None, None, None, None]
    tint = first + own * (second - first)
    hue = power * (0.3 * light + 0.7 * tint * tint)
    inside = (np.arange(size, dtype=np.float32) + 0.5) / size
    radius = 0.38 * (0.6 + 0.4 * own) * (0.55 + 0.45 * depth)
    dy = inside[:, None, None] - radius - ry * (1 - 2 * radius)
    dx = inside - radius - rx * (1 - 2 * radius)
    away = jnp.sqrt(dy * dy + dx * dx + 1e-9) / radius
    disc = ramp(1 - away, 0.0, jnp.maximum(0.16, 2 / (radius * size))) * (0.6 + 0.4 * away**2)
    return (hue * disc).reshape(3, rows * size, columns * size)
