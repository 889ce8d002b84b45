"""Artistic media and movements, by OpenCV and NumPy."""

import cv2
import numpy as np

from .common import (
    Shot,
    blur,
    contours,
    displace,
    film_grain,
    lay,
    luma_of,
    noise,
    posterize,
    relief,
    resize,
    rgb,
    shrink,
    slope_of,
)
from .flat import few_colors, flat, rendered


def flatten(image):
    """A Kuwahara filter at about 256 pixels: the calmest of eight windows."""
    small = shrink(image, 256)
    radius = max(1, round(min(small.shape[1:]) / 60))
    hwc = np.ascontiguousarray(np.moveaxis(small, 0, -1))
    luma = luma_of(small)
    sigma = 0.5 * radius
    mean = cv2.GaussianBlur(hwc, (0, 0), sigma)
    bright = cv2.GaussianBlur(luma, (0, 0), sigma)
    spread = cv2.GaussianBlur(luma * luma, (0, 0), sigma) - bright * bright
    calm = (1e-4 / (np.maximum(spread, 0.0) + 1e-4)) ** 4
    both = np.dstack([mean * calm[..., None], calm])
    h, w = calm.shape
    padded = cv2.copyMakeBorder(both, *[radius] * 4, cv2.BORDER_REPLICATE)
    total = 0.0
    for angle in np.arange(8) * np.pi / 4:
        y, x = (radius + round(radius * f(angle)) for f in (np.sin, np.cos))
        total = total + padded[y : y + h, x : x + w]
    flat = total[..., :3] / np.maximum(total[..., 3:], 1e-30)
    return resize(np.ascontiguousarray(np.moveaxis(flat, -1, 0)), image.shape[1:])


def strokes(image, shot: Shot, length: float, width: float, layers=(8, 15, 32), jitter=0.1):
    """Strokes along the edges, coarse to fine, and the height of their paint."""
    height, wide = shot.size
    small = shrink(luma_of(image), 96)
    dy, dx = cv2.Sobel(small, cv2.CV_32F, 0, 1), cv2.Sobel(small, cv2.CV_32F, 1, 0)
    double = [cv2.GaussianBlur(v, (0, 0), 3) for v in (dy * dy - dx * dx, -2 * dx * dy)]
    angles = 0.5 * np.arctan2(double[1], double[0] + 1e-6)
    canvas = (255 * np.moveaxis(image, 0, -1)).astype(np.uint8)
    colors = cv2.blur(canvas, (5, 5))
    canvas = np.ascontiguousarray(canvas)
    for many in layers:
        cell = shot.short / many
        count = 4 * round(height / cell) * round(wide / cell)
        places = shot.random.random((count, 4))
        rows, columns = (places[:, 0] * height).astype(int), (places[:, 1] * wide).astype(int)
        at = (places[:, :2] * angles.shape).astype(int)
        turn = angles[at[:, 0], at[:, 1]] + 0.35 * (places[:, 2] - 0.5)
        shade = 1 + jitter * (places[:, 3:] - 0.5)
        paint = np.clip(colors[rows, columns] * shade, 0, 255).tolist()
        reach = 0.5 * length * cell * np.stack([np.cos(turn), np.sin(turn)], 1)
        middle = places[:, 1::-1] * (wide, height)
        first, last = ((16 * (middle + s * reach)).astype(int).tolist() for s in (-1, 1))
        thick = max(1, round(width * cell))
        for a, b, color in zip(first, last, paint, strict=True):
            cv2.line(canvas, a, b, color, thick, cv2.LINE_AA, 4)
    out = np.ascontiguousarray(np.moveaxis(canvas, -1, 0), np.float32) * np.float32(1 / 255)
    return out, luma_of(out) - blur(luma_of(out), 2) + 0.3 * (noise(shot, 110, 1, 4.0) - 0.5)


def _hatch(shot, ink, lines, angle, wobble):
    across = (shot.y * np.float32(np.cos(angle)) - shot.x * np.float32(np.sin(angle))) * lines
    across = across + wobble
    away = np.abs(across - np.round(across)) * 2
    return np.clip((ink - away) * (shot.short / (2 * lines)) + 0.5, 0, 1) * np.clip(8 * ink, 0, 1)


def paint(image, shot: Shot, texture, length=0.92, width=0.36, levels=0, thick=0.6):
    """Oil, acrylic, gouache, digital paint, pastel."""
    plain = flatten(image)
    model = image
    if levels:
        luma = luma_of(plain)
        model = np.clip(plain + 0.8 * (posterize(luma, levels, 0.5) - luma), 0, 1)
    out, height = strokes(model, shot, length, width)
    out = out + 0.25 * (plain - out)
    return relief(out, 0.55 * thick * texture * slope_of(2.2 * height))


def chalk(image, shot: Shot, texture):
    """Pastel: strokes that the tooth of the paper breaks."""
    out = paint(image, shot, texture, 0.95, 0.26, thick=0.1)
    tooth = 2 * (0.6 * noise(shot, 110) + 0.4 * noise(shot, 230, 1, 1.5) - 0.5)
    covered = np.clip(0.95 - (tooth - 0.1) * (0.75 + 0.35 * texture), 0, 1)
    return rgb("#ccc4bc") + covered * (out - rgb("#ccc4bc"))


def wash(image, shot: Shot, texture, bleed=1.0, tones=6):
    """Watercolour."""
    plain = flatten(image)
    first, second, shaky = noise(shot, 9), noise(shot, 9), noise(shot, 40) - 0.5
    reach = shot.short * (0.012 + 0.02 * bleed)
    flat = 0.65 * plain + 0.35 * blur(image, shot.short / 260)
    dy = (first - 0.5) * reach + shaky * (shot.short / 90)
    moved = displace(flat, shot, dy, (second - 0.5) * reach)
    wet = np.clip((first + second - 0.9) * 2.5, 0, 0.9) * bleed
    washed = moved + wet * (blur(moved, shot.short / 60) - moved)
    luma = luma_of(washed)
    pale = washed + 0.6 * (posterize(np.clip(luma, 0, 1), tones, 0.35) - luma)
    pale = 0.16 + 0.84 * np.clip(pale, 0.02, 1) ** np.float32(0.8)
    light = luma_of(pale)
    pigment = np.abs(blur(light, shot.short / 260) - blur(light, shot.short / 90))
    tooth = 2 * (0.6 * noise(shot, 110) + 0.4 * noise(shot, 230, 1, 1.5) - 0.5)
    pooled = noise(shot, 5) + 0.5 * noise(shot, 17)
    density = 1 + np.minimum(7 * pigment, 0.9) + 0.7 * (pooled - 0.75) - 0.3 * texture * tooth
    inked = pale * (1 - (1 - pale) * (density - 1))
    white = np.clip((light - 0.8) * 5 + 0.6 * (shaky + 0.2), 0, 1) * 0.85
    sheet = rgb("#fbf9f2")
    return lay(inked, white, sheet) * sheet


def drawing(image, shot: Shot, texture, hatching=0.9, smudge=0.4, ink="#3a3b42", paper="#f7f5f0"):
    """Ink, pen, pencil, charcoal."""
    luma = luma_of(image)
    plain = luma_of(flatten(image))
    dark = 1 - plain
    tooth = 2 * (0.6 * noise(shot, 110) + 0.4 * noise(shot, 230, 1, 1.5) - 0.5)
    hand = noise(shot, 10)
    mixed = 0.5 * (plain + luma) + 0.05 * (hand - 0.5)
    sigma = max(0.7, shot.short / 260)
    fine, coarse = blur(mixed, sigma), blur(mixed, 1.6 * sigma)
    black = -np.tanh(9 * np.minimum(fine + 14 * (fine - coarse) - 0.34, 0.0))
    edge = contours(0.6 * plain + 0.4 * luma, max(0.6, shot.short / 320)) * (0.55 + 0.9 * hand)
    tones = smudge * np.clip(1.25 * (1 - blur(plain, shot.short / 70)) - 0.18, 0, 1)
    tones = np.clip(tones * (1 - 0.4 * min(texture + 0.3, 1.4) * tooth), 0, 1)
    if hatching:
        lines = 1 - 0.75 * _hatch(shot, 1.15 * dark - 0.28, 78, -0.75, 1.3 * hand)
        lines *= 1 - 0.75 * _hatch(shot, 1.3 * dark - 0.62, 73, 0.62, 1.3 * hand)
        lines *= 1 - 0.8 * _hatch(shot, 1.5 * dark - 0.98, 83, -0.1, 1.3 * hand)
        tones = np.maximum(tones, hatching * (1 - lines))
    marks = np.clip(np.maximum(0.6 * black, 0.95 * edge), 0, 1)
    covered = 1 - (1 - np.clip(tones, 0, 1)) * (1 - marks)
    return rgb(paper) + covered * (rgb(ink) - rgb(paper))


def low_poly(image, shot: Shot, texture):
    """A Delaunay mesh, a colour each."""
    height, width = shot.size
    step = shot.short / 20
    y, x = np.meshgrid(np.arange(0, height, step), np.arange(0, width, step), indexing="ij")
    points = np.stack([x, y], -1) + shot.random.random((*x.shape, 2)) * step * 0.8
    points = np.clip(points, 0, (width - 1, height - 1)).reshape(-1, 2)
    mesh = cv2.Subdiv2D((0, 0, width, height))
    mesh.insert(points.astype(np.float32).tolist())
    canvas = np.ascontiguousarray(np.moveaxis(image, 0, -1))
    colors = cv2.blur(canvas, (9, 9))
    triangles = mesh.getTriangleList().reshape(-1, 3, 2)
    middles = np.clip(triangles.mean(1), 0, (width - 1, height - 1)).astype(int)
    found = (colors[middles[:, 1], middles[:, 0]] * (1 + 0.08 * texture)).tolist()
    for triangle, color in zip(triangles.astype(np.int32), found, strict=True):
        cv2.fillConvexPoly(canvas, triangle, color)
    return np.moveaxis(canvas, -1, 0)


def pixel_art(image, shot: Shot, texture):
    """Square pixels of 16 colours."""
    small = shrink(image, 72)
    dither = np.tile(np.random.default_rng(0).random((4, 4), np.float32) - 0.5, (64, 64))
    small = small + 0.09 * texture * dither[: small.shape[1], : small.shape[2]]
    return resize(few_colors(small, 16), shot.size, cv2.INTER_NEAREST)


def collage(image, shot: Shot, texture):
    """Torn paper with printed dots."""
    plain = flatten(image)
    torn = displace(plain, shot, 8 * (noise(shot, 30) - 0.5), 8 * (noise(shot, 30) - 0.5))
    out = few_colors(torn, 8)
    wave = np.sin(190 * (shot.x + shot.y)) * np.sin(190 * (shot.x - shot.y))
    dots = np.clip((1 - luma_of(plain) - 0.5 + 0.5 * wave) * 3, 0, 1)
    edge = np.abs(slope_of(luma_of(out))) * 8
    out = lay(out * (1 - 0.35 * dots), np.minimum(edge, 0.8), rgb("#f8f4ec"))
    return relief(out, 0.2 * texture * slope_of(noise(shot, 110)))


def photo(image, shot: Shot, texture, clarity=0.0, detail=0.0, grain=0.0, glow=0.1):
    """Photorealistic, hyperrealistic, film."""
    small = shrink(image, 96)
    wide = resize(blur(small, 5), shot.size)
    edges = image - blur(image, max(0.6, shot.short / 400))
    out = image + (detail + 0.9 * (texture - 1)) * edges / (1 + 4 * np.abs(edges))
    if clarity:
        local = luma_of(out) - luma_of(wide)
        out = relief(out, 4 * clarity * local / (1 + 3 * np.abs(local)))
    if glow:
        halo = resize(blur(np.maximum(small - 0.72, 0) * 3, 4), shot.size)
        out = out + (glow * wide * wide + 0.3 * halo) * (1 - out)
    return film_grain(out, shot, grain * texture) if grain else out


_MEDIA = {
    "photorealistic": (photo, {"glow": 0.0}),
    "hyperrealistic": (photo, {"clarity": 0.55, "detail": 1.1}),
    "film_photography": (photo, {"detail": -0.25, "grain": 0.075}),
    "3d_rendered": (rendered, {}),
    "oil_painting_thick": (paint, {"thick": 1.0}),
    "oil_painting_smooth": (paint, {"thick": 0.25}),
    "acrylic_painting": (paint, {"levels": 9}),
    "gouache": (paint, {"levels": 6, "thick": 0.05}),
    "digital_painting": (paint, {"thick": 0.0}),
    "pastel_drawing": (chalk, {}),
    "watercolor_flowing": (wash, {}),
    "watercolor_dry": (wash, {"bleed": 0.3, "tones": 5}),
    "ink_brush": (drawing, {"hatching": 0.0, "ink": "#0c0c12", "paper": "#f4eddc"}),
    "pen_ink_lines": (drawing, {"smudge": 0.0, "ink": "#12121c"}),
    "pencil_sketch": (drawing, {}),
    "charcoal_sketch": (drawing, {"hatching": 0.0, "smudge": 1.25, "ink": "#161412"}),
    "vector_art": (flat, {"count": 12, "gradients": 1.0, "lines": 0.0}),
    "anime_cel_shaded": (
        flat,
        {"count": 16, "gradients": 0.8, "bright": 1.0, "vivid": 0.35, "lines": 2.2},
    ),
    "cartoon_illustrated": (flat, {"bright": 0.3, "vivid": 0.45}),
    "low_poly": (low_poly, {}),
    "pixel_art": (pixel_art, {}),
    "collage_mixed_media": (collage, {}),
}


def _technique(image, shot, technique):
    """What a technique does to the whole picture."""
    if technique in ("wet_on_wet", "blending"):
        reach = shot.short / 14
        dy, dx = ((noise(shot, 16) - 0.5) * reach for _ in range(2))
        return blur(displace(image, shot, dy, dx), shot.short / 110)
    if technique in ("hatching", "stippling"):
        lines = _hatch(shot, 0.8 * (1 - luma_of(image)), 70, -0.8, noise(shot, 14))
        return image * (1 - 0.6 * lines)
    if technique == "glazing":
        return image * (1 - 0.35 * (1 - image)) * rgb("#ffedc7")
    ridges = noise(shot, 46 if technique == "impasto" else 170, 1, 3.0)
    return relief(image, 1.1 * slope_of(1.2 * ridges))


def medium(image, shot: Shot, values: dict, texture: float):
    """The medium, its technique and its surface."""
    draw, options = _MEDIA[values["target_medium"]]
    technique = values["technique"]
    if technique not in ("", "auto"):
        image = _technique(image, shot, technique)
    image = np.clip(draw(image, shot, texture, **options), 0, 1).astype(np.float32)
    if draw in (paint, chalk, wash, drawing, collage) and texture:
        image = np.clip(relief(image, 0.2 * texture * slope_of(noise(shot, 110))), 0, 1)
    return image
