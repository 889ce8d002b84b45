"""Procedural randomness from integer hashes: cheap, the same at every size and on every device."""

import jax
import jax.numpy as jnp


def pixel_grid(height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Row and column of every pixel centre [H, W], in units of the shorter side."""
    short = min(height, width)
    y = (jnp.arange(height, dtype=jnp.float32) + 0.5) / short
    x = (jnp.arange(width, dtype=jnp.float32) + 0.5) / short
    return jnp.meshgrid(y, x, indexing="ij")


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
