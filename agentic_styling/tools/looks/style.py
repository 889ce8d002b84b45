"""Looks of the style: palettes, and the colours that media and effects bring with them."""

from agentic_styling.tools.looks.recipe import AUTUMN, FRESH, ROSE, TEAL_ORANGE, WITHERED, look

PALETTE = {
    "warm_sunset": look(0.0, 0.55, 0.12, 0.0, 0.15, black="#1c0c18", white="#ffe8c8"),
    "cool_blue": look(-0.05, -0.45, 0.0, 0.05, 0.0, black="#040c18", white="#e8f4ff"),
    "neutral_balanced": look(0.08, 0.0, 0.0, 0.06, -0.12),
    "monochrome_bw": look(0.0, 0.0, 0.0, 0.15, -2.5),
    "sepia_vintage": look(0.0, 0.5, -0.02, -0.1, -2.0, black="#2c1c0e", white="#f8e8c4"),
    "pastel_soft": look(0.55, 0.0, 0.05, -0.45, -0.1, black="#40383e", white="#fffafa"),
    "neon_electric": look(-0.2, -0.1, 0.25, 0.4, 0.9, black="#08021c"),
    "earth_natural": look(-0.15, 0.22, -0.06, 0.0, -0.2, mix=WITHERED, black="#160f08"),
    "jewel_rich": look(-0.4, 0.0, 0.1, 0.2, 0.6, black="#06040c"),
    "desaturated_muted": look(0.0, 0.0, 0.0, -0.2, -1.0, black="#161616", white="#ececec"),
    "high_contrast": look(0.0, 0.0, 0.0, 0.65, 0.0),
    "low_contrast": look(0.0, 0.0, 0.0, -0.55, 0.15, black="#242424", white="#e4e4e4"),
    "golden_hour": look(0.15, 0.45, -0.06, -0.05, 0.1, white="#fff2c0", haze=(0.2, "#ffd890")),
    "blue_hour": look(-0.6, -0.45, 0.04, 0.0, 0.0, black="#081024", white="#94b0e8"),
    "orange_teal": look(
        0.0, 0.08, 0.0, 0.2, 0.2, mix=TEAL_ORANGE, black="#00141c", white="#fff0dc"
    ),
    "purple_pink": look(0.0, 0.05, 0.5, 0.0, 0.1, mix=ROSE, black="#180828", white="#ffecfa"),
    "green_nature": look(0.0, 0.05, -0.4, 0.0, 0.15, mix=FRESH, black="#061006", white="#f8fff0"),
    "red_dramatic": look(
        -0.35, 0.6, 0.4, 0.35, 0.0, mix=AUTUMN, black="#140204", white="#ffe0d8", vignette=0.4
    ),
}
SATURATION = {
    "desaturated": look(saturation=-0.7),
    "neutral": look(),
    "enhanced": look(saturation=0.3),
    "hyper_saturated": look(saturation=0.65),
}
CONTRAST = {
    "low": look(contrast=-0.3),
    "normal": look(),
    "high": look(contrast=0.25),
    "dramatic": look(contrast=0.5),
}
TEMPERATURE = {
    "cool": look(warm=-0.2),
    "neutral": look(),
    "warm": look(warm=0.2),
    "extreme_cool": look(warm=-0.5),
    "extreme_warm": look(warm=0.5),
}

MEDIUM = {
    "photorealistic": look(0.03, contrast=0.04),
    "hyperrealistic": look(0.05, contrast=0.15, saturation=0.25),
    "film_photography": look(
        0.05, 0.1, -0.03, 0.05, -0.15, black="#1c1a1a", white="#f8f0dc", vignette=0.4
    ),
    "oil_painting_thick": look(0.0, 0.1, contrast=0.12, saturation=0.35),
    "oil_painting_smooth": look(-0.1, 0.15, contrast=0.08, saturation=0.15, black="#100a04"),
    "watercolor_flowing": look(0.4, contrast=-0.12, saturation=0.5),
    "watercolor_dry": look(0.35, 0.08, contrast=-0.1, saturation=-0.15),
    "acrylic_painting": look(0.1, contrast=0.2, saturation=0.55),
    "gouache": look(0.2, contrast=-0.2, saturation=0.25, black="#201c1c", white="#f4f0ea"),
    "ink_brush": look(contrast=0.3),
    "pen_ink_lines": look(contrast=0.1),
    "pencil_sketch": look(0.2),
    "charcoal_sketch": look(-0.3, contrast=0.2),
    "pastel_drawing": look(0.4, contrast=-0.3, saturation=0.25),
    "digital_painting": look(0.05, contrast=0.12, saturation=0.3),
    "vector_art": look(0.1, contrast=0.15, saturation=0.4),
    "3d_rendered": look(0.1, -0.05, contrast=0.1, saturation=0.2, vignette=0.2),
    "low_poly": look(0.05, contrast=0.1, saturation=0.3),
    "pixel_art": look(0.0, contrast=0.2, saturation=0.4),
    "anime_cel_shaded": look(0.3, contrast=0.1, saturation=0.45),
    "cartoon_illustrated": look(0.25, contrast=0.2, saturation=0.6),
    "collage_mixed_media": look(0.05, contrast=0.2, saturation=0.1),
}
MOVEMENT = {
    "impressionism": look(0.15, contrast=-0.1, saturation=0.2),
    "post_impressionism": look(0.0, contrast=0.1, saturation=0.35, mix=TEAL_ORANGE),
    "expressionism": look(-0.1, 0.15, 0.15, 0.3, 0.3),
    "fauvism": look(0.1, 0.1, 0.2, 0.2, 0.7),
    "cubism": look(-0.05, 0.15, contrast=0.2, saturation=-0.5),
    "surrealism": look(0.0, -0.1, 0.15, 0.1, 0.15, sky=(0.3, "#e0b070")),
    "abstract_expressionism": look(contrast=0.45, saturation=0.3),
    "pop_art": look(0.15, tint=0.1, contrast=0.4, saturation=0.8),
    "minimalism": look(0.4, contrast=-0.2, saturation=-0.5),
    "art_nouveau": look(0.1, 0.15, -0.12, -0.15, black="#1c180c"),
    "art_deco": look(0.0, 0.2, contrast=0.35, saturation=-0.2),
    "baroque": look(-0.4, 0.3, contrast=0.35, vignette=0.5),
    "renaissance": look(-0.1, 0.25, black="#1a1008", white="#f4e0b0"),
    "none": look(),
}

# Effects that bring no colour of their own to the whole picture have no row here.
EFFECT = {
    "dust_particles": look(warm=0.06, haze=(0.1, "#d8c8a8")),
    "rain_falling": look(-0.25, -0.1, saturation=-0.2),
    "snow_falling": look(0.1, -0.08, saturation=-0.15),
    "leaves_falling": look(warm=0.08),
    "petals_floating": look(0.08, tint=0.05),
    "ash_embers": look(-0.4, 0.15, haze=(0.15, "#604840")),
    "energy_particles": look(-0.2, -0.1),
    "sparkles_magical": look(-0.1, tint=0.06),
    "bokeh_lights": look(-0.25, 0.06),
    "light_beams_godrays": look(-0.15, 0.05),
    "film_grain": look(saturation=-0.15, black="#101010"),
    "holographic_glitch": look(warm=-0.1, saturation=0.3),
    "cracks_damage": look(warm=0.05, saturation=-0.25),
    "bioluminescence": look(-0.9, -0.35, -0.15, black="#02080e"),
    "lens_flare": look(0.05, 0.04),
}
