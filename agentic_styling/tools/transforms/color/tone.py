"""Tone and chroma, point by point: exposure, curves, contrast, levels, saturation, split toning.

Images are display values [3, H, W] in [0, 1], and so are results. Every number may be traced.
"""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import (
    LUMA,
    apply_matrix,
    column,
    in_float32,
    linear_to_srgb,
    luma,
    power,
    srgb_to_linear,
)

# The direction of skin of any depth, hue 20 degrees, in (red - luma, luma - blue).
_SKIN = np.array([[0.773, 0.0, -0.635], [0.635, 0.0, 0.773]])
# Luma; how far a colour lies from grey along that direction, and across it.
_LUMA_AND_SKIN = np.vstack([LUMA, _SKIN - _SKIN.sum(1, keepdims=True) * LUMA])


@in_float32
def exposure(image: jax.Array, stops: jax.Array | float) -> jax.Array:
    """2 ** stops times the light; what is brighter than white is clipped."""
    linear = srgb_to_linear(image) * jnp.exp2(jnp.asarray(stops, jnp.float32))
    return linear_to_srgb(jnp.minimum(linear, 1.0))


@in_float32
def lift_gamma_gain(image: jax.Array, lift: jax.Array, gamma: jax.Array, gain: jax.Array):
    """(gain * (x + lift * (1 - x))) ** (1 / gamma) of display values, the lift of colour wheels.

    lift (moves black, keeps white), gamma (bends the middle), gain (scales, keeps black): [3] or
    scalars; neutral 0, 1, 1. As the ASC CDL: slope = gain * (1 - lift), offset = gain * lift,
    power = 1 / gamma.
    """
    lifted = column(gain) * (image + column(lift) * (1.0 - image))
    return power(jnp.clip(lifted, 0.0, 1.0), 1.0 / column(gamma))


@in_float32
def levels(image: jax.Array, black=0.0, white=1.0, gamma=1.0) -> jax.Array:
    """Display value `black` becomes 0, `white` 1, and between them x ** (1 / gamma)."""
    black, white = column(black), column(white)
    stretched = (image - black) / jnp.maximum(white - black, 1e-4)
    return power(jnp.clip(stretched, 0.0, 1.0), 1.0 / column(gamma))


@in_float32
def contrast(image: jax.Array, amount: jax.Array | float, pivot: jax.Array | float = 0.5):
    """An S curve of slope 2 ** amount at the pivot, a display value in (0, 1) that stays put.

    Two arcs of a hyperbola: black and white stay, nothing clips, and -amount undoes it.
    """
    slope = jnp.exp2(column(amount))
    pivot = jnp.clip(column(pivot), 1e-3, 1.0 - 1e-3)
    above = image > pivot
    end = jnp.where(above, 1.0 - pivot, pivot)
    away = jnp.where(above, 1.0 - image, image)
    bent = away * end / (away + (end - away) * slope)
    return jnp.where(above, 1.0 - bent, bent)


@in_float32
def tone_curve(image: jax.Array, xs: jax.Array, ys: jax.Array) -> jax.Array:
    """The monotone cubic through the knots (xs, ys), level before the first and after the last.

    xs: [K] rising display values, K >= 2; ys: [K], or [3, K] for a curve a channel; both traced.
    Where the knots rise, so does the curve: no knot is overshot.
    Source: Fritsch and Carlson (1980), with the slopes of Fritsch and Butland (1984).
    """
    xs, ys = jnp.asarray(xs, jnp.float32), jnp.asarray(ys, jnp.float32)
    steps, rises = jnp.maximum(jnp.diff(xs), 1e-6), jnp.diff(ys)
    slopes = _slopes(steps, rises / steps)
    first, last = steps * slopes[..., :-1], steps * slopes[..., 1:]
    square, cube = 3 * rises - 2 * first - last, first + last - 2 * rises
    out = column(ys[..., 0])
    # Each piece adds its own rise, so that no pixel has to look up which piece it is in.
    for k in range(xs.shape[0] - 1):
        t = jnp.clip((image - xs[k]) / steps[k], 0.0, 1.0)
        bend = column(square[..., k]) + t * column(cube[..., k])
        out = out + t * (column(first[..., k]) + t * bend)
    return jnp.clip(out, 0.0, 1.0)


def _slopes(steps: jax.Array, secants: jax.Array) -> jax.Array:
    """Slopes at the knots: harmonic means inside, monotone three-point formulas at the ends."""
    if secants.shape[-1] == 1:
        return jnp.concatenate([secants, secants], axis=-1)
    left, right = secants[..., :-1], secants[..., 1:]
    weight_left, weight_right = steps[:-1] + 2 * steps[1:], 2 * steps[:-1] + steps[1:]
    same = left * right > 0
    below = jnp.where(same, weight_left * right + weight_right * left, 1.0)
    inner = jnp.where(same, (weight_left + weight_right) * left * right / below, 0.0)
    first = _end_slope(steps[0], steps[1], secants[..., :1], secants[..., 1:2])
    last = _end_slope(steps[-1], steps[-2], secants[..., -1:], secants[..., -2:-1])
    return jnp.concatenate([first, inner, last], axis=-1)


def _end_slope(step, next_step, secant, next_secant):
    slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step)
    slope = jnp.where(slope * secant > 0, slope, 0.0)
    turns = (secant * next_secant <= 0) & (jnp.abs(slope) > 3 * jnp.abs(secant))
    return jnp.where(turns, 3 * secant, slope)


# From here on a pixel's channels meet. What they make together is a plane [H, W] behind a product
# with a matrix or a division: XLA on a CPU computes anything cheaper once more for each channel.


def _extremes(planes):
    """The largest and the smallest of three planes, [H, W] each."""
    red, green, blue = planes
    return (
        jnp.maximum(jnp.maximum(red, green), blue),
        jnp.minimum(jnp.minimum(red, green), blue),
    )


def _recolor(grey: jax.Array, offsets: jax.Array, scale: jax.Array | float = 1.0) -> jax.Array:
    """grey [H, W] + scale >= 0 times offsets [3, H, W] without luma; shortened where they clip.

    So luma and hue stay where clipping would turn them.
    """
    most, least = _extremes(offsets)
    room = jnp.maximum(grey * (1.0 - grey), 1e-5)
    reach = scale * jnp.maximum(most * grey, -least * (1.0 - grey))
    share = scale * room / jnp.maximum(room, reach)
    return jnp.clip(grey + share * offsets, 0.0, 1.0)


@in_float32
def saturation(image: jax.Array, amount: jax.Array | float) -> jax.Array:
    """Chroma times 1 + amount, amount >= -1, luma and hue kept: -1 leaves grey, 0 the image."""
    (grey,) = apply_matrix(image, LUMA[None])
    return _recolor(grey, image - grey, 1.0 + amount)


@in_float32
def vibrance(image: jax.Array, amount: jax.Array | float) -> jax.Array:
    """Saturation that acts on dull colours most, hardly on vivid ones, and little on skin.

    amount >= -1; 0 is the image.
    """
    grey, along, across = apply_matrix(image, _LUMA_AND_SKIN)
    skin = jnp.clip(8.0 * (along - 1.6 * jnp.abs(across)), 0.0, 1.0)  # 32 degrees to either side
    skin = skin * skin * (3.0 - 2.0 * skin)
    most, least = _extremes(image)
    scale = 1.0 + amount * (1.0 - (most - least)) * (1.0 - 0.7 * skin)
    return _recolor(grey, image - grey, scale)


@in_float32
def split_tone(
    image: jax.Array,
    shadows: jax.Array,
    highlights: jax.Array,
    balance: jax.Array | float = 0.0,
) -> jax.Array:
    """The dark parts tinted with one colour and the bright parts with another; luma is kept.

    shadows, highlights: display colours [3]; how far one is from grey is its strength, and a grey
    does nothing. balance in [-1, 1]: above 0 the colour of the highlights reaches further down.
    Black and white stay.
    """
    (grey,) = apply_matrix(image, LUMA[None])
    dark, light = (column(_without_luma(x)) for x in (shadows, highlights))
    bright = grey + balance * grey * (1.0 - grey)
    ends = (2.0 * grey - 1.0) ** 2
    middle = 1.0 - ends * ends
    return _recolor(grey, image - grey + middle * (dark + bright * (light - dark)))


def _without_luma(color):
    color = jnp.asarray(color, jnp.float32)
    return color - luma(color)
