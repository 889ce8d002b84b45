"""The rows of the gallery: a plan for every value of every parameter."""

from typing import NamedTuple

from agentic_styling.tools import DIMENSIONS, MODIFIERS, UNKNOWN, VOCABULARY, Plan, Step
from agentic_styling.utils.errors import InputError, nearest

# The target on which a parameter is shown.
SHOWN_ON = {
    ("location_setting", "source_location"): {"target_location": "plains_grassland"},
    ("location_setting", ""): {"target_location": "desert_sand"},
    ("architecture_style", ""): {"target_style": "victorian_ornate"},
    ("architecture_style", "source_style"): {"target_style": "modern_minimalist"},
    ("architecture_style", "material_type"): {"target_style": "modern_minimalist"},
    ("time_period", ""): {"target_era": "victorian_1800s"},
    ("time_period", "source_era"): {"target_era": "contemporary_2000s"},
    ("time_period", "technology_level"): {"target_era": "near_future_2050"},
    ("time_of_day", ""): {"target_time": "golden_hour_sunset"},
    ("time_of_day", "source_time"): {"target_time": "midday_overhead"},
    ("season", ""): {"target_season": "autumn_falling"},
    ("season", "source_season"): {"target_season": "summer_lush"},
    ("weather", ""): {"weather_type": "heavy_rain"},
    ("weather", "source_weather"): {"weather_type": "clear_sunny"},
    ("weather", "visibility"): {"weather_type": "overcast_gray"},
    ("mood_lighting", ""): {"target_mood": "dramatic_cinematic"},
    ("mood_lighting", "source_mood"): {"target_mood": "serene_calm"},
    ("color_grading", ""): {"target_palette": "neutral_balanced"},
    ("color_grading", "strength"): {"target_palette": "orange_teal"},
    ("artistic_medium", ""): {"target_medium": "oil_painting_thick"},
    ("artistic_medium", "source_medium"): {"target_medium": "photorealistic"},
    ("artistic_medium", "art_movement"): {"target_medium": "oil_painting_smooth"},
    ("atmospheric_effects", ""): {"effect_type": "snow_falling"},
    ("atmospheric_effects", "source_effect"): {"effect_type": "sparkles_magical"},
    ("atmospheric_effects", "color_tint"): {"effect_type": "fog_volumetric"},
    ("atmospheric_effects", "coverage"): {"effect_type": "fog_volumetric"},
}

_NIGHT = ("time_of_day", {"target_time": "night_moonlit"})
_SUNSET = ("color_grading", {"target_palette": "warm_sunset"})
_SEPIA = ("color_grading", {"target_palette": "sepia_vintage"})
_PAINT = ("artistic_medium", {"target_medium": "oil_painting_thick"})
_FOG = ("weather", {"weather_type": "fog_dense"})
_SNOW = ("atmospheric_effects", {"effect_type": "snow_falling", "intensity": "heavy"})
_MOOD = ("mood_lighting", {"target_mood": "ominous_dark"})
_STONE = ("architecture_style", {"target_style": "medieval_stone"})
_ERA = ("time_period", {"target_era": "cyberpunk_dystopia"})

# modifier: (the steps that it acts on, its default parameters)
MODIFIED = {
    "preserve_attribute": ((_NIGHT, _PAINT), {"attribute_type": "color"}),
    "exclude_region": ((_SEPIA,), {"region_type": "left_half"}),
    "conditional_transform": (
        (),
        {"condition": "weather is clear_sunny", "then_action": "color_grading:warm_sunset"},
    ),
    "preserve_object_category": ((_PAINT, _SEPIA), {"category": "people"}),
    "spatial_constraint": ((_SEPIA,), {"apply_to": "left_half"}),
    "sequence_transform": ((), {"steps": ["artistic_medium:oil_painting_thick", "rain_falling"]}),
    "parallel_transform": ((), {"actions": ["color_grading:warm_sunset", "weather:fog_dense"]}),
    "graduated_effect": (
        (),
        {"effect_type": "saturation", "gradient_direction": "left_to_right"},
    ),
    "layered_transformation": (
        (),
        {
            "base_layer": "color_grading:cool_blue",
            "overlay_layers": ["artistic_medium:charcoal_sketch"],
            "blend_modes": ["multiply"],
        },
    ),
    "selective_blend": (
        (_SEPIA, _PAINT),
        {"source_preserve_ratio": 0.3, "target_apply_ratio": 0.7},
    ),
}
# The steps on which a single value is shown, where others would not react to it.
_MODIFIED_FOR = {
    ("preserve_attribute", "mood"): (_MOOD, _SUNSET),
    ("preserve_attribute", "weather"): (_FOG, _SUNSET),
    ("preserve_attribute", "architecture"): (_STONE, _SUNSET),
    ("preserve_attribute", "technology"): (_ERA, _PAINT),
    ("preserve_attribute", "style"): (_PAINT, _SUNSET),
    ("spatial_constraint", "weather"): (_FOG, _SUNSET),
    ("spatial_constraint", "fog"): (_FOG, _SUNSET),
    ("spatial_constraint", "lighting"): (_NIGHT, _PAINT),
    ("spatial_constraint", "color"): (_SEPIA, _PAINT),
    ("spatial_constraint", "particles"): (_SNOW, _SUNSET),
    ("graduated_effect", "fog"): (_FOG,),
    ("graduated_effect", "lighting"): (_NIGHT,),
    ("graduated_effect", "color"): (_SEPIA,),
    ("graduated_effect", "particles"): (_SNOW,),
}
# The values of free texts, lists and objects.
_EXAMPLES = {
    ("conditional_transform", "condition"): (
        "weather is clear_sunny",
        "weather is fog_dense",
        "time_of_day != night_moonlit and weather in clear_sunny, partly_cloudy",
    ),
    ("conditional_transform", "then_action"): ("color_grading:warm_sunset", "weather:fog_dense"),
    ("conditional_transform", "then_parameters"): ({}, {"contrast": "dramatic"}),
    ("conditional_transform", "else_action"): ("", "weather:heavy_rain"),
    ("conditional_transform", "else_parameters"): ({}, {"intensity": "extreme"}),
    ("sequence_transform", "steps"): (
        ["artistic_medium:oil_painting_thick", "atmospheric_effects:rain_falling"],
        ["atmospheric_effects:rain_falling", "artistic_medium:oil_painting_thick"],
        ["sepia_vintage", "film_grain", "ink_brush"],
    ),
    ("parallel_transform", "actions"): (
        ["color_grading:warm_sunset", "weather:fog_dense"],
        ["time_of_day:night_moonlit", "atmospheric_effects:sparkles_magical"],
    ),
    ("layered_transformation", "base_layer"): (
        "color_grading:cool_blue",
        "artistic_medium:watercolor_flowing",
    ),
    ("layered_transformation", "overlay_layers"): (
        ["artistic_medium:charcoal_sketch"],
        ["artistic_medium:pen_ink_lines", "atmospheric_effects:bokeh_lights"],
    ),
    ("layered_transformation", "blend_modes"): (
        ["normal"],
        ["multiply"],
        ["screen"],
        ["overlay"],
        ["soft_light"],
        ["hard_light"],
        ["add"],
    ),
    ("layered_transformation", "layer_opacities"): ([0.0], [0.25], [0.5], [0.75], [1.0]),
}
# Parameters that have an effect only together with others of the same modifier.
_BESIDE = {
    ("preserve_attribute", "scope"): {"attribute_type": "color"},
    ("conditional_transform", "else_action"): {"condition": "weather is fog_dense"},
    ("conditional_transform", "else_parameters"): {
        "condition": "weather is fog_dense",
        "else_action": "weather:heavy_rain",
    },
    ("layered_transformation", "layer_opacities"): {"blend_modes": ["normal"]},
}
_CONTEXT = {"weather": "clear_sunny", "time_of_day": "midday_overhead"}
_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Row(NamedTuple):
    """A value of a parameter: its label and the plan that shows it."""

    label: str
    plan: Plan


class Section(NamedTuple):
    """A parameter: `rows` show its values, and `note` says on which target or steps."""

    tool: str
    parameter: str
    note: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """tool.parameter."""
        return f"{self.tool}.{self.parameter}"

    @property
    def kind(self) -> str:
        """ "target" of a dimension, "source" of one, or "other"."""
        spec = VOCABULARY[self.tool]
        if self.tool in DIMENSIONS and self.parameter in (spec.target, spec.source):
            return "target" if self.parameter == spec.target else "source"
        return "other"


def sections(only: str | None = None) -> list[Section]:
    """Every parameter that changes pictures, in the order of the vocabulary.

    Args:
      only: a tool ("weather") or a parameter of it ("weather.intensity"); None for all.

    Raises:
      InputError: `only` is neither a tool nor a parameter.
    """
    wanted, _, parameter = (only or "").partition(".")
    if wanted and wanted not in VOCABULARY:
        raise InputError(f"--only: no tool {wanted!r}; {nearest(wanted, VOCABULARY)}")
    if parameter and parameter not in VOCABULARY[wanted].parameters:
        fix = nearest(parameter, VOCABULARY[wanted].parameters)
        raise InputError(f"--only: {wanted} has no parameter {parameter!r}; {fix}")
    every = []
    for tool in VOCABULARY if not wanted else [wanted]:
        build = _modifier_section if tool in MODIFIERS else _dimension_section
        # The target first, and last the source, which shows the way back from a look.
        names = sorted(VOCABULARY[tool].parameters, key=lambda n: _rank(tool, n))
        every += [build(tool, name) for name in names if parameter in ("", name)]
    return [section for section in every if section.rows]


def _rank(tool: str, parameter: str) -> int:
    spec = VOCABULARY[tool]
    return {spec.target: 0, "strength": 2, spec.source: 3}.get(parameter, 1)


def _values(tool: str, name: str) -> tuple:
    """The values that the gallery shows; none for reasons and names of objects."""
    parameter = VOCABULARY[tool].parameters[name]
    if (tool, name) in _EXAMPLES:
        return _EXAMPLES[tool, name]
    if parameter.kind == "number":
        return _LEVELS
    return tuple(parameter.values) if parameter.kind in ("enum", "bool", "text") else ()


def _label(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_label, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_label(v)}" for k, v in value.items()) or "{}"
    return str(value) or "none"


def _plan(*steps: tuple[str, dict], context: dict | None = None) -> Plan:
    return Plan(context or {}, tuple(Step("", tool, parameters) for tool, parameters in steps))


def _dimension_section(tool: str, name: str) -> Section:
    spec = VOCABULARY[tool]
    if name == spec.target:
        rows = tuple(Row(v, _plan((tool, {name: v}))) for v in _values(tool, name))
        return Section(tool, name, "", rows)
    first = {spec.target: spec.parameters[spec.target].values[0]}
    on = SHOWN_ON.get((tool, name), SHOWN_ON.get((tool, ""), first))
    shown = on[spec.target]
    if name == spec.source:
        note = f"each look applied, then converted back to {shown}"
        rows = tuple(Row(v, _way_back(tool, v, on)) for v in _values(tool, name))
        return Section(tool, name, note, rows)
    rows = tuple(Row(_label(v), _plan((tool, {**on, name: v}))) for v in _values(tool, name))
    return Section(tool, name, f"on {shown}", rows)


def _way_back(tool: str, source: str, on: dict) -> Plan:
    spec = VOCABULARY[tool]
    back = (tool, {**on, spec.source: source})
    if source == UNKNOWN:
        return _plan(back)
    return _plan((tool, {spec.target: source}), back)


def _modifier_section(tool: str, name: str) -> Section:
    """Rows that act on the same steps follow a row of these steps alone."""
    steps, base = MODIFIED[tool]
    base = {**base, **_BESIDE.get((tool, name), {})}
    groups = {}
    for value in _values(tool, name):
        acted_on = _MODIFIED_FOR.get((tool, value) if isinstance(value, str) else None, steps)
        plan = _plan(*acted_on, (tool, {**base, name: value}), context=_CONTEXT)
        first = [Row(_names(acted_on), _plan(*acted_on))] if acted_on and name != "strength" else []
        groups.setdefault(_names(acted_on), first).append(Row(_label(value), plan))
    rows = tuple(row for group in groups.values() for row in group)
    return Section(tool, name, f"on {_names(steps)}" if len(groups) == 1 and steps else "", rows)


def _names(steps: tuple[tuple[str, dict], ...]) -> str:
    return " and ".join(next(iter(parameters.values())) for _, parameters in steps)
