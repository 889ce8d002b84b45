"""Atmospheric effects: particles, vapour, light, lens, and damage to the picture itself."""

import dm_pix as pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.blur import gaussian_blur, motion_blur
from agentic_styling.tools.grade import column, luma_of
from agentic_styling.tools.looks import COLOR_VALUES, by_option
from agentic_styling.tools.looks.recipe import rgb
from agentic_styling.tools.noise import (
    cloud_noise,
    hash_noise,
    pixel_grid,
    value_noise,
    voronoi,
    white_noise,
)
from agentic_styling.tools.particles import EFFECT_PARTICLES, draw_particles

INTENSITY = np.array([0.5, 1.0, 1.5, 2.2], np.float32)  # subtle, moderate, heavy, extreme
_CLEAR = (0, 0, 0, 0, 0, 0)


def _vapour(density, where, scale, color):
    """where: -1 on the ground, 0 everywhere, 1 in the distance; scale: fineness of the puffs."""
    return (density, where, scale, *rgb(color))


_VAPOURS = {
    "smoke_haze": _vapour(1.0, 0.3, 2.2, "#6e6a68"),
    "fog_volumetric": _vapour(1.2, 0.6, 1.6, "#d4d8dc"),
    "mist_ground": _vapour(1.6, -1.0, 2.0, "#dde6ea"),
    "steam_rising": _vapour(1.0, -0.3, 4.0, "#f4f4f4"),
}
_TOOL = "atmospheric_effects"
VAPOUR = by_option(_TOOL, "effect_type", _VAPOURS, _CLEAR)


def apply_effect(image, options, amount, seed):
    """[3, H, W] in [0, 1] under an effect.

    options: int32 [5] as in encode.SLOTS; tint 0 is the effect's own.
    amount: 1 = moderate, 0 = none.
    """
    kind, coverage, color = options[1], options[3], options[4]
    amount = amount * jnp.array([1.0, 1.0, 1.35])[coverage]
    tint = jnp.asarray(COLOR_VALUES)[color]
    arguments = (image, kind, (color > 0, tint), amount, seed)
    out = jax.lax.switch(jnp.asarray(_FAMILY)[kind], _KERNELS, *arguments)
    y, x = pixel_grid(*image.shape[1:])
    away = (y - jnp.mean(y)) ** 2 + (x - jnp.mean(x)) ** 2
    near = jnp.exp(-away / 0.08)
    out = image + jnp.where(coverage == 0, near, 1.0) * (out - image)
    return jnp.clip(out, 0.0, 1.0)


def _tinted(color, tint):
    return column(jnp.where(tint[0], tint[1], color))


def particles(image, kind, tint, amount, seed):
    """Dust, rain, snow, leaves, petals, embers, sparkles, lights, debris."""
    row = jnp.asarray(EFFECT_PARTICLES)[kind]
    colors = jnp.where(tint[0], jnp.tile(tint[1], 2), row[10:])
    return draw_particles(image, jnp.concatenate([row[:10], colors]), amount, seed)


def vapour(image, kind, tint, amount, seed):
    """Smoke, fog, mist, steam: clouds of noise, thicker below or far away."""
    density, where, scale = jnp.asarray(VAPOUR)[kind, :3]
    y, x = pixel_grid(*image.shape[1:])
    down = y / y[-1, -1]
    puffs = cloud_noise(y * scale, x * scale * 0.6, seed)
    height = jnp.where(where < 0, down**2, 1 - down * where)
    height = 1 + jnp.abs(where) * (height - 1)
    thick = amount * density * height * (0.3 + 1.5 * puffs)
    clear = jnp.exp(-jnp.minimum(thick, 2.5))
    return image * clear + _tinted(jnp.asarray(VAPOUR)[kind, 3:], tint) * (1 - clear)


def aura(image, kind, tint, amount, seed):
    """A glow that spreads from the lights and from the middle."""
    y, x = pixel_grid(*image.shape[1:])
    ring = jnp.hypot(y - jnp.mean(y), x - jnp.mean(x))
    glow = gaussian_blur(jnp.maximum(image - 0.35, 0.0), min(image.shape[1:]) / 14)
    halo = 0.6 * jnp.exp(-((ring - 0.25) ** 2) / 0.02)
    light = amount * (0.9 * glow + halo) * _tinted(jnp.array([1.0, 0.9, 0.65]), tint)
    return image + light * (1 - image)


def beams(image, kind, tint, amount, seed):
    """Shafts of light from an upper corner."""
    y, x = pixel_grid(*image.shape[1:])
    angle = jnp.arctan2(x + 0.15, y + 0.25)
    shafts = value_noise(angle * 14, jnp.zeros_like(angle), seed) ** 2
    fade = jnp.exp(-0.9 * jnp.hypot(y, x))
    light = 1.3 * amount * (shafts * fade) * _tinted(jnp.array([1.0, 0.93, 0.7]), tint)
    return image + jnp.clip(light, 0, 1) * (1 - image)


def flare(image, kind, tint, amount, seed):
    """A bright spot with a streak, and its ghosts along the line through the centre."""
    y, x = pixel_grid(*image.shape[1:])
    cy, cx = jnp.mean(y), jnp.mean(x)
    dy, dx = -0.28 * 2 * cy, 0.3 * 2 * cx
    ghosts = ((1.0, 0.09, 1.0), (0.3, 0.05, 0.25), (-0.4, 0.09, 0.2), (-0.8, 0.05, 0.3))
    light = 0.7 * jnp.exp(-jnp.abs(y - cy - dy) / 0.012 - jnp.abs(x - cx - dx) / 0.35)
    for i, (along, size, bright) in enumerate(ghosts):
        away = jnp.hypot(y - cy - along * dy, x - cx - along * dx) / size
        color = jnp.array([1.0, 0.85 - 0.1 * i, 0.55 + 0.15 * i])
        light = light + bright * jnp.exp(-(away**2)) * _tinted(color, tint)
    return image + jnp.clip(amount * light, 0, 1) * (1 - image)


def motion(image, kind, tint, amount, seed):
    """Sideways motion blur."""
    return motion_blur(image, 1 + amount * image.shape[2] / 12)


def speed_lines(image, kind, tint, amount, seed):
    """Rays that converge on the middle, as in comics."""
    y, x = pixel_grid(*image.shape[1:])
    dy, dx = y - jnp.mean(y), x - jnp.mean(x)
    ray = jnp.floor((jnp.arctan2(dy, dx) / jnp.pi + 1) * 60)
    start = 0.22 + 0.3 * hash_noise(ray, jnp.zeros_like(ray), seed)
    present = hash_noise(ray, jnp.ones_like(ray), seed) < 0.3 * jnp.minimum(amount + 0.5, 2.5)
    line = jnp.clip((jnp.hypot(dy, dx) - start) * 6, 0, 1) * present
    color = _tinted(jnp.array([0.97, 0.97, 0.97]), tint)
    return image + (jnp.clip(0.75 * amount, 0, 0.95) * line) * (color - image)


def distortion(image, kind, tint, amount, seed):
    """A barrel distortion with a fringe of colour."""
    h, w = image.shape[1:]
    y, x = jnp.linspace(-1, 1, h)[:, None], jnp.linspace(-1, 1, w)[None, :]
    fringe = jnp.array([0.85, 1.0, 1.15])[:, None, None]
    bulge = 1 + 0.3 * amount * fringe * ((x * x + y * y) / 2 - 0.5)
    at_y = jnp.clip((y * bulge + 1) * (h - 1) / 2, 0, h - 1.001)
    at_x = jnp.clip((x * bulge + 1) * (w - 1) / 2, 0, w - 1.001)
    top, left = at_y.astype(jnp.int32), at_x.astype(jnp.int32)
    v, u = at_y - top, at_x - left
    channel = jnp.arange(3)[:, None, None]
    corners = (image[channel, top + i, left + j] for i in (0, 1) for j in (0, 1))
    return sum(map(jnp.multiply, corners, ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)))


def grain(image, kind, tint, amount, seed):
    """Film grain, strongest in the middle tones."""
    h, w = image.shape[1:]
    noise = white_noise(h, w, seed) + white_noise(h, w, seed + 1) - 1
    luma = luma_of(image)
    return image + 0.17 * amount * noise * (0.4 + 2.4 * luma * (1 - luma))


def glitch(image, kind, tint, amount, seed):
    """Bands moved sideways, channels apart, scan lines, a drift of hue."""
    h, w = image.shape[1:]
    y, _ = pixel_grid(h, w)
    band = jnp.floor(y * 14)
    jump = hash_noise(band, jnp.zeros_like(band), seed)
    push = jnp.where(jump > 0.6, (jump - 0.8) * 0.5, 0.0) * amount * w
    columns = jnp.arange(w)[None, :]
    rows = jnp.arange(h)[:, None]
    planes = []
    for channel, apart in enumerate((-0.02, 0.0, 0.02)):
        at = jnp.clip(columns + push + apart * amount * w, 0, w - 1).astype(jnp.int32)
        planes.append(image[channel, rows, at])
    out = pix.adjust_hue(jnp.clip(jnp.stack(planes), 1e-3, 1 - 1e-3), 0.04, channel_axis=0)
    lines = 0.5 + 0.5 * jnp.sin(2 * jnp.pi * 40 * y)
    cyan = jnp.array([0.3, 0.9, 1.0])
    return out + 0.3 * jnp.minimum(amount, 1.5) * lines * (_tinted(cyan, tint) - out)


def artifacts(image, kind, tint, amount, seed):
    """Blocks of a broken stream: some flat, some in the wrong colour."""
    h, w = image.shape[1:]
    y, x = (jnp.floor(v * 16) for v in pixel_grid(h, w))
    rows = jnp.clip((y + 0.5) / 16 * min(h, w), 0, h - 1).astype(jnp.int32)
    columns = jnp.clip((x + 0.5) / 16 * min(h, w), 0, w - 1).astype(jnp.int32)
    flat = jnp.round(image[:, rows, columns] * 5) / 5
    pick = hash_noise(y, x, seed)
    wrong = jnp.where(pick > 0.12 * amount, flat, jnp.roll(flat, 1, axis=0))
    return jnp.where(pick < 0.45 * amount, wrong, image)


def cracks(image, kind, tint, amount, seed):
    """Dark cracks between the cells of a random net, with a pale rim."""
    y, x = pixel_grid(*image.shape[1:])
    wobble = 0.06 * cloud_noise(y * 12, x * 12, seed)
    _, border = voronoi((y + wobble) * 5, (x - wobble) * 5, seed + 3)
    line = jnp.clip(1.6 - border / (0.03 + 0.03 * amount), 0, 1)
    rim = jnp.clip(1.4 - jnp.abs(border - 0.1) / 0.04, 0, 1)
    out = image + 0.25 * (rim * jnp.minimum(amount, 1.0)) * (1 - image)
    return out * (1 - 0.9 * (line * jnp.minimum(0.5 + 0.5 * amount, 1.0)))


_KERNELS = (
    particles,
    vapour,
    aura,
    beams,
    flare,
    motion,
    speed_lines,
    distortion,
    grain,
    glitch,
    artifacts,
    cracks,
)
_KINDS = {
    **dict.fromkeys(_VAPOURS, vapour),
    "glowing_aura": aura,
    "light_beams_godrays": beams,
    "lens_flare": flare,
    "motion_blur": motion,
    "speed_lines": speed_lines,
    "lens_distortion": distortion,
    "film_grain": grain,
    "holographic_glitch": glitch,
    "digital_artifacts": artifacts,
    "cracks_damage": cracks,
}
_FAMILY = by_option(
    _TOOL, "effect_type", {k: _KERNELS.index(v) for k, v in _KINDS.items()}, 0
).astype(np.int32)
