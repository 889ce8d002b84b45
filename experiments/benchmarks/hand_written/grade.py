"""Looks put on and taken off, as tools/transforms/color/color_transform.py does."""

import numpy as np

from agentic_styling.tools.transforms.color.look_params import FIELDS, SOFT, WHITE_LOGIT

from .common import LUMA, Shot

_ENDS = np.cumsum(list(FIELDS.values()))[:-1]


def to_logits(image: np.ndarray) -> np.ndarray:
    """Soft logits of display values."""
    return np.log((image + SOFT) / ((1 + SOFT) - image))


def to_image(logits: np.ndarray) -> np.ndarray:
    """The opposite of `to_logits`, in [0, 1]."""
    return np.clip((1 + 2 * SOFT) / (1 + np.exp(-logits)) - SOFT, 0.0, 1.0)


def change_look(
    logits: np.ndarray, shot: Shot, source: np.ndarray, target: np.ndarray, strength: float
) -> np.ndarray:
    """Logits [3, H, W] with one recipe taken off and another put on."""
    off, on = (dict(zip(FIELDS, np.split(row, _ENDS), strict=True)) for row in (source, target))
    out = logits.copy()
    out = _add_air(out, off, shot, remove=True)
    out = _remove_fade(out, off)
    out = _remove_tints(out, off, shot)
    matrix = _matrix(on) @ np.linalg.inv(_matrix(off))
    if not np.allclose(matrix, np.eye(3), atol=1e-6):
        flat = matrix.astype(np.float32) @ out.reshape(3, -1)
        out = flat.reshape(out.shape)
    out = _add_tints(out, on, shot)
    out = _add_fade(out, on)
    out = _add_air(out, on, shot, remove=False)
    np.clip(out, -WHITE_LOGIT, WHITE_LOGIT, out=out)
    if on["hold"].any():
        return logits + (strength * (1 - on["hold"][0] * shot.subject)) * (out - logits)
    return out if strength == 1 else logits + np.float32(strength) * (out - logits)


def _matrix(look):
    grey = np.broadcast_to(LUMA, (3, 3)).astype(np.float64)
    chroma = np.exp(look["saturation"][0]) * (np.eye(3) - grey) + grey
    return np.exp(look["contrast"][0]) * (chroma @ (np.eye(3) + look["mix"].reshape(3, 3)))


def _tones(logits, look, sign):
    if not (look["shadows"].any() or look["highlights"].any()):
        return logits
    luma = np.tensordot(LUMA, logits, 1)
    light = 0.5 + 0.5 * luma / (1 + np.abs(luma))
    for k in range(3):
        dark, bright = look["shadows"][k], look["highlights"][k]
        if dark or bright:
            logits[k] += sign * (dark + light * (bright - dark))
    return logits


def _greens(logits):
    red, green, blue = logits
    excess = np.maximum(np.minimum(green - blue, 2 * (green - red) + np.float32(0.3)), 0.0)
    return excess / (excess + np.float32(0.4))


def _lights(logits, look, shot, sign):
    y = np.linspace(-1, 1, shot.size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shot.size[1], dtype=np.float32)[None]
    placed = 0.0
    if look["vignette"][0]:
        placed = -look["vignette"][0] * (x * x + y * y) / 2
    placed = placed - look["top"][0] * y
    for k in range(3):
        shift = look["shift"][k] + placed
        if look["side"][k]:
            shift = shift + look["side"][k] * x
        if np.any(shift):
            logits[k] += sign * shift
    return logits


def _foliage(logits, look, greens, sign):
    for k in range(3):
        if look["foliage"][k]:
            logits[k] += sign * look["foliage"][k] * greens
    return logits


def _add_tints(logits, look, shot):
    if look["foliage"].any():
        logits = _foliage(logits, look, _greens(logits), 1)
    return _tones(_lights(logits, look, shot, 1), look, 1)


def _remove_tints(logits, look, shot):
    logits = _lights(_tones(logits, look, -1), look, shot, -1)
    if look["foliage"].any():
        logits = _foliage(logits, look, _greens(logits - look["foliage"][:, None, None]), -1)
    return logits


def _add_fade(logits, look):
    for k in range(3):
        dark, light, offset = (look[name][k] for name in ("dark", "light", "offset"))
        if dark or light or offset:
            value = logits[k]
            logits[k] = value / (1 + np.where(value < 0, dark, light) * np.abs(value)) + offset
    return logits


def _remove_fade(logits, look):
    for k in range(3):
        dark, light, offset = (look[name][k] for name in ("dark", "light", "offset"))
        if dark or light or offset:
            value = logits[k] - offset
            bend = np.where(value < 0, dark, light) * np.abs(value)
            logits[k] = value / np.maximum(1 - bend, np.float32(0.1))
    return logits


def _add_air(logits, look, shot, remove):
    layers = [(n, look[n]) for n in ("haze", "sky", "ground") if look[n].any()]
    if not layers:
        return logits
    where = {"haze": 0.4 + 0.9 * shot.depth, "sky": shot.sky, "ground": shot.ground}
    density = sum(field[0] * where[name] for name, field in layers)
    density = np.maximum(density, 0.0)
    clear = np.exp(-np.minimum(density, np.float32(1.8)))
    for k in range(3):
        air = sum(field[k + 1] * where[name] for name, field in layers) / (density + 1e-6)
        away = logits[k] - air
        logits[k] = air + (away / clear if remove else away * clear)
    return logits
