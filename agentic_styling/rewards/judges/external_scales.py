"""Scores on the scales of published benchmarks, for a rough comparison with their tables.

The benchmarks ask a judge other questions, so only the order of methods can be compared, not the
numbers.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.rewards.scores import Scores


class VieScore(NamedTuple):
    """VIEScore of a batch, float32 [B] each, in [0, 10]."""

    semantic_consistency: jax.Array
    perceptual_quality: jax.Array
    overall: jax.Array


class ImgEdit(NamedTuple):
    """ImgEdit scores of a batch, float32 [B] each, in [1, 5]."""

    fidelity: jax.Array
    preservation: jax.Array
    rendering: jax.Array
    overall: jax.Array


def viescore(scores: Scores) -> VieScore:
    """Semantic consistency, perceptual quality and their geometric mean, [B] in [0, 10].

    SC is the minimum of instruction_following, semantic_accuracy (editing success) and coherence
    (no overediting) over 10; PQ that of visual_quality (naturalness) and technical_execution (no
    artifacts); overall is sqrt(SC * PQ). transformation_strength is not used.

    Source: VIEScore (Ku et al. 2023, arXiv 2312.14867), with the minimum of sub-scores likewise.
    """
    meaning = (scores.instruction_following, scores.semantic_accuracy, scores.coherence)
    consistency = _least(*meaning) / 10
    quality = _least(scores.visual_quality, scores.technical_execution) / 10
    return VieScore(consistency, quality, jnp.sqrt(consistency * quality))


def imgedit(scores: Scores) -> ImgEdit:
    """The three grades of ImgEdit-Bench for a change of style and their mean, [B] in [1, 5].

    A part p in percent becomes 1 + p / 25, not rounded as the benchmark's grades are. Fidelity is
    the mean of instruction_following, transformation_strength and semantic_accuracy; preservation
    is coherence; rendering the mean of visual_quality and technical_execution. As the benchmark's
    prompt demands, the latter two are at most the first.

    Source: ImgEdit (Ye et al. 2025, arXiv 2505.20275).
    """
    fidelity = _grade(
        scores.instruction_following, scores.transformation_strength, scores.semantic_accuracy
    )
    preservation = jnp.minimum(_grade(scores.coherence), fidelity)
    rendering = jnp.minimum(_grade(scores.visual_quality, scores.technical_execution), fidelity)
    overall = (fidelity + preservation + rendering) / 3
    return ImgEdit(fidelity, preservation, rendering, overall)


def _least(*parts: jax.Array) -> jax.Array:
    return jnp.stack(parts).min(0)


def _grade(*parts: jax.Array) -> jax.Array:
    """The mean of parts in percent as a grade from 1 to 5."""
    return 1 + jnp.stack(parts).mean(0) / 25
