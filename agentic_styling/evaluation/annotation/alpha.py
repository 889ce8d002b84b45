"""Krippendorff's alpha: agreement beyond chance between any number of annotators.

Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
"""

import numpy as np

LEVELS = ("nominal", "ordinal")


def krippendorff_alpha(ratings, level: str) -> float:
    """Krippendorff's alpha of a table of ratings.

    Args:
      ratings: [units, annotators], NaN where an annotator gave none.
      level: "nominal" or "ordinal".

    Returns:
      1 for perfect agreement, 0 for chance, negative below chance; NaN if undefined (no unit with
      two ratings, or all ratings equal).
    """
    return float(alpha_of(coincidences(ratings).sum(0), level))


def coincidences(ratings, values=None) -> np.ndarray:
    """The coincidence matrix of each unit, [units, V, V]; their sum is that of all units.

    Args:
      ratings: [units, annotators], NaN for none. A unit with fewer than two ratings gives zeros.
      values: the V values that occur, increasing; None takes them from `ratings`.
    """
    ratings = np.asarray(ratings, np.float64)
    if values is None:
        values = np.unique(ratings[~np.isnan(ratings)])
    counts = (ratings[:, :, None] == np.asarray(values)).sum(1).astype(float)
    given = counts.sum(1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    return np.where(given > 1, 1 / np.maximum(given - 1, 1), 0)[:, None, None] * pairs


def alpha_of(coincidence, level: str) -> np.ndarray:
    """Alpha [...] of coincidence matrices [..., V, V] of increasing values; `level` as above."""
    if level not in LEVELS:
        raise ValueError(f"level={level!r}; use one of {', '.join(LEVELS)}")
    coincidence = np.asarray(coincidence, np.float64)
    totals = coincidence.sum(-1)
    if level == "nominal":
        distance = 1 - np.eye(totals.shape[-1])
    else:
        # The ordinal metric counts the ratings between two values: (sum of n_g - ends / 2)^2.
        middle = totals.cumsum(-1) - totals / 2
        distance = (middle[..., :, None] - middle[..., None, :]) ** 2
    count = totals.sum(-1)
    observed = (coincidence * distance).sum((-2, -1))
    expected = (totals[..., :, None] * totals[..., None, :] * distance).sum((-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (count - 1) * observed / expected, np.nan)
