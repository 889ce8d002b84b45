"""Named attributes of photographs, with units, for reports and the held-out reward.

Measured at one size, so that a picture and its enlargement give nearly the same. They are not meant
for gradients: shares of an area are counted with hard thresholds.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.probes import blur
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.package_data import read_beside

SIZE = 256  # side of the square that is measured, in pixels
_THIN = 5  # pixels: nothing wider counts as a speck or a line
_LINE = 11  # pixels: nothing shorter counts as a line
_USUAL_CONTRAST = 18.0  # L*; edges and specks are counted as if every picture had this


class Attribute(NamedTuple):
    """One measurement: its unit, range, and the smallest step that a person clearly sees.

    L* is CIE 1976 lightness, 0 black to 100 white; a* and b*, about -100 to 100, are green to red
    and blue to yellow.
    """

    unit: str
    low: float
    high: float
    step: float
    meaning: str


# By name: of tone, colour, air and light, and detail at the common size.
ATTRIBUTES = {
    name: Attribute(**row) for name, row in read_beside(__file__, "attributes.json").items()
}


def attributes(images: jax.Array) -> jax.Array:
    """Measures pictures.

    Args:
      images: float [B, H, W, 3] in [0, 1], sRGB.

    Returns:
      float32 [B, K], a column for each of ATTRIBUTES, in its unit.

    Raises:
      InputError: images of another shape or dtype.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or not jnp.issubdtype(images.dtype, jnp.floating):
        raise InputError(
            f"attributes: images are {images.dtype} {tuple(images.shape)}; "
            "give float [B, H, W, 3] in [0, 1]"
        )
    return _measure(_at_size(images.astype(jnp.float32)))


@jax.jit
def thumbnails(images: jax.Array) -> jax.Array:
    """Small copies in CIE L*a*b*, float32 [B, 64, 64, 3], of pictures [B, H, W, 3] in [0, 1].

    They show differences without an attribute, such as the side that light comes from.
    """
    shape = (len(images), 64, 64, 3)
    small = jax.image.resize(images.astype(jnp.float32), shape, "linear", antialias=True)
    return _lab(jnp.clip(small, 0.0, 1.0))


@jax.jit
def _at_size(images):
    if images.shape[1:3] == (SIZE, SIZE):
        return images
    shape = (len(images), SIZE, SIZE, 3)
    return jnp.clip(jax.image.resize(images, shape, "cubic", antialias=True), 0.0, 1.0)


@jax.jit
def _measure(rgb):
    l, a, b = jnp.moveaxis(_lab(rgb), -1, 0)
    values = _tone(rgb, l) | _color(l, a, b) | _air(rgb, l) | _light(l) | _detail(l, a, b)
    values |= _specks_and_lines(l * _to_usual_contrast(l))
    return jnp.stack([values[name] for name in ATTRIBUTES], axis=1)


def _lab(rgb):
    """CIE L*a*b* (D65, 2 degrees) of sRGB [..., 3]."""
    linear = jnp.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    xyz = linear @ jnp.array(to_xyz) / jnp.array([0.9505, 1.0, 1.089])
    f = jnp.where(xyz > (6 / 29) ** 3, jnp.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = jnp.moveaxis(f, -1, 0)
    return jnp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _mean(plane):
    return plane.mean((1, 2))


def _tone(rgb, l):
    ordered = jnp.sort(_shrink(l, 2).reshape(len(l), -1), axis=1)
    low, middle, high = (ordered[:, round(q * (ordered.shape[1] - 1))] for q in (0.02, 0.5, 0.98))
    steps = jnp.linspace(0.0, 100.0, 65)[1:-1]
    below = jax.vmap(lambda row: jnp.searchsorted(row, steps))(ordered) / ordered.shape[1]
    shares = jnp.diff(below, axis=1, prepend=0.0, append=1.0)
    return {
        "luminance": _mean(l),
        "midtones": middle - _mean(l),
        "contrast": l.std((1, 2)),
        "black_level": low,
        "white_level": high,
        "dark_clipping": _mean(rgb.max(-1) < 2 / 255),
        "bright_clipping": _mean(rgb.max(-1) > 253 / 255),
        "tones": -(shares * jnp.log2(jnp.maximum(shares, 1e-12))).sum(1),
    }


def _shrink(plane, factor: int):
    side = SIZE // factor
    return plane.reshape(-1, side, factor, side, factor).mean((2, 4))


def _color(l, a, b):
    chroma, hue = jnp.hypot(a, b), jnp.degrees(jnp.arctan2(b, a))
    middle, spread = _mean(l)[:, None, None], l.std((1, 2))[:, None, None] + 2.0
    # Bands are relative to the picture's own range, so that a dark picture has highlights too.
    bands = {
        "highlight": jax.nn.sigmoid(4 * (l - middle) / spread - 2),
        "shadow": jax.nn.sigmoid(4 * (middle - l) / spread - 2),
    }
    values = {
        "temperature": _mean(b),
        "tint": _mean(a),
        "chroma": _mean(chroma),
        "hue_spread": 1 - (jnp.hypot(_mean(a), _mean(b)) + 1) / (_mean(chroma) + 1),
        "green_cover": _mean((hue > 95) & (hue < 165) & (chroma > 12)),
        "autumn_cover": _mean((hue > 30) & (hue < 85) & (chroma > 30)),
        "snow_cover": _mean(((l > 78) & (chroma < 14))[:, SIZE // 3 :]),
    }
    for band, weight in bands.items():
        total = _mean(weight) + 1e-6
        values[f"{band}_temperature"] = _mean(weight * b) / total - _mean(b)
        values[f"{band}_tint"] = _mean(weight * a) / total - _mean(a)
    return values


def _air(rgb, l):
    # Both on a small copy, where a few dark or light dots do not count.
    dark = _extreme(_shrink(rgb.min(-1), 4), 5, jnp.minimum)
    small = _shrink(l, 4)
    ordered = jnp.sort(small.reshape(len(l), -1), axis=1)
    brightest = ordered[:, -round(0.02 * ordered.shape[1])][:, None, None]
    bright = (small >= brightest).astype(jnp.float32)
    around = blur(bright, 3) * (1 - bright)
    half = dark.shape[1] // 2
    return {
        "haze": _mean(dark),
        "haze_height": _mean(dark[:, :half]) - _mean(dark[:, half:]),
        "glow": _mean(around * small) / (_mean(around) + 1e-6) - _mean(l),
    }


def _light(l):
    at = (jnp.arange(SIZE) + 0.5) / SIZE * 2 - 1
    radius = jnp.hypot(at[:, None], at[None, :])
    middle, corners = radius < 0.5, radius > 1.05
    half = SIZE // 2
    return {
        "radial_falloff": _mean(l * middle) / middle.mean() - _mean(l * corners) / corners.mean(),
        "side_light": _mean(l[:, :, half:]) - _mean(l[:, :, :half]),
        "top_light": _mean(l[:, :half]) - _mean(l[:, half:]),
    }


def _detail(l, a, b):
    down, across = _gradients(l)
    steep = jnp.hypot(down, across)
    smooth = jnp.hypot(*_gradients(blur(l, 2)))
    fine = jnp.abs(l - blur(l, 1))
    calm = jnp.exp(-((_extreme(smooth, 9, jnp.maximum) / 1.0) ** 2))
    xx, yy, xy = (blur(g, 3) for g in (across**2, down**2, across * down))
    coherence = jnp.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 0.5)
    weight = smooth**2
    color_detail = _mean(jnp.hypot(a - blur(a, 1), b - blur(b, 1)))
    return {
        "sharpness": jnp.log((_mean(weight * steep) + 1e-4) / (_mean(weight * smooth) + 1e-4)),
        "grain": _mean(calm * fine) / (_mean(calm) + 0.02),
        "edge_density": _mean(smooth * _to_usual_contrast(l) > 2.0),
        "flatness": _mean(steep < 0.4),
        "strokes": _mean(coherence),
        "direction": jnp.log((_mean(jnp.abs(across)) + 0.05) / (_mean(jnp.abs(down)) + 0.05)),
        "color_detail": color_detail / (_mean(jnp.hypot(a, b)) + 4.0),
    }


def _to_usual_contrast(l):
    return _USUAL_CONTRAST / jnp.maximum(l.std((1, 2)), 3.0)[:, None, None]


def _gradients(plane):
    """Differences down and across [B, H, W] to the next pixel; 0 in the last row and column."""
    down = jnp.diff(plane, axis=1, append=plane[:, -1:])
    return down, jnp.diff(plane, axis=2, append=plane[:, :, -1:])


def _specks_and_lines(l):
    """Specks, which an opening by a square and by lines removes; lines, which lines do not."""
    values = {}  # by top-hat transforms (Serra 1982, chapter XII)
    for name, plane in (("bright", l), ("dark", -l)):
        square = _extreme(_extreme(plane, _THIN, jnp.minimum), _THIN, jnp.maximum)
        lines = jnp.maximum(square, _line_openings(plane))
        values[f"{name}_specks"] = _mean(plane - lines > 15)
        values[f"{name}_lines"] = _mean(lines - square > 12)
    return values


def _line_openings(plane):
    """The largest opening of [B, H, W] by a line of _LINE pixels, over four directions."""
    openings = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        low = _along(plane, dy, dx, jnp.minimum, jnp.inf)
        openings.append(_along(low, -dy, -dx, jnp.maximum, -jnp.inf))
    return jnp.stack(openings).max(0)


def _along(plane, dy: int, dx: int, pick, beyond: float):
    """`pick` over _LINE pixels from each one on, in the direction (dy, dx)."""
    reach = _LINE - 1
    padded = jnp.pad(plane, ((0, 0), (reach, reach), (reach, reach)), constant_values=beyond)
    best = plane
    for k in range(1, _LINE):
        top, left = reach + k * dy, reach + k * dx
        best = pick(best, padded[:, top : top + SIZE, left : left + SIZE])
    return best


def _extreme(plane, width: int, pick):
    """Minimum or maximum of [B, H, W] over a square window, odd width."""
    start, reduce = (jnp.inf, jax.lax.min) if pick is jnp.minimum else (-jnp.inf, jax.lax.max)
    for window in ((1, width, 1), (1, 1, width)):
        plane = jax.lax.reduce_window(plane, start, reduce, window, (1, 1, 1), "SAME")
    return plane
