"""Random fields over a picture, made coarsely: what they draw is soft."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.filters.noise import hash_bits, value_noise
from agentic_styling.tools.transforms.scene import enlarge

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


def to_full(field: jax.Array, height: int, width: int) -> jax.Array:
    """A coarse field [h, w] at full size [H, W]."""
    return enlarge(field[None], coarse_factor(height, width), height, width)[0]


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
