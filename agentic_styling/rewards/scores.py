"""Scores, which every reward and judge returns: six parts, their mean, and a reward."""

import flax.struct
import jax
import jax.numpy as jnp

PARTS = (
    "instruction_following",
    "visual_quality",
    "transformation_strength",
    "coherence",
    "semantic_accuracy",
    "technical_execution",
)


@flax.struct.dataclass
class Scores:
    """Scores of a batch, float32 [B] each: six parts and `overall` in [0, 100], `reward` in [0, 5].

    `overall` is the mean of the parts. `reward` is a twentieth of their geometric mean, so that one
    part cannot compensate for another.
    """

    instruction_following: jax.Array
    visual_quality: jax.Array
    transformation_strength: jax.Array
    coherence: jax.Array
    semantic_accuracy: jax.Array
    technical_execution: jax.Array
    overall: jax.Array
    reward: jax.Array


def combine(parts: dict[str, jax.Array]) -> Scores:
    """Scores from parts [B] in percent, one for each of PARTS; clipped to [0, 100]."""
    parts = {name: jnp.clip(parts[name], 0, 100) for name in PARTS}
    stacked = jnp.stack([parts[name] for name in PARTS])
    geometric = jnp.exp(jnp.log(jnp.maximum(stacked, 0.1)).mean(0))
    return Scores(**parts, overall=stacked.mean(0), reward=jnp.clip(geometric / 20, 0, 5))
