"""Options in plain words: what a person would call them in a goal, a reason or an instruction."""

import json
from importlib import resources

_FILE = resources.files("agentic_styling.data.goals") / "nouns.json"
NOUNS: dict[str, dict[str, str]] = json.loads(_FILE.read_text(encoding="utf-8"))
_PHRASES = {
    "location_setting": "as if in {}",
    "architecture_style": "in {}",
    "time_period": "as if from {}",
    "time_of_day": "in {}",
    "season": "in {}",
    "weather": "in {}",
    "mood_lighting": "with {}",
    "color_grading": "in {}",
    "artistic_medium": "as {}",
    "atmospheric_effects": "with {}",
}
_TIMES = {
    "sunrise_golden": "at golden sunrise",
    "midday_overhead": "at midday",
    "golden_hour_sunset": "at golden hour",
    "dusk_twilight": "at dusk",
    "blue_hour": "at blue hour",
    "night_moonlit": "on a moonlit night",
    "midnight_dark": "at dark midnight",
}


# Buildings and things that one style is the style of; the others are styles by name.
_BUILT = {"gothic_cathedral", "industrial_warehouse", "steampunk_mechanical"}
_BUILT |= {"fantasy_magical", "ruins_ancient"}
# Places that one is on, not in.
_ON = {"commercial_district", "beach_coast", "tropical_island", "ocean_open_water", "arctic_ice"}
_ON |= {"underwater_reef", "plains_grassland", "volcano_lava", "space_station", "alien_planet"}
# Dimensions of a scene, in the order in which one tells of them; the last follow a comma.
_TOLD = ("architecture_style", "location_setting", "time_period", "season", "weather")
_TOLD += ("time_of_day", "mood_lighting", "atmospheric_effects")
_TOLD_LAST = ("artistic_medium", "color_grading")
# "in light rain and in dusky twilight": neighbours of these share what both begin with.
_SAID_ONCE = {
    frozenset({"season", "weather", "time_of_day"}): "in ",
    frozenset({"mood_lighting", "atmospheric_effects"}): "with ",
    frozenset({"location_setting", "time_period"}): "as if ",
}


def noun(dimension: str, option: str) -> str:
    """An option as a noun, "a moonlit night"."""
    return NOUNS[dimension][option]


def phrase(dimension: str, option: str) -> str:
    """An option as a phrase that follows a noun, "on a moonlit night"."""
    if dimension == "time_of_day" and option in _TIMES:
        return _TIMES[option]
    if option in _BUILT:
        return f"in the style of {noun(dimension, option)}"
    if option in _ON:
        return f"as if on {noun(dimension, option)}"
    return _PHRASES[dimension].format(noun(dimension, option))


def listing(targets: dict[str, str]) -> str:
    """Options by their nouns, "a moonlit night, film grain".

    Commas divide the list, so the commas inside a noun ("a soft, cosy mood") go.
    """
    return ", ".join(noun(*item).replace(",", "") for item in targets.items())


def scene(targets: dict[str, str]) -> str:
    """Options as a phrase that follows a noun, "in light rain at dusk, as pixel art"."""
    told = []
    for name in (name for name in _TOLD if name in targets):
        text = phrase(name, targets[name])
        for names, said in _SAID_ONCE.items():
            if told and {told[-1][0], name} <= names and told[-1][1].startswith(said):
                text = text.replace(said, "and ", 1) if text.startswith(said) else text
        told.append((name, text))
    last = [phrase(name, targets[name]) for name in _TOLD_LAST if name in targets]
    return ", ".join(filter(None, [" ".join(text for _, text in told), " ".join(last)]))
