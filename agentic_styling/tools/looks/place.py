"""Looks of a place: location, architecture and time period, each as palette, light and film.

A pixel transform cannot build a place; these are the colours and the light expected there.
"""

from agentic_styling.tools.looks.recipe import AUTUMN, FRESH, ROSE, TEAL_ORANGE, WITHERED, look

LOCATION = {
    "urban_city": look(-0.1, -0.1, 0.0, 0.2, -0.25, haze=(0.1, "#a8b0b8")),
    "suburban_neighborhood": look(0.2, 0.08, -0.05, 0.0, 0.1, sky=(0.25, "#a8d4f8")),
    "rural_village": look(0.05, 0.2, -0.1, -0.05, 0.1, ground=(0.2, "#a89858")),
    "industrial_zone": look(
        -0.3, 0.05, -0.12, 0.15, -0.55, white="#e0dccc", haze=(0.35, "#98927e")
    ),
    "commercial_district": look(0.15, 0.0, 0.1, 0.2, 0.3, ground=(0.15, "#d8c8e0")),
    "beach_coast": look(
        0.4, 0.1, -0.03, -0.05, 0.15, sky=(0.4, "#8fd0f0"), ground=(0.45, "#f0d8a8")
    ),
    "tropical_island": look(
        0.35, 0.0, -0.15, 0.15, 0.5, sky=(0.35, "#38b4e8"), ground=(0.3, "#38d0c0")
    ),
    "ocean_open_water": look(
        0.05, -0.3, -0.08, 0.05, 0.05, sky=(0.3, "#9cc8e8"), ground=(0.7, "#1c5a8c")
    ),
    "underwater_reef": look(
        -0.3,
        -0.55,
        -0.3,
        -0.1,
        0.1,
        black="#02121c",
        white="#90e8f0",
        haze=(0.7, "#1088a8"),
        top=0.5,
    ),
    "arctic_ice": look(
        0.4, -0.3, -0.03, 0.05, -0.6, white="#f0f8ff", sky=(0.4, "#c8e0f4"), ground=(0.7, "#e8f4ff")
    ),
    "forest_temperate": look(-0.35, 0.0, -0.25, 0.05, 0.0, mix=FRESH, haze=(0.15, "#9cb890")),
    "jungle_tropical": look(
        -0.4, 0.1, -0.28, 0.2, 0.2, mix=FRESH, black="#04100a", ground=(0.3, "#1e5a26")
    ),
    "desert_sand": look(
        0.25, 0.4, 0.0, 0.1, 0.0, mix=AUTUMN, haze=(0.25, "#e8c080"), ground=(0.4, "#dca860")
    ),
    "mountain_rocky": look(
        0.0, -0.15, 0.0, 0.3, -0.2, sky=(0.5, "#88a8cc"), ground=(0.3, "#7c7a76")
    ),
    "canyon_valley": look(
        -0.05, 0.5, 0.08, 0.25, 0.15, mix=AUTUMN, ground=(0.4, "#b0542c"), sky=(0.2, "#78b0e0")
    ),
    "plains_grassland": look(
        0.2, 0.15, -0.15, 0.0, 0.15, sky=(0.3, "#b0d8f4"), ground=(0.4, "#b0b050")
    ),
    "swamp_wetland": look(
        -0.55, 0.08, -0.2, -0.15, -0.25, black="#0e120a", white="#c8cca0", haze=(0.4, "#7c8460")
    ),
    "cave_underground": look(
        -1.3, 0.15, 0.0, 0.15, -0.5, black="#080604", white="#b09878", vignette=1.2
    ),
    "volcano_lava": look(
        -0.7,
        0.6,
        0.05,
        0.4,
        0.2,
        black="#140404",
        white="#ffb070",
        ground=(0.6, "#c83010"),
        sky=(0.6, "#38201c"),
    ),
    "space_station": look(
        -0.4, -0.3, 0.0, 0.4, -0.5, black="#04060a", white="#dceaff", sky=(0.6, "#080c18"), top=0.2
    ),
    "alien_planet": look(
        -0.15, 0.1, 0.45, 0.1, 0.3, mix=ROSE, sky=(0.7, "#7038a0"), ground=(0.3, "#30a088")
    ),
    "fantasy_castle": look(
        0.15, 0.1, 0.25, -0.05, 0.3, black="#180c28", white="#fff0f4", sky=(0.4, "#c8a0f0")
    ),
    "medieval_town": look(
        -0.25, 0.3, 0.0, 0.0, -0.35, black="#160e06", white="#ecd8b0", haze=(0.2, "#a89070")
    ),
    "cyberpunk_city": look(
        -0.7,
        -0.25,
        0.35,
        0.3,
        0.5,
        black="#080418",
        white="#e0c8ff",
        side=(0.7, -0.2, -0.3),
        sky=(0.5, "#241048"),
    ),
    "post_apocalyptic": look(
        -0.25, 0.3, -0.05, 0.25, -0.8, mix=WITHERED, white="#e8d0a0", haze=(0.45, "#a08058")
    ),
    "haunted_mansion": look(
        -1.0,
        -0.2,
        -0.1,
        0.1,
        -0.7,
        black="#08080c",
        white="#98a0a8",
        haze=(0.25, "#485058"),
        vignette=0.8,
    ),
    "temple_shrine": look(
        -0.05, 0.25, 0.12, 0.15, 0.15, black="#140606", white="#ffe8c8", ground=(0.25, "#a02818")
    ),
    "palace_interior": look(
        0.15, 0.4, 0.0, 0.15, 0.2, black="#180e04", white="#fff0c0", vignette=0.35
    ),
    "office_modern": look(0.4, -0.2, -0.06, 0.05, -0.45, black="#0c1014", white="#f6fcff"),
    "bedroom_interior": look(
        0.1, 0.3, 0.05, -0.3, -0.15, black="#281c18", white="#fff0e0", vignette=0.25
    ),
}

ARCHITECTURE = {
    "modern_minimalist": look(0.5, -0.05, 0.0, -0.1, -0.55, black="#101214", vignette=-0.15),
    "contemporary_glass": look(0.2, -0.3, -0.05, 0.2, -0.05, sky=(0.4, "#9cd0f0"), white="#f0faff"),
    "brutalist_concrete": look(-0.15, -0.04, 0.0, 0.3, -0.9, white="#d8d8d4"),
    "art_deco_geometric": look(
        -0.1, 0.3, 0.0, 0.4, 0.0, black="#08060c", white="#fff0b8", vignette=0.3
    ),
    "victorian_ornate": look(
        -0.35, 0.25, 0.15, 0.1, -0.2, black="#1a0c10", white="#ecd4b8", vignette=0.4
    ),
    "medieval_stone": look(
        -0.35, 0.08, -0.03, 0.05, -0.6, black="#0c0c0a", white="#ccc8b8", haze=(0.15, "#88867c")
    ),
    "renaissance_classical": look(
        0.05, 0.3, 0.0, -0.05, 0.0, black="#20160c", white="#f8e8c4", side=(-0.25, -0.22, -0.15)
    ),
    "baroque_elaborate": look(
        -0.35,
        0.4,
        0.02,
        0.45,
        0.15,
        black="#140a02",
        white="#ffe09c",
        side=(-0.4, -0.35, -0.2),
        vignette=0.5,
    ),
    "japanese_traditional": look(
        0.1, 0.08, -0.12, -0.2, -0.3, black="#14140c", white="#f6f2dc", haze=(0.15, "#e0e0d0")
    ),
    "moroccan_islamic": look(
        0.1, 0.35, 0.12, 0.15, 0.35, mix=TEAL_ORANGE, ground=(0.25, "#c86838"), white="#fff0d8"
    ),
    "greek_classical": look(0.5, 0.02, 0.0, 0.15, 0.0, sky=(0.45, "#3c8ce0"), white="#fffef8"),
    "roman_imperial": look(0.1, 0.2, 0.1, 0.2, -0.1, black="#180806", ground=(0.25, "#b88058")),
    "gothic_cathedral": look(
        -0.9, -0.15, 0.12, 0.3, -0.3, black="#06060e", white="#a8a8cc", vignette=0.7, top=0.4
    ),
    "industrial_warehouse": look(
        -0.3, 0.15, -0.1, 0.3, -0.5, black="#0e0c08", white="#dcd0b8", ground=(0.25, "#5c4c3c")
    ),
    "steampunk_mechanical": look(
        -0.4,
        0.5,
        0.05,
        0.3,
        -0.3,
        black="#180e04",
        white="#f0c080",
        haze=(0.2, "#907048"),
        vignette=0.4,
    ),
    "cyberpunk_neon": look(
        -0.7, -0.3, 0.4, 0.35, 0.6, black="#0a0420", white="#f0c8ff", side=(0.6, -0.3, -0.4)
    ),
    "futuristic_sleek": look(0.3, -0.35, -0.05, 0.3, -0.3, black="#040c14", white="#e8f8ff"),
    "organic_biomorphic": look(
        0.15, 0.1, -0.3, -0.1, 0.15, mix=FRESH, black="#0c1408", white="#f8fce8"
    ),
    "fantasy_magical": look(
        0.1, -0.1, 0.45, 0.0, 0.45, mix=ROSE, black="#140830", white="#fce8ff", vignette=0.3
    ),
    "ruins_ancient": look(
        0.0,
        0.2,
        -0.1,
        -0.2,
        -0.55,
        mix=WITHERED,
        black="#1c1810",
        white="#e8dcc0",
        haze=(0.3, "#c0b090"),
    ),
}
DETAIL_LEVEL = {
    "minimal": look(contrast=-0.15, saturation=-0.15),
    "moderate": look(),
    "ornate": look(contrast=0.15, saturation=0.15),
}
MATERIAL = {
    "stone": look(saturation=-0.25, white="#e4e2dc"),
    "wood": look(warm=0.25, exposure=-0.1),
    "metal": look(warm=-0.12, contrast=0.25, saturation=-0.2),
    "glass": look(warm=-0.15, exposure=0.2, tint=-0.08),
    "concrete": look(saturation=-0.45, black="#141414"),
    "brick": look(warm=0.2, tint=0.12),
    "marble": look(exposure=0.3, saturation=-0.2, contrast=0.05),
    "mixed": look(),
}

TIME_PERIOD = {
    "prehistoric_stone_age": look(
        -0.3, 0.35, -0.08, 0.2, -0.2, mix=WITHERED, black="#120a04", white="#f0d8a8"
    ),
    "ancient_classical": look(0.3, 0.2, 0.0, 0.05, -0.1, white="#fff4d8", sky=(0.3, "#78b4e0")),
    "medieval_dark_ages": look(
        -0.8, 0.1, -0.05, 0.1, -0.6, black="#0a0806", white="#b4a890", vignette=0.5
    ),
    "renaissance_1500s": look(
        -0.15, 0.35, 0.0, 0.05, 0.05, black="#1e1408", white="#f4dca4", vignette=0.4
    ),
    "baroque_1700s": look(
        -0.5,
        0.4,
        0.05,
        0.45,
        0.15,
        black="#120802",
        white="#fcd48c",
        side=(-0.4, -0.35, -0.25),
        vignette=0.6,
    ),
    "victorian_1800s": look(
        -0.1, 0.25, 0.0, 0.0, -1.4, black="#241a10", white="#e8d8b8", vignette=0.6
    ),
    "art_nouveau_1900s": look(
        0.1, 0.12, -0.15, -0.2, 0.05, mix=FRESH, black="#1a1a0c", white="#f4f0d0"
    ),
    "art_deco_1920s": look(
        -0.05, 0.2, 0.0, 0.45, -0.9, black="#0a0806", white="#fcecc0", vignette=0.3
    ),
    "mid_century_1950s": look(
        0.2, 0.2, 0.1, -0.1, 0.25, mix=TEAL_ORANGE, black="#281814", white="#fff4dc"
    ),
    "contemporary_2000s": look(0.2, -0.03, 0.0, 0.2, 0.2),
    "near_future_2050": look(0.3, -0.25, -0.03, 0.1, -0.2, black="#060e14", white="#f0faff"),
    "far_future_2200": look(
        0.0, -0.45, 0.15, 0.3, 0.1, black="#080824", white="#dcecff", sky=(0.4, "#6070d8")
    ),
    "cyberpunk_dystopia": look(
        -0.75, -0.2, 0.4, 0.35, 0.5, black="#0c0420", white="#e8c0f8", side=(0.5, -0.3, -0.4)
    ),
    "steampunk_alternate": look(
        -0.35, 0.55, 0.03, 0.25, -0.35, black="#1a0e04", white="#ecc088", haze=(0.2, "#8c6c40")
    ),
    "solarpunk_green_future": look(
        0.35, 0.12, -0.3, 0.0, 0.4, mix=FRESH, white="#fcfff0", sky=(0.3, "#90e0e0")
    ),
}
TECHNOLOGY = {
    "none": look(warm=0.12, saturation=-0.15),
    "low": look(warm=0.06, saturation=-0.07),
    "medium": look(),
    "high": look(warm=-0.08, contrast=0.07),
    "advanced": look(warm=-0.16, contrast=0.14, saturation=0.08),
}
ACCURACY = {"stylized": look(), "historically_accurate": look(saturation=-0.2, contrast=-0.08)}
