"""The action space: the tools, their parameters, and the values of each.

Names and values are those of the published action space. Added here: `strength` on every tool,
"unknown" as the default of every source, a source for weather and atmospheric_effects, "auto"
(what the target implies) where the published file has no default, and defaults for its required
parameters other than the target.
"""

from typing import NamedTuple

from agentic_styling.tools.plans import options

UNKNOWN = "unknown"
AUTO = "auto"
MAX_ITEMS = 4  # of a list


class Parameter(NamedTuple):
    """One parameter.

    kind: "enum", "bool", "number" or "text"; "name", a text that names a step ("weather",
    "weather:fog_dense", or an option alone); "action", a name that must be valid; "object", the
    parameters of the preceding action; "list", at most MAX_ITEMS of kind `items`.
    values: every value of an enum or bool, the (low, high) of a number, the known words of a text,
    name or action (others are accepted); of a list, those of its items.
    default: None where the parameter is required.
    """

    name: str
    kind: str
    values: tuple
    default: object
    items: str = ""


class Tool(NamedTuple):
    """One tool.

    target: the name of its required parameter. source: the name of the parameter that says what
    the photograph shows now, or None.
    """

    name: str
    parameters: dict[str, Parameter]
    target: str
    source: str | None

    @property
    def options(self) -> tuple:
        """The values of the target parameter."""
        return self.parameters[self.target].values


ALIASES = {
    "time_period_era": "time_period",
    "season_cycle": "season",
    "weather_conditions": "weather",
}


def _enum(name: str, values: str, default: str | None) -> Parameter:
    return Parameter(name, "enum", tuple(values.split()), default)


def _auto(name: str, values: str) -> Parameter:
    return _enum(name, f"{AUTO} {values}", AUTO)


def _bool(name: str) -> Parameter:
    return Parameter(name, "bool", (False, True), True)


def _text(name: str, values: str = "", default: str = "") -> Parameter:
    return Parameter(name, "text", tuple(values.split()), default)


def _ratio(name: str, default: float | str | None) -> Parameter:
    return Parameter(name, "number", (0.0, 1.0), default)


def _list(name: str, items: str, values: tuple = (), default: tuple | None = ()) -> Parameter:
    return Parameter(name, "list", values, default, items)


_STRENGTH = _ratio("strength", 1.0)


def new_tool(name: str, *parameters: Parameter, source: str | None = None) -> Tool:
    """A tool whose first parameter is the target, with a strength added.

    source: name of a parameter for the look it leaves, with the target's values and "unknown".
    """
    target = parameters[0]
    if source:
        values = (UNKNOWN, *target.values)
        parameters = (Parameter(source, "enum", values, UNKNOWN), *parameters)
    return Tool(name, {p.name: p for p in (*parameters, _STRENGTH)}, target.name, source)


_DIMENSIONS = (
    new_tool(
        "location_setting",
        _enum("target_location", options.TARGET_LOCATION, None),
        _enum("replace_mode", "partial complete", "complete"),
        _bool("preserve_foreground"),
        source="source_location",
    ),
    new_tool(
        "architecture_style",
        _enum("target_style", options.TARGET_STYLE, None),
        _enum("detail_level", "minimal moderate ornate", "moderate"),
        _enum("material_type", options.MATERIAL_TYPE, "mixed"),
        source="source_style",
    ),
    new_tool(
        "time_period",
        _enum("target_era", options.TARGET_ERA, None),
        _enum("technology_level", "none low medium high advanced", "medium"),
        _enum("period_accuracy", "stylized historically_accurate", "stylized"),
        source="source_era",
    ),
    new_tool(
        "time_of_day",
        _enum("target_time", options.TARGET_TIME, None),
        _text("sky_color", options.COLORS, AUTO),
        _auto("shadow_direction", options.SHADOW_DIRECTION),
        source="source_time",
    ),
    new_tool(
        "season",
        _enum("target_season", "spring_blooming summer_lush autumn_falling winter_bare", None),
        _auto("vegetation_state", options.VEGETATION_STATE),
        _auto("ground_cover", options.GROUND_COVER),
        source="source_season",
    ),
    new_tool(
        "weather",
        _enum("weather_type", options.WEATHER_TYPE, None),
        _enum("intensity", "light moderate heavy extreme", "moderate"),
        _enum("visibility", "clear reduced poor very_poor", "clear"),
        _bool("active_precipitation"),
        source="source_weather",
    ),
    new_tool(
        "mood_lighting",
        _enum("target_mood", options.TARGET_MOOD, None),
        _auto("accent_lighting", options.ACCENT_LIGHTING),
        _enum("shadow_depth", "none soft moderate deep dramatic", "moderate"),
        source="source_mood",
    ),
    new_tool(
        "color_grading",
        _enum("target_palette", options.TARGET_PALETTE, None),
        _enum("saturation", "desaturated neutral enhanced hyper_saturated", "neutral"),
        _enum("contrast", "low normal high dramatic", "normal"),
        _enum("temperature", "cool neutral warm extreme_cool extreme_warm", "neutral"),
        source="source_palette",
    ),
    new_tool(
        "artistic_medium",
        _enum("target_medium", options.TARGET_MEDIUM, None),
        _text("technique", options.TECHNIQUES, AUTO),
        _enum("art_movement", options.ART_MOVEMENT, "none"),
        _enum("texture_visibility", "none subtle moderate prominent", "moderate"),
        source="source_medium",
    ),
    new_tool(
        "atmospheric_effects",
        _enum("effect_type", options.EFFECT_TYPE, None),
        _enum("intensity", "subtle moderate heavy extreme", "moderate"),
        _enum("coverage", "localized widespread full_scene", "widespread"),
        _text("color_tint", options.COLORS, AUTO),
        source="source_effect",
    ),
)
DIMENSIONS = tuple(tool.name for tool in _DIMENSIONS)
# Every action; a name may also be that of a tool alone.
ACTIONS = tuple(f"{tool.name}:{option}" for tool in _DIMENSIONS for option in tool.options)
NAMES = (*DIMENSIONS, *ACTIONS)
_MODIFIERS = (
    new_tool(
        "preserve_attribute",
        _enum("attribute_type", options.ATTRIBUTE_TYPE, None),
        _enum("scope", "global foreground_only background_only specific_object", "global"),
        _text("target_object"),
        _text("reason"),
    ),
    new_tool(
        "exclude_region",
        _enum("region_type", options.REGION_TYPE, None),
        _text("exclusion_reason"),
        _bool("preserve_fully"),
    ),
    new_tool(
        "conditional_transform",
        Parameter("then_action", "action", ACTIONS, None),
        _text("condition"),
        Parameter("then_parameters", "object", (), {}),
        Parameter("else_action", "action", ACTIONS, ""),
        Parameter("else_parameters", "object", (), {}),
    ),
    new_tool(
        "preserve_object_category",
        _enum("category", options.CATEGORY, None),
        _enum("preservation_level", "full position_only appearance_only", "full"),
        _list("examples", "text"),
        _text("reason"),
    ),
    new_tool(
        "spatial_constraint",
        _enum("apply_to", options.APPLY_TO, None),
        _enum("transformation_type", "weather lighting color fog particles any", "any"),
        _bool("blend_edges"),
    ),
    new_tool(
        "sequence_transform",
        _list("steps", "name", NAMES, None),
        _list("step_descriptions", "text"),
        _bool("order_matters"),
    ),
    new_tool(
        "parallel_transform",
        _list("actions", "name", NAMES, None),
        _list("action_descriptions", "text"),
        _enum("blend_mode", "additive multiplicative average max_effect", "additive"),
    ),
    new_tool(
        "graduated_effect",
        _enum("effect_type", "fog lighting color saturation brightness blur particles", None),
        _enum("gradient_direction", options.GRADIENT_DIRECTION, "top_to_bottom"),
        _ratio("intensity_start", 0.0),
        _ratio("intensity_end", 1.0),
    ),
    new_tool(
        "layered_transformation",
        _list("overlay_layers", "name", NAMES, None),
        Parameter("base_layer", "name", NAMES, ""),
        _list("blend_modes", "enum", tuple(options.BLEND_MODES.split())),
        _list("layer_opacities", "number", (0.0, 1.0)),
    ),
    new_tool(
        "selective_blend",
        _ratio("target_apply_ratio", None),
        _ratio("source_preserve_ratio", AUTO),  # what the target's ratio leaves of 1
        _enum("blend_regions", options.BLEND_REGIONS, "everywhere"),
        _enum("blend_algorithm", "linear smooth sharp_transition artistic", "linear"),
    ),
)
MODIFIERS = tuple(tool.name for tool in _MODIFIERS)
VOCABULARY = {tool.name: tool for tool in (*_DIMENSIONS, *_MODIFIERS)}
