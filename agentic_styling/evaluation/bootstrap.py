"""Percentile bootstrap intervals over cases."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Interval(NamedTuple):
    """A mean, or another statistic, with the ends of its bootstrap interval."""

    mean: float
    low: float
    high: float


def bootstrap_mean(values, *, samples: int = 2000, seed: int = 0, level: float = 0.95) -> Interval:
    """The mean of some values with its percentile bootstrap interval.

    Args:
      values: [N] finite numbers, one per case; cases are resampled.
      samples: number of bootstrap draws.
      seed: of the draws; equal seeds draw the same cases, so methods stay comparable.
      level: coverage, in (0, 1).

    Raises:
      InputError: there are no values.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    values = np.asarray(values, np.float64)
    if not values.size:
        raise InputError("bootstrap: no values to average; evaluate at least one case")
    draws = np.random.default_rng(seed).integers(0, values.size, (samples, values.size))
    tail = 50 * (1 - level)
    low, high = np.percentile(values[draws].mean(axis=1), [tail, 100 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def bootstrap_sums(
    parts, statistic: Callable, *, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """A statistic of sums over cases, such as a ratio, with its percentile bootstrap interval.

    Args:
      parts: [N, ...] numbers that are summed over cases; cases are resampled.
      statistic: maps sums [..., shape of a part] to values [...]. Draws where it is NaN are left
        out of the interval.
      samples, seed, level: as in `bootstrap_mean`, which draws the same cases.

    Raises:
      InputError: there are no cases.
    """
    parts = np.asarray(parts, np.float64)
    if not len(parts):
        raise InputError("bootstrap: no cases to draw from; give at least one")
    draws = np.random.default_rng(seed).integers(0, len(parts), (samples, len(parts)))
    times = np.stack([np.bincount(draw, minlength=len(parts)) for draw in draws])
    values = statistic(np.tensordot(times, parts, 1))
    values, tail = values[~np.isnan(values)], 50 * (1 - level)
    low, high = np.percentile(values, [tail, 100 - tail]) if values.size else (np.nan, np.nan)
    return Interval(float(statistic(parts.sum(0))), float(low), float(high))


def paired_difference(first, second, **options) -> Interval:
    """Interval of mean(first - second), [N] each, paired by case; `options` of `bootstrap_mean`."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise InputError(
            f"paired difference: {first.size} against {second.size} cases; give the same cases"
        )
    return bootstrap_mean(first - second, **options)


def verdict(difference: Interval) -> str:
    """A difference in words: above or below 0, or no clear difference."""
    if difference.low > 0:
        return "above, interval excludes 0"
    if difference.high < 0:
        return "below, interval excludes 0"
    return "no clear difference"


def joint_verdict(reward: Interval, held_out: Interval) -> str:
    """The differences of both rewards in words; only "both rose" counts as a gain."""
    changes = {"the reward": _change(reward), "the held-out reward": _change(held_out)}
    if len(set(changes.values())) == 1:
        return f"both {_change(reward)}" if _change(reward) else "no clear difference"
    moved = [f"{name} {change}" for name, change in changes.items() if change]
    return ("only " if len(moved) == 1 else "") + ", ".join(moved)


def _change(difference: Interval) -> str:
    return "rose" if difference.low > 0 else "fell" if difference.high < 0 else ""
