"""The recipe of a look: numbers that add up, so that a look can be taken off or put on."""

import numpy as np

# Every field is neutral at zero and adds: a step's recipe is its target's plus its other options'.
FIELDS = {
    "shift": 3,  # per channel, in logits of the display value: exposure, temperature, tint
    "contrast": 1,  # log slope around mid grey
    "saturation": 1,  # log scale of chroma
    "mix": 9,  # 3x3 channel mixer, minus the identity, rows summing to zero: greys stay grey
    "black": 3,  # display value that black is lifted to
    "white": 3,  # log of the display value that white is lowered to
    "haze": 4,  # optical density everywhere, growing with distance; then density times air colour
    "sky": 4,  # the same, in the upper part of the picture
    "ground": 4,  # the same, in the lower part
    "side": 3,  # light from the right (negative: from the left), per channel, in logits
    "top": 1,  # light from above (negative: from below), in logits
    "vignette": 1,  # darkening of the corners (negative: brightening), in logits
}
SIZE = sum(FIELDS.values())

AUTUMN = ((0, 0.6, -0.6), (0, -0.25, 0.25), (0, 0, 0))  # greens turn to orange
FRESH = ((0, 0.1, -0.1), (0, 0.3, -0.3), (0, 0, 0))  # greens turn to light green
WITHERED = ((0, 0.4, -0.4), (0, 0.1, -0.1), (0, 0.25, -0.25))  # greens turn to brown
TEAL_ORANGE = ((0.3, 0, -0.3), (0, 0, 0), (-0.3, 0, 0.3))  # everything leans to one or the other
ROSE = ((0.1, -0.1, 0), (0.1, -0.3, 0.2), (0.1, -0.2, 0.1))  # greens and blues turn to mauve
WHITE = "#ffffff"
BLACK = "#000000"


def rgb(color: str) -> np.ndarray:
    """A "#rrggbb" colour as float32 [3] in [0, 1]."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def _layer(layer: tuple[float, str] | None) -> list[float]:
    if layer is None:
        return [0.0] * 4
    density, color = layer
    return [density, *(density * rgb(color))]


def look(
    exposure: float = 0.0,
    warm: float = 0.0,
    tint: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    mix: tuple | None = None,
    black: str = BLACK,
    white: str = WHITE,
    haze: tuple[float, str] | None = None,
    sky: tuple[float, str] | None = None,
    ground: tuple[float, str] | None = None,
    side: tuple[float, float, float] = (0.0, 0.0, 0.0),
    top: float = 0.0,
    vignette: float = 0.0,
) -> np.ndarray:
    """A recipe, float32 [SIZE]. warm: red against blue; tint: magenta against green; see FIELDS."""
    shift = np.array([exposure + warm + tint / 2, exposure - tint, exposure - warm + tint / 2])
    parts = {
        "shift": shift,
        "contrast": [contrast],
        "saturation": [saturation],
        "mix": np.zeros(9) if mix is None else np.ravel(mix),
        "black": rgb(black),
        "white": np.log(np.maximum(rgb(white), 0.1)),
        "haze": _layer(haze),
        "sky": _layer(sky),
        "ground": _layer(ground),
        "side": side,
        "top": [top],
        "vignette": [vignette],
    }
    return np.concatenate([parts[name] for name in FIELDS]).astype(np.float32)
