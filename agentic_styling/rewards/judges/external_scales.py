"""Scores on the scales of published benchmarks, for a rough comparison with their tables.

The benchmarks ask a judge their own questions; these are ours on their scales, so nearness of two
numbers says little and only an order of methods may be compared.
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

    SC is the least of instruction_following, semantic_accuracy and coherence over 10, which stand
    for editing success and for the lack of overediting. PQ is the lesser of visual_quality and
    technical_execution over 10, which stand for naturalness and for the lack of artifacts. Overall
    is sqrt(SC * PQ). transformation_strength is not used. Source: VIEScore (Ku et al. 2023, arXiv
    2312.14867), which takes the minimum of sub-scores from 0 to 10 likewise.
    """
    meaning = (scores.instruction_following, scores.semantic_accuracy, scores.coherence)
    consistency = _least(*meaning) / 10
    quality = _least(scores.visual_quality, scores.technical_execution) / 10
    return VieScore(consistency, quality, jnp.sqrt(consistency * quality))


def imgedit(scores: Scores) -> ImgEdit:
    """The three grades of ImgEdit-Bench for a change of style and their mean, [B] in [1, 5].

    A part p in percent becomes 1 + p / 25. Style fidelity is that of the mean of
    instruction_following, transformation_strength and semantic_accuracy; content preservation that
    of coherence; rendering quality that of the mean of visual_quality and technical_execution.
    The latter two are at most the first, as the benchmark's prompt demands. Overall is the mean of
    the three. The benchmark's judge gives whole grades; these are not rounded. Source: ImgEdit (Ye
    et al. 2025, arXiv 2505.20275).
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
