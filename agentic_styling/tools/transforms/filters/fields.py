"""Fields over a picture: grids of places, and randomness from integer hashes.

Randomness is the same at every size and on every device. What is soft is made coarsely: pictures
and fields are made smaller, and larger again.
"""

import jax
import jax.numpy as jnp
import numpy as np


def pixel_grid(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Row and column of every pixel centre [H, W], in units of the shorter side."""
    return tuple(jnp.broadcast_arrays(*full_grid(height, width)))


def hash_bits(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """32 random bits, uint32, for integer lattice points, by MurmurHash3's finaliser."""
    y, x = (jnp.asarray(v).astype(jnp.int32).astype(jnp.uint32) for v in (y, x))
    bits = y * jnp.uint32(0x9E3779B1) ^ x * jnp.uint32(0x85EBCA77) ^ jnp.asarray(seed, jnp.uint32)
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    return bits ^ (bits >> 16)


def hash_noise(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Uniform float32 in [0, 1) for integer lattice points."""
    return (hash_bits(y, x, seed) >> 8).astype(jnp.float32) * (1.0 / (1 << 24))


def white_noise(height: int, width: int, seed: jax.Array) -> jax.Array:
    """Independent uniform values [H, W] in [0, 1)."""
    y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    return hash_noise(y, x, seed)


def value_noise(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Smooth noise in [0, 1): a random lattice, one unit wide, interpolated with smoothsteps."""
    y0, x0 = jnp.floor(y), jnp.floor(x)
    v, u = y - y0, x - x0
    v, u = v * v * (3 - 2 * v), u * u * (3 - 2 * u)
    corners = jnp.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, :, None, None]
    a, b, c, d = hash_noise(y0 + corners[:, 0], x0 + corners[:, 1], seed)
    return (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v


def cloud_noise(y: jax.Array, x: jax.Array, seed: jax.Array) -> jax.Array:
    """Three octaves of value noise in [0, 1)."""
    scales = jnp.array([1, 2, 4], jnp.uint32)
    octaves = jax.vmap(lambda s: value_noise(y * s, x * s, seed + s) / s)(scales)
    return jnp.sum(octaves, axis=0) / 1.75


def voronoi(y: jax.Array, x: jax.Array, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Random cells, about one unit wide: a value per cell, and the distance to its border."""
    around = jnp.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])[:, :, None, None]
    y0, x0 = jnp.floor(y) + around[:, 0], jnp.floor(x) + around[:, 1]
    py, px, values = (hash_noise(y0, x0, seed + k) for k in range(3))
    distance = jnp.hypot(y0 + py - y, x0 + px - x)
    nearest, pick = jnp.min(distance, axis=0), jnp.argmin(distance, axis=0)[None]
    others = jnp.where(jnp.arange(9)[:, None, None] == pick, 9.0, distance)
    return jnp.take_along_axis(values, pick, axis=0)[0], jnp.min(others, axis=0) - nearest


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


COARSE = 128  # pixels of the shorter side at which soft things are made
_OCTAVE = np.array([[1.6, 1.2], [-1.2, 1.6]])  # twice as fine, and turned by 37 degrees


def coarse_factor(height: int, width: int) -> int:
    """How many pixels of the picture a coarse one is wide."""
    return max(1, min(height, width) // COARSE)


def coarse_grid(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Row [h, 1] and column [1, w] of the coarse pixels' centres, in parts of the shorter side."""
    factor, short = coarse_factor(height, width), min(height, width)
    y = (jnp.arange(-(-height // factor), dtype=jnp.float32) + 0.5) * (factor / short)
    x = (jnp.arange(-(-width // factor), dtype=jnp.float32) + 0.5) * (factor / short)
    return y[:, None], x[None, :]


def full_grid(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Row [H, 1] and column [1, W] of the pixels' centres, in parts of the shorter side."""
    short = min(height, width)
    y = (jnp.arange(height, dtype=jnp.float32) + 0.5) / short
    x = (jnp.arange(width, dtype=jnp.float32) + 0.5) / short
    return y[:, None], x[None, :]


def at_places(planes: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
    """Values of planes [..., h, w] at the pixels that hold the places (y, x).

    y, x: in parts of the height and of the width; their common shape replaces [h, w].
    """
    h, w = planes.shape[-2:]
    rows = jnp.clip(jnp.floor(y * h), 0, h - 1).astype(jnp.int32)
    columns = jnp.clip(jnp.floor(x * w), 0, w - 1).astype(jnp.int32)
    return planes[..., rows, columns]


def middle_of(weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Row and column of the middle of a map [H, W] > 0, in parts of the shorter side."""
    y, x = full_grid(*weight.shape)
    total = jnp.sum(weight)
    return jnp.sum(weight * y) / total, jnp.sum(weight * x) / total


def slopes(plane: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Differences of [H, W] down and across, from the pixel before to the one after each."""
    padded = jnp.pad(plane, 1, mode="edge")
    return padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]


def coarse(planes: jax.Array) -> jax.Array:
    """Planes [C, H, W] at the coarse size."""
    return shrink(planes, coarse_factor(*planes.shape[1:]))


def to_full(field: jax.Array, height: int, width: int) -> jax.Array:
    """A coarse field [h, w], or planes [C, h, w], at full size."""
    planes = field if field.ndim == 3 else field[None]
    full = enlarge(planes, coarse_factor(height, width), height, width)
    return full if field.ndim == 3 else full[0]


def ramp(value: jax.Array, low: jax.Array | float, high: jax.Array | float) -> jax.Array:
    """0 below low, 1 above high, a smoothstep between."""
    u = jnp.clip((value - low) / (high - low), 0.0, 1.0)
    return u * u * (3 - 2 * u)


def turbulence(y: jax.Array, x: jax.Array, seed: jax.Array, octaves: int = 4) -> jax.Array:
    """Octaves of value noise, each turned against the last to hide the lattice; about [0, 1]."""
    y, x = jnp.broadcast_arrays(y, x)
    spin = [np.linalg.matrix_power(_OCTAVE, k) for k in range(octaves)]
    weights = 0.55 ** np.arange(octaves, dtype=np.float32)

    def octave(turned, k):
        v, u = turned[0, 0] * y + turned[0, 1] * x, turned[1, 0] * y + turned[1, 1] * x
        return value_noise(v + 7.3 * k, u + 3.1 * k, seed + k.astype(jnp.uint32))

    layers = jax.vmap(octave)(jnp.array(spin, jnp.float32), jnp.arange(octaves))
    return jnp.tensordot(weights / weights.sum(), layers, 1)


def four_randoms(row: jax.Array, column: jax.Array, seed: jax.Array) -> tuple[jax.Array, ...]:
    """Four uniform values in [0, 1) for each lattice point, from one hash."""
    bits = hash_bits(row, column, seed)
    return tuple(((bits >> s) & 255).astype(jnp.float32) * (1 / 256) for s in (0, 8, 16, 24))
