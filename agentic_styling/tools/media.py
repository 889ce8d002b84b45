"""Artistic media: four kernels (photograph, paint, drawing, mosaic), and a row for each medium."""

import dm_pix as pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.blur import gaussian_blur, kuwahara
from agentic_styling.tools.grade import column, luma_of
from agentic_styling.tools.looks import by_option
from agentic_styling.tools.looks.recipe import rgb
from agentic_styling.tools.noise import cloud_noise, pixel_grid, value_noise, voronoi, white_noise

_PHOTO, _PAINT, _DRAW, _MOSAIC = range(4)


def _photo(clarity=0.0, bloom=0.0, grain=0.0):
    return [_PHOTO, clarity, bloom, grain, 0, 0, 0, 0, 0, 0]


def _paint(smooth=1.0, levels=0.0, lines=0.0, relief=0.0, paper=0.0, bleed=0.0):
    """levels: tones of value (0 = all); relief: brush or canvas; paper: grain and pale lights;
    bleed: pigment gathered at the edges."""
    return [_PAINT, smooth, levels, lines, relief, paper, bleed, 0, 0, 0]


def _draw(lines, hatch, period, grain, ink, color=0.0):
    """period: of the hatching, in parts of the shorter side; color: how much of the picture's."""
    return [_DRAW, lines, hatch, period, grain, *rgb(ink), color, 0]


def _mosaic(cell, kind):
    """kind: 0 square, 1 triangle, 2 torn patch; cell in parts of the shorter side."""
    return [_MOSAIC, cell, *np.eye(3)[kind], 0, 0, 0, 0, 0]


_MEDIA = {
    "photorealistic": _photo(clarity=0.3),
    "hyperrealistic": _photo(clarity=1.1),
    "film_photography": _photo(clarity=-0.2, bloom=0.1, grain=0.06),
    "3d_rendered": _photo(clarity=-0.5, bloom=0.35),
    "oil_painting_thick": _paint(relief=0.16),
    "oil_painting_smooth": _paint(relief=0.05),
    "watercolor_flowing": _paint(paper=0.5, bleed=1.2),
    "watercolor_dry": _paint(smooth=0.7, levels=6, paper=1.0, bleed=0.6),
    "acrylic_painting": _paint(levels=7, relief=0.12),
    "gouache": _paint(levels=5, paper=0.25),
    "digital_painting": _paint(lines=0.25),
    "vector_art": _paint(levels=3.5),
    "anime_cel_shaded": _paint(levels=4, lines=0.8),
    "cartoon_illustrated": _paint(levels=5, lines=2.0),
    "ink_brush": _draw(1.4, 0.9, 0.0, 0.15, "#101014"),
    "pen_ink_lines": _draw(2.0, 0.6, 0.03, 0.0, "#14141e"),
    "pencil_sketch": _draw(1.3, 0.45, 0.022, 0.6, "#50525a"),
    "charcoal_sketch": _draw(1.4, 0.8, 0.0, 0.6, "#26221f"),
    "pastel_drawing": _draw(0.4, 0.6, 0.04, 0.8, "#704858", color=0.9),
    "pixel_art": _mosaic(1 / 24, 0),
    "low_poly": _mosaic(1 / 16, 1),
    "collage_mixed_media": _mosaic(1 / 4, 2),
}
MEDIA = by_option("artistic_medium", "target_medium", _MEDIA, np.zeros(10))
_TECHNIQUES = {
    "impasto": 1.7,
    "glazing": 0.5,
    "wet_on_wet": 0.7,
    "dry_brush": 1.5,
    "hatching": 1.3,
    "stippling": 1.4,
    "blending": 0.4,
}
TECHNIQUE = by_option("artistic_medium", "technique", _TECHNIQUES, 1.0)
_TEXTURES = {"none": 0.0, "subtle": 0.5, "moderate": 1.0, "prominent": 1.8}
TEXTURE = by_option("artistic_medium", "texture_visibility", _TEXTURES, 1.0)


def apply_medium(
    image: jax.Array, row: jax.Array, texture: jax.Array, seed: jax.Array
) -> jax.Array:
    """[3, H, W] in [0, 1] rendered in the medium of a row [10]; texture 1 is the usual."""
    families = (photograph, paint, draw, mosaic)
    index = row[0].astype(jnp.int32)
    return jnp.clip(jax.lax.switch(index, families, image, row[1:], texture, seed), 0.0, 1.0)


def photograph(image, row, texture, seed):
    """Local contrast, glow around the lights, film grain."""
    clarity, bloom, grain = row[:3]
    h, w = image.shape[1:]
    blurred = gaussian_blur(image, min(h, w) / 50)
    out = image + clarity * (image - blurred)
    out = out + bloom * blurred * (1 - out)
    noise = white_noise(h, w, seed) + white_noise(h, w, seed + 1) - 1
    return out + texture * grain * noise


def _edges(luma: jax.Array) -> jax.Array:
    """Dark sides of edges [1, H, W], about 0 to 1, as a difference of Gaussians."""
    short = min(luma.shape[1:])
    fine, coarse = gaussian_blur(luma, short / 200), gaussian_blur(luma, short / 64)
    return jnp.clip((coarse - fine) * 9, 0.0, 1.0)


def paint(image, row, texture, seed):
    """Flat strokes by a Kuwahara filter; then tones, lines, brush relief, paper and bleeding."""
    smooth, levels, lines, relief, paper, bleed = row[:6]
    h, w = image.shape[1:]
    y, x = pixel_grid(h, w)
    out = image + smooth * (kuwahara(image, max(1, round(min(h, w) / 50))) - image)
    out = jnp.where(levels > 0, _posterise(out, jnp.maximum(levels, 1.0)), out)
    edges = _edges(luma_of(out))
    out = out * (1 - jnp.clip(lines * edges, 0, 0.95))
    out = out * (1 - 0.5 * jnp.clip(bleed * edges, 0, 1) * (1 - out))
    bend = 0.25 * value_noise(y * 6, x * 6, seed)
    strokes = value_noise((y + bend) * 60, (x - bend) * 14, seed + 1) - 0.5
    out = out + texture * relief * strokes
    grain = cloud_noise(y * 40, x * 40, seed + 2) - 0.5
    pale = out + 0.3 * paper * (1 - out) * out * 2
    return pale + texture * paper * (0.22 * grain) * (1.2 - pale)


def _posterise(image: jax.Array, levels: jax.Array) -> jax.Array:
    """Value in steps, with soft risers; hue and saturation stay."""
    hue, saturation, value = pix.rgb_to_hsv(jnp.clip(image, 1e-4, 1.0), channel_axis=0)
    step = jnp.floor(value * levels)
    rise = jnp.clip((value * levels - step - 0.5) * 6 + 0.5, 0.0, 1.0)
    value = (step + rise) / levels
    return pix.hsv_to_rgb(jnp.stack([hue, saturation, value]), channel_axis=0)


def draw(image, row, texture, seed):
    """Lines and hatching in ink on paper."""
    lines, hatch, period, grain, red, green, blue, color = row[:8]
    h, w = image.shape[1:]
    y, x = pixel_grid(h, w)
    luma = luma_of(image)
    wobble = 0.01 * value_noise(y * 8, x * 8, seed)
    wave = jnp.sin((y + x + wobble) * 2 * jnp.pi / jnp.maximum(period, 0.01))
    dark = 1 - gaussian_blur(luma, min(h, w) / 100)
    wash = jnp.clip(1.4 * dark - 0.3, 0.0, 0.9)
    hatched = jnp.where(period > 0, jnp.clip((1.8 * dark - 0.7 - 0.6 * wave) * 2, 0.0, 1.0), wash)
    rough = cloud_noise(y * 70, x * 70, seed + 1) - 0.5
    covered = jnp.clip(hatch * hatched + lines * _edges(luma), 0.0, 1.0)
    covered = jnp.clip(covered * (1 + 2 * texture * grain * rough), 0.0, 1.0)
    pigment = column(jnp.stack([red, green, blue])) * (1 - color) + color * image * 0.9
    toned = column(jnp.array([0.97, 0.955, 0.92])) * (1 - color) + color * (0.45 + 0.55 * image)
    return toned * (1 - covered) + pigment * covered


def mosaic(image, row, texture, seed):
    """Flat cells: squares, triangles or torn patches with their own tint and a pale rim."""
    cell, square, triangle, patch = row[:4]
    h, w = image.shape[1:]
    y, x = (v / cell for v in pixel_grid(h, w))
    top, left = jnp.floor(y), jnp.floor(x)
    v, u = y - top, x - left
    flip = jnp.mod(top + left, 2) > 0
    lower = v + jnp.where(flip, 1 - u, u) > 1
    third = jnp.where(lower, 2 / 3, 1 / 3)
    at_y = top + square * 0.5 + triangle * third + patch * v
    at_x = left + square * 0.5 + triangle * jnp.where(flip, 1 - third, third) + patch * u
    tint, border = voronoi(y, x, seed)
    soft = gaussian_blur(image, cell * min(h, w) * (0.25 - 0.23 * patch))
    rows = jnp.clip(at_y * cell * min(h, w), 0, h - 1).astype(jnp.int32)
    columns = jnp.clip(at_x * cell * min(h, w), 0, w - 1).astype(jnp.int32)
    flat = soft[:, rows, columns]
    hues = jnp.stack([jnp.cos(2 * jnp.pi * (tint + k / 3)) for k in range(3)])
    torn = flat * (1 + 0.2 * texture * hues) + 0.06 * hues
    torn = jnp.where((border < 0.05), 0.94, torn)
    return flat + patch * (torn - flat)
