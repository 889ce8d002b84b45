"""Falling and floating things: rain, snow, leaves, lights. One kernel, a row for each kind."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.grade import column
from agentic_styling.tools.looks import by_option
from agentic_styling.tools.looks.recipe import rgb
from agentic_styling.tools.noise import hash_noise, pixel_grid

_LAYERS = (1.0, 0.62, 0.38)  # from near to far: large and few to small


class Particles(NamedTuple):
    """A kind of particle. Angle in radians from the vertical."""

    cell: float  # parts of the shorter side; a cell holds one particle at most
    size: float  # radius in parts of the cell
    density: float  # share of cells with a particle
    length: float  # stretch along the angle
    angle: float
    spin: float  # 1: each turns its own way, and is `flat` times as wide as long
    flat: float
    soft: float  # softness of the rim, 1 = a glow
    glow: float  # 0 covers the picture, 1 adds light to it
    alpha: float
    colors: tuple[str, str]


def _row(p: Particles) -> np.ndarray:
    return np.array([*p[:-1], *rgb(p.colors[0]), *rgb(p.colors[1])], np.float32)


NONE = np.zeros(16, np.float32)
_RAIN = ("#d8e4f0", "#b8c8d8")
_SNOW = ("#ffffff", "#eef4fc")
_WEATHER = {
    "light_rain": Particles(0.05, 0.12, 0.5, 5, 0.12, 0, 1, 0.9, 0.2, 0.5, _RAIN),
    "heavy_rain": Particles(0.04, 0.16, 0.9, 7, 0.25, 0, 1, 0.9, 0.2, 0.6, _RAIN),
    "thunderstorm": Particles(0.035, 0.15, 0.9, 9, 0.45, 0, 1, 0.9, 0.2, 0.5, _RAIN),
    "light_snow": Particles(0.09, 0.16, 0.5, 1, 0.1, 0, 1, 0.7, 0.0, 0.9, _SNOW),
    "heavy_snow_blizzard": Particles(0.06, 0.25, 0.9, 2.2, 0.8, 0, 1, 0.8, 0.0, 0.9, _SNOW),
    "sandstorm": Particles(0.03, 0.3, 0.8, 8, 1.45, 0, 1, 1.0, 0.0, 0.45, ("#e8b878", "#a87038")),
    "hail": Particles(0.06, 0.15, 0.6, 1.4, 0.1, 0, 1, 0.3, 0.0, 0.95, ("#f4f8fa", "#ccd8de")),
}
_EFFECTS = {
    "dust_particles": Particles(
        0.07, 0.22, 0.7, 1, 0.3, 0, 1, 1.0, 0.6, 0.9, ("#fff0d0", "#e8d0a0")
    ),
    "rain_falling": Particles(0.045, 0.14, 0.8, 7, 0.18, 0, 1, 0.9, 0.3, 0.6, _RAIN),
    "snow_falling": Particles(0.075, 0.2, 0.7, 1, 0.2, 0, 1, 0.7, 0.0, 0.9, _SNOW),
    "leaves_falling": Particles(
        0.14, 0.32, 0.55, 1, 0.5, 1, 0.45, 0.2, 0.0, 0.95, ("#d87820", "#a83c14")
    ),
    "petals_floating": Particles(
        0.12, 0.26, 0.55, 1, 0.4, 1, 0.6, 0.4, 0.0, 0.9, ("#ffd0e0", "#f090b4")
    ),
    "ash_embers": Particles(0.1, 0.24, 0.6, 1.3, -0.3, 0, 1, 1.0, 0.9, 2.0, ("#ff9030", "#ff4808")),
    "sparkles_magical": Particles(
        0.1, 0.3, 0.6, 1, 0.0, 0, 1, 1.0, 1.0, 1.6, ("#fff0a0", "#f0c0ff")
    ),
    "energy_particles": Particles(
        0.08, 0.3, 0.6, 3, 1.1, 0, 1, 1.0, 1.0, 1.4, ("#40d0ff", "#6070ff")
    ),
    "bokeh_lights": Particles(0.3, 0.38, 0.6, 1, 0.0, 0, 1, 0.15, 0.9, 0.5, ("#ffd080", "#ff90a0")),
    "debris_floating": Particles(
        0.11, 0.26, 0.55, 1, 0.7, 1, 0.55, 0.1, 0.0, 0.95, ("#3c342c", "#6c6054")
    ),
    "bioluminescence": Particles(
        0.1, 0.34, 0.7, 1, 0.6, 0, 1, 1.0, 1.0, 1.5, ("#30ffd0", "#30a0ff")
    ),
}


def _table(tool: str, parameter: str, kinds: dict) -> np.ndarray:
    return by_option(tool, parameter, {name: _row(kind) for name, kind in kinds.items()}, NONE)


WEATHER_PARTICLES = _table("weather", "weather_type", _WEATHER)
EFFECT_PARTICLES = _table("atmospheric_effects", "effect_type", _EFFECTS)


def draw_particles(
    image: jax.Array, row: jax.Array, amount: jax.Array, seed: jax.Array
) -> jax.Array:
    """[3, H, W] with the particles of a row [16] over it; amount 1 is as the row says."""
    y, x = pixel_grid(*image.shape[1:])
    cell, size, density, length, angle, spin, flat, soft, glow, alpha = row[:10]
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    along, across = y * cos - x * sin, y * sin + x * cos

    def layer(scale, layer_seed):
        width = jnp.maximum(cell * scale, 1e-3)
        v, u = along / (width * jnp.maximum(length, 1.0)), across / width
        return _layer(v, u, size, density * amount, (spin, flat, soft), layer_seed)

    seeds = seed + 64 * jnp.arange(len(_LAYERS), dtype=jnp.uint32)
    covers, colors = jax.vmap(layer)(jnp.array(_LAYERS), seeds)
    for i, scale in enumerate(_LAYERS):
        color = colors[i] * column(row[10:13]) + (1 - colors[i]) * column(row[13:16])
        light = covers[i] * alpha * jnp.minimum(amount, 1.5) * (0.6 + 0.4 * scale)
        covered = jnp.clip(light, 0.0, 1.0) * (color - image)
        image = image + (1 - glow) * covered + glow * light * color * (1 - image)
    return jnp.clip(image, 0.0, 1.0)


def _layer(v, u, size, density, shape, seed) -> tuple[jax.Array, jax.Array]:
    """Cover and mix of the two colours, [H, W] each, of one layer, in units of its cells."""
    spin, flat, soft = shape
    y, x = jnp.floor(v), jnp.floor(u)
    present, ry, rx, turn = (hash_noise(y, x, seed + k) for k in range(4))
    radius = size * (0.6 + 0.4 * turn)
    dy = v - y - (radius + ry * (1 - 2 * radius))
    dx = u - x - (radius + rx * (1 - 2 * radius))
    angle = 2 * jnp.pi * turn * spin
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    dy, dx = dy * cos - dx * sin, (dy * sin + dx * cos) / jnp.maximum(flat, 0.1)
    distance = jnp.sqrt(dy * dy + dx * dx + 1e-9) / jnp.maximum(radius, 1e-3)
    rim = jnp.clip((1 - distance) / jnp.maximum(soft, 0.05), 0.0, 1.0)
    return rim * rim * (present < density), rx
