"""Scores on other scales, against values worked out by hand from the papers' rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.external_scales import imgedit, viescore
from agentic_styling.rewards.scores import combine


def scores(**parts):
    """Scores of one row, every part not given at 100."""
    return combine({name: jnp.array([float(parts.get(name, 100))]) for name in PARTS})


def test_viescore_by_hand():
    found = viescore(
        scores(
            instruction_following=80,
            semantic_accuracy=40,
            coherence=60,
            visual_quality=90,
            technical_execution=95,
        )
    )
    np.testing.assert_allclose(np.ravel(found), [4, 9, 6], rtol=1e-6)


@pytest.mark.parametrize(
    "part, expected",
    [
        ("instruction_following", [1, 10]),
        ("semantic_accuracy", [1, 10]),
        ("coherence", [1, 10]),
        ("visual_quality", [10, 1]),
        ("technical_execution", [10, 1]),
        ("transformation_strength", [10, 10]),
    ],
)
def test_each_part_counts_on_its_side_of_viescore(part, expected):
    found = viescore(scores(**{part: 10}))
    np.testing.assert_allclose(np.ravel(found[:2]), expected, rtol=1e-6)


def test_imgedit_by_hand():
    found = imgedit(
        scores(
            instruction_following=90,
            transformation_strength=60,
            semantic_accuracy=75,
            coherence=50,
            visual_quality=25,
            technical_execution=75,
        )
    )
    np.testing.assert_allclose(np.ravel(found), [4, 3, 3, 10 / 3], rtol=1e-6)


def test_a_picture_left_alone_earns_nothing_for_being_intact():
    still = {"instruction_following": 0, "transformation_strength": 0, "semantic_accuracy": 0}
    np.testing.assert_allclose(np.ravel(imgedit(scores(**still))), [1, 1, 1, 1])
    np.testing.assert_allclose(np.ravel(viescore(scores(**still))), [0, 10, 0])


def test_the_ends_of_both_scales_and_many_rows_under_jit():
    batch = combine({name: jnp.array([0.0, 100.0, 50.0]) for name in PARTS})
    np.testing.assert_allclose(jax.jit(viescore)(batch), np.tile([0, 10, 5], (3, 1)), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(imgedit)(batch), np.tile([1, 5, 3], (4, 1)), rtol=1e-6)
