"""The vocabulary against hand-written facts of the published action space."""

import pytest

from agentic_styling.tools import (
    ALIASES,
    DIMENSIONS,
    NUM_SLOTS,
    SLOTS,
    TOOL_INDEX,
    VOCABULARY,
)

# Counted by hand: options, source, target, and one option from the middle of the list.
PUBLISHED = {
    "location_setting": (30, "source_location", "target_location", "swamp_wetland"),
    "architecture_style": (20, "source_style", "target_style", "moroccan_islamic"),
    "time_period": (15, "source_era", "target_era", "art_deco_1920s"),
    "time_of_day": (10, "source_time", "target_time", "golden_hour_sunset"),
    "season": (4, "source_season", "target_season", "autumn_falling"),
    "weather": (12, "source_weather", "weather_type", "heavy_snow_blizzard"),
    "mood_lighting": (15, "source_mood", "target_mood", "whimsical_playful"),
    "color_grading": (18, "source_palette", "target_palette", "desaturated_muted"),
    "artistic_medium": (22, "source_medium", "target_medium", "3d_rendered"),
    "atmospheric_effects": (25, "source_effect", "effect_type", "bokeh_lights"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_dimension_is_as_published(name):
    count, source, target, option = PUBLISHED[name]
    tool = VOCABULARY[name]
    assert (tool.source, tool.target) == (source, target)
    values = tool.parameters[target].values
    assert len(values) == len(set(values)) == count
    assert option in values
    assert tool.parameters[source].values == ("unknown", *values)
    assert tool.parameters[source].default == "unknown"


def test_dimensions_come_first_and_modifiers_last():
    assert tuple(PUBLISHED) == DIMENSIONS
    assert tuple(VOCABULARY) == (*DIMENSIONS, "preserve_attribute", "exclude_region")
    assert TOOL_INDEX["exclude_region"] == 11


def test_only_the_target_is_required():
    for tool in VOCABULARY.values():
        required = [p.name for p in tool.parameters.values() if p.default is None]
        assert required == [tool.target]


def test_defaults():
    parameters = VOCABULARY["color_grading"].parameters
    defaults = {name: p.default for name, p in parameters.items() if name != "target_palette"}
    assert defaults == {
        "source_palette": "unknown",
        "saturation": "neutral",
        "contrast": "normal",
        "temperature": "neutral",
        "strength": 1.0,
    }
    assert VOCABULARY["mood_lighting"].parameters["accent_lighting"].default == "auto"
    assert VOCABULARY["time_of_day"].parameters["shadow_direction"].values == (
        "auto", "east", "southeast", "south", "southwest", "west", "overhead", "none",
    )  # fmt: skip


def test_every_default_is_a_value():
    for tool in VOCABULARY.values():
        for parameter in tool.parameters.values():
            if parameter.kind in ("enum", "bool") and parameter.default is not None:
                assert parameter.default in parameter.values


def test_aliases_are_the_published_names():
    assert ALIASES == {
        "time_period_era": "time_period",
        "season_cycle": "season",
        "weather_conditions": "weather",
    }


def test_slots_hold_source_then_target():
    assert SLOTS["weather"] == (
        "source_weather", "weather_type", "intensity", "visibility", "active_precipitation",
    )  # fmt: skip
    assert SLOTS["preserve_attribute"] == (None, "attribute_type", "scope", None, None)
    assert {len(slots) for slots in SLOTS.values()} == {NUM_SLOTS}
