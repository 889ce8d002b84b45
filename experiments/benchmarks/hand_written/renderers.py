"""What a step draws by hand: from its options to light, nature, places and media."""

import functools

import numpy as np

from . import effects, light, nature, places
from .common import (
    Shot,
    bloom,
    level_of,
    rgb,
)
from .effects import COLORS
from .media import medium
from .movements import MOVEMENTS


def renderer_of(tool: str, values: dict, same: bool):
    """What draws a step's options, (image, shot, values) -> image, or None for nothing.

    same: the photograph has the target's look already.
    """
    if tool == "artistic_medium":
        plain = same and values["art_movement"] == "none"
        return None if plain else functools.partial(_in_medium, same=same)
    find = _BY_TOOL.get(tool)
    return find(values, same) if find else None


# time_of_day: zenith, horizon, how much; the low sun's colour; how far lamps shine; night
_HOURS = {
    "pre_dawn": ("#2c3458", "#9c90a8", 0.85, None, 0.4, 0),
    "sunrise_golden": ("#9cbcdc", "#ffd8b0", 0.7, "#ffc890", 0, 0),
    "golden_hour_sunset": ("#7d8cb4", "#ffb468", 0.8, "#ffa048", 0, 0),
    "dusk_twilight": ("#3c3a6c", "#e08c80", 0.85, None, 0.5, 0),
    "blue_hour": ("#14357c", "#78a4dc", 0.8, None, 0.8, 0),
    "night_moonlit": ("#070d20", "#1c2c50", 0.95, None, 0.7, 1.0),
    "midnight_dark": ("#020308", "#090e1c", 0.95, None, 0.5, 0.45),
}
_FALLS = {
    "east": (0.3, 1.1),
    "southeast": (0.5, 0.7),
    "south": (0.7, 0.0),
    "southwest": (0.5, -0.7),
    "west": (0.3, -1.1),
}


def _hour(values, same):
    new = not same and values["target_time"] in _HOURS
    asked = values["sky_color"] in COLORS or values["shadow_direction"] in _FALLS
    return _time if new or asked else None


def _time(image, shot: Shot, values):
    new = values["source_time"] != values["target_time"]
    hour = _HOURS.get(values["target_time"]) if new else None
    zenith, horizon, amount, sun, lamps, night = hour or ("#7db0e8", "#dce8f4", 0, None, 0, 0)
    if values["sky_color"] in COLORS:
        zenith = horizon = COLORS[values["sky_color"]]
        amount = 0.85
    if amount:
        image = light.paint_sky(image, shot, rgb(zenith), rgb(horizon), amount)
    if sun:
        image = light.sunlight(image, shot, rgb(sun), 0.8)
    if night:
        image = light.stars(image, shot, night)
        image = light.moon(image, shot, night) if night > 0.5 else image
    if lamps:
        image = light.lamps(image, shot, lamps, rgb("#ffb060"))
    fall = _FALLS.get(values["shadow_direction"])
    return light.cast_shadows(image, shot, *fall) if fall else image


# season: what the look added to leaves, in logits; then plants: new colour, unevenness, flowers,
# how thin
_TURNED = {
    "spring_blooming": (0.35, 0.4, -0.35),
    "summer_lush": (-0.35, 0.15, -0.45),
    "autumn_falling": (1.5, -0.05, -0.5),
    "winter_bare": (0.7, -0.25, 0.5),
}
_PLANTS = {
    "blooming_flowers": ((0.35, 0.4, -0.35), 0.15, 1.0, 0.0),
    "full_green": ((-0.35, 0.15, -0.45), 0.1, 0.0, 0.0),
    "autumn_colors": ((1.5, -0.05, -0.5), 1.0, 0.0, 0.0),
    "bare_branches": ((0.7, -0.25, 0.5), 0.1, 0.0, 1.0),
    "evergreen": ((-1.0, -0.45, -0.05), 0.1, 0.0, 0.0),
    "dead_withered": ((0.85, 0.1, -0.1), 0.5, 0.0, 0.35),
}
_OWN = {
    "spring_blooming": ("blooming_flowers", "spring_flowers"),
    "summer_lush": ("full_green", "none"),
    "autumn_falling": ("autumn_colors", "autumn_leaves"),
    "winter_bare": ("bare_branches", "snow_covered"),
}
_STREWN = {
    "autumn_leaves": (("#8c3a14", "#d8781c", "#e8b840"), 0.05, 0.7, False),
    "spring_flowers": (("#f6efe4", "#ec84b4", "#f0cc40"), 0.03, 0.24, True),
}
_GRASS = {"lush_grass": ("#24480f", "#8cc048"), "dry_grass": ("#80683a", "#e6d29a")}


def _season(values, same):
    asked = values["vegetation_state"] != "auto" or values["ground_cover"] != "auto"
    return _year if asked or not same else None


def _year(image, shot: Shot, values):
    season = values["target_season"]
    state, cover = values["vegetation_state"], values["ground_cover"]
    state = _OWN[season][0] if state == "auto" else state
    cover = _OWN[season][1] if cover == "auto" else cover
    new, *rest = _PLANTS[state]
    old, new = (np.array(v, np.float32)[:, None, None] for v in (_TURNED[season], new))
    image, leaves = nature.plants(image, shot, old, new, *rest)
    if cover == "snow_covered":
        return nature.snow_on_ground(image, shot, leaves, 1.0)
    if cover in _STREWN:
        colors, *rest = _STREWN[cover]
        return nature.strewn(image, shot, [rgb(c) for c in colors], *rest)
    if cover in _GRASS:
        return nature.grass(image, shot, *map(rgb, _GRASS[cover]))
    return nature.mud(image, shot) if cover == "mud_wet" else image


# weather: sky, its clouds; colour of the air, fog in it; water, snow and what falls, how much
_WEATHERS = {
    "clear_sunny": ("#3f86dc", 0.0, "#c4d6e8", 0.0, 0.0, 0.0, None, 0.0),
    "partly_cloudy": ("#4a8ad4", 0.5, "#c8d2dc", 0.0, 0.0, 0.0, None, 0.0),
    "overcast_gray": ("#b4babf", 0.8, "#c6cace", 0.0, 0.0, 0.0, None, 0.0),
    "light_rain": ("#96a0aa", 0.85, "#aab4bc", 0.0, 0.55, 0.0, "rain", 0.6),
    "heavy_rain": ("#6c7680", 0.9, "#8a949c", 0.0, 1.0, 0.0, "rain", 1.25),
    "thunderstorm": ("#343a46", 0.95, "#5c6470", 0.0, 0.85, 0.0, "rain", 1.0),
    "light_snow": ("#c4ccd6", 0.8, "#dde4ea", 0.0, 0.0, 0.55, "snow", 0.7),
    "heavy_snow_blizzard": ("#cdd4db", 0.8, "#e0e6ec", 0.5, 0.0, 1.0, "blizzard", 1.1),
    "fog_dense": (None, 0.0, "#d0d3d5", 1.3, 0.0, 0.0, None, 0.0),
    "mist_light": (None, 0.0, "#dbe3e7", 0.5, 0.0, 0.0, None, 0.0),
    "sandstorm": (None, 0.0, "#d2ae80", 0.9, 0.0, 0.0, "sand", 1.0),
    "hail": ("#7c8890", 0.85, "#a8b2b8", 0.0, 0.4, 0.0, "hail", 0.9),
}
_INTENSITY = {"light": 0.5, "moderate": 1.0, "heavy": 1.4, "extreme": 1.8}
_VISIBILITY = {"clear": 0.0, "reduced": 0.45, "poor": 0.95, "very_poor": 1.7}


def _weather(values, same):
    return None if same else _sky_and_air


def _sky_and_air(image, shot: Shot, values):
    sky, cover, air, banks, water, snow, falls, many = _WEATHERS[values["weather_type"]]
    amount, air = _INTENSITY[values["intensity"]], rgb(air) * level_of(image)
    if water:
        image = nature.wet(image, shot, min(water * (0.4 + 0.6 * amount), 1.2))
    if snow:
        leaves = nature.leaves_of(nature.to_logits(image)) * (1 - shot.sky)
        image = nature.snow_on_ground(image, shot, leaves, min(snow * (0.5 + 0.5 * amount), 1.0))
    if sky:
        image = light.paint_sky(image, shot, rgb(sky), 0.3 + 0.7 * rgb(sky), 0.9, cover)
    if falls == "hail":
        image = nature.strewn(image, shot, [rgb("#edf2f7")] * 3, 0.019, 0.35, True)
    density = _VISIBILITY[values["visibility"]]
    if density:
        image = nature.veil(image, density * shot.depth, air)
    if banks:
        image = nature.vapour(image, shot, "fog", banks * amount, air)
    if values["weather_type"] == "thunderstorm":
        image = nature.lightning(image, shot, amount**0.5)
    if falls and values["active_precipitation"]:
        color = min(0.2 + 0.85 * level_of(image), 1.0) * rgb("#eef2f8")
        image = nature.falling(image, shot, falls, many * amount, color)
    return image


# mood_lighting
_GLOWING = {
    "soft_cozy": ("#ffdcb0", 0.35),
    "romantic_intimate": ("#ffd0c8", 0.45),
    "whimsical_playful": ("#ffd8f8", 0.4),
    "nostalgic_sepia": ("#ffe8c8", 0.3),
    "serene_calm": ("#e4f2ff", 0.3),
    "epic_grand": ("#ffc880", 0.35),
    "hopeful_uplifting": ("#fff0cc", 0.5),
}


def _mood(values, same):
    if values["accent_lighting"] != "auto":
        return _accent
    return _mood_glow if not same and values["target_mood"] in _GLOWING else None


def _mood_glow(image, shot: Shot, values):
    color, amount = _GLOWING[values["target_mood"]]
    return bloom(image, amount, rgb(color), 0.5, 0.05)


def _accent(image, shot: Shot, values):
    return _ACCENTS[values["accent_lighting"]](image, shot)


_ACCENTS = {
    "neon_signs": lambda i, s: light.side_lights(i, s, rgb("#20e0ff"), rgb("#ff30b8"), 0.65, 0.5),
    "colored_gels": lambda i, s: light.side_lights(i, s, rgb("#ff5a28"), rgb("#2f6bff"), 0.3, 0.0),
    "candlelit_warm": light.candles,
    "spotlight_dramatic": light.spotlight,
    "rim_lighting": light.rim_light,
    "backlit_silhouette": light.silhouette,
    "god_rays": lambda i, s: light.god_rays(i, s, 1.1, rgb("#ffe0a8")),
    "volumetric_fog_light": light.beams,
    "practical_lights": lambda i, s: bloom(
        light.lamps(i, s, 1.0, rgb("#ffb464")), 0.75, rgb("#ffb060"), 0.35, 0.06
    ),
    "ambient_glow": lambda i, s: bloom(i, 0.9, rgb("#fff0dc"), 0.35, 0.05),
}


# artistic_medium
_TEXTURE = {"none": 0.0, "subtle": 0.5, "moderate": 1.0, "prominent": 2.0}


def _in_medium(image, shot: Shot, values, same):
    texture = _TEXTURE[values["texture_visibility"]]
    image = image if same else medium(image, shot, values, texture)
    movement = MOVEMENTS.get(values["art_movement"])
    return movement(image, shot, texture) if movement else image


_BY_TOOL = {
    "location_setting": places.location,
    "architecture_style": places.architecture,
    "time_period": places.era,
    "time_of_day": _hour,
    "season": _season,
    "weather": _weather,
    "mood_lighting": _mood,
    "atmospheric_effects": effects.effect,
}
