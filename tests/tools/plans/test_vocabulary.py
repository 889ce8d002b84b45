"""The vocabulary against hand-written facts of the published action space."""

import pytest

from agentic_styling.tools import (
    ALIASES,
    DIMENSIONS,
    MODIFIERS,
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


# By hand: the kinds of each modifier's parameters, its target first.
KINDS = {
    "preserve_attribute": "attribute_type:enum scope:enum target_object:text reason:text",
    "exclude_region": "region_type:enum exclusion_reason:text preserve_fully:bool",
    "conditional_transform": "then_action:action condition:text then_parameters:object "
    "else_action:action else_parameters:object",
    "preserve_object_category": "category:enum preservation_level:enum examples:list of text "
    "reason:text",
    "spatial_constraint": "apply_to:enum transformation_type:enum blend_edges:bool",
    "sequence_transform": "steps:list of name step_descriptions:list of text order_matters:bool",
    "parallel_transform": "actions:list of name action_descriptions:list of text blend_mode:enum",
    "graduated_effect": "effect_type:enum gradient_direction:enum intensity_start:number "
    "intensity_end:number",
    "layered_transformation": "overlay_layers:list of name base_layer:name "
    "blend_modes:list of enum layer_opacities:list of number",
    "selective_blend": "target_apply_ratio:number source_preserve_ratio:number "
    "blend_regions:enum blend_algorithm:enum",
}


def test_dimensions_come_first_and_modifiers_last():
    assert tuple(PUBLISHED) == DIMENSIONS
    assert tuple(KINDS) == MODIFIERS
    assert tuple(VOCABULARY) == (*DIMENSIONS, *MODIFIERS)
    assert TOOL_INDEX["exclude_region"] == 11
    assert TOOL_INDEX["selective_blend"] == 19


@pytest.mark.parametrize("name", KINDS)
def test_modifier_is_as_published(name):
    tool = VOCABULARY[name]
    parameters = [p for p in tool.parameters.values() if p.name != "strength"]
    said = [f"{p.name}:{p.kind}" + (f" of {p.items}" if p.items else "") for p in parameters]
    assert " ".join(said) == KINDS[name]
    assert (tool.source, tool.target) == (None, parameters[0].name)


def test_options_of_modifiers():
    def values(tool, parameter):
        return VOCABULARY[tool].parameters[parameter].values

    assert values("layered_transformation", "blend_modes") == (
        "normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "add",
    )  # fmt: skip
    assert values("graduated_effect", "gradient_direction")[4:] == ("center_out", "edges_in")
    assert len(values("preserve_object_category", "category")) == 10
    assert values("spatial_constraint", "apply_to")[:2] == ("indoor_only", "outdoor_only")
    for tool, parameter in (("exclude_region", "region_type"), ("spatial_constraint", "apply_to")):
        assert {"sky", "ground", "subject", "background"} <= set(values(tool, parameter))
        assert len(values(tool, parameter)) == 13
    assert values("selective_blend", "blend_regions")[1] == "architecture_only"
    assert len(values("sequence_transform", "steps")) == 10 + 171
    assert values("conditional_transform", "then_action")[0] == "location_setting:urban_city"


def test_every_tool_has_a_strength():
    assert {t.parameters["strength"].default for t in VOCABULARY.values()} == {1.0}


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
    assert SLOTS["graduated_effect"][:4] == (None, "effect_type", "gradient_direction", None)
    assert SLOTS["selective_blend"][:4] == (None, None, "blend_regions", "blend_algorithm")
    assert {len(slots) for slots in SLOTS.values()} == {NUM_SLOTS}
