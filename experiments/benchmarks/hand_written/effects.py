"""Atmospheric effects, by OpenCV and NumPy."""

import cv2
import numpy as np

from agentic_styling.tools.transforms.color import look_params as recipe

from . import light, nature
from .common import (
    Shot,
    bloom,
    blur,
    displace,
    film_grain,
    lay,
    level_of,
    luma_of,
    noise,
    ramp,
    relief,
    resize,
    rgb,
    share_of,
    slope_of,
    vignette,
)

# "auto" is an option's own colour.
COLORS = {name: color for name, color in recipe.COLORS.items() if name != "auto"}
_AMOUNTS = {"subtle": 0.45, "moderate": 1.0, "heavy": 1.6, "extreme": 2.4}


def effect(values, same):
    """What draws a step of this dimension, or None."""
    return None if same else _within


def _within(image, shot: Shot, values):
    effect = values["effect_type"]
    amount = _AMOUNTS[values["intensity"]] * (1.25 if values["coverage"] == "full_scene" else 1.0)
    default, draw = _EFFECTS[effect]
    color = rgb(COLORS.get(values["color_tint"], default))
    edit = draw(image, shot, amount, color)
    if values["coverage"] == "full_scene":
        return edit
    drift = noise(shot, 3, 2) - 0.5
    extent = 0.7 + 0.3 * ramp(drift, -0.28, 0.0)
    if values["coverage"] == "localized":
        away = np.sqrt((shot.y - 0.5) ** 2 + (shot.x - 0.5) ** 2) + 0.22 * drift
        extent = 1 - ramp(away, 0.2, 0.46)
    return image + extent * (edit - image)


def _vapour(kind):
    def draw(image, shot, amount, color):
        lit = bloom(image, 0.35 * amount, rgb("#ffffff"), 0.7, 0.05) if kind == "fog" else image
        return nature.vapour(lit, shot, kind, amount, color * level_of(image))

    return draw


def _falling(kind, density):
    def draw(image, shot, amount, color):
        color = color * level_of(image)
        image = nature.veil(image, density * amount * shot.depth, 0.85 * color)
        return nature.falling(image, shot, kind, amount, color)

    return draw


def _floating(kind):
    return lambda i, s, amount, color: nature.floating(i, s, kind, amount, (color, 0.5 * color))


def _lights(count, radius, threads=False):
    def draw(image, shot, amount, color):
        many = round(count * amount)
        return nature.glows(image, shot, many, radius, color, 0.5 + 0.5 * color, threads)

    return draw


def _motion(image, shot, amount, color):
    length = max(1, round(0.07 * amount * shot.short))
    kernel = np.full((1, length), 1 / length, np.float32)
    way = cv2.BORDER_REPLICATE
    blurred = np.stack([cv2.filter2D(plane, -1, kernel, borderType=way) for plane in image])
    return image + (1 - 0.85 * shot.subject) * (blurred - image)


def _speed(image, shot, amount, color):
    height, width = shot.size
    mask = np.zeros(shot.size, np.uint8)
    far = float(np.hypot(height, width))
    for turn, start, wide in shot.random.random((72, 3)):
        angle, half = 2 * np.pi * turn, 0.01 + 0.02 * wide
        inner = np.array([np.cos(angle), np.sin(angle)]) * (0.28 + 0.3 * start) * shot.short
        outer = [far * np.array([np.cos(angle + s), np.sin(angle + s)]) for s in (-half, half)]
        points = np.array([inner, *outer]) + (width / 2, height / 2)
        cv2.fillConvexPoly(mask, (16 * points).astype(np.int32), 255, cv2.LINE_AA, 4)
    return lay(image, min(0.45 + 0.3 * amount, 0.95) * share_of(mask), color)


def _distortion(image, shot, amount, color):
    y, x = shot.y - 0.5 * shot.size[0] / shot.short, shot.x - 0.5 * shot.size[1] / shot.short
    square = 2 * (y * y + x * x)
    planes = []
    for plane, apart in zip(image, (0.024, 0.012, 0.0), strict=True):
        inward = (1 - min(0.3 * amount, 0.62) * (1 - square)) * (1 - 1.5 * amount * apart * square)
        moved = (inward - 1) * shot.short
        planes.append(displace(plane, shot, y * moved, x * moved))
    return vignette(np.stack(planes), shot, 0.15 * amount, color)


def _glitch(image, shot, amount, color):
    slip = np.zeros((shot.size[0], 1), np.float32)
    for count in (9, 37):
        push = 0.1 * (shot.random.random(2 * count) - 0.5) * (shot.random.random(2 * count) < 0.3)
        slip = slip + push.astype(np.float32)[(shot.y * count).astype(int)]
    planes = [
        displace(plane, shot, 0.0, amount * (slip + apart) * shot.short)
        for plane, apart in zip(image, (-0.012, 0.0, 0.012), strict=True)
    ]
    out = np.stack(planes)
    luma = luma_of(out)
    sheen = 0.5 + 0.5 * np.sin(9 * luma + 4 * shot.y + np.float32([0, 2.1, 4.2])[:, None, None])
    out = lay(out, min(0.38 * amount, 0.85), color * (0.12 + luma) + 0.16 * sheen * luma)
    return out * (1 - min(0.26 * amount, 0.5) * (0.5 + 0.5 * np.cos(628 * shot.y)))


def _artifacts(image, shot, amount, color):
    quality = max(2, round(14 / amount))
    data = (255 * np.moveaxis(image, 0, -1)).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", data, (cv2.IMWRITE_JPEG_QUALITY, quality))
    broken = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    out = np.ascontiguousarray(np.moveaxis(broken, -1, 0), np.float32) * np.float32(1 / 255)
    blocks = shot.random.random((12, 16)) < 0.06 * amount
    where = resize(blocks.astype(np.float32), shot.size, cv2.INTER_NEAREST)
    return lay(out, 0.6 * where, color)


def _cracks(image, shot, amount, color):
    first, second = (noise(shot, 6, 4) - 0.5 for _ in range(2))
    away = np.minimum(np.abs(first), np.abs(second))
    cracks = np.clip((0.008 * amount - away) * 120, 0, 1)
    lit = relief(image, 0.4 * slope_of(blur(cracks, 1.0)))
    return lay(lit, 0.9 * cracks, color)


_EFFECTS = {
    "dust_particles": ("#fff0d0", _falling("dust", 0.12)),
    "smoke_haze": ("#8a8480", _vapour("smoke")),
    "fog_volumetric": ("#dfe3e8", _vapour("fog")),
    "mist_ground": ("#e6eef2", _vapour("mist")),
    "steam_rising": ("#f6f7f8", _vapour("steam")),
    "rain_falling": ("#cdd8e2", _falling("rain", 0.4)),
    "snow_falling": ("#fbfdff", _falling("snow", 0.3)),
    "leaves_falling": ("#e0902c", _floating("leaf")),
    "petals_floating": ("#ffe2ec", _floating("leaf")),
    "debris_floating": ("#8a7c6c", _floating("shard")),
    "ash_embers": ("#ff7a1c", _lights(150, 0.005)),
    "sparkles_magical": ("#ffd870", _lights(80, 0.006)),
    "energy_particles": ("#2c9cff", _lights(120, 0.006, threads=True)),
    "bioluminescence": ("#20e0c0", _lights(200, 0.005)),
    "bokeh_lights": ("#ffc870", _lights(30, 0.05)),
    "glowing_aura": ("#ffdf98", lambda i, s, a, c: light.aura(i, s, 0.9 * a**0.6, c)),
    "light_beams_godrays": ("#fff0c4", lambda i, s, a, c: light.god_rays(i, s, 1.5 * a, c)),
    "lens_flare": ("#ffe2b0", lambda i, s, a, c: light.flare(i, s, 2 * a, c)),
    "motion_blur": ("#ffffff", _motion),
    "speed_lines": ("#fafafa", _speed),
    "lens_distortion": ("#000000", _distortion),
    "film_grain": ("#ffffff", lambda i, s, a, c: film_grain(i, s, min(0.13 * a, 0.26), c)),
    "holographic_glitch": ("#50e8ff", _glitch),
    "digital_artifacts": ("#20e070", _artifacts),
    "cracks_damage": ("#0c0a08", _cracks),
}
