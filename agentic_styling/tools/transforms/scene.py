"""What a photograph shows as maps, how bright it is, and pictures made smaller and larger again."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform


class Scene(NamedTuple):
    """Maps of a photograph, each float32 [H, W] in [0, 1], and two numbers float32 [] in [0, 1].

    depth: 0 near to 1 far. sky: the open sky. ground: what lies flat below, where snow or leaves
    stay. subject: the thing the photograph is of. outdoors: 1 if it was taken outdoors, 0 in a room
    or studio, about 0.4 if nothing tells. closeup: 1 if it is a close-up of a thing, 0 if a view.
    """

    depth: jax.Array
    sky: jax.Array
    ground: jax.Array
    subject: jax.Array
    outdoors: jax.Array = np.float32(1)
    closeup: jax.Array = np.float32(0)


@image_transform
def level_of(image: jax.Array) -> jax.Array:
    """How bright a white thing is in the light of a picture: a scalar, 0.3 at night to 1."""
    return jnp.clip(0.25 + 1.7 * jnp.mean(luma_of(image)), 0.3, 1.0)


def shrink(image: jax.Array, factor: int) -> jax.Array:
    """Means of factor x factor blocks of [C, H, W], the border repeated: [C, ceil(H/f), ...]."""
    if factor == 1:
        return image
    image = jnp.pad(image, ((0, 0), (0, 0), (0, -image.shape[2] % factor)), mode="edge")
    columns = np.kron(np.eye(image.shape[2] // factor), np.ones((factor, 1))) / factor
    return _means(image, factor, 1) @ columns.astype(np.float32)


def _means(image, factor, axis):
    """Means of every `factor` rows (axis 1) or columns (axis 2), the last repeated."""
    widths = [(0, -image.shape[i] % factor if i == axis else 0) for i in range(3)]
    image = jnp.pad(image, widths, mode="edge")
    # Strided sums: a reduction over so short an axis does not vectorise.
    parts = (jax.lax.slice_in_dim(image, i, None, factor, axis) for i in range(factor))
    return sum(parts) / factor


def enlarge(planes: jax.Array, factor: int, height: int, width: int) -> jax.Array:
    """The opposite of `shrink`: [C, h, w] linearly interpolated to [C, height, width]."""
    if factor == 1:
        return planes
    planes = planes @ _resampling(planes.shape[2], width, 1 / factor)
    padded = jnp.pad(planes, ((0, 0), (1, 1), (0, 0)), mode="edge")[:, :, None, :]
    # Rows by shifted sums, not a product: at full width that would cost several times more.
    at = (np.arange(factor, dtype=np.float32) + 0.5) / factor - 0.5
    before, at = (at < 0)[:, None], jnp.asarray(at % 1.0)[:, None]
    low = jnp.where(before, padded[:, :-2], padded[:, 1:-1])
    high = jnp.where(before, padded[:, 1:-1], padded[:, 2:])
    rows = low + at * (high - low)
    return rows.reshape(planes.shape[0], -1, width)[:, :height]


def resample(planes: jax.Array, height: int, width: int) -> jax.Array:
    """Means of whole blocks of [C, h, w], then linear interpolation, antialiased, to [C, height,
    width]."""
    h, w = planes.shape[1:]
    down, across = max(1, h // height), max(1, w // width)
    planes = _means(_means(planes, down, 1), across, 2)  # sums cost less than products
    planes = planes @ _resampling(planes.shape[2], width, w / width / across)
    return _resampling(planes.shape[1], height, h / height / down).T @ planes


def _resampling(old: int, new: int, step: float) -> np.ndarray:
    """Linear interpolation at pixels `step` old ones apart, antialiased, as a matrix [old, new]."""
    at = (np.arange(new) + 0.5) * step - 0.5
    weights = np.maximum(1 - np.abs(at - np.arange(old)[:, None]) / max(step, 1), 0)
    return (weights / weights.sum(0)).astype(np.float32)
