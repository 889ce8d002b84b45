"""Percentile bootstrap intervals: how far a mean could move if other cases had been drawn."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Interval(NamedTuple):
    """A mean with the ends of its bootstrap interval."""

    mean: float
    low: float
    high: float


def bootstrap_mean(values, *, samples: int = 2000, seed: int = 0, level: float = 0.95) -> Interval:
    """Mean of `values` [N] with its percentile bootstrap interval.

    Args:
        values: [N] finite numbers, one a case; the case is what is drawn again.
        samples: number of bootstrap draws.
        seed: of the draws; equal seeds draw equal cases, so methods stay comparable.
        level: coverage, in (0, 1).

    Raises InputError without values. Source: Efron and Tibshirani 1993, section 13.3.
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
        parts: [N, ...] numbers that add up over cases; the case is what is drawn again.
        statistic: from sums [..., of a part's shape] to values [...], NaN where it has none.
        samples, seed, level: as of `bootstrap_mean`, which draws the same cases.

    Draws on which the statistic has no value are left out of the interval. Raises InputError
    without cases.
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
    """Bootstrap interval of mean(first - second); [N] each, row i of both being the same case."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise InputError(f"paired difference: {first.size} against {second.size} cases; pair them")
    return bootstrap_mean(first - second, **options)


def verdict(difference: Interval) -> str:
    """The interval of a difference in words, the same whichever way it came out."""
    if difference.low > 0:
        return "above, interval excludes 0"
    if difference.high < 0:
        return "below, interval excludes 0"
    return "no clear difference"


def joint_verdict(reward: Interval, held_out: Interval) -> str:
    """What the differences of both rewards say together: a gain counts when "both rose"."""
    ways = {"the reward": _way(reward), "the held-out reward": _way(held_out)}
    if len(set(ways.values())) == 1:
        return f"both {_way(reward)}" if _way(reward) else "no clear difference"
    moved = [f"{name} {way}" for name, way in ways.items() if way]
    return ("only " if len(moved) == 1 else "") + ", ".join(moved)


def _way(difference: Interval) -> str:
    return "rose" if difference.low > 0 else "fell" if difference.high < 0 else ""
