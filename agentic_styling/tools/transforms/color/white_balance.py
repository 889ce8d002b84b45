"""White balance in kelvin and tint, by Bradford adaptation in linear light.

The numbers are those of a camera or a raw converter: they name the light that is to come out as
neutral. A photograph counts as balanced for daylight (6504 K, tint 0); a higher kelvin makes it
warmer, a lower one cooler, a positive tint more magenta, a negative one greener.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import (
    LUMA,
    apply_matrix,
    in_float32,
    linear_to_srgb,
    srgb_to_linear,
)

DAYLIGHT = 6504.0  # kelvin of D65, the white of sRGB
LOWEST, HIGHEST = 2000.0, 25000.0  # kelvin between which the locus below holds
MOST_TINT = 150.0  # and the largest tint, either way

# The Planckian locus in CIE 1960 u, v as polynomials of 1000 / kelvin: fitted to Planck's law
# and the CIE 1931 observer at Chebyshev's points; off by less than 3e-5 between the two.
_U = (0.18048, 0.03861, 0.56142, 0.74841, -4.36747, 6.11346, -2.99103)
_V = (0.26389, 0.20199, 1.63928, -8.9094, 18.91283, -19.53671, 8.09787)
_D65_DUV = 0.0032  # daylight lies this far to the green side of the locus, and lamps lie on it
_LAMPS, _DAY = 0.35, 0.2  # 1000 / kelvin where lamps end and daylight begins
_TINT = 3000.0  # units of tint to one of distance in u, v, as in the DNG specification

_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_TO_XYZ = np.array(  # linear sRGB to CIE XYZ, IEC 61966-2-1
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
_TO_CONES = _BRADFORD @ _TO_XYZ
_FROM_CONES = np.linalg.inv(_TO_CONES)


def _cones(kelvin, tint, xp):
    """Bradford responses [3] to a light of luminance 1."""
    at = 1000.0 / xp.clip(kelvin, LOWEST, HIGHEST)
    (u, du), (v, dv) = _value_and_slope(_U, at), _value_and_slope(_V, at)
    tint = xp.clip(tint, -MOST_TINT, MOST_TINT)
    day = xp.clip((_LAMPS - at) / (_LAMPS - _DAY), 0.0, 1.0)
    duv = _D65_DUV * day * day * (3.0 - 2.0 * day) + tint / _TINT
    across = duv / xp.sqrt(du * du + dv * dv)
    u, v = u - across * dv, v + across * du
    xyz = xp.stack([1.5 * u / v, xp.ones_like(u), (2.0 - 0.5 * u - 5.0 * v) / v])
    return sum(_BRADFORD[:, k] * xyz[k] for k in range(3))


def _value_and_slope(coefficients, at):
    value, slope = 0.0 * at, 0.0 * at
    for c in reversed(coefficients):
        slope = slope * at + value
        value = value * at + c
    return value, slope


def _balance(kelvin, tint, xp):
    # Tint is measured at daylight: beside the lamps, its far end is no colour that light can have.
    day, none = np.float64(DAYLIGHT), np.float64(0.0)
    neutral = _cones(day, none, np)
    gains = (neutral / _cones(kelvin, none, xp)) * (neutral / _cones(day, tint, xp))
    matrix = sum(xp.asarray(np.outer(_FROM_CONES[:, k], _TO_CONES[k])) * gains[k] for k in range(3))
    return matrix / xp.sum(LUMA[:, None] * matrix)


def balance_matrix(kelvin: jax.Array | float, tint: jax.Array | float = 0.0) -> jax.Array:
    """float32 [3, 3] on linear sRGB that balances for a light; the luminance of greys is kept.

    kelvin: clipped to 2000 .. 25000. tint: 1/3000 of a unit of distance from the locus in CIE
    1960 u, v (as in the DNG specification), at daylight; clipped to -150 .. 150. Both may be
    traced.
    Source: Bradford, in Lam (1985); CIE 15.
    """
    kelvin, tint = jnp.asarray(kelvin, jnp.float32), jnp.asarray(tint, jnp.float32)
    return _balance(kelvin, tint, jnp)


def kelvin_gains(kelvin: float, tint: float = 0.0) -> np.ndarray:
    """What `balance_matrix` makes of white: gains in linear sRGB, float32 [3], for tables.

    At least 0.01, so that they have a logarithm: the white of lamps leaves the gamut of sRGB.
    """
    gains = _balance(np.float64(kelvin), np.float64(tint), np).sum(axis=1)
    return np.maximum(gains, 0.01).astype(np.float32)


@in_float32
def white_balance(
    image: jax.Array,
    kelvin: jax.Array | float,
    tint: jax.Array | float = 0.0,
    stops: jax.Array | float = 0.0,
) -> jax.Array:
    """[3, H, W] in [0, 1], balanced for a light of `kelvin` and `tint`; see `balance_matrix`.

    stops: exposed by 2 ** stops besides, in the same pass through linear light.
    """
    matrix = jnp.exp2(jnp.asarray(stops, jnp.float32)) * balance_matrix(kelvin, tint)
    balanced = apply_matrix(srgb_to_linear(image), matrix)
    return linear_to_srgb(jnp.clip(balanced, 0.0, 1.0))
