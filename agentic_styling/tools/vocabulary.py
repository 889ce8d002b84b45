"""What a plan may say: the tools, their parameters, and the values of each.

Names and values are those of the published action space. Added here: `strength` on every tool,
"unknown" as the default of every source, a source for weather and atmospheric_effects, and "auto"
(what the target implies) where the published file gives no default.
"""

from typing import NamedTuple

UNKNOWN = "unknown"
AUTO = "auto"


class Parameter(NamedTuple):
    """One parameter: kind "enum", "bool", "number" or "text".

    values: every value of an enum or bool, the known words of a text (other text is accepted), the
    (low, high) of a number. default: None where the parameter is required.
    """

    name: str
    kind: str
    values: tuple
    default: object


class Tool(NamedTuple):
    """One tool. `target`: its required parameter; `source`: the look it leaves, or None."""

    name: str
    parameters: dict[str, Parameter]
    target: str
    source: str | None


_TARGET_LOCATION = """
    urban_city suburban_neighborhood rural_village industrial_zone commercial_district
    beach_coast tropical_island ocean_open_water underwater_reef arctic_ice forest_temperate
    jungle_tropical desert_sand mountain_rocky canyon_valley plains_grassland swamp_wetland
    cave_underground volcano_lava space_station alien_planet fantasy_castle medieval_town
    cyberpunk_city post_apocalyptic haunted_mansion temple_shrine palace_interior office_modern
    bedroom_interior
"""
_TARGET_STYLE = """
    modern_minimalist contemporary_glass brutalist_concrete art_deco_geometric victorian_ornate
    medieval_stone renaissance_classical baroque_elaborate japanese_traditional moroccan_islamic
    greek_classical roman_imperial gothic_cathedral industrial_warehouse steampunk_mechanical
    cyberpunk_neon futuristic_sleek organic_biomorphic fantasy_magical ruins_ancient
"""
_MATERIAL_TYPE = """
    stone wood metal glass concrete brick marble mixed
"""
_TARGET_ERA = """
    prehistoric_stone_age ancient_classical medieval_dark_ages renaissance_1500s baroque_1700s
    victorian_1800s art_nouveau_1900s art_deco_1920s mid_century_1950s contemporary_2000s
    near_future_2050 far_future_2200 cyberpunk_dystopia steampunk_alternate
    solarpunk_green_future
"""
_TARGET_TIME = """
    pre_dawn sunrise_golden morning_bright midday_overhead afternoon_warm golden_hour_sunset
    dusk_twilight blue_hour night_moonlit midnight_dark
"""
_SHADOW_DIRECTION = """
    east southeast south southwest west overhead none
"""
_VEGETATION_STATE = """
    blooming_flowers full_green autumn_colors bare_branches evergreen dead_withered
"""
_GROUND_COVER = """
    snow_covered autumn_leaves spring_flowers lush_grass dry_grass mud_wet
"""
_WEATHER_TYPE = """
    clear_sunny partly_cloudy overcast_gray light_rain heavy_rain thunderstorm light_snow
    heavy_snow_blizzard fog_dense mist_light sandstorm hail
"""
_TARGET_MOOD = """
    bright_cheerful soft_cozy mysterious_shadowy dramatic_cinematic ominous_dark
    romantic_intimate energetic_vibrant melancholic_somber whimsical_playful nostalgic_sepia
    tense_suspenseful serene_calm eerie_unsettling epic_grand hopeful_uplifting
"""
_ACCENT_LIGHTING = """
    neon_signs candlelit_warm spotlight_dramatic rim_lighting backlit_silhouette god_rays
    volumetric_fog_light colored_gels practical_lights ambient_glow
"""
_TARGET_PALETTE = """
    warm_sunset cool_blue neutral_balanced monochrome_bw sepia_vintage pastel_soft neon_electric
    earth_natural jewel_rich desaturated_muted high_contrast low_contrast golden_hour blue_hour
    orange_teal purple_pink green_nature red_dramatic
"""
_TARGET_MEDIUM = """
    photorealistic hyperrealistic film_photography oil_painting_thick oil_painting_smooth
    watercolor_flowing watercolor_dry acrylic_painting gouache ink_brush pen_ink_lines
    pencil_sketch charcoal_sketch pastel_drawing digital_painting vector_art 3d_rendered
    low_poly pixel_art anime_cel_shaded cartoon_illustrated collage_mixed_media
"""
_ART_MOVEMENT = """
    impressionism post_impressionism expressionism fauvism cubism surrealism
    abstract_expressionism pop_art minimalism art_nouveau art_deco baroque renaissance none
"""
_EFFECT_TYPE = """
    dust_particles smoke_haze fog_volumetric mist_ground steam_rising rain_falling snow_falling
    leaves_falling petals_floating ash_embers sparkles_magical glowing_aura energy_particles
    light_beams_godrays lens_flare bokeh_lights motion_blur speed_lines lens_distortion
    film_grain holographic_glitch digital_artifacts cracks_damage debris_floating
    bioluminescence
"""
_ATTRIBUTE_TYPE = """
    lighting color texture objects style architecture mood weather technology
"""
_REGION_TYPE = """
    indoor outdoor foreground background left_half right_half top_half bottom_half center edges
"""

_COLORS = """
    auto red orange amber gold yellow green teal cyan blue navy violet purple magenta pink brown
    white gray black
"""
_TECHNIQUES = "auto impasto glazing wet_on_wet dry_brush hatching stippling blending"

DIMENSIONS = (
    "location_setting",
    "architecture_style",
    "time_period",
    "time_of_day",
    "season",
    "weather",
    "mood_lighting",
    "color_grading",
    "artistic_medium",
    "atmospheric_effects",
)
MODIFIERS = ("preserve_attribute", "exclude_region")
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


def _text(name: str, values: str, default: str) -> Parameter:
    return Parameter(name, "text", tuple(values.split()), default)


_STRENGTH = Parameter("strength", "number", (0.0, 1.0), 1.0)


def _tool(name: str, *parameters: Parameter, source: str | None = None) -> Tool:
    """A tool whose first parameter is the target; `source` has its values and "unknown"."""
    target = parameters[0]
    if source:
        values = (UNKNOWN, *target.values)
        parameters = (Parameter(source, "enum", values, UNKNOWN), *parameters)
    return Tool(name, {p.name: p for p in (*parameters, _STRENGTH)}, target.name, source)


_TOOLS = (
    _tool(
        "location_setting",
        _enum("target_location", _TARGET_LOCATION, None),
        _enum("replace_mode", "partial complete", "complete"),
        _bool("preserve_foreground"),
        source="source_location",
    ),
    _tool(
        "architecture_style",
        _enum("target_style", _TARGET_STYLE, None),
        _enum("detail_level", "minimal moderate ornate", "moderate"),
        _enum("material_type", _MATERIAL_TYPE, "mixed"),
        source="source_style",
    ),
    _tool(
        "time_period",
        _enum("target_era", _TARGET_ERA, None),
        _enum("technology_level", "none low medium high advanced", "medium"),
        _enum("period_accuracy", "stylized historically_accurate", "stylized"),
        source="source_era",
    ),
    _tool(
        "time_of_day",
        _enum("target_time", _TARGET_TIME, None),
        _text("sky_color", _COLORS, AUTO),
        _auto("shadow_direction", _SHADOW_DIRECTION),
        source="source_time",
    ),
    _tool(
        "season",
        _enum("target_season", "spring_blooming summer_lush autumn_falling winter_bare", None),
        _auto("vegetation_state", _VEGETATION_STATE),
        _auto("ground_cover", _GROUND_COVER),
        source="source_season",
    ),
    _tool(
        "weather",
        _enum("weather_type", _WEATHER_TYPE, None),
        _enum("intensity", "light moderate heavy extreme", "moderate"),
        _enum("visibility", "clear reduced poor very_poor", "clear"),
        _bool("active_precipitation"),
        source="source_weather",
    ),
    _tool(
        "mood_lighting",
        _enum("target_mood", _TARGET_MOOD, None),
        _auto("accent_lighting", _ACCENT_LIGHTING),
        _enum("shadow_depth", "none soft moderate deep dramatic", "moderate"),
        source="source_mood",
    ),
    _tool(
        "color_grading",
        _enum("target_palette", _TARGET_PALETTE, None),
        _enum("saturation", "desaturated neutral enhanced hyper_saturated", "neutral"),
        _enum("contrast", "low normal high dramatic", "normal"),
        _enum("temperature", "cool neutral warm extreme_cool extreme_warm", "neutral"),
        source="source_palette",
    ),
    _tool(
        "artistic_medium",
        _enum("target_medium", _TARGET_MEDIUM, None),
        _text("technique", _TECHNIQUES, AUTO),
        _enum("art_movement", _ART_MOVEMENT, "none"),
        _enum("texture_visibility", "none subtle moderate prominent", "moderate"),
        source="source_medium",
    ),
    _tool(
        "atmospheric_effects",
        _enum("effect_type", _EFFECT_TYPE, None),
        _enum("intensity", "subtle moderate heavy extreme", "moderate"),
        _enum("coverage", "localized widespread full_scene", "widespread"),
        _text("color_tint", _COLORS, AUTO),
        source="source_effect",
    ),
    _tool(
        "preserve_attribute",
        _enum("attribute_type", _ATTRIBUTE_TYPE, None),
        _enum("scope", "global foreground_only background_only specific_object", "global"),
        _text("target_object", "", ""),
        _text("reason", "", ""),
    ),
    _tool(
        "exclude_region",
        _enum("region_type", _REGION_TYPE, None),
        _text("exclusion_reason", "", ""),
        _bool("preserve_fully"),
    ),
)
VOCABULARY = {tool.name: tool for tool in _TOOLS}
