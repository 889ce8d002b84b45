"""Art movements, by OpenCV and NumPy."""

import cv2
import numpy as np

from .common import (
    blur,
    contours,
    displace,
    lay,
    luma_of,
    noise,
    ramp,
    relief,
    resize,
    rgb,
    shrink,
    slope_of,
)
from .flat import few_colors, palette_of
from .media import flatten, strokes


def _dabs(length, width):
    def draw(image, shot, texture):
        out, height = strokes(image, shot, length, width, jitter=0.3)
        return relief(out, 0.5 * texture * slope_of(2 * height))

    return draw


def _cubism(image, shot, texture):
    """Facets, each with its own view of the picture."""
    many = 36
    seeds = shot.random.random((many, 2)).astype(np.float32) * (shot.size[1], shot.size[0])
    marks = np.full(shot.size, 255, np.uint8)
    for x, y in seeds.astype(int):
        marks[min(y, shot.size[0] - 1), min(x, shot.size[1] - 1)] = 0
    how = cv2.DIST_LABEL_PIXEL
    _, labels = cv2.distanceTransformWithLabels(marks, cv2.DIST_L2, 5, labelType=how)
    values = (shot.random.random((labels.max() + 1, 4), np.float32) - 0.5)[labels]
    seen = displace(
        image, shot, 0.1 * shot.short * values[..., 0], 0.1 * shot.short * values[..., 1]
    )
    slant = values[..., 2] * (shot.y - 0.5) + values[..., 3] * (shot.x - 0.5)
    out = relief(seen, np.clip(0.3 * values[..., 3] + 2.2 * slant, -0.6, 0.6))
    line = cv2.GaussianBlur((np.abs(slope_of(values[..., 0])) > 0.01).astype(np.float32), (0, 0), 1)
    return out * (1 - 0.38 * np.clip(line, 0, 1))


def _dream(image, shot, texture):
    """Forms that flow and melt."""
    turn, melt = noise(shot, 3) - 0.5, noise(shot, 4)
    drip = np.clip(melt - 0.35, 0, 1) * np.clip(1.3 * shot.y - 0.1, 0, 1)
    dy = 0.05 * np.sin(8 * shot.x + 6 * turn) - 0.32 * drip * drip
    dx = 0.05 * np.sin(7 * shot.y + 6 * turn)
    warped = displace(image, shot, dy * shot.short, dx * shot.short)
    wide = resize(blur(shrink(warped, 96), 4), shot.size)
    glow = 1 - (1 - warped) * (1 - 0.45 * wide * wide)
    return glow * (rgb("#ffd68c") + shot.y * (rgb("#8cd9eb") - rgb("#ffd68c"))) ** np.float32(0.55)


def _action(image, shot, texture):
    """Wide gestures, thrown and dripping paint."""
    out, height = strokes(image, shot, 0.96, 0.27, layers=(8,))
    canvas = np.ascontiguousarray(np.moveaxis(out, 0, -1))
    for color in ((0.05, 0.05, 0.06), (0.96, 0.94, 0.88), *palette_of(image, 6)[1:3].tolist()):
        for x, y, size, run in shot.random.random((60, 4)):
            at = int(x * shot.size[1]), int(y * shot.size[0])
            radius = max(1, int(0.03 * size**3 * shot.short))
            cv2.circle(canvas, at, radius, color, -1)
            cv2.line(
                canvas, at, (at[0], at[1] + int(0.2 * run * shot.short)), color, radius // 3 + 1
            )
    out = np.ascontiguousarray(np.moveaxis(canvas, -1, 0))
    return relief(out, 0.5 * texture * slope_of(2 * (height + luma_of(out))))


def _graphic(count, dots=0.0, lines=0.8):
    def draw(image, shot, texture):
        plain = flatten(image)
        out = few_colors(plain, count)
        grey = luma_of(out)
        out = np.clip(grey + 1.6 * (out - grey), 0, 1)
        tone = luma_of(plain)
        if dots:
            wave = np.sin(180 * (shot.x + 0.4 * shot.y)) + np.sin(180 * (shot.y - 0.4 * shot.x))
            screen = np.clip((1.05 - 1.15 * tone - 0.5 + 0.25 * wave) * 2, 0, 1)
            out = out + dots * 0.75 * screen * (out * rgb("#f24080") - out)
        ink = np.clip(lines * (1.6 * contours(tone, max(0.6, shot.short / 260)) - 0.2), 0, 0.95)
        return lay(out, ink, rgb("#170f1a")) + 0.07 * (texture - 0.5) * (noise(shot, 160) - 0.5)

    return draw


def _chiaroscuro(image, shot, texture):
    """One light in the dark, under old varnish."""
    soft = blur(image, shot.short / 90)
    beam = np.exp(-(((shot.y - 0.45) / 0.42) ** 2) - ((shot.x - 0.47) / 0.36) ** 2)
    deep = (0.35 * image + 0.65 * soft) * (0.16 + 1.15 * beam)
    cracks = ramp(0.04 - np.abs(noise(shot, 15) - 0.5), 0.0, 0.03)
    return np.clip(deep * rgb("#fff5bd") * (1 - 0.15 * texture * cracks), 0, 1)


MOVEMENTS = {
    "impressionism": _dabs(0.62, 0.3),
    "post_impressionism": _dabs(0.96, 0.2),
    "expressionism": _dabs(0.93, 0.36),
    "fauvism": _graphic(12),
    "cubism": _cubism,
    "surrealism": _dream,
    "abstract_expressionism": _action,
    "pop_art": _graphic(7, dots=1.0),
    "minimalism": _graphic(4, lines=0.0),
    "art_nouveau": _graphic(11),
    "art_deco": _graphic(5, lines=0.35),
    "baroque": _chiaroscuro,
    "renaissance": _chiaroscuro,
}
