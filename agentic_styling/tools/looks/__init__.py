"""The look of every option as a row of numbers, and the tables that the executor gathers from."""

import numpy as np

from agentic_styling.tools.encode import NUM_SLOTS, SLOTS
from agentic_styling.tools.looks import light, place, style
from agentic_styling.tools.looks.recipe import SIZE, look, rgb
from agentic_styling.tools.vocabulary import AUTO, DIMENSIONS, VOCABULARY

COLORS = {
    "auto": "#ffffff",
    "red": "#e03028",
    "orange": "#f08028",
    "amber": "#ffb030",
    "gold": "#e8c040",
    "yellow": "#f8e048",
    "green": "#40b048",
    "teal": "#20a098",
    "cyan": "#40d8e8",
    "blue": "#3870e0",
    "navy": "#142858",
    "violet": "#8050e0",
    "purple": "#9038b0",
    "magenta": "#e030b0",
    "pink": "#f490b8",
    "brown": "#805030",
    "white": "#ffffff",
    "gray": "#909498",
    "black": "#101010",
}
SKY_COLOR = {name: look(sky=(0.8, color)) for name, color in COLORS.items() if name != AUTO}

# The options of each tool that have a look; an option without a row is neutral.
LOOKS = {
    "location_setting": {"target_location": place.LOCATION},
    "architecture_style": {
        "target_style": place.ARCHITECTURE,
        "detail_level": place.DETAIL_LEVEL,
        "material_type": place.MATERIAL,
    },
    "time_period": {
        "target_era": place.TIME_PERIOD,
        "technology_level": place.TECHNOLOGY,
        "period_accuracy": place.ACCURACY,
    },
    "time_of_day": {
        "target_time": light.TIME_OF_DAY,
        "sky_color": SKY_COLOR,
        "shadow_direction": light.SHADOW_DIRECTION,
    },
    "season": {
        "target_season": light.SEASON,
        "vegetation_state": light.VEGETATION,
        "ground_cover": light.GROUND_COVER,
    },
    "weather": {"weather_type": light.WEATHER, "visibility": light.VISIBILITY},
    "mood_lighting": {
        "target_mood": light.MOOD,
        "accent_lighting": light.ACCENT,
        "shadow_depth": light.SHADOW_DEPTH,
    },
    "color_grading": {
        "target_palette": style.PALETTE,
        "saturation": style.SATURATION,
        "contrast": style.CONTRAST,
        "temperature": style.TEMPERATURE,
    },
    "artistic_medium": {"target_medium": style.MEDIUM, "art_movement": style.MOVEMENT},
    "atmospheric_effects": {"effect_type": style.EFFECT},
}


def by_option(tool: str, parameter: str, rows: dict, default: object) -> np.ndarray:
    """Rows in the order of a parameter's values, float32 [values, ...]; `default` where none."""
    values = VOCABULARY[tool].parameters[parameter].values
    if unknown := set(rows) - set(values):
        raise KeyError(f"{tool}.{parameter} has no option {unknown}")
    return np.array([rows.get(value, default) for value in values], np.float32)


def _recipes() -> np.ndarray:
    """float32 [tools, slots, values, SIZE]; a source has its target's rows, after a neutral one."""
    most = max(len(p.values) for t in VOCABULARY.values() for p in t.parameters.values())
    table = np.zeros((len(VOCABULARY), NUM_SLOTS, most, SIZE), np.float32)
    for i, name in enumerate(DIMENSIONS):
        for parameter, rows in LOOKS[name].items():
            found = by_option(name, parameter, rows, np.zeros(SIZE))
            table[i, SLOTS[name].index(parameter), : len(found)] = found
        table[i, 0, 1:] = table[i, 1, :-1]
    return table


RECIPES = _recipes()
COLOR_VALUES = np.stack([rgb(color) for color in COLORS.values()])
