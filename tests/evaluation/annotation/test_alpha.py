"""Krippendorff's alpha against published examples, and against its definition by loops."""

import itertools

import numpy as np
import pytest

from agentic_styling.evaluation.annotation.alpha import alpha_of, coincidences, krippendorff_alpha


def table(*rows):
    """[units, annotators] from a row of marks for each annotator; a dot is none."""
    return np.array([[np.nan if x == "." else float(x) for x in row.split()] for row in rows]).T


# Krippendorff 2011: section A (two observers, two categories) and section C (four observers,
# five values, some missing).
TWO_OBSERVERS = table("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
FOUR_OBSERVERS = table(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
# Three coders, fifteen units: the example of Wikipedia's article, nominal 0.691.
THREE_CODERS = table(
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)


@pytest.mark.parametrize(
    ("ratings", "level", "published"),
    [
        (TWO_OBSERVERS, "nominal", 0.095),
        (FOUR_OBSERVERS, "nominal", 0.743),
        (FOUR_OBSERVERS, "ordinal", 0.815),
        (THREE_CODERS, "nominal", 0.691),
    ],
)
def test_published_examples(ratings, level, published):
    assert krippendorff_alpha(ratings, level) == pytest.approx(published, abs=5e-4)


def by_definition(ratings, level):
    """1 - observed / expected disagreement, over pairs within units and over all pairs."""
    units = [row[~np.isnan(row)].tolist() for row in ratings]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [value for unit in units for value in unit]

    def distance(a, b):
        if level == "nominal":
            return float(a != b)
        low, high = sorted((a, b))
        between = sum(low <= value <= high for value in pooled)
        return (between - (pooled.count(a) + pooled.count(b)) / 2) ** 2 if a != b else 0.0

    observed = sum(
        sum(distance(a, b) for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1)
        for unit in units
    )
    expected = sum(distance(a, b) for a, b in itertools.permutations(pooled, 2))
    return 1 - observed / len(pooled) / (expected / (len(pooled) * (len(pooled) - 1)))


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_it_equals_its_definition(level):
    rng = np.random.default_rng(0)
    for annotators in (2, 3, 5):
        ratings = rng.integers(1, 5, (30, annotators)).astype(float)
        ratings[rng.random(ratings.shape) < 0.3] = np.nan
        assert krippendorff_alpha(ratings, level) == pytest.approx(by_definition(ratings, level))


def test_perfect_agreement_is_one_and_chance_is_zero():
    assert krippendorff_alpha([[1, 1], [2, 2]], "ordinal") == 1
    ratings = np.random.default_rng(1).integers(0, 2, (20000, 2))
    assert abs(krippendorff_alpha(ratings, "nominal")) < 0.02


def test_undefined_alpha_is_nan():
    assert np.isnan(krippendorff_alpha([[1, 1], [1, 1]], "nominal"))
    assert np.isnan(krippendorff_alpha([[1, np.nan], [np.nan, 2]], "ordinal"))


def test_coincidences_add_up_over_units():
    values = [1, 2, 3, 4, 5]
    each = coincidences(FOUR_OBSERVERS, values)
    twice = np.concatenate([FOUR_OBSERVERS, FOUR_OBSERVERS[:3]])
    times = np.array([2, 2, 2] + [1] * 9)
    drawn = alpha_of(np.tensordot(times, each, 1), "ordinal")
    assert drawn == pytest.approx(krippendorff_alpha(twice, "ordinal"))
    # The coincidence matrix that the paper prints for section C.
    printed = [[7, 4 / 3, 1 / 3, 1 / 3, 0], [4 / 3, 10, 4 / 3, 1 / 3, 0]]
    np.testing.assert_allclose(each.sum(0)[:2], printed)


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="nominal, ordinal"):
        alpha_of(np.eye(2), "ratio")
