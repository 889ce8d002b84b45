"""Percentile bootstrap intervals over clusters of cases, such as photographs, and over runs."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from agentic_styling.utils.errors import InputError


class Interval(NamedTuple):
    """A mean, or another statistic, with the ends of its bootstrap interval."""

    mean: float
    low: float
    high: float


def bootstrap_mean(
    values, *, clusters=None, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """The mean of some values with its percentile bootstrap interval.

    Args:
      values: finite numbers, [N], one per case, or [R, N] of R training runs. Runs are resampled
        too, independently of the cases.
      clusters: N labels; cases of one label are resampled together. None: each alone.
      samples: number of bootstrap draws.
      seed: of the draws; equal seeds draw the same clusters, so methods stay comparable.
      level: coverage, in (0, 1).

    Raises:
      InputError: there are no values.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; for cases
      and runs, Owen 2007, "The pigeonhole bootstrap".
    """
    values = np.atleast_2d(np.asarray(values, np.float64))
    means = _drawn_means(values, clusters, samples, (seed, 1))
    return _interval(values.mean(), means, level)


def nested_bootstrap_mean(
    values, photos, *, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """The mean of values of several training runs, with an interval over all that was drawn.

    A draw takes photographs, then as many cases of each as it has, then training runs. It is wider
    than `bootstrap_mean` where a photograph has few cases.

    Args:
      values: finite numbers, [R, N]; paired differences for a difference.
      photos: N labels.
      samples, seed, level: as in `bootstrap_mean`.

    Raises:
      InputError: there are no values.
    """
    values = np.atleast_2d(np.asarray(values, np.float64))
    _, place = np.unique(photos, return_inverse=True)
    drawn = _cases_drawn(tuple(place.tolist()), samples, seed)
    return _interval(values.mean(), _over_runs(drawn @ values.T, (seed, 4)), level)


def bootstrap_sums(
    parts, statistic: Callable, *, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """A statistic of sums over cases, such as a ratio, with its interval; see `bootstrap_mean`.

    Args:
      parts: [N, ...] numbers that are summed over cases; cases are resampled.
      statistic: maps sums [..., shape of a part] to values [...]. Draws where it is NaN are left
        out of the interval.
    """
    parts = np.asarray(parts, np.float64)
    values = statistic(np.tensordot(_times_drawn(len(parts), samples, seed), parts, 1))
    return _interval(statistic(parts.sum(0)), values[~np.isnan(values)], level)


def paired_difference(
    first, second, *, clusters=None, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Interval of mean(first) - mean(second), paired by case.

    Args:
      first, second: [N], or [R, N] of R training runs, R of each its own.
      clusters, samples, seed, level: as in `bootstrap_mean`. The runs of first and of second are
        resampled independently.

    Raises:
      InputError: there are no values, or not of the same cases.
    """
    first, second = (np.atleast_2d(np.asarray(x, np.float64)) for x in (first, second))
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"paired difference: {first.shape[1]} against {second.shape[1]} cases; give the same "
            "cases"
        )
    if len(first) == len(second) == 1:
        options = {"samples": samples, "seed": seed, "level": level}
        return bootstrap_mean(first - second, clusters=clusters, **options)
    drawn = [
        _drawn_means(values, clusters, samples, (seed, side))
        for side, values in enumerate((first, second), 1)
    ]
    return _interval(first.mean() - second.mean(), drawn[0] - drawn[1], level)


def _drawn_means(values, clusters, samples: int, seeds: tuple[int, int]) -> np.ndarray:
    """Means of values [R, N] in every draw, [samples]; seeds: of cases and runs, and of runs."""
    cases = values.shape[1]
    _, place = np.unique(np.arange(cases) if clusters is None else clusters, return_inverse=True)
    times = _times_drawn(place.max(initial=-1) + 1, samples, seeds[0])
    sums = np.stack([np.bincount(place, own) for own in values], 1)
    return _over_runs(times @ sums / (times @ np.bincount(place))[:, None], seeds)


def _over_runs(means: np.ndarray, seeds: tuple[int, int]) -> np.ndarray:
    """Means over as many drawn runs as there are, [samples], of each draw's means [samples, R]."""
    samples, runs = means.shape
    drawn = np.random.default_rng(seeds).multinomial(runs, np.full(runs, 1 / runs), samples)
    return (means * drawn).sum(1) / runs


@functools.lru_cache(maxsize=4)  # all methods and scores of an evaluation share their draws
def _times_drawn(count: int, samples: int, seed: int) -> np.ndarray:
    """How often each of `count` is in a draw of as many, int [samples, count]; read-only."""
    if not count:
        raise InputError("bootstrap: no values to draw from; evaluate at least one case")
    draws = np.random.default_rng(seed).integers(0, count, (samples, count))
    times = np.stack([np.bincount(draw, minlength=count) for draw in draws])
    times.setflags(write=False)
    return times


@functools.lru_cache(maxsize=4)
def _cases_drawn(photos: tuple[int, ...], samples: int, seed: int) -> np.ndarray:
    """The share of each case in a draw of photographs and of the cases of each, [samples, N]."""
    photos = np.array(photos, int)
    times = _times_drawn(photos.max(initial=-1) + 1, samples, seed)
    rng, drawn = np.random.default_rng((seed, 3)), np.zeros((samples, len(photos)))
    for photo in range(times.shape[1]):
        own = np.flatnonzero(photos == photo)
        drawn[:, own] = rng.multinomial(times[:, photo] * len(own), np.full(len(own), 1 / len(own)))
    drawn /= drawn.sum(1)[:, None]
    drawn.setflags(write=False)
    return drawn


def _interval(value: float, drawn: np.ndarray, level: float) -> Interval:
    tail = 50 * (1 - level)
    low, high = np.percentile(drawn, [tail, 100 - tail]) if drawn.size else (np.nan, np.nan)
    return Interval(float(value), float(low), float(high))


def verdict(difference: Interval) -> str:
    """A difference in words: above or below 0, or no clear difference."""
    words = {"rose": "above, interval excludes 0", "fell": "below, interval excludes 0"}
    return words.get(_change(difference), "no clear difference")


def joint_verdict(reward: Interval, held_out: Interval) -> str:
    """The differences of both rewards in words; only "both rose" counts as a gain."""
    changes = {"the reward": _change(reward), "the held-out reward": _change(held_out)}
    if len(set(changes.values())) == 1:
        return f"both {_change(reward)}" if _change(reward) else "no clear difference"
    moved = [f"{name} {change}" for name, change in changes.items() if change]
    return ("only " if len(moved) == 1 else "") + ", ".join(moved)


def _change(difference: Interval) -> str:
    return "rose" if difference.low > 0 else "fell" if difference.high < 0 else ""
