"""Where in a photograph an effect is."""

import jax
import jax.numpy as jnp

from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    full_grid,
    ramp,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.scene import Scene


def middle_of(scene: Scene) -> tuple[jax.Array, jax.Array]:
    """Row and column of the subject, in parts of the shorter side; the centre where none is."""
    height, width = scene.subject.shape
    y, x = full_grid(height, width)
    weight = scene.subject + 0.02
    total = jnp.sum(weight)
    return jnp.sum(weight * y) / total, jnp.sum(weight * x) / total


def extent_of(scene: Scene, coverage: jax.Array, seed: jax.Array) -> jax.Array:
    """How strong an effect is at every place, [H, W] in [0, 1].

    coverage: 0 in a patch about the subject, 1 in most places, 2 everywhere.
    """
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    middle_y, middle_x = middle_of(scene)
    drift = turbulence(3 * y, 3 * x, seed + jnp.uint32(0xC0), 2) - 0.5
    away = jnp.sqrt((y - middle_y) ** 2 + (x - middle_x) ** 2 + 1e-6) + 0.22 * drift
    patch = 1 - ramp(away, 0.2, 0.46)
    most = 0.7 + 0.3 * ramp(drift, -0.28, 0.0)
    soft = jnp.where(coverage == 0, patch, jnp.where(coverage == 1, most, 1.0))
    return to_full(soft, height, width)
