"""The parameters of a look: numbers that add up, so that a look can be taken off or put on."""

import numpy as np

from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.color.spaces import LUMA
from agentic_styling.utils.package_data import read_beside

# Every field is neutral at zero and adds: a step's look is its target's plus its other options'.
# "Logits" are those of the display value, see color_transform.py: one is about a stop at mid grey.
FIELDS = {
    "shift": 3,  # per channel, in logits: exposure, temperature, tint
    "contrast": 1,  # log slope around mid grey
    "saturation": 1,  # log scale of chroma
    "mix": 9,  # 3x3 channel mixer, minus the identity, rows summing to zero: greys stay grey
    "dark": 3,  # how early dark tones bend towards a lifted black, per channel
    "light": 3,  # how early light tones bend towards a lowered white
    "offset": 3,  # per channel, in logits: where black or white would pass mid grey
    "shadows": 3,  # colour of the dark tones, in logits, luma kept
    "highlights": 3,  # colour of the light tones
    "foliage": 3,  # what is added to greens alone, in logits
    "haze": 4,  # optical density, growing with depth; then density times the air's logits
    "sky": 4,  # the same, on the sky
    "ground": 4,  # the same, on lying surfaces
    "side": 3,  # light from the right (negative: from the left), per channel, in logits
    "top": 1,  # light from above (negative: from below), in logits
    "vignette": 1,  # darkening of the corners (negative: brightening), in logits
    "hold": 1,  # how far the subject is held back from the step, 0 to 1
}
SIZE = sum(FIELDS.values())
PLACE_FIELDS = ("haze", "sky", "ground", "side", "top", "vignette", "hold")  # by place or subject

SOFT = 0.02  # how far black and white lie from the ends of the logit
WHITE_LOGIT = float(np.log((1 + SOFT) / SOFT))  # of display white; black is its negative
_NEAREST = 0.7  # how near to mid grey, in logits, black and white may be bent

WHITE = "#ffffff"
BLACK = "#000000"

# The colours that a free text may name; "auto" is the option's own.
COLORS = read_beside(__file__, "colors.json")


def rgb(color: str) -> np.ndarray:
    """A "#rrggbb" colour as float32 [3] in [0, 1]."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def _logits(color: str) -> np.ndarray:
    value = rgb(color)
    return np.log((value + SOFT) / (1 + SOFT - value))


def _layer(layer: tuple[float, str] | None) -> list[float]:
    if layer is None:
        return [0.0] * 4
    density, color = layer
    return [density, *(density * _logits(color))]


def _neutral(tint: tuple[float, float, float]) -> np.ndarray:
    """A tint without its luma, so that it can be taken off again by the tone that is left."""
    return np.asarray(tint, np.float32) - LUMA @ np.asarray(tint, np.float32)


def _ends(low: np.ndarray, high: np.ndarray) -> dict[str, np.ndarray]:
    """Bends that bring black and white to `low` and `high`, mid grey kept as far as it can be.

    A bend takes v to v / (1 + bend * |v|): tones near grey stay, and it can be undone.
    """
    offset = np.minimum(high - _NEAREST, 0) + np.maximum(low + _NEAREST, 0)
    dark = 1 / np.maximum(offset - low, _NEAREST) - 1 / WHITE_LOGIT
    light = 1 / np.maximum(high - offset, _NEAREST) - 1 / WHITE_LOGIT
    return {"dark": np.maximum(dark, 0), "light": np.maximum(light, 0), "offset": offset}


def look(
    exposure: float = 0.0,
    warm: float = 0.0,
    tint: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    mix: tuple | None = None,
    black: str = BLACK,
    white: str = WHITE,
    shadows: tuple[float, float, float] = (0.0, 0.0, 0.0),
    highlights: tuple[float, float, float] = (0.0, 0.0, 0.0),
    foliage: tuple[float, float, float] = (0.0, 0.0, 0.0),
    haze: tuple[float, str] | None = None,
    sky: tuple[float, str] | None = None,
    ground: tuple[float, str] | None = None,
    side: tuple[float, float, float] = (0.0, 0.0, 0.0),
    top: float = 0.0,
    vignette: float = 0.0,
    hold: float = 0.0,
) -> np.ndarray:
    """Look parameters, float32 [SIZE]; see FIELDS.

    warm: red against blue; tint: magenta against green.

    black, white: the display colours that black and white become. haze, sky, ground: optical
    density (1 hides 63 %) and colour. shadows, highlights: tints in logits.
    """
    shift = np.array([exposure + warm + tint / 2, exposure - tint, exposure - warm + tint / 2])
    parts = {
        "shift": shift,
        "contrast": [contrast],
        "saturation": [saturation],
        "mix": np.zeros(9) if mix is None else np.ravel(mix),
        **_ends(_logits(black), _logits(white)),
        "shadows": _neutral(shadows),
        "highlights": _neutral(highlights),
        "foliage": foliage,
        "haze": _layer(haze),
        "sky": _layer(sky),
        "ground": _layer(ground),
        "side": side,
        "top": [top],
        "vignette": [vignette],
        "hold": [hold],
    }
    return np.concatenate([parts[name] for name in FIELDS]).astype(np.float32)


# The most of a field that is taken off again: a photograph rarely has all of the look that it is
# said to have, and what is stretched further than this breaks up into patches.
_MOST_REMOVED = {
    "shift": 0.65,
    "contrast": 0.4,
    "saturation": 0.35,
    "dark": 0.12,
    "light": 0.12,
    "offset": 0.3,
    "shadows": 0.4,
    "highlights": 0.5,
    "haze": 0.6,
    "sky": 0.5,
    "ground": 0.4,
}


def removable(row: np.ndarray) -> np.ndarray:
    """What of a look [SIZE] is taken off a photograph, each field scaled as a whole."""
    parts = np.split(row, np.cumsum(list(FIELDS.values()))[:-1])
    out = []
    for name, part in zip(FIELDS, parts, strict=True):
        measured = part[:1] if name in ("haze", "sky", "ground") else part  # the density alone
        most = _MOST_REMOVED.get(name, np.inf)
        out.append(part * min(1.0, most / max(np.abs(measured).max(), 1e-6)))
    return np.concatenate(out).astype(np.float32)


def without(looks: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Looks [..., SIZE] with some fields neutral."""
    kept = np.concatenate([np.full(n, name not in names) for name, n in FIELDS.items()])
    return np.asarray(looks * kept, np.float32)


def by_option(tool: str, parameter: str, rows: dict, default: object) -> np.ndarray:
    """Rows in the order of a parameter's values, float32 [values, ...]; `default` where none."""
    values = VOCABULARY[tool].parameters[parameter].values
    if unknown := set(rows) - set(values):
        raise KeyError(f"{tool}.{parameter} has no option {unknown}")
    return np.array([rows.get(value, default) for value in values], np.float32)


COLOR_VALUES = np.stack([rgb(color) for color in COLORS.values()])
