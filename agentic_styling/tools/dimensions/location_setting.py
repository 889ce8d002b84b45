"""location_setting: the palette, air, light and ground of a place; it cannot build the place."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.look_params import by_option, look, rgb
from agentic_styling.tools.transforms.conventions import renderer
from agentic_styling.tools.transforms.ground import places

# fmt: off
LOCATION = {
    "urban_city": look(-0.05, -0.1, contrast=0.22, saturation=-0.3, shadows=(-0.06, 0.0, 0.12),
        foliage=(0.05, -0.12, 0.05), haze=(0.12, "#a9b3bd")),
    "suburban_neighborhood": look(0.28, 0.07, saturation=0.08, highlights=(0.06, 0.03, -0.08),
        foliage=(-0.1, 0.22, -0.2), sky=(0.3, "#9fd0f8")),
    "rural_village": look(0.05, 0.14, contrast=-0.06, saturation=-0.08,
        highlights=(0.12, 0.05, -0.18), foliage=(0.4, 0.08, -0.35), ground=(0.2, "#b09a58")),
    "industrial_zone": look(-0.2, tint=-0.06, contrast=0.12, saturation=-0.6, white="#e6e2d4",
        shadows=(0.0, 0.05, -0.04), haze=(0.28, "#8f8c80")),
    "commercial_district": look(0.12, tint=0.03, contrast=0.15, saturation=0.22,
        shadows=(0.04, -0.06, 0.1)),
    "beach_coast": look(0.32, 0.1, contrast=-0.06, saturation=0.02, black="#1c1a18",
        highlights=(0.08, 0.04, -0.08), sky=(0.45, "#7cc8f0"), ground=(0.6, "#ecd6ac")),
    "tropical_island": look(0.2, 0.04, contrast=0.1, saturation=0.28, foliage=(-0.35, 0.3, -0.1),
        sky=(0.5, "#28aee8"), ground=(0.3, "#58cdbc")),
    "ocean_open_water": look(-0.02, -0.22, -0.04, saturation=-0.1, sky=(0.3, "#a8cce4"),
        ground=(0.9, "#245f88")),
    "underwater_reef": look(-0.25, -0.6, -0.22, contrast=0.2, saturation=-0.1, black="#02141e",
        white="#b4f0f2", haze=(0.55, "#0f7fa0"), top=0.5),
    "arctic_ice": look(0.3, -0.22, contrast=0.08, saturation=-0.5, white="#f6fbff",
        shadows=(-0.12, 0.0, 0.16), foliage=(0.12, -0.05, 0.35), sky=(0.4, "#c4def4"),
        ground=(1.1, "#e9f3fc")),
    "forest_temperate": look(-0.25, contrast=0.08, saturation=-0.05, shadows=(-0.1, 0.1, -0.06),
        highlights=(0.06, 0.06, -0.12), foliage=(-0.35, 0.08, -0.3), haze=(0.15, "#a4b898")),
    "jungle_tropical": look(-0.4, 0.08, contrast=0.22, saturation=0.12, black="#040e08",
        shadows=(-0.14, 0.16, -0.1), foliage=(-0.55, 0.2, -0.5), haze=(0.22, "#7fa884"),
        ground=(0.3, "#28501f")),
    "desert_sand": look(0.22, 0.24, contrast=0.06, saturation=-0.1, highlights=(0.12, 0.04, -0.15),
        foliage=(0.75, -0.05, -0.5), haze=(0.22, "#ecd2a4"), ground=(0.6, "#dab070")),
    "mountain_rocky": look(-0.02, -0.12, contrast=0.28, saturation=-0.25,
        foliage=(-0.05, -0.2, 0.1), haze=(0.15, "#a0b8d8"), sky=(0.5, "#5f94d0"),
        ground=(0.4, "#80807c")),
    "canyon_valley": look(-0.05, 0.22, 0.04, contrast=0.18, saturation=0.0,
        shadows=(0.18, -0.03, -0.12), highlights=(0.15, 0.03, -0.15), foliage=(0.7, -0.2, -0.3),
        sky=(0.35, "#5aa0e0"), ground=(0.5, "#b4643c")),
    "plains_grassland": look(0.2, 0.12, saturation=0.05, foliage=(0.55, 0.28, -0.4),
        sky=(0.4, "#98ccf4"), ground=(0.4, "#c4b464")),
    "swamp_wetland": look(-0.4, tint=-0.1, saturation=-0.35, black="#0c100a", white="#d4d8b0",
        foliage=(-0.1, -0.05, -0.35), haze=(0.2, "#788062"), ground=(0.5, "#3c4224")),
    "cave_underground": look(-0.75, 0.1, contrast=0.15, saturation=-0.5, vignette=0.9,
        haze=(0.45, "#17120d"), sky=(1.2, "#1b1611")),
    "volcano_lava": look(-0.55, contrast=0.3, saturation=-0.3, shadows=(0.4, -0.1, -0.25),
        highlights=(0.25, 0.0, -0.25), foliage=(0.5, -0.5, 0.0), haze=(0.22, "#6a3424"),
        sky=(0.9, "#3c2c2a"), ground=(0.9, "#1c100c")),
    "space_station": look(-0.2, -0.12, contrast=0.32, saturation=-0.5, white="#e6f0ff",
        highlights=(-0.06, 0.0, 0.1), sky=(1.6, "#04060c"), top=0.25),
    "alien_planet": look(-0.1, tint=0.06, saturation=0.05, shadows=(0.0, -0.1, 0.22),
        highlights=(0.14, -0.04, 0.02), foliage=(0.55, -0.65, 0.55), sky=(1.0, "#4c3478"),
        ground=(0.45, "#2f8f84")),
    "fantasy_castle": look(0.05, 0.02, 0.03, contrast=-0.05, saturation=0.15,
        shadows=(0.08, -0.12, 0.25), highlights=(0.12, 0.0, -0.02), foliage=(-0.15, 0.15, 0.15),
        sky=(0.4, "#c0a8ec")),
    "medieval_town": look(-0.2, 0.16, saturation=-0.4, black="#140e08", white="#efe0c0",
        foliage=(0.15, -0.1, -0.15), haze=(0.18, "#a89678"), vignette=0.2),
    "cyberpunk_city": look(-0.75, -0.1, contrast=0.2, saturation=0.05, shadows=(-0.15, -0.05, 0.3),
        highlights=(0.2, -0.15, 0.2), foliage=(-0.2, -0.5, 0.1), haze=(0.22, "#33285c"),
        sky=(0.9, "#1a1436")),
    "post_apocalyptic": look(-0.2, 0.12, contrast=0.25, saturation=-0.85,
        highlights=(0.12, 0.05, -0.18), foliage=(0.5, -0.1, -0.2), haze=(0.15, "#a88c62"),
        sky=(0.4, "#b89c6c")),
    "haunted_mansion": look(-0.8, -0.14, -0.04, contrast=0.2, saturation=-0.8, white="#b4bec4",
        sky=(0.7, "#3a444e"), vignette=0.7),
    "temple_shrine": look(-0.05, 0.12, 0.03, contrast=0.1, saturation=0.08,
        shadows=(0.18, -0.06, -0.06), highlights=(0.12, 0.06, -0.14), ground=(0.25, "#9c5038"),
        vignette=0.3),
    "palace_interior": look(0.05, 0.12, contrast=0.12, saturation=0.05, shadows=(0.15, 0.0, -0.1),
        highlights=(0.16, 0.09, -0.2), sky=(0.3, "#fff0d0"), vignette=0.3),
    "office_modern": look(0.32, -0.1, -0.05, contrast=0.02, saturation=-0.45, black="#10141a",
        highlights=(-0.06, 0.02, 0.06), sky=(0.5, "#f0f6fa"), top=0.25),
    "bedroom_interior": look(0.0, 0.16, contrast=-0.2, saturation=-0.12, black="#241c18",
        white="#fff2e2", sky=(0.4, "#fff4e4"), side=(-0.4, -0.35, -0.22), vignette=0.3),
}
# fmt: on

_HELD = 0.42  # of the change, on a foreground that is kept
FOREGROUND = {True: look(hold=_HELD)}

LOOKS = {"target_location": LOCATION, "preserve_foreground": FOREGROUND}

_PARTIAL = 0.6  # of the look


def _table(rows: dict) -> np.ndarray:
    """A row for every location, zeros where it is not given."""
    nothing = np.zeros_like(np.float32(next(iter(rows.values()))))
    return by_option("location_setting", "target_location", rows, nothing)


# Bloom: amount, threshold, width in parts of the shorter side, colour.
_GLOW = _table(
    {
        "commercial_district": (0.5, 0.62, 0.02, 1.0, 0.85, 0.95),
        "beach_coast": (0.35, 0.75, 0.06, 1.0, 0.95, 0.8),
        "fantasy_castle": (0.75, 0.5, 0.045, 1.0, 0.82, 0.85),
        "palace_interior": (0.6, 0.55, 0.035, 1.0, 0.82, 0.5),
        "bedroom_interior": (0.5, 0.55, 0.06, 1.0, 0.88, 0.7),
    }
)
# Air: which (0 mist on the ground, 1 drifting haze), its optical thickness, its colour.
_AIR = _table(
    {
        "industrial_zone": (1, 0.4, *rgb("#9a968a")),
        "swamp_wetland": (0, 0.6, *rgb("#868e70")),
        "post_apocalyptic": (1, 0.55, *rgb("#b4966a")),
        "haunted_mansion": (0, 0.85, *rgb("#6c7880")),
        "temple_shrine": (1, 0.35, *rgb("#e8cfa8")),
        "mountain_rocky": (1, 0.15, *rgb("#c4d4e6")),
    }
)
# Relief of the ground: which (0 dunes, 1 waves, 2 drifts), how strong.
_GROUND = _table(
    {
        "beach_coast": (0, 0.5),
        "desert_sand": (0, 0.9),
        "ocean_open_water": (1, 1.1),
        "tropical_island": (1, 0.5),
        "arctic_ice": (2, 0.9),
    }
)
# What the rest draws, by how much.
_LAVA = _table({"volcano_lava": 1.0})
_WATER = _table({"underwater_reef": 0.4})
_LEAVES = _table({"forest_temperate": 0.9, "jungle_tropical": 1.2})
_STARS = _table({"space_station": (1.0, 1.0, 1.0), "alien_planet": (0.8, 0.9, 0.75)})
_NEON = _table({"cyberpunk_city": 0.9})
_LAMP = _table({"cave_underground": 0.9})


def look_scale(options):
    """How much of the look a partial replacement asks for."""
    return jnp.where(options[2] == 0, _PARTIAL, 1.0)


# What draws a place, and its rows.
_DRAWN = (
    (places.draw_glow, _GLOW),
    (places.draw_air, _AIR),
    (places.draw_ground, _GROUND),
    (places.draw_lava, _LAVA),
    (places.draw_water, _WATER),
    (places.draw_leaves, _LEAVES),
    (places.draw_stars, _STARS),
    (places.draw_neon, _NEON),
    (places.draw_lamp, _LAMP),
)


def _renderer(draw, table: np.ndarray):
    """Less is drawn for a partial replacement, and on a foreground that is kept."""

    def partly(image, scene, options, seed):
        new = draw(image, scene, jnp.asarray(table)[options[1]], seed, channel_axis=0)
        kept = jnp.where(options[3] == 1, 1 - _HELD * scene.subject, 1.0)
        return image + look_scale(options) * kept * (new - image)

    return renderer(partly)


RENDERERS = tuple(_renderer(draw, table) for draw, table in _DRAWN)
_WANTED = np.stack([table.reshape(len(table), -1).any(axis=1) for _, table in _DRAWN])
_RENDERER = np.where(_WANTED.any(axis=0), _WANTED.argmax(axis=0), -1).astype(np.int32)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS of what the location needs, -1 for none or where it is there already."""
    return jnp.where(options[0] == options[1] + 1, -1, jnp.asarray(_RENDERER)[options[1]])
