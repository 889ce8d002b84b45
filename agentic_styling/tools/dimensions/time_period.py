"""time_period: how pictures of a period look: its palette, its light, and what it was made with."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.camera.grain import film_grain
from agentic_styling.tools.transforms.color.look_params import by_option, look
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer, where_used
from agentic_styling.tools.transforms.filters.blur import gaussian_blur, shift
from agentic_styling.tools.transforms.filters.fields import coarse_grid, to_full, turbulence
from agentic_styling.tools.transforms.light.light import bloom
from agentic_styling.tools.transforms.scene import enlarge, shrink

_BLUE_SENSITIVE = ((-0.4, 0.0, 0.4),) * 3

# fmt: off
TIME_PERIOD = {
    # Ochre, umber and charcoal on a rock face.
    "prehistoric_stone_age": look(-0.15, 0.2, 0.02, contrast=0.05, saturation=-0.5, white="#e8cfa4",
        black="#1a100a", shadows=(0.15, -0.02, -0.12), foliage=(0.3, -0.15, -0.1)),
    # Sun-bleached lime plaster under a mild blue sky.
    "ancient_classical": look(0.3, 0.08, contrast=-0.1, saturation=-0.2, black="#2a2118",
        white="#fff8e8", highlights=(0.1, 0.04, -0.1), foliage=(0.15, -0.05, 0.05),
        sky=(0.35, "#84bce4")),
    # Soot, rushlight and an overcast sky.
    "medieval_dark_ages": look(-0.6, 0.04, -0.04, contrast=0.05, saturation=-0.65, black="#0c0a08",
        white="#c4b89c", sky=(0.4, "#8c8c84"), foliage=(0.1, -0.1, -0.05), vignette=0.4),
    # Old varnish over umber shadows and soft flesh tones.
    "renaissance_1500s": look(-0.15, 0.14, contrast=-0.02, saturation=-0.08, black="#20150a",
        white="#f6e2b4", shadows=(0.14, 0.03, -0.2), highlights=(0.1, 0.05, -0.12),
        foliage=(0.2, -0.1, -0.15), vignette=0.35),
    # Tenebrism: one warm light from the left, the rest in the dark.
    "baroque_1700s": look(-0.45, 0.12, contrast=0.32, saturation=0.0, black="#100804",
        white="#fde0a8", shadows=(0.12, -0.02, -0.08), highlights=(0.15, 0.05, -0.2),
        foliage=(0.15, -0.3, -0.1), sky=(0.4, "#54483c"), side=(-0.35, -0.32, -0.25), vignette=0.6),
    # Wet plates see blue light and hardly red: pale skies, dark lips and bricks.
    "victorian_1800s": look(0.1, contrast=0.05, saturation=-0.3, mix=_BLUE_SENSITIVE,
        black="#242424", white="#ececec", vignette=0.4),
    # Autochromes: muted, soft, in grains of dyed starch.
    "art_nouveau_1900s": look(0.02, 0.06, -0.04, contrast=-0.15, saturation=-0.25, black="#1c1c18",
        white="#f2ecd6", shadows=(-0.08, 0.06, 0.06), highlights=(0.1, 0.02, -0.06),
        foliage=(-0.05, 0.0, 0.08), vignette=0.35),
    # Silver on warm paper, hard light and a soft lens.
    "art_deco_1920s": look(0.0, -0.1, contrast=0.38, saturation=-0.3, black="#060606",
        white="#f4f4f4", vignette=0.3),
    # Dye transfer: dense reds, cyan skies, cream whites.
    "mid_century_1950s": look(0.08, 0.08, contrast=0.12, saturation=0.2, black="#1c1412",
        white="#fff4dc", shadows=(-0.1, 0.04, 0.08), highlights=(0.14, 0.02, -0.12),
        foliage=(-0.15, -0.1, 0.0), sky=(0.3, "#58b0d8")),
    "contemporary_2000s": look(0.08, -0.03, contrast=0.12, saturation=0.12),
    # Clean, cool and even.
    "near_future_2050": look(0.3, -0.14, -0.02, contrast=-0.05, saturation=-0.2, white="#f6fcff",
        shadows=(-0.1, 0.03, 0.1), highlights=(-0.05, 0.02, 0.06), sky=(0.3, "#dcecf8"), top=0.15),
    # Pearl light: violet shadows, cyan lights.
    "far_future_2200": look(0.0, -0.1, 0.04, contrast=0.15, saturation=0.05, black="#0a0a24",
        white="#e6f6ff", shadows=(0.12, -0.14, 0.3), highlights=(-0.2, 0.06, 0.12),
        foliage=(-0.2, 0.05, 0.4), sky=(0.5, "#8078dc")),
    # Sodium-green dark, teal shadows, magenta lights.
    "cyberpunk_dystopia": look(-0.65, -0.1, contrast=0.25, saturation=0.0, black="#04060c",
        white="#f4d0f4", shadows=(-0.3, 0.08, 0.2), highlights=(0.25, -0.2, 0.16),
        foliage=(-0.2, -0.35, 0.05), sky=(0.6, "#20304c"), haze=(0.15, "#284858")),
    # Brass, soot and gaslight.
    "steampunk_alternate": look(-0.3, 0.1, contrast=0.25, saturation=-0.35, black="#120b06",
        white="#f8d8a0", shadows=(0.12, 0.0, -0.1), highlights=(0.2, 0.02, -0.22),
        foliage=(0.25, -0.15, -0.05), sky=(0.35, "#a08c74"), haze=(0.12, "#78644c"), vignette=0.3),
    # Sun through leaves, clear air.
    "solarpunk_green_future": look(0.28, 0.07, -0.05, saturation=0.15, white="#fffff4",
        shadows=(-0.06, 0.08, 0.0), highlights=(0.08, 0.06, -0.12), foliage=(-0.2, 0.4, -0.25),
        sky=(0.4, "#7cd8ec")),
}
# fmt: on

TECHNOLOGY = {
    "none": look(warm=0.1, saturation=-0.2, contrast=-0.1),
    "low": look(warm=0.05, saturation=-0.1, contrast=-0.05),
    "medium": look(),
    "high": look(warm=-0.06, contrast=0.09, saturation=0.08),
    "advanced": look(warm=-0.12, contrast=0.17, saturation=0.15),
}

ACCURACY = {"stylized": look(), "historically_accurate": look(saturation=-0.28, contrast=-0.1)}

LOOKS = {
    "target_era": TIME_PERIOD,
    "technology_level": TECHNOLOGY,
    "period_accuracy": ACCURACY,
}

# What pictures were made with. sharp: 1 doubles the finest detail, -1 takes it away. grain, and
# speckle: how far each channel has its own. mottle: an uneven ground such as plaster. gray: how far
# it is without colour, and its tone (red and blue; green keeps the luma). glow: amount, threshold
# and colour of the light that spreads in an emulsion or a lens. fringe: of a lens.
_FIELDS = ("sharp", "grain", "speckle", "mottle", "gray", "tone_r", "tone_b")
_FIELDS = (*_FIELDS, "glow", "threshold", "glow_r", "glow_g", "glow_b", "fringe")


def _stock(**values: float) -> list[float]:
    if unknown := set(values) - set(_FIELDS):
        raise KeyError(f"a stock has no {unknown}")
    return [values.get(name, 0.0) for name in _FIELDS]


def _glow(amount: float, threshold: float, red: float, green: float, blue: float) -> dict:
    names = ("glow", "threshold", "glow_r", "glow_g", "glow_b")
    return dict(zip(names, (amount, threshold, red, green, blue), strict=True))


# fmt: off
_STOCKS = {
    "prehistoric_stone_age": _stock(sharp=-0.5, grain=0.1, mottle=1.0),
    "ancient_classical": _stock(sharp=-0.2, mottle=0.45, **_glow(0.25, 0.7, 1.0, 0.95, 0.8)),
    "medieval_dark_ages": _stock(sharp=-0.4, mottle=0.35, **_glow(0.5, 0.55, 1.0, 0.7, 0.35)),
    "renaissance_1500s": _stock(sharp=-0.8, mottle=0.15, **_glow(0.35, 0.5, 1.0, 0.85, 0.55)),
    "baroque_1700s": _stock(sharp=-0.2, mottle=0.1, **_glow(0.3, 0.6, 1.0, 0.75, 0.4)),
    "victorian_1800s": _stock(sharp=-0.5, grain=0.06, mottle=0.45, gray=1.0, tone_r=0.08,
        tone_b=-0.11),
    "art_nouveau_1900s": _stock(sharp=-0.7, grain=0.2, speckle=1.0,
        **_glow(0.25, 0.6, 1.0, 0.95, 0.85)),
    "art_deco_1920s": _stock(grain=0.09, gray=1.0, tone_r=0.025, tone_b=-0.03,
        **_glow(0.5, 0.6, 1.0, 0.98, 0.92)),
    "mid_century_1950s": _stock(sharp=0.15, grain=0.06, **_glow(0.35, 0.7, 1.0, 0.5, 0.25)),
    "contemporary_2000s": _stock(sharp=0.7),
    "near_future_2050": _stock(sharp=0.4, **_glow(0.3, 0.75, 0.85, 0.95, 1.0)),
    "far_future_2200": _stock(sharp=0.2, fringe=0.35, **_glow(0.7, 0.6, 0.6, 0.75, 1.0)),
    "cyberpunk_dystopia": _stock(sharp=0.2, grain=0.08, speckle=0.4, fringe=1.0,
        **_glow(0.9, 0.4, 1.0, 0.35, 0.8)),
    "steampunk_alternate": _stock(grain=0.08, mottle=0.3, **_glow(0.5, 0.55, 1.0, 0.7, 0.3)),
    "solarpunk_green_future": _stock(sharp=0.2, **_glow(0.55, 0.7, 1.0, 1.0, 0.7)),
}
# fmt: on
_STOCK_ROWS = by_option("time_period", "target_era", _STOCKS, (0.0,) * len(_FIELDS))

# Of the five levels: what is added to the sharpness, and how much of the faults is left.
_SHARPER = np.array([-0.5, -0.25, 0.0, 0.3, 0.6], np.float32)
_FAULTS = np.array([1.7, 1.3, 1.0, 0.7, 0.4], np.float32)
_BLUR = 0.0028  # sigma of the finest detail, in parts of the shorter side
_FINE = 500  # pixels of the shorter side that it takes
_ACCURATE = np.array([0.8, 1.4], np.float32)  # stylised, historically accurate


@renderer
def _draw_stock(image, scene, options, seed):
    """The picture as the means of its time would have made it."""
    stock = dict(zip(_FIELDS, jnp.asarray(_STOCK_ROWS)[options[1]], strict=True))
    faults = jnp.asarray(_FAULTS)[options[2]] * jnp.asarray(_ACCURATE)[options[3]]
    sharp = jnp.clip(stock["sharp"] + jnp.asarray(_SHARPER)[options[2]], -1.0, 1.2)
    color = jnp.stack([stock["glow_r"], stock["glow_g"], stock["glow_b"]])
    stages = (
        ((sharp != 0) | (stock["fringe"] > 0), lambda x: _focus(x, sharp, stock["fringe"])),
        (
            stock["glow"] > 0,
            lambda x: bloom(
                x, stock["glow"], color, threshold=stock["threshold"], sigma=0.02, channel_axis=0
            ),
        ),
        (stock["gray"] > 0, lambda x: _tone(x, stock["gray"], stock["tone_r"], stock["tone_b"])),
        (stock["mottle"] > 0, lambda x: _mottle(x, faults * stock["mottle"], seed)),
        (
            stock["grain"] > 0,
            lambda x: _grain(x, faults * stock["grain"], stock["speckle"], seed),
        ),
    )
    for needed, stage in stages:
        image = where_used(needed, stage, image)
    return image


def _focus(image, sharp, fringe):
    """Sharper (positive) or softer (negative), the red beside the blue by `fringe`."""
    step = max(1, round(min(image.shape[1:]) / 320))
    red, blue = shift(image[:1], 0, step)[0], shift(image[2:], 0, -step)[0]
    split = jnp.stack([red, image[1], blue])
    narrow = min(1.0, min(image.shape[1:]) / 320)  # where a pixel is too wide
    image = image + narrow * fringe * (split - image)
    height, width = image.shape[1:]
    factor = max(1, min(height, width) // _FINE)
    sigma = max(0.5, _BLUR * min(height, width) / factor)
    blurred = enlarge(
        gaussian_blur(shrink(image, factor), sigma, channel_axis=0), factor, height, width
    )
    return jnp.clip(image + sharp * (image - blurred), 0.0, 1.0)


def _tone(image, gray, red, blue):
    """Towards the tones of a print without colours, deepest in the middle."""
    luma = luma_of(image)
    green = -(0.299 * red + 0.114 * blue) / 0.587
    print_ = luma + 4 * jnp.stack([red, green, blue])[:, None, None] * luma * (1 - luma)
    return image + gray * (print_ - image)


def _mottle(image, amount, seed):
    """An uneven ground, light and dark in patches, with finer pits."""
    height, width = image.shape[1:]
    y, x = coarse_grid(height, width)
    patches = to_full(turbulence(4 * y, 4 * x, seed, 5) - 0.5, height, width)
    return image + (1.6 * amount * patches) * image * (1 - image)


def _grain(image, amount, speckle, seed):
    """Film grain, with `speckle` of it in each channel apart."""
    together = 1 + speckle * jnp.array([0.0, -1.7, -0.4])
    image = film_grain(image, amount, seed, together, channel_axis=0)
    return film_grain(
        image, amount * speckle, seed + jnp.uint32(1), jnp.array([-0.6, 0.3, 1.2]), channel_axis=0
    )


RENDERERS = (_draw_stock,)


def renderer_of(options: jax.Array) -> jax.Array:
    """0, the stock; -1 where the picture is of that era already."""
    return jnp.where(options[0] == options[1] + 1, -1, 0)
