"""Air, what falls through it, what lies on the ground, and plants."""

from typing import NamedTuple

import cv2
import numpy as np

from .common import (
    Shot,
    blur,
    lay,
    level_of,
    luma_of,
    noise,
    on_ground,
    ramp,
    relief,
    resize,
    rgb,
    screen,
    share_of,
    shrink,
    slope_of,
)
from .grade import to_image, to_logits


def veil(image, thickness: np.ndarray, color):
    """A picture behind air of an optical thickness [H, W]."""
    return color + np.exp(-thickness) * (image - color)


def vapour(image, shot: Shot, kind: str, amount: float, color):
    """Fog, smoke, mist on the ground or steam."""
    if kind == "fog":
        banks = ramp(noise(shot, 3.2, 4, stretch=2.0), 0.2, 0.8)
        thick = shot.depth * (0.25 + shot.depth) * (0.45 + 1.3 * banks) + 0.12 * banks
    elif kind == "mist":
        lying = shot.y * shot.short / shot.size[0] + 0.3 * (noise(shot, 6, 4, stretch=3.0) - 0.5)
        thick = 1.5 * ramp(lying, 0.42, 0.8) * (0.6 + 0.4 * shot.ground) * (1 - 0.6 * shot.sky)
    else:
        folds = noise(shot, 3, 5) + 0.5 * (noise(shot, 3, 3) - 0.5)
        thick = 2.4 * ramp(folds, 0.3, 0.72) * (0.6 + 0.5 * shot.depth)
        if kind == "steam":
            thick *= ramp(shot.y, 0.1, 0.9) * (1 - 0.35 * shot.subject)
    return veil(image, amount * thick, color)


class Layer(NamedTuple):
    """Things to the picture, length and half width in parts of the shorter side, opacity, how far
    a subject hides them."""

    count: int
    length: float
    half: float
    alpha: float
    hidden: float


def _layers(angle: float, *rows) -> tuple[tuple[Layer, ...], float]:
    return tuple(Layer(*row) for row in rows), angle


# Layers from far to near, and the angle of their fall from the vertical.
FALLING = {
    "rain": _layers(
        0.16,
        (560, 0.09, 0.0009, 0.34, 0.7),
        (100, 0.17, 0.0014, 0.42, 0.3),
        (11, 0.34, 0.0026, 0.36, 0),
    ),
    "snow": _layers(
        0.25, (950, 0, 0.0033, 0.7, 0.8), (156, 0, 0.007, 0.95, 0.3), (14, 0, 0.018, 0.7, 0)
    ),
    "blizzard": _layers(
        0.95,
        (1300, 0.006, 0.003, 0.75, 0.6),
        (167, 0.014, 0.006, 0.85, 0.2),
        (11, 0.05, 0.014, 0.6, 0),
    ),
    "hail": _layers(
        0.1,
        (440, 0.005, 0.0026, 0.8, 0.7),
        (93, 0.009, 0.005, 0.95, 0.2),
        (11, 0.02, 0.0095, 0.8, 0),
    ),
    "sand": _layers(
        1.45,
        (1060, 0.04, 0.001, 0.5, 0.3),
        (160, 0.11, 0.0018, 0.5, 0.1),
        (17, 0.28, 0.004, 0.35, 0),
    ),
    "dust": _layers(
        0.4, (670, 0, 0.0021, 0.95, 0.4), (100, 0, 0.0046, 0.85, 0.1), (10, 0, 0.017, 0.4, 0)
    ),
}


def falling(image, shot: Shot, kind: str, amount: float, color):
    """Rain, snow, hail, sand or dust: three layers of lines or discs, each out of its focus."""
    layers, angle = FALLING[kind]
    height, width = shot.size
    clear = np.float32(1.0)
    for i, (count, length, half, alpha, hidden) in enumerate(layers):
        count = round(count * amount * height * width / shot.short**2)
        mask = np.zeros(shot.size, np.uint8)
        start = shot.random.random((count, 2)) * (width * 1.2, height * 1.2) - 0.1 * width
        thick = max(1, round(2 * half * shot.short))
        if length:
            way = np.array([np.sin(angle), np.cos(angle)]) * length * shot.short
            ends = np.stack([start, start + way], axis=1)
            cv2.polylines(mask, (16 * ends).astype(np.int32), False, 255, thick, cv2.LINE_AA, 4)
        else:
            for x, y in (16 * start).astype(np.int32).tolist():
                cv2.circle(mask, (x, y), max(8, 8 * thick), 255, -1, cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.6 + 0.3 * thick * (i == 2))
        clear = clear * (1 - (alpha * (1 - hidden * shot.subject)) * share_of(mask))
    return color + clear * (image - color)


def floating(image, shot: Shot, kind: str, amount: float, colors):
    """Leaves, petals or debris in the air: turned polygons with a shade each."""
    height, width = shot.size
    for cell, rim in ((0.1, 0.8), (0.17, 0.6), (0.28, 2.5)):
        count = round(0.42 * amount * height * width / (cell * shot.short) ** 2)
        canvas = np.zeros((height, width, 4), np.uint8)
        for row in shot.random.random((count, 6)):
            at = int(row[0] * width), int(row[1] * height)
            size = 0.5 * cell * shot.short * (0.6 + 0.4 * row[2])
            axes = max(1, int(size)), max(1, int(size * (0.2 + 0.4 * row[3])))
            corners = 30 if kind == "leaf" else 60
            points = cv2.ellipse2Poly(at, axes, int(360 * row[4]), 0, 360, corners)
            shade = (colors[0] + row[5] * (colors[1] - colors[0]))[:, 0, 0] * (0.6 + 0.4 * row[2])
            cv2.fillConvexPoly(canvas, points, [*map(float, 255 * shade), 255], cv2.LINE_AA)
        canvas = _as_planes(cv2.GaussianBlur(canvas, (0, 0), rim))
        image = image * (1 - canvas[3]) + canvas[:3]
    return image


def _as_planes(canvas: np.ndarray) -> np.ndarray:
    """Bytes [H, W, C] as float32 [C, H, W] in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(canvas, -1, 0), np.float32) * np.float32(1 / 255)


def glows(image, shot: Shot, count: int, radius: float, color, core, threads: bool = False):
    """Embers, sparkles, energy, lights of the deep or bokeh: discs, their halos, a bright core."""
    height, width = shot.size
    mask = np.zeros(shot.size, np.uint8)
    for x, y, size in shot.random.random((count, 3)):
        at = int(16 * x * width), int(16 * y * height)
        cv2.circle(mask, at, max(16, int(16 * radius * size * shot.short)), 255, -1, cv2.LINE_AA, 4)
    if threads:
        for _ in range(12):
            points = shot.random.random((16, 2)) * (0.2, 0.2) + shot.random.random(2)
            points = (16 * points * (width, height)).astype(np.int32)
            cv2.polylines(mask, [points], False, 255, 1, cv2.LINE_AA, 4)
    bright = share_of(mask)
    halo = blur(bright, 0.02 * shot.short)
    return screen(screen(image, 1.6 * halo * color), 1.2 * bright * core)


def leaves_of(logits):
    """How much [H, W] of a pixel is green leaves."""
    red, green, blue = logits
    excess = np.maximum(np.minimum(green - blue, 2 * (green - red) + 0.3), 0.0)
    return excess / (0.4 + excess)


def plants(image, shot: Shot, old, new, uneven: float, flowers: float, thin: float):
    """Leaves in another colour, in blossom or fewer; and where they are."""
    logits = to_logits(image)
    plain = logits - leaves_of(logits - old) * old
    amount = (1 - 0.75 * shot.subject) * (1 - shot.sky) * (1 - 0.35 * shot.ground)
    leaves = amount * np.minimum(1.6 * leaves_of(plain), 1.0)
    trees = 3 * (noise(shot, 5, 2) + 0.6 * noise(shot, 26, 2) - 0.8) / 1.6
    mottle = np.clip(trees, -1, 1) * np.array([0.3, -0.6, -0.25], np.float32)[:, None, None]
    image = to_image(plain + leaves * (new + uneven * mottle))
    if thin or flowers:
        luma = luma_of(image)
        higher = luma - resize(blur(shrink(luma), 2.5), shot.size)
    if thin:
        gone = thin * leaves * ramp(higher, -0.05, 0.1)
        back = resize(blur(shrink(image), 6), shot.size)
        image = image + gone * (back - image)
    if flowers:
        mask = np.zeros(shot.size, np.uint8)
        places = shot.random.random((1500, 3)) * (shot.size[1], shot.size[0], 1)
        for x, y, size in (16 * places).astype(np.int32).tolist():
            cv2.circle(mask, (x, y), 16 + 2 * size, 255, -1, cv2.LINE_AA, 4)
        where = flowers * leaves * share_of(mask) * ramp(higher, -0.05, 0.05)
        pink = rgb("#ffe8f0") + noise(shot, 20) * (rgb("#f0a8c4") - rgb("#ffe8f0"))
        image = lay(image, where, pink * level_of(image))
    return image, leaves


def _shading(image, shot, detail):
    luma = luma_of(image)
    ground = shrink(shot.ground)
    near = shrink(luma * shot.ground)
    mean = float(near.sum() / (ground.sum() + 1e-3)) + 0.02
    soft = (blur(near, 2.5) + 0.02 * mean) / (blur(ground, 2.5) + 0.02)
    soft = resize(soft, shot.size)
    return np.clip((soft + detail * (luma - soft)) / mean, 0.35, 1.7)


def snow_on_ground(image, shot: Shot, leaves, amount: float):
    """Snow on the ground, on rims under the sky, on leaves."""
    patches = on_ground(shot, 5, 4)
    lying = shot.ground + (1.5 - amount) * (patches - 0.5) + 0.9 * (amount - 1)
    cover = min(1.6 * amount, 0.95) * ramp(lying, 0.2, 0.7) * ramp(shot.ground, 0.1, 0.4)
    luma = luma_of(image)
    step = max(1, shot.short // 110)
    rim = ramp(np.roll(shot.sky, step, 0) - shot.sky, 0.15, 0.6)
    around = resize(blur(shrink(luma), 2.5), shot.size)
    top = ramp(luma - around, 0, 0.14) * ramp(luma - np.roll(luma, -step, 0), 0.02, 0.16)
    stays = np.maximum(0.9 * rim, np.maximum(0.6 * top, 0.8 * ramp(leaves, 0.1, 0.5)))
    stays *= 0.9 * amount * (1 - ramp(shot.sky, 0.3, 0.8)) * (1 - 0.8 * shot.subject)
    cover = 1 - (1 - cover) * (1 - stays)
    drift = on_ground(shot, 2.6, 4) - 0.5
    light = 0.72 + 0.75 * (_shading(image, shot, 0.45) - 1) + 0.8 * drift * shot.ground
    glints = shot.random.random(shot.size, np.float32) > 0.985
    light = ramp(light, -0.1, 1.0) + np.float32(0.3) * glints
    low, high = rgb("#8099c7"), rgb("#f4f7fc")
    return lay(image, cover, level_of(image) * (low + light * (high - low)))


def strewn(image, shot: Shot, colors, cell: float, share: float, round_: bool):
    """Leaves, flowers or hailstones on the ground, smaller further away."""
    dense = share * ramp(shot.ground, 0.25, 0.7) * (0.5 + 0.5 * ramp(on_ground(shot, 3), 0.3, 0.65))
    light = _shading(image, shot, 0.25) * (0.35 + 0.65 * level_of(image))
    image = lay(image, 0.55 * dense, 0.7 * np.mean(colors, axis=0) * light)
    height, width = shot.size
    canvas = np.zeros((height, width, 4), np.uint8)
    v = 0.42 + 0.58 * np.sqrt(shot.random.random(2500))
    rows = shot.random.random((2500, 4))
    for down, (x, size, turn, tone) in zip(v, rows, strict=True):
        radius = max(1.0, 0.4 * cell * (down - 0.4) / 0.6 * shot.short * (0.7 + 0.3 * size))
        axes = int(16 * radius), int(16 * radius * (0.9 if round_ else 0.5))
        at = int(16 * x * width), int(16 * down * height)
        color = colors[int(3 * tone)][:, 0, 0] * (0.6 + 0.4 * size)
        box = (at[0] / 16, at[1] / 16), (axes[0] / 8, axes[1] / 8), 180 * turn
        cv2.ellipse(canvas, box, [*map(float, 255 * color), 255], -1, cv2.LINE_AA)
    canvas = _as_planes(cv2.blur(canvas, (3, 3)))
    cover = canvas[3] * np.minimum(dense * 1.6, 1)
    return image * (1 - cover) + canvas[:3] * light * np.minimum(dense * 1.6, 1)


def grass(image, shot: Shot, dark, light):
    """Blades of grass in tufts."""
    tufts = on_ground(shot, 5)
    height, width = shot.size
    canvas = np.full(shot.size, 0.3, np.float32)
    down = np.sort(0.42 + 0.58 * np.sqrt(shot.random.random(6000)))
    rows = shot.random.random((6000, 3))
    for v, (x, lean, tone) in zip(down.tolist(), rows.tolist(), strict=True):
        size = 0.07 * (v - 0.4) * shot.short
        foot = int(x * width), int(v * height)
        tip = int(x * width + size * (lean - 0.5)), int(v * height - size)
        cv2.line(canvas, foot, tip, 0.15 + 0.7 * tone, 1 + (size > 16))
    tone = cv2.blur(canvas, (2, 2)) + 0.5 * (tufts - 0.5)
    lit = _shading(image, shot, 0.6) * (0.35 + 0.65 * level_of(image))
    edge = ramp(shot.ground + 0.25 * (tufts - 0.5), 0.25, 0.65)
    return lay(image, 0.85 * edge, (dark + tone * (light - dark)) * lit)


def puddles(image, above, shot: Shot, amount: float, level: float):
    """Water on the ground that mirrors what stands above."""
    small = shrink(above)
    h = small.shape[1]
    shore = int(0.5 * h)
    rows = np.clip(2 * shore - np.arange(h), 0, h - 1)
    mirrored = blur(np.ascontiguousarray(small[:, rows]), 2.0)
    water = amount * ramp(on_ground(shot, 3.4), level, level + 0.1) * ramp(shot.ground, 0.3, 0.8)
    return lay(image, water, 0.08 + 0.78 * resize(mirrored, shot.size))


def wet(image, shot: Shot, amount: float):
    """Ground that the rain has darkened, and puddles."""
    dark = amount * shot.ground
    luma = luma_of(image)
    soaked = (luma + (1 + 0.15 * dark) * (image - luma)) * (1 - 0.32 * dark)
    water = 0.75 * min(amount, 1.2) * (1 - 0.8 * ramp(leaves_of(to_logits(image)), 0.0, 0.4))
    return puddles(soaked, image, shot, water, 0.56)


def mud(image, shot: Shot):
    """Wet mud, trodden, with puddles."""
    lumps = on_ground(shot, 15)
    brown = rgb("#5c442e") * (0.55 + 0.85 * lumps) * _shading(image, shot, 0.35)
    sheen = rgb("#666b73") * ramp(slope_of(lumps), 0.04, 0.16) * level_of(image)
    covered = lay(image, 0.9 * ramp(shot.ground, 0.25, 0.65), brown + sheen)
    return puddles(covered, image, shot, 0.85, 0.54)


def lightning(image, shot: Shot, amount: float):
    """A flash and its glow."""
    height, width = shot.size
    mask = np.zeros(shot.size, np.uint8)
    steps = np.cumsum(shot.random.normal(0, 0.02, 24)) + 0.2 + 0.6 * shot.random.random()
    points = np.stack([steps * width, np.linspace(0, 0.5, 24) * height], 1).astype(np.int32)
    cv2.polylines(mask, [points], False, 255, 1 + shot.short // 400, cv2.LINE_AA)
    core = share_of(mask)
    light = 2.4 * core + 3 * blur(core, 0.012 * shot.short) + 12 * blur(core, 0.12 * shot.short)
    return screen(image, amount * light * shot.sky * rgb("#dbe0ff"))


def ground_relief(image, shot: Shot, kind: str, amount: float):
    """Dunes, waves, drifts or paving."""
    swell = on_ground(shot, {"dunes": 3, "waves": 9, "drifts": 7, "paving": 16}[kind])
    fine = on_ground(shot, {"dunes": 12, "waves": 14, "drifts": 5, "paving": 24}[kind])
    height = 1.3 * (swell - 0.5) + 1.2 * (1 - np.abs(2 * fine - 1) - 0.6)
    return relief(image, amount * shot.ground * height)
