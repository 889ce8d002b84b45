"""What a photograph shows as maps, and pictures made smaller and larger again."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Scene(NamedTuple):
    """Maps of a photograph, each float32 [H, W] in [0, 1].

    depth: 0 near to 1 far. sky: the open sky. ground: what lies flat below, where snow or leaves
    stay. subject: the thing the photograph is of.
    """

    depth: jax.Array
    sky: jax.Array
    ground: jax.Array
    subject: jax.Array


def shrink(image: jax.Array, factor: int) -> jax.Array:
    """Means of factor x factor blocks of [C, H, W], the border repeated: [C, ceil(H/f), ...]."""
    if factor == 1:
        return image
    height, width = image.shape[1:]
    down, right = -height % factor, -width % factor
    image = jnp.pad(image, ((0, 0), (0, down), (0, right)), mode="edge")
    # Strided sums and a product: a reduction over so short an axis does not vectorise.
    rows = sum(image[:, i::factor] for i in range(factor))
    columns = np.kron(np.eye(rows.shape[2] // factor), np.ones((factor, 1))) / factor**2
    return rows @ columns.astype(np.float32)


def enlarge(planes: jax.Array, factor: int, height: int, width: int) -> jax.Array:
    """The opposite of `shrink`: [C, h, w] linearly interpolated to [C, height, width]."""
    if factor == 1:
        return planes
    planes = planes @ _interpolation(planes.shape[2], factor, width)
    padded = jnp.pad(planes, ((0, 0), (1, 1), (0, 0)), mode="edge")[:, :, None, :]
    # Rows by shifted sums, not a product: at full width that would cost several times more.
    at = (np.arange(factor, dtype=np.float32) + 0.5) / factor - 0.5
    before, at = (at < 0)[:, None], jnp.asarray(at % 1.0)[:, None]
    low = jnp.where(before, padded[:, :-2], padded[:, 1:-1])
    high = jnp.where(before, padded[:, 1:-1], padded[:, 2:])
    rows = low + at * (high - low)
    return rows.reshape(planes.shape[0], -1, width)[:, :height]


def _interpolation(small: int, factor: int, width: int) -> np.ndarray:
    """Linear interpolation as a matrix [small, width]."""
    at = np.clip((np.arange(width) + 0.5) / factor - 0.5, 0, small - 1)
    return np.maximum(1 - np.abs(at[None] - np.arange(small)[:, None]), 0).astype(np.float32)
