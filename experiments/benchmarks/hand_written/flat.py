"""Few colours and clean surfaces, by OpenCV and NumPy: vector art, anime, cartoons, renderings."""

import cv2
import numpy as np

from .common import Shot, blur, contours, lay, luma_of, relief, resize, rgb, shrink


def palette_of(image, count: int):
    """The colours [count, 3] that cluster a picture's best."""
    pixels = np.moveaxis(shrink(image, 64), 0, -1).reshape(-1, 3)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    return cv2.kmeans(pixels, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)[2]


def few_colors(image, count: int):
    """Every pixel in the nearest colour of a palette."""
    best, out = None, None
    for color in palette_of(image, count):
        color = color[:, None, None]
        away = ((image - color) ** 2).sum(0)
        if best is None:
            best, out = away, np.broadcast_to(color, image.shape).copy()
            continue
        nearer = away < best
        best = np.where(nearer, away, best)
        out = np.where(nearer, color, out)
    return out


def _guided(image, contrast):
    """The slope and offsets of the line that a pixel's surroundings fit to the image."""
    sigma = max(0.8, min(image.shape[1:]) / 80)
    mean = blur(image, sigma)
    variance = np.maximum(blur((image * image).mean(0), sigma) - (mean * mean).mean(0), 0)
    slope = variance / (variance + (contrast * (0.4 + mean.mean(0))) ** 2)
    return blur(slope, sigma), blur((1 - slope) * mean, sigma)


def clean_surfaces(image, contrast):
    """Two rounds of a guided filter, whose coefficients are found at about 128 pixels."""
    small = shrink(image, 128)
    slope, offset = _guided(small, contrast)
    again, more = _guided(slope * small + offset, contrast)
    size = image.shape[1:]
    return resize(again * slope, size) * image + resize(again * offset + more, size)


def saturated(image, factor):
    """HSV's saturation times a factor, no further than 1."""
    value = image.max(0)
    most = value / np.maximum(value - image.min(0), 1e-6)
    return value - np.minimum(factor, most) * (value - image)


def _even(colors):
    """Luma and colour differences, about even to the eye."""
    luma = luma_of(colors)
    return np.stack([luma, 0.9 * (colors[0] - luma), 0.7 * (colors[2] - luma)])


def flat_areas(small, palette, size):
    """A small picture as flat areas of a palette's colours: the largest blurred share wins."""
    points, centers = _even(small), _even(palette.T)
    away = np.stack([((points - center[:, None, None]) ** 2).sum(0) for center in centers.T])
    shares = cv2.exp((away.min(0) - away) * np.float32(1 / 0.0009))
    shares = blur(shares / shares.sum(0), 1.1)
    crisp = min(max(8.0, 5.0 * round(size[0] / small.shape[1])), 60.0)
    weights = cv2.exp(crisp * (resize(shares / shares.max(0), size) - 1))
    return np.tensordot(palette.T, weights, 1) / weights.sum(0)


def _gradients(image, size):
    """The picture without detail, and how much detail there is about a place."""
    coarse = shrink(image, 64)
    slow = blur(coarse, 1.5)
    busy = blur(np.sqrt(((coarse - slow) ** 2).sum(0)), 1.5)
    return resize(slow, size), resize(busy, size)


def flat(image, shot: Shot, texture, count=9, gradients=0.0, bright=0.0, vivid=0.15, lines=2.4):
    """Vector art, anime, cartoons: flat areas, slow gradients that stay, and ink."""
    small = clean_surfaces(shrink(image, 256), 0.04)
    areas = flat_areas(small, palette_of(small, count), shot.size)
    slow, busy = _gradients(image, shot.size)
    out = lay(areas, gradients * np.clip(1.5 - 20 * busy, 0, 1), slow)
    if bright:
        tone = luma_of(out)
        shadow = np.array([0.9, 0.8, 1.4], np.float32)[:, None, None]
        out = out + bright * (0.14 * (1 - tone) ** 2 * shadow + 0.3 * tone * (1 - tone))
        out = relief(out, 0.5 * bright * shot.sky)
    out = saturated(np.clip(out, 0, 1), 1 + vivid)
    if texture != 1:
        out = out + 0.7 * (texture - 1) * np.clip(image - resize(small, shot.size), -0.3, 0.3)
    if lines:
        ink = contours(luma_of(areas), max(0.8, shot.short / 450)) - 0.25
        ink = lines * ink * np.clip(1.6 - 5 * busy, 0.5, 1)
        out = lay(out, np.clip(ink, 0, 0.92), rgb("#140d1a"))
    return out


def rendered(image, shot: Shot, texture):
    """A rendering: tone is the height of a surface, lit by a lamp, shaded in its creases."""
    base = clean_surfaces(image, 0.1 * (1.4 - 0.4 * texture))
    tone = luma_of(base)
    small = shrink(np.stack([tone, np.abs(luma_of(image) - tone)]), 128)
    short = min(small.shape[1:])
    form, grain = blur(small, max(0.8, short / 50))
    hollow = resize(blur(shrink(form, short // 2), max(0.8, short / 44)), form.shape)
    down, right = (
        cv2.filter2D(form, -1, kernel, borderType=cv2.BORDER_REPLICATE) * short / 2
        for kernel in (np.array([[-1.0], [0], [1]]), np.array([[-1.0, 0, 1]]))
    )
    steep = 0.42 / (1 + 0.06 * np.sqrt(down * down + right * right))
    down, right = steep * down, steep * right
    up = 1 / np.sqrt(1 + down * down + right * right)
    light = up * (0.6 + 0.62 * down + 0.5 * right) - 0.6
    shine = np.clip(up * (0.9 + 0.35 * down + 0.28 * right), 0, 1) ** 24
    shine = np.clip(shine - 0.9**24, 0, 1) * np.clip(1.5 - 25 * grain, 0, 1)
    form, hollow, light, shine = resize(np.stack([form, hollow, light, shine]), shot.size)
    solid = np.clip(1.15 - 4.5 * np.abs(tone - form), 0, 1) * (1 - shot.sky)
    out = relief(saturated(np.clip(base, 0, 1), 1.3), np.float32(0.15))
    out = out * (1 + 0.55 * light * (1.3 - tone) * solid)
    crease = np.maximum(hollow - tone, 0) * (1 - shot.sky)
    out = np.clip(out * (1 - 0.35 * crease / (0.2 + crease)), 0, 1)
    return 1 - (1 - out) * (1 - shine * solid * np.clip(1.6 * tone, 0, 0.8))
