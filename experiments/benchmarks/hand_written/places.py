"""What places, buildings and times draw, by OpenCV and NumPy."""

import cv2
import numpy as np

from . import light, nature
from .common import (
    Shot,
    bloom,
    blur,
    film_grain,
    luma_of,
    noise,
    on_ground,
    ramp,
    relief,
    resize,
    rgb,
    screen,
    shrink,
)

# location_setting
_PLACES = {
    **dict.fromkeys(("commercial_district", "palace_interior"), ("glow", "#ffdcb0", 0.5, 0.03)),
    **dict.fromkeys(("beach_coast", "bedroom_interior"), ("glow", "#fff2d0", 0.4, 0.06)),
    "fantasy_castle": ("glow", "#ffd1d9", 0.75, 0.045),
    "industrial_zone": ("fog", "#9a968a", 0.4),
    "swamp_wetland": ("mist", "#868e70", 0.6),
    "post_apocalyptic": ("fog", "#b4966a", 0.55),
    "haunted_mansion": ("mist", "#6c7880", 0.85),
    "temple_shrine": ("fog", "#e8cfa8", 0.35),
    "mountain_rocky": ("stones", ("#5c5c5a", "#8c8a86", "#b4b2ac"), 0.07, 0.75),
    "canyon_valley": ("strata", 0.8),
    "plains_grassland": ("grass", "#6a5c26", "#e4d084"),
    "desert_sand": ("dunes",),
    "ocean_open_water": ("waves",),
    "tropical_island": ("waves",),
    "arctic_ice": ("drifts",),
    "medieval_town": ("paving",),
    "volcano_lava": ("lava",),
    "underwater_reef": ("water",),
    "forest_temperate": ("leaves",),
    "jungle_tropical": ("leaves",),
    "space_station": ("stars",),
    "alien_planet": ("stars",),
    "cyberpunk_city": ("neon",),
    "cave_underground": ("lamp",),
}


def location(values, same):
    """What draws a step of this dimension, or None."""
    return None if same or values["target_location"] not in _PLACES else _place


def _place(image, shot: Shot, values):
    kind, *how = _PLACES[values["target_location"]]
    new = _draw_place(image, shot, kind, how)
    share = 0.6 if values["replace_mode"] == "partial" else 1.0
    kept = 1 - 0.35 * shot.subject if values["preserve_foreground"] else 1.0
    return image + share * kept * (new - image)


def _draw_place(image, shot, kind, how):
    if kind == "glow":
        return bloom(image, how[1], rgb(how[0]), 0.6, how[2])
    if kind in ("fog", "mist"):
        return nature.vapour(image, shot, kind, how[1], rgb(how[0]))
    if kind == "stones":
        return nature.strewn(image, shot, [rgb(c) for c in how[0]], *how[1:], True)
    if kind == "grass":
        return nature.grass(image, shot, rgb(how[0]), rgb(how[1]))
    if kind == "strata":
        layers = noise(shot, 12, 2, 6.0) - 0.5
        return relief(image, how[0] * layers * (1 - shot.sky) * (1 - shot.subject) * rgb("#99ffff"))
    if kind in ("dunes", "waves", "drifts", "paving"):
        return nature.ground_relief(image, shot, kind, 0.9)
    if kind == "stars":
        return light.stars(image, shot, 1.0)
    if kind == "neon":
        lit = light.side_lights(image, shot, rgb("#1abfff"), rgb("#ff1ab3"), 0.65, 0.5)
        return bloom(lit, 0.9, rgb("#ff8cff"), 0.45, 0.03)
    if kind == "lamp":
        return light.spotlight(image, shot)
    if kind == "lava":
        net = np.abs(2 * on_ground(shot, 5) - 1)
        heat = shot.ground * (ramp(0.1 - net, 0.0, 0.09) + 0.35 * ramp(0.4 - net, 0.0, 0.4))
        hot = screen(image, heat * np.array([2.2, 0.75, 0.15], np.float32)[:, None, None])
        return bloom(hot, 0.8, rgb("#ff661a"), 0.6, 0.04)
    if kind == "water":
        net = np.minimum(1 - np.abs(2 * noise(shot, 13) - 1), 1 - np.abs(2 * noise(shot, 11) - 1))
        net = ramp(net, 0.45, 1.0) * (1 - shot.sky) * (1 - 0.7 * shot.depth)
        shafts = ramp(noise(shot, 7, 2), 0.4, 0.8) * ramp(0.95 - shot.y, 0.0, 0.9)
        return screen(relief(image, 1.6 * net), 0.4 * shafts * rgb("#73f2ff"))
    spots = (ramp(noise(shot, 6, 3), 0.5, 0.68) - 0.4) * (1 - shot.sky) * (1 - 0.35 * shot.subject)
    return relief(image, spots * rgb("#fff0c0"))


# architecture_style
_SURFACES = {
    "modern_minimalist": (-0.35, "mixed"),
    "contemporary_glass": (0.25, "glass"),
    "brutalist_concrete": (0.4, "concrete"),
    "art_deco_geometric": (0.4, "mixed"),
    "victorian_ornate": (0.3, "brick"),
    "medieval_stone": (0.3, "stone"),
    "baroque_elaborate": (0.35, "mixed"),
    "japanese_traditional": (-0.2, "wood"),
    "greek_classical": (0.0, "marble"),
    "roman_imperial": (0.2, "stone"),
    "gothic_cathedral": (0.4, "stone"),
    "industrial_warehouse": (0.2, "brick"),
    "steampunk_mechanical": (0.2, "metal"),
    "cyberpunk_neon": (0.1, "mixed"),
    "futuristic_sleek": (-0.1, "metal"),
    "organic_biomorphic": (-0.5, "mixed"),
    "fantasy_magical": (-0.2, "mixed"),
    "ruins_ancient": (0.4, "stone"),
}
_CLARITY = {"minimal": -0.6, "moderate": 0.0, "ornate": 0.7}


def _surface(values):
    clarity, material = _SURFACES.get(values["target_style"], (0.0, "mixed"))
    asked = values["material_type"]
    clarity += _CLARITY[values["detail_level"]]
    return clarity, material if asked == "mixed" else asked


def architecture(values, same):
    """What draws a step of this dimension, or None."""
    return _built if not same and _surface(values) != (0.0, "mixed") else None


def _built(image, shot: Shot, values):
    clarity, material = _surface(values)
    if clarity:
        luma = luma_of(image)
        detail = luma - resize(blur(shrink(luma), 2.5), shot.size)
        image = np.clip(relief(image, 4 * clarity * detail / (1 + 4 * np.abs(detail))), 0, 1)
    if material != "mixed":
        image = relief(image, 0.5 * _walls(image, shot) * _material(shot, material))
    if values["target_style"] in ("cyberpunk_neon", "fantasy_magical"):
        image = bloom(image, 0.8, rgb("#ffb3ff"), 0.5, 0.03)
    return image


def _walls(image, shot):
    small = luma_of(shrink(image))
    dy, dx = cv2.Sobel(small, cv2.CV_32F, 0, 1) ** 2, cv2.Sobel(small, cv2.CV_32F, 1, 0) ** 2
    along = blur(((dx - dy) ** 2 - 4 * dx * dy) / (dx + dy + 1e-3), 9.0)
    built = resize(ramp(along / (blur(dx + dy, 9.0) + 2e-3), 0.04, 0.27), shot.size)
    green = np.maximum(image[1] - np.maximum(image[0], image[2]), 0)
    return (0.3 + 0.7 * built) * (1 - shot.sky) * (1 - 0.5 * shot.ground) / (1 + 50 * green)


def _material(shot, name):
    """Joints in a grid, a tone a block, and grain in it."""
    down, across = {"brick": (30, 11), "stone": (9, 5), "wood": (1, 7)}.get(name, (5, 6))
    y, x = shot.y * down, shot.x * across
    joints = np.minimum(np.abs(y - np.round(y)) / down, np.abs(x - np.round(x)) / across)
    joints = np.clip(1.5 - joints * shot.short, 0, 1)
    tones = shot.random.random((2 * down + 2, 2 * across + 2), np.float32)
    block = tones[np.floor(y).astype(int), np.floor(x).astype(int)] - 0.5
    stretch = {"wood": 0.2, "metal": 20.0}.get(name, 1.0)
    return 1.6 * (noise(shot, 20, 3, stretch) - 0.5) + 0.6 * block - 0.8 * joints


# time_period
_SHARP = {"none": -0.5, "low": -0.25, "medium": 0.0, "high": 0.3, "advanced": 0.6}
# sharpness, grain, mottle, without colours, glow
_STOCKS = {
    "prehistoric_stone_age": (-0.5, 0.1, 1.0, 0, 0.0),
    "ancient_classical": (-0.2, 0.0, 0.45, 0, 0.25),
    "medieval_dark_ages": (-0.4, 0.0, 0.35, 0, 0.5),
    "renaissance_1500s": (-0.8, 0.0, 0.15, 0, 0.35),
    "baroque_1700s": (-0.2, 0.0, 0.1, 0, 0.3),
    "victorian_1800s": (-0.5, 0.06, 0.45, 1, 0.0),
    "art_nouveau_1900s": (-0.7, 0.2, 0.0, 0, 0.25),
    "art_deco_1920s": (0.0, 0.09, 0.0, 1, 0.5),
    "mid_century_1950s": (0.15, 0.06, 0.0, 0, 0.35),
    "contemporary_2000s": (0.7, 0.0, 0.0, 0, 0.0),
    "near_future_2050": (0.4, 0.0, 0.0, 0, 0.3),
    "far_future_2200": (0.2, 0.0, 0.0, 0, 0.7),
    "cyberpunk_dystopia": (0.2, 0.08, 0.0, 0, 0.9),
    "steampunk_alternate": (0.0, 0.08, 0.3, 0, 0.5),
    "solarpunk_green_future": (0.2, 0.0, 0.0, 0, 0.55),
}


def era(values, same):
    """What draws a step of this dimension, or None."""
    return None if same else _stock


def _stock(image, shot: Shot, values):
    sharp, grain, mottle, gray, glow = _STOCKS[values["target_era"]]
    sharp += _SHARP[values["technology_level"]]
    if sharp:
        image = np.clip(image + sharp * (image - blur(image, 0.0028 * shot.short)), 0, 1)
    if glow:
        image = bloom(image, glow, rgb("#ffe0b0"), 0.6, 0.02)
    if gray:
        luma = luma_of(image)
        image = luma + rgb("#281408") * (luma * (1 - luma))
    if mottle:
        image = relief(image, 1.6 * mottle * (noise(shot, 4, 5) - 0.5))
    return film_grain(image, shot, grain) if grain else image
