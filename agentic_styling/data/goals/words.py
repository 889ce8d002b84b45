"""Options in plain words: what a person would call them in a goal, a reason or an instruction."""

NOUNS = {
    "location_setting": {
        "urban_city": "a busy city",
        "suburban_neighborhood": "a quiet suburb",
        "rural_village": "a country village",
        "industrial_zone": "an industrial yard",
        "commercial_district": "a shopping street",
        "beach_coast": "a sandy beach",
        "tropical_island": "a tropical island",
        "ocean_open_water": "the open ocean",
        "underwater_reef": "an underwater reef",
        "arctic_ice": "arctic ice",
        "forest_temperate": "a green forest",
        "jungle_tropical": "a tropical jungle",
        "desert_sand": "a sandy desert",
        "mountain_rocky": "rocky mountains",
        "canyon_valley": "a red canyon",
        "plains_grassland": "open grassland",
        "swamp_wetland": "a dim swamp",
        "cave_underground": "a deep cave",
        "volcano_lava": "a lava field",
        "space_station": "a space station",
        "alien_planet": "an alien planet",
        "fantasy_castle": "a fantasy castle",
        "medieval_town": "a medieval town",
        "cyberpunk_city": "a cyberpunk city",
        "post_apocalyptic": "a ruined wasteland",
        "haunted_mansion": "a haunted mansion",
        "temple_shrine": "a temple shrine",
        "palace_interior": "a palace hall",
        "office_modern": "a modern office",
        "bedroom_interior": "a warm bedroom",
    },
    "architecture_style": {
        "modern_minimalist": "modern minimalism",
        "contemporary_glass": "clear modern glass",
        "brutalist_concrete": "brutalist concrete",
        "art_deco_geometric": "art deco geometry",
        "victorian_ornate": "ornate Victorian style",
        "medieval_stone": "medieval stone",
        "renaissance_classical": "Renaissance classicism",
        "baroque_elaborate": "elaborate baroque",
        "japanese_traditional": "traditional Japanese style",
        "moroccan_islamic": "Moroccan style",
        "greek_classical": "Greek marble",
        "roman_imperial": "imperial Roman style",
        "gothic_cathedral": "a Gothic cathedral",
        "industrial_warehouse": "an industrial warehouse",
        "steampunk_mechanical": "steampunk machinery",
        "cyberpunk_neon": "cyberpunk neon",
        "futuristic_sleek": "sleek futurism",
        "organic_biomorphic": "organic forms",
        "fantasy_magical": "magical fantasy",
        "ruins_ancient": "ancient ruins",
    },
    "time_period": {
        "prehistoric_stone_age": "the Stone Age",
        "ancient_classical": "the ancient world",
        "medieval_dark_ages": "the Dark Ages",
        "renaissance_1500s": "the Renaissance",
        "baroque_1700s": "the baroque age",
        "victorian_1800s": "the Victorian age",
        "art_nouveau_1900s": "art nouveau days",
        "art_deco_1920s": "the art deco twenties",
        "mid_century_1950s": "the fifties",
        "contemporary_2000s": "the present day",
        "near_future_2050": "the near future",
        "far_future_2200": "the far future",
        "cyberpunk_dystopia": "a cyberpunk dystopia",
        "steampunk_alternate": "a steampunk age",
        "solarpunk_green_future": "a solarpunk future",
    },
    "time_of_day": {
        "pre_dawn": "the light before dawn",
        "sunrise_golden": "a golden sunrise",
        "morning_bright": "bright morning light",
        "midday_overhead": "midday light",
        "afternoon_warm": "warm afternoon light",
        "golden_hour_sunset": "a golden-hour sunset",
        "dusk_twilight": "dusky twilight",
        "blue_hour": "blue-hour light",
        "night_moonlit": "a moonlit night",
        "midnight_dark": "dark midnight",
    },
    "season": {
        "spring_blooming": "blooming spring",
        "summer_lush": "lush summer",
        "autumn_falling": "golden autumn",
        "winter_bare": "bare winter",
    },
    "weather": {
        "clear_sunny": "clear sunshine",
        "partly_cloudy": "broken cloud",
        "overcast_gray": "grey overcast",
        "light_rain": "light rain",
        "heavy_rain": "heavy rain",
        "thunderstorm": "a thunderstorm",
        "light_snow": "light snow",
        "heavy_snow_blizzard": "a heavy blizzard",
        "fog_dense": "dense fog",
        "mist_light": "light mist",
        "sandstorm": "a sandstorm",
        "hail": "pelting hail",
    },
    "mood_lighting": {
        "bright_cheerful": "a bright, cheerful mood",
        "soft_cozy": "a soft, cosy mood",
        "mysterious_shadowy": "a mysterious, shadowy mood",
        "dramatic_cinematic": "a dramatic film mood",
        "ominous_dark": "a dark, ominous mood",
        "romantic_intimate": "a romantic mood",
        "energetic_vibrant": "a vibrant, energetic mood",
        "melancholic_somber": "a somber, melancholy mood",
        "whimsical_playful": "a playful, whimsical mood",
        "nostalgic_sepia": "a nostalgic mood",
        "tense_suspenseful": "a tense mood",
        "serene_calm": "a calm, serene mood",
        "eerie_unsettling": "an eerie mood",
        "epic_grand": "a grand, epic mood",
        "hopeful_uplifting": "a hopeful mood",
    },
    "color_grading": {
        "warm_sunset": "warm sunset colours",
        "cool_blue": "cool blues",
        "neutral_balanced": "neutral colours",
        "monochrome_bw": "black and white",
        "sepia_vintage": "vintage sepia",
        "pastel_soft": "soft pastels",
        "neon_electric": "electric neon colours",
        "earth_natural": "natural earth tones",
        "jewel_rich": "rich jewel tones",
        "desaturated_muted": "muted colours",
        "high_contrast": "high contrast",
        "low_contrast": "low contrast",
        "golden_hour": "golden tones",
        "blue_hour": "blue-hour tones",
        "orange_teal": "orange and teal",
        "purple_pink": "purple and pink",
        "green_nature": "nature greens",
        "red_dramatic": "dramatic reds",
    },
    "artistic_medium": {
        "photorealistic": "a plain photograph",
        "hyperrealistic": "a hyperreal photograph",
        "film_photography": "a film photograph",
        "oil_painting_thick": "a thick oil painting",
        "oil_painting_smooth": "a smooth oil painting",
        "watercolor_flowing": "a flowing watercolour",
        "watercolor_dry": "a dry watercolour",
        "acrylic_painting": "an acrylic painting",
        "gouache": "a gouache painting",
        "ink_brush": "an ink brush painting",
        "pen_ink_lines": "a pen and ink drawing",
        "pencil_sketch": "a pencil sketch",
        "charcoal_sketch": "a charcoal sketch",
        "pastel_drawing": "a pastel drawing",
        "digital_painting": "a digital painting",
        "vector_art": "a vector drawing",
        "3d_rendered": "a 3D render",
        "low_poly": "a low-poly render",
        "pixel_art": "pixel art",
        "anime_cel_shaded": "an anime cel",
        "cartoon_illustrated": "a cartoon",
        "collage_mixed_media": "a paper collage",
    },
    "atmospheric_effects": {
        "dust_particles": "drifting dust",
        "smoke_haze": "smoky haze",
        "fog_volumetric": "rolling fog",
        "mist_ground": "ground mist",
        "steam_rising": "rising steam",
        "rain_falling": "falling rain",
        "snow_falling": "falling snow",
        "leaves_falling": "falling leaves",
        "petals_floating": "floating petals",
        "ash_embers": "glowing embers",
        "sparkles_magical": "magic sparkles",
        "glowing_aura": "a glowing aura",
        "energy_particles": "sparks of energy",
        "light_beams_godrays": "beams of light",
        "lens_flare": "a lens flare",
        "bokeh_lights": "bokeh lights",
        "motion_blur": "motion blur",
        "speed_lines": "speed lines",
        "lens_distortion": "lens distortion",
        "film_grain": "film grain",
        "holographic_glitch": "a hologram glitch",
        "digital_artifacts": "digital artefacts",
        "cracks_damage": "cracks and damage",
        "debris_floating": "floating debris",
        "bioluminescence": "a living glow",
    },
}
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
