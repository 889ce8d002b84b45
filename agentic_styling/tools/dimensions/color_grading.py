"""color_grading: palettes, with saturation, contrast and temperature."""

from agentic_styling.tools.transforms.color.look_params import look

YELLOW_FILTER = ((0.2, 0, -0.2), (0.2, 0, -0.2), (0.2, 0, -0.2))  # before grey: skies darker
CYAN_MAGENTA = ((0, 0, 0), (-0.2, 0, 0.2), (0.18, -0.18, 0))  # skies to cyan, skin to magenta
TEAL_ORANGE = ((0.2, 0, -0.2), (0, 0, 0), (-0.2, 0, 0.2))  # everything leans to one or the other
REDS_ALONE = ((0.25, -0.1, -0.15), (0.1, -0.3, 0.2), (0.1, 0.1, -0.2))  # all but reds turn grey

# fmt: off
PALETTE = {
    "warm_sunset": look(0.0, 0.16, 0.08, 0.08, 0.05, white="#fff4e2", shadows=(0.0, -0.12, 0.4),
        highlights=(0.5, 0.0, -0.5)),
    "cool_blue": look(0.0, -0.32, -0.02, 0.06, -0.05, black="#03080f", shadows=(-0.2, 0.0, 0.2)),
    "neutral_balanced": look(0.2, contrast=0.1, saturation=-0.28),
    "monochrome_bw": look(contrast=0.2, saturation=-2.7, mix=YELLOW_FILTER),
    "sepia_vintage": look(0.05, 0.38, 0.03, -0.02, -2.2, black="#20150c", white="#fbefd6"),
    "pastel_soft": look(1.15, 0.0, 0.03, -0.3, 0.25, black="#50485a",
        highlights=(0.15, -0.05, 0.0)),
    "neon_electric": look(-0.2, -0.05, 0.08, 0.3, 0.35, mix=CYAN_MAGENTA, black="#070214",
        shadows=(0.2, -0.3, 0.55), highlights=(-0.15, 0.05, 0.1), foliage=(-0.5, 0.3, 0.7)),
    "earth_natural": look(-0.12, 0.2, -0.03, 0.02, -0.3, black="#140e09", white="#fbf5ea",
        foliage=(0.3, -0.12, -0.25), shadows=(0.12, 0.0, -0.2)),
    "jewel_rich": look(-0.4, 0.0, 0.06, 0.15, 0.38, black="#05030a", foliage=(-0.35, 0.0, 0.25),
        shadows=(0.05, -0.1, 0.25)),
    "desaturated_muted": look(0.05, 0.0, 0.0, -0.18, -0.9, black="#181a1c", white="#ecebe8"),
    "high_contrast": look(contrast=0.46),
    "low_contrast": look(0.05, 0.0, 0.0, -0.5, 0.2, black="#262626", white="#e8e8e8"),
    "golden_hour": look(0.15, 0.3, -0.03, -0.08, 0.08, black="#1a1008", white="#fff5d2",
        shadows=(0.2, 0.0, -0.1), highlights=(0.25, 0.06, -0.45)),
    "blue_hour": look(-0.5, -0.32, 0.03, 0.02, 0.0, black="#050c1e", white="#c4d6f8",
        shadows=(-0.25, -0.05, 0.4), highlights=(0.25, 0.0, -0.2)),
    "orange_teal": look(0.0, 0.02, 0.0, 0.14, 0.0, mix=TEAL_ORANGE, foliage=(-0.1, -0.15, 0.15),
        shadows=(-0.5, 0.1, 0.2), highlights=(0.25, 0.05, -0.25)),
    "purple_pink": look(0.05, 0.0, 0.2, 0.02, 0.0, black="#120820", shadows=(0.1, -0.28, 0.5),
        highlights=(0.35, -0.15, 0.05), foliage=(0.1, -0.25, 0.2)),
    "green_nature": look(0.0, 0.0, -0.09, 0.05, 0.05, black="#040c06", foliage=(-0.15, 0.35, -0.1),
        shadows=(-0.2, 0.12, -0.1)),
    "red_dramatic": look(-0.4, 0.12, 0.18, 0.35, -0.1, mix=REDS_ALONE, black="#0c0203",
        shadows=(0.6, -0.3, -0.2), highlights=(0.2, -0.1, -0.1)),
}
# fmt: on

SATURATION = {
    "desaturated": look(saturation=-0.7),
    "neutral": look(),
    "enhanced": look(saturation=0.25),
    "hyper_saturated": look(saturation=0.55),
}

CONTRAST = {
    "low": look(contrast=-0.3),
    "normal": look(),
    "high": look(contrast=0.22),
    "dramatic": look(contrast=0.45),
}

TEMPERATURE = {
    "cool": look(warm=-0.2),
    "neutral": look(),
    "warm": look(warm=0.2),
    "extreme_cool": look(warm=-0.5),
    "extreme_warm": look(warm=0.5),
}

LOOKS = {
    "target_palette": PALETTE,
    "saturation": SATURATION,
    "contrast": CONTRAST,
    "temperature": TEMPERATURE,
}
