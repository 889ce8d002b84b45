"""Looks of the light: time of day, season, weather and mood."""

from agentic_styling.tools.looks.recipe import AUTUMN, FRESH, ROSE, WITHERED, look

TIME_OF_DAY = {
    "pre_dawn": look(
        -0.7, -0.15, 0.1, -0.1, -0.6, black="#10121f", white="#7d83a8", sky=(0.7, "#6f6c92")
    ),
    "sunrise_golden": look(
        0.25,
        0.3,
        0.12,
        -0.15,
        0.1,
        black="#1c1014",
        white="#fff0d8",
        sky=(0.6, "#ffc9a0"),
        haze=(0.2, "#ffd8b8"),
    ),
    "morning_bright": look(0.4, -0.1, 0.0, -0.05, 0.12, sky=(0.35, "#cfe8ff"), top=0.1),
    "midday_overhead": look(0.5, 0.0, -0.02, 0.3, 0.15, sky=(0.3, "#4c9df0"), top=0.35),
    "afternoon_warm": look(
        0.15, 0.2, 0.0, 0.08, 0.08, white="#fffae6", sky=(0.2, "#ffecc4"), side=(0.2, 0.15, 0.05)
    ),
    "golden_hour_sunset": look(
        -0.15,
        0.55,
        0.05,
        -0.05,
        0.2,
        black="#120c1a",
        white="#ffedc0",
        sky=(0.75, "#ff9440"),
        side=(0.35, 0.2, 0.0),
    ),
    "dusk_twilight": look(
        -0.6, 0.1, 0.3, -0.05, -0.1, black="#120a1a", white="#b08fb4", sky=(0.7, "#a85f86")
    ),
    "blue_hour": look(
        -0.5, -0.5, 0.0, 0.0, 0.05, black="#060f24", white="#86a6e6", sky=(0.6, "#3a68bc")
    ),
    "night_moonlit": look(
        -1.3, -0.35, 0.0, 0.1, -0.7, black="#060a18", white="#8aa0cc", sky=(0.8, "#0e1c40"), top=0.2
    ),
    "midnight_dark": look(
        -1.8,
        -0.2,
        0.0,
        0.05,
        -0.9,
        black="#04050c",
        white="#666e90",
        sky=(0.9, "#06091a"),
        vignette=0.6,
    ),
}
SHADOW_DIRECTION = {
    "east": look(side=(-0.6, -0.6, -0.6)),
    "southeast": look(side=(-0.45, -0.45, -0.45), top=0.35),
    "south": look(top=0.6),
    "southwest": look(side=(0.45, 0.45, 0.45), top=0.35),
    "west": look(side=(0.6, 0.6, 0.6)),
    "overhead": look(top=0.3, contrast=0.15),
    "none": look(contrast=-0.25, exposure=0.1),
}

SEASON = {
    "spring_blooming": look(0.35, 0.0, 0.15, -0.08, 0.2, mix=FRESH, white="#fff6fa"),
    "summer_lush": look(0.1, 0.12, -0.12, 0.18, 0.35, sky=(0.2, "#58a8f0")),
    "autumn_falling": look(-0.1, 0.25, 0.0, 0.05, 0.15, mix=AUTUMN, haze=(0.1, "#e8c08a")),
    "winter_bare": look(
        0.15,
        -0.25,
        0.0,
        -0.05,
        -0.8,
        white="#eef4ff",
        ground=(0.5, "#eef3fa"),
        sky=(0.3, "#d5dde6"),
    ),
}
VEGETATION = {
    "blooming_flowers": look(mix=ROSE, saturation=0.1, exposure=0.1),
    "full_green": look(saturation=0.15, tint=-0.12),
    "autumn_colors": look(mix=AUTUMN),
    "bare_branches": look(saturation=-0.35, contrast=0.08),
    "evergreen": look(exposure=-0.15, tint=-0.15, warm=-0.08),
    "dead_withered": look(mix=WITHERED, saturation=-0.3),
}
GROUND_COVER = {
    "snow_covered": look(ground=(0.9, "#f0f5fb")),
    "autumn_leaves": look(ground=(0.5, "#b5622a")),
    "spring_flowers": look(ground=(0.4, "#e89abf")),
    "lush_grass": look(ground=(0.4, "#4f9a3a")),
    "dry_grass": look(ground=(0.45, "#c2a860")),
    "mud_wet": look(ground=(0.5, "#4a3826")),
}

WEATHER = {
    "clear_sunny": look(0.35, 0.1, 0.0, 0.22, 0.25, sky=(0.35, "#4fa0f2")),
    "partly_cloudy": look(0.05, 0.0, 0.0, -0.1, -0.1, sky=(0.6, "#e3eaf2")),
    "overcast_gray": look(-0.25, -0.06, 0.0, -0.3, -0.6, white="#e4e6e8", sky=(0.9, "#bcc1c6")),
    "light_rain": look(
        -0.4, -0.15, -0.03, -0.15, -0.4, sky=(0.6, "#98a4ae"), haze=(0.25, "#98a4ae")
    ),
    "heavy_rain": look(
        -0.7, -0.2, -0.03, -0.1, -0.7, white="#c8d0d6", haze=(0.5, "#7c8892"), sky=(0.5, "#6c7880")
    ),
    "thunderstorm": look(
        -1.1,
        -0.12,
        0.08,
        0.2,
        -0.5,
        black="#08080e",
        white="#b4b2c4",
        sky=(1.1, "#2a2a38"),
        vignette=0.4,
    ),
    "light_snow": look(0.3, -0.18, 0.0, -0.1, -0.4, haze=(0.2, "#e2e9f1"), ground=(0.5, "#f0f5fb")),
    "heavy_snow_blizzard": look(
        0.3, -0.15, 0.0, -0.2, -0.8, haze=(0.9, "#e6ecf3"), ground=(0.6, "#f4f8fc")
    ),
    "fog_dense": look(0.0, 0.0, 0.0, -0.1, -0.3, haze=(1.3, "#cdd0d2")),
    "mist_light": look(0.05, -0.05, 0.0, -0.1, -0.15, haze=(0.5, "#d9e2e6"), sky=(0.4, "#d9e2e6")),
    "sandstorm": look(-0.1, 0.4, 0.0, -0.1, -0.2, haze=(1.0, "#c48a48")),
    "hail": look(-0.35, -0.1, 0.0, 0.05, -0.55, haze=(0.3, "#aab6bc"), ground=(0.35, "#e0e8ec")),
}
VISIBILITY = {
    "clear": look(),
    "reduced": look(haze=(0.25, "#c8ccd0")),
    "poor": look(haze=(0.55, "#c8ccd0")),
    "very_poor": look(haze=(0.95, "#c8ccd0")),
}

MOOD = {
    "bright_cheerful": look(0.55, 0.08, 0.0, -0.05, 0.3, vignette=-0.2),
    "soft_cozy": look(0.1, 0.3, 0.02, -0.25, -0.05, black="#261a12", white="#fff2dc", vignette=0.3),
    "mysterious_shadowy": look(
        -0.8, -0.15, -0.12, 0.1, -0.4, black="#040a0c", white="#a8bcb8", vignette=0.9
    ),
    "dramatic_cinematic": look(
        -0.25,
        0.0,
        0.0,
        0.45,
        0.0,
        black="#030a10",
        white="#fff2e0",
        vignette=0.6,
        mix=((0.12, 0, -0.12), (0, 0, 0), (-0.12, 0, 0.12)),
    ),
    "ominous_dark": look(
        -1.3, 0.05, 0.05, 0.25, -0.6, black="#060404", white="#94888a", vignette=0.8
    ),
    "romantic_intimate": look(
        -0.05, 0.25, 0.25, -0.15, 0.1, black="#220e18", white="#ffe4e4", vignette=0.5
    ),
    "energetic_vibrant": look(0.2, 0.03, 0.0, 0.35, 0.6),
    "melancholic_somber": look(
        -0.45, -0.25, 0.0, -0.2, -0.6, black="#0e141c", white="#c4ccd8", vignette=0.2
    ),
    "whimsical_playful": look(0.35, 0.0, 0.22, -0.15, 0.45, black="#1c0c24", white="#fff4fc"),
    "nostalgic_sepia": look(
        0.05, 0.45, 0.0, -0.15, -0.9, black="#2a1c10", white="#f4e2bc", vignette=0.4
    ),
    "tense_suspenseful": look(
        -0.4, -0.1, -0.25, 0.4, -0.3, black="#020a08", white="#dce8d8", vignette=0.5
    ),
    "serene_calm": look(
        0.3, -0.2, -0.05, -0.3, -0.15, black="#101a20", white="#f0faff", haze=(0.15, "#d8ecf4")
    ),
    "eerie_unsettling": look(
        -0.55,
        -0.05,
        -0.4,
        0.1,
        -0.35,
        black="#06120a",
        white="#b8d0a8",
        vignette=0.5,
        haze=(0.15, "#6e8a6a"),
    ),
    "epic_grand": look(
        -0.1,
        0.2,
        0.0,
        0.3,
        0.3,
        black="#080c18",
        white="#ffeecb",
        sky=(0.35, "#e0a050"),
        vignette=0.3,
    ),
    "hopeful_uplifting": look(
        0.4, 0.25, 0.03, -0.1, 0.15, white="#fffaea", sky=(0.45, "#fff0c8"), top=0.3
    ),
}
ACCENT = {
    "neon_signs": look(side=(0.7, -0.3, 0.1), tint=0.2, warm=-0.15, saturation=0.3),
    "candlelit_warm": look(-0.2, 0.45, 0.0, vignette=0.5),
    "spotlight_dramatic": look(0.4, vignette=1.4),
    "rim_lighting": look(-0.1, contrast=0.25, vignette=-0.5),
    "backlit_silhouette": look(-0.6, contrast=0.4, top=0.7),
    "god_rays": look(0.1, 0.1, top=0.5, sky=(0.4, "#fff2cc"), side=(0.3, 0.28, 0.2)),
    "volumetric_fog_light": look(haze=(0.5, "#e0e4ea"), top=0.3),
    "colored_gels": look(side=(0.8, 0.0, -0.8)),
    "practical_lights": look(-0.15, 0.25, contrast=0.1, ground=(0.2, "#ffc070")),
    "ambient_glow": look(0.25, 0.08, contrast=-0.25, haze=(0.15, "#ffe8d0")),
}
SHADOW_DEPTH = {
    "none": look(0.2, contrast=-0.3, black="#202020"),
    "soft": look(0.1, contrast=-0.12, black="#0c0c0c"),
    "moderate": look(),
    "deep": look(-0.15, contrast=0.15),
    "dramatic": look(-0.3, contrast=0.3, vignette=0.3),
}
