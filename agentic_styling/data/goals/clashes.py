"""Options that contradict each other: no goal asks for both."""

from agentic_styling.data.goals.goals import COLOURLESS

_SNOW = {"weather": {"light_snow", "heavy_snow_blizzard"}, "atmospheric_effects": {"snow_falling"}}
_COLOURLESS = {
    "color_grading": {"monochrome_bw", "sepia_vintage"},
    "artistic_medium": COLOURLESS,
}
# Each row: what is in the first cannot be had with what is in the second.
CLASHES = (
    (
        {
            "time_of_day": {
                "pre_dawn",
                "dusk_twilight",
                "blue_hour",
                "night_moonlit",
                "midnight_dark",
            },
            "mood_lighting": {"ominous_dark", "eerie_unsettling"},
            "atmospheric_effects": {"rain_falling", "snow_falling", "fog_volumetric"},
        },
        {"weather": {"clear_sunny"}},
    ),
    (
        {"time_of_day": {"night_moonlit", "midnight_dark"}},
        {"mood_lighting": {"bright_cheerful"}, "color_grading": {"golden_hour", "pastel_soft"}},
    ),
    (
        {"time_of_day": {"morning_bright", "midday_overhead"}},
        {"mood_lighting": {"ominous_dark"}, "color_grading": {"blue_hour"}},
    ),
    (
        {"time_of_day": {"sunrise_golden", "afternoon_warm", "golden_hour_sunset"}},
        {"color_grading": {"blue_hour", "cool_blue"}},
    ),
    ({"season": {"spring_blooming", "summer_lush"}}, _SNOW),
    (
        {"season": {"spring_blooming", "summer_lush", "winter_bare"}},
        {"atmospheric_effects": {"leaves_falling"}},
    ),
    (
        {"season": {"autumn_falling", "winter_bare"}},
        {"atmospheric_effects": {"petals_floating"}},
    ),
    ({"location_setting": {"desert_sand", "volcano_lava", "tropical_island"}}, _SNOW),
    (
        {"location_setting": {"arctic_ice"}},
        {
            "season": {"spring_blooming", "summer_lush", "autumn_falling"},
            "weather": {"sandstorm", "light_rain", "heavy_rain"},
        },
    ),
    (
        {"location_setting": {"underwater_reef", "cave_underground", "space_station"}},
        {
            "season": {"spring_blooming", "summer_lush", "autumn_falling", "winter_bare"},
            "weather": {"clear_sunny", "overcast_gray", "light_rain", "heavy_rain", "light_snow"}
            | {"thunderstorm", "heavy_snow_blizzard", "sandstorm"},
        },
    ),
    (
        _COLOURLESS,
        {
            "season": {"spring_blooming", "summer_lush", "autumn_falling"},
            "time_of_day": {"sunrise_golden", "golden_hour_sunset"},
            "mood_lighting": {"energetic_vibrant", "nostalgic_sepia"},
            "architecture_style": {"cyberpunk_neon"},
            "location_setting": {"cyberpunk_city"},
            "atmospheric_effects": {"bioluminescence", "holographic_glitch"},
        },
    ),
    (
        {"artistic_medium": COLOURLESS},
        {
            "color_grading": {"warm_sunset", "cool_blue", "pastel_soft", "neon_electric"}
            | {"earth_natural", "jewel_rich", "golden_hour", "blue_hour", "orange_teal"}
            | {"purple_pink", "green_nature", "red_dramatic"}
        },
    ),
    ({"color_grading": {"desaturated_muted"}}, {"mood_lighting": {"energetic_vibrant"}}),
    ({"color_grading": {"high_contrast"}}, {"weather": {"fog_dense", "mist_light"}}),
    (
        {"mood_lighting": {"serene_calm", "bright_cheerful"}},
        {
            "weather": {"heavy_rain", "thunderstorm", "heavy_snow_blizzard", "sandstorm", "hail"},
            "atmospheric_effects": {"motion_blur", "speed_lines"},
        },
    ),
    ({"mood_lighting": {"bright_cheerful"}}, {"weather": {"overcast_gray", "fog_dense"}}),
    (
        {"atmospheric_effects": {"lens_flare", "light_beams_godrays"}},
        {"weather": {"overcast_gray", "fog_dense"}, "time_of_day": {"midnight_dark"}},
    ),
    (
        {"weather": {"clear_sunny", "light_rain", "heavy_rain", "sandstorm"}},
        {"atmospheric_effects": {"snow_falling"}},
    ),
)


def clash(targets: dict[str, str]) -> tuple[str, str] | None:
    """The first two options of `targets` that contradict each other, or None."""
    for one, other in CLASHES:
        for here, there in ((a, b) for a in one for b in other if a != b):
            if targets.get(here) in one[here] and targets.get(there) in other[there]:
                return targets[here], targets[there]
    return None
