"""The few colours of a picture."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import LUMA
from agentic_styling.tools.transforms.conventions import computed
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, shrink

MOST = 16
_ROUNDS = 4


def _space(colors: jax.Array) -> jax.Array:
    """Luma and colour differences, about even to the eye: [3, ...]."""
    luma = LUMA[0] * colors[0] + LUMA[1] * colors[1] + LUMA[2] * colors[2]
    return jnp.stack([luma, 0.9 * (colors[0] - luma), 0.7 * (colors[2] - luma)])


def palette_of(image: jax.Array, count: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A palette [3, 16] of which the first `count` (traced) are in use, and that as a mask [16].

    Farthest points first, then four rounds of k-means, on about 32 x 32 pixels.
    """
    short = min(image.shape[1:])
    pixels = shrink(jax.lax.stop_gradient(image), max(1, short // 32)).reshape(3, -1)
    points = _space(pixels)
    used = jnp.arange(MOST) < count

    def farthest(carry, _):
        nearest, pick = carry
        center = points[:, pick]
        distance = jnp.sum((points - center[:, None]) ** 2, axis=0)
        nearest = jnp.minimum(nearest, distance)
        return (nearest, jnp.argmax(nearest)), pixels[:, pick]

    mean = jnp.mean(points, axis=1, keepdims=True)
    first = jnp.argmin(jnp.sum((points - mean) ** 2, axis=0))
    start = jnp.full(points.shape[1], 9.0)
    _, colors = jax.lax.scan(farthest, (start, first), length=MOST)

    def refine(colors, _):
        share = _shares(points, colors, used, 0.002)
        total = jnp.sum(share, axis=1)
        mean = share @ pixels.T / (total[:, None] + 1e-3)
        return jnp.where(total[:, None] > 0.5, mean, colors), None

    colors, _ = jax.lax.scan(refine, colors, length=_ROUNDS)
    return colors.T, used


def _shares(points, colors, used, softness):
    """Soft shares [16, ...] of the palette [16, 3] in points [3, ...]."""
    centers = _space(colors.T)
    distance = sum(
        (points[k][None] - centers[k].reshape(-1, *[1] * (points.ndim - 1))) ** 2 for k in range(3)
    )
    used = used.reshape(-1, *[1] * (points.ndim - 1))
    return jax.nn.softmax(jnp.where(used, -distance / softness, -1e4), axis=0)


def nearest_colors(image, palette: tuple[jax.Array, jax.Array], softness: float):
    """[3, H, W] in the colours of a palette; where two are about as near they mix."""
    colors, used = palette
    points, shape = _space(image), image.shape[1:]
    centers = jnp.where(used, _space(colors), 9.0).T

    def away(center):
        return sum((points[k] - center[k]) ** 2 for k in range(3))

    # Scans, as XLA on CPU would find the nearest again for every channel.
    nearest, _ = jax.lax.scan(
        lambda low, center: (jnp.minimum(low, away(center)), None), jnp.full(shape, 99.0), centers
    )

    def add(carry, one):
        center, color = one
        share = jnp.exp((nearest - away(center)) / softness)
        return (carry[0] + share * color[:, None, None], carry[1] + share), None

    carry = jnp.zeros_like(image), jnp.zeros(shape)
    (mixed, total), _ = jax.lax.scan(add, carry, (centers, colors.T))
    return mixed / total


def flat_areas(image, palette: tuple[jax.Array, jax.Array], factor: int, height: int, width: int):
    """A shrunk picture [3, h, w] as flat areas [3, height, width] of a palette's colours.

    Each colour's share is blurred at the small size and the largest wins at the full one, so that
    borders are smooth, as if drawn, and no colour lies between two others.
    """
    colors, used = palette
    shares = computed(_shares(_space(image), colors.T, used, 0.0009))
    shares = gaussian_blur(shares, 1.1, channel_axis=0)
    # The largest is 1, so that no weight is too small for a gradient.
    shares = shares / jnp.max(shares, axis=0)
    crisp = min(max(8.0, 5.0 * factor), 60.0)

    def add(carry, one):
        share, color = one
        weight = jnp.exp(crisp * (enlarge(share[None], factor, height, width)[0] - 1))
        return (carry[0] + weight * color[:, None, None], carry[1] + weight), None

    # A scan, as XLA on CPU would find every weight again for every channel.
    carry = jnp.zeros((3, height, width)), jnp.full((height, width), 1e-12)
    (mixed, total), _ = jax.lax.scan(add, carry, (shares, colors.T))
    return mixed / total
