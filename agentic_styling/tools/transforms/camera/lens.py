"""What a moving camera, its lens and its film do: speed lines, distortion, grain."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.blur import shift
from agentic_styling.tools.transforms.filters.fields import full_grid, hash_bits, hash_noise

_FRINGE = (0.024, 0.012, 0.0)  # how much closer to the middle red, green and blue are read


@image_transform
def speed_lines(image, y, x, amount, color, seed, start=0.28):
    """Draws wedges that converge on a point, as in comics.

    Args:
      y: row of the point, in parts of the shorter side.
      x: its column.
      start: distance from the point at which they end, in parts of the shorter side.
    """
    height, width = image.shape[1:]
    rows, columns = full_grid(height, width)
    dy, dx = rows - y, columns - x
    away = jnp.sqrt(dy * dy + dx * dx + 1e-6)
    turn = jnp.arctan2(dy, dx) * (0.5 / jnp.pi) + 0.5
    pixel = 1.2 / min(height, width)
    lines = 0.0
    for count, wide, seed_of in ((72, 0.5, 1), (150, 0.4, 2)):
        at = turn * count
        ray = jnp.floor(at)
        own = hash_noise(ray, jnp.zeros_like(ray), seed + jnp.uint32(seed_of))
        first = start + 0.32 * ((own * 7) % 1) - 0.05 * jnp.minimum(amount, 2.0)
        grown = jnp.clip((away - first) / 0.5, 0.0, 1.0)
        half = wide * grown * (0.35 + 0.65 * ((own * 31) % 1))
        arc = away * (2 * jnp.pi / count)  # how wide one ray is here
        side = (jnp.abs(at - ray - 0.5) - 0.5 * half) * arc
        line = jnp.clip(0.5 - side / pixel, 0.0, 1.0) * jnp.clip(half * arc / pixel, 0.0, 1.0)
        lines = jnp.maximum(lines, line * (own < 0.32 + 0.14 * amount))
    opacity = jnp.clip(0.45 + 0.3 * amount, 0.0, 0.95) * jnp.clip(3 * amount, 0.0, 1.0)
    return image + opacity * lines * (color[:, None, None] - image)


@image_transform
def distort(image, bulge, fringe=0.0):
    """Distorts a picture as a barrel: the middle swells and straight lines bend outwards.

    The corners stay, so that no black comes in.

    Args:
      bulge: 0.3 is a fisheye, 0 the identity; a number or [H, W].
      fringe: 1 parts the colours at the border visibly.
    """
    height, width = image.shape[1:]
    y = jnp.linspace(-1.0, 1.0, height)[:, None]
    x = jnp.linspace(-1.0, 1.0, width)[None, :]
    square = (y * y + x * x) / 2
    planes = []
    for plane, apart in zip(image, _FRINGE, strict=True):
        inward = (1 - bulge * (1 - square)) * (1 - fringe * apart * square)
        rows = jnp.clip((y * inward + 1) * (0.5 * (height - 1)), 0, height - 1)
        columns = jnp.clip((x * inward + 1) * (0.5 * (width - 1)), 0, width - 1)
        planes.append(sample(plane, rows, columns))
    return jnp.stack(planes)


def sample(plane: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """[H, W] read at fractional rows and columns within it, bilinearly."""
    height, width = plane.shape
    top = jnp.clip(jnp.floor(rows), 0, height - 2)
    left = jnp.clip(jnp.floor(columns), 0, width - 2)
    v, u = (rows - top).astype(plane.dtype), (columns - left).astype(plane.dtype)
    at = top.astype(jnp.int32) * width + left.astype(jnp.int32)
    flat = plane.reshape(-1)
    above, below = ((1 - u) * flat[at + first] + u * flat[at + first + 1] for first in (0, width))
    return above + v * (below - above)


_FINE = 640  # pixels of the shorter side up to which a grain is one pixel
_WHOLE = 512  # below this a pixel is the mean of several grains, and so varies less


@image_transform
def film_grain(image, amount, seed, color=None):
    """Adds the grain of a fast film, strongest in the middle tones.

    It is zero in the mean, and none falls on black and white.

    Args:
      amount: 0.1 is visible, 0.25 the most that cannot clip.
      color: float [3], how much of the grain each channel has; all the same if None.
    """
    height, width = image.shape[1:]
    rows = jnp.arange(height)[:, None]
    columns = jnp.arange(width)[None, :]
    bits = hash_bits(rows, columns, seed)
    # The sum of four bytes of one hash is close to a normal variable.
    total = sum(((bits >> s) & 255).astype(jnp.float32) for s in (0, 8, 16, 24))
    noise = (total - 510.0) * (1 / 510.0)
    if min(height, width) > _FINE:
        noise = _coarsen(noise)
    luma = luma_of(image)
    strength = 4 * min(1.0, max(0.4, min(height, width) / _WHOLE))
    grain = (strength * amount) * noise * luma * (1 - luma)
    grain = grain[None] if color is None else grain * color[:, None, None]
    return jnp.clip(image + grain, 0.0, 1.0)


def _coarsen(noise: jax.Array) -> jax.Array:
    """Grains two pixels wide, of the same variance."""
    planes = noise[None]
    planes = planes + shift(planes, 0, 1)
    return 0.5 * (planes + shift(planes, 1, 0))[0]
