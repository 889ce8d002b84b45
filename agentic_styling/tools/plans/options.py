"""The options of the longer parameters, in the order of the published action space."""

TARGET_LOCATION = """urban_city suburban_neighborhood rural_village industrial_zone
    commercial_district beach_coast tropical_island ocean_open_water underwater_reef arctic_ice
    forest_temperate jungle_tropical desert_sand mountain_rocky canyon_valley plains_grassland
    swamp_wetland cave_underground volcano_lava space_station alien_planet fantasy_castle
    medieval_town cyberpunk_city post_apocalyptic haunted_mansion temple_shrine palace_interior
    office_modern bedroom_interior"""
TARGET_STYLE = """modern_minimalist contemporary_glass brutalist_concrete art_deco_geometric
    victorian_ornate medieval_stone renaissance_classical baroque_elaborate japanese_traditional
    moroccan_islamic greek_classical roman_imperial gothic_cathedral industrial_warehouse
    steampunk_mechanical cyberpunk_neon futuristic_sleek organic_biomorphic fantasy_magical
    ruins_ancient"""
MATERIAL_TYPE = "stone wood metal glass concrete brick marble mixed"
TARGET_ERA = """prehistoric_stone_age ancient_classical medieval_dark_ages renaissance_1500s
    baroque_1700s victorian_1800s art_nouveau_1900s art_deco_1920s mid_century_1950s
    contemporary_2000s near_future_2050 far_future_2200 cyberpunk_dystopia steampunk_alternate
    solarpunk_green_future"""
TARGET_TIME = """pre_dawn sunrise_golden morning_bright midday_overhead afternoon_warm
    golden_hour_sunset dusk_twilight blue_hour night_moonlit midnight_dark"""
SHADOW_DIRECTION = "east southeast south southwest west overhead none"
VEGETATION_STATE = "blooming_flowers full_green autumn_colors bare_branches evergreen dead_withered"
GROUND_COVER = "snow_covered autumn_leaves spring_flowers lush_grass dry_grass mud_wet"
WEATHER_TYPE = """clear_sunny partly_cloudy overcast_gray light_rain heavy_rain thunderstorm
    light_snow heavy_snow_blizzard fog_dense mist_light sandstorm hail"""
TARGET_MOOD = """bright_cheerful soft_cozy mysterious_shadowy dramatic_cinematic ominous_dark
    romantic_intimate energetic_vibrant melancholic_somber whimsical_playful nostalgic_sepia
    tense_suspenseful serene_calm eerie_unsettling epic_grand hopeful_uplifting"""
ACCENT_LIGHTING = """neon_signs candlelit_warm spotlight_dramatic rim_lighting backlit_silhouette
    god_rays volumetric_fog_light colored_gels practical_lights ambient_glow"""
TARGET_PALETTE = """warm_sunset cool_blue neutral_balanced monochrome_bw sepia_vintage
    pastel_soft neon_electric earth_natural jewel_rich desaturated_muted high_contrast
    low_contrast golden_hour blue_hour orange_teal purple_pink green_nature red_dramatic"""
TARGET_MEDIUM = """photorealistic hyperrealistic film_photography oil_painting_thick
    oil_painting_smooth watercolor_flowing watercolor_dry acrylic_painting gouache ink_brush
    pen_ink_lines pencil_sketch charcoal_sketch pastel_drawing digital_painting vector_art
    3d_rendered low_poly pixel_art anime_cel_shaded cartoon_illustrated collage_mixed_media"""
ART_MOVEMENT = """impressionism post_impressionism expressionism fauvism cubism surrealism
    abstract_expressionism pop_art minimalism art_nouveau art_deco baroque renaissance none"""
EFFECT_TYPE = """dust_particles smoke_haze fog_volumetric mist_ground steam_rising rain_falling
    snow_falling leaves_falling petals_floating ash_embers sparkles_magical glowing_aura
    energy_particles light_beams_godrays lens_flare bokeh_lights motion_blur speed_lines
    lens_distortion film_grain holographic_glitch digital_artifacts cracks_damage debris_floating
    bioluminescence"""
ATTRIBUTE_TYPE = "lighting color texture objects style architecture mood weather technology"
REGION_TYPE = """indoor outdoor foreground background left_half right_half top_half bottom_half
    center edges"""
CATEGORY = """furniture electronics plants people animals vehicles decorations lighting_fixtures
    artworks appliances"""
APPLY_TO = """indoor_only outdoor_only left_half right_half top_half bottom_half foreground
    background center edges"""
GRADIENT_DIRECTION = "top_to_bottom bottom_to_top left_to_right right_to_left center_out edges_in"
BLEND_MODES = "normal multiply screen overlay soft_light hard_light add"
BLEND_REGIONS = "everywhere architecture_only objects_only lighting_only foreground background"

COLORS = """auto red orange amber gold yellow green teal cyan blue navy violet purple magenta
    pink brown white gray black"""
TECHNIQUES = "auto impasto glazing wet_on_wet dry_brush hatching stippling blending"
