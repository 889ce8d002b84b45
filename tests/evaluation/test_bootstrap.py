import numpy as np
import pytest

from agentic_styling.evaluation.bootstrap import (
    Interval,
    bootstrap_mean,
    bootstrap_sums,
    joint_verdict,
    nested_bootstrap_mean,
    paired_difference,
    verdict,
)
from agentic_styling.utils.errors import InputError


def test_two_values_have_the_four_equally_likely_draws():
    # Draws of {0, 1} with replacement: means 0, 0.5, 0.5, 1 with probability 1/4, 1/2, 1/4.
    assert bootstrap_mean([0.0, 1.0], samples=4000) == (0.5, 0.0, 1.0)
    assert bootstrap_mean([0.0, 1.0], samples=4000, level=0.4) == (0.5, 0.5, 0.5)


def test_constant_values_have_no_width():
    assert bootstrap_mean([3.0] * 5) == (3.0, 3.0, 3.0)


def test_large_sample_is_the_normal_interval():
    values = np.random.default_rng(1).normal(2.0, 3.0, 400)
    mean, low, high = bootstrap_mean(values, samples=4000)
    half = 1.96 * values.std() / np.sqrt(400)
    assert mean == pytest.approx(values.mean())
    assert (mean - low, high - mean) == (
        pytest.approx(half, rel=0.08),
        pytest.approx(half, rel=0.08),
    )


def test_intervals_cover_the_true_mean_about_as_often_as_they_claim():
    rng = np.random.default_rng(2)
    inside = 0
    for seed in range(300):
        _, low, high = bootstrap_mean(rng.normal(0, 1, 60), samples=400, seed=seed, level=0.9)
        inside += low <= 0 <= high
    assert 0.84 <= inside / 300 <= 0.94


def test_pairing_removes_what_both_share():
    cases = np.random.default_rng(3).normal(0, 10, 50)
    assert paired_difference(cases + 0.5, cases) == pytest.approx((0.5, 0.5, 0.5))


def test_bad_values_are_refused():
    with pytest.raises(InputError, match="no values"):
        bootstrap_mean([])
    with pytest.raises(InputError, match="3 against 2 cases"):
        paired_difference([1, 2, 3], [1, 2])


def test_cases_of_a_photograph_are_drawn_together():
    # Two photographs of three equal cases each: the four draws of two values, not of six.
    values, photos = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0], ["a", "b"] * 3
    assert bootstrap_mean(values, clusters=photos, samples=4000) == (0.5, 0.0, 1.0)
    assert bootstrap_mean(values, samples=4000).high < 1
    # A draw of one photograph twice has its mean, however many cases each has.
    few = bootstrap_mean([0.0, 1.0, 1.0, 1.0], clusters=["a", "b", "b", "b"], samples=4000)
    assert few == (0.75, 0.0, 1.0)


def test_repeating_every_case_of_a_photograph_does_not_narrow_the_interval():
    values = np.random.default_rng(4).normal(0, 1, 20)
    repeated = bootstrap_mean(np.repeat(values, 9), clusters=np.repeat(np.arange(20), 9))
    assert repeated == pytest.approx(bootstrap_mean(values))


def test_runs_are_drawn_too():
    # Two runs that differ by 1 in every case: means 0, 0.5, 0.5, 1 with probability 1/4, 1/2, 1/4.
    runs = np.stack([np.zeros(5), np.ones(5)])
    assert bootstrap_mean(runs, samples=4000) == (0.5, 0.0, 1.0)
    assert bootstrap_mean(runs, samples=4000, level=0.4) == (0.5, 0.5, 0.5)


def test_runs_and_photographs_cover_the_mean_of_all_as_often_as_claimed():
    """Values that vary by photograph and by run, as those of trained planners do."""
    rng, photos, inside = np.random.default_rng(5), np.repeat(np.arange(20), 2), 0
    for seed in range(200):
        values = rng.normal(0, 1, (8, 1)) + rng.normal(0, 1, 20)[photos] + rng.normal(0, 1, (8, 40))
        _, low, high = bootstrap_mean(values, clusters=photos, samples=300, seed=seed, level=0.9)
        inside += low <= 0 <= high
    assert 0.78 <= inside / 200 <= 0.98


def test_the_runs_of_two_methods_are_drawn_apart():
    runs = np.array([[0.0] * 4, [1.0] * 4])
    # Drawn together the difference would always be 0.
    assert paired_difference(runs, runs, samples=4000) == (0.0, -1.0, 1.0)
    cases = np.random.default_rng(3).normal(0, 10, 50)
    shared = paired_difference(np.stack([cases, cases]) + 0.5, cases)
    assert shared == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.4, "above, interval excludes 0"),
        (-0.4, -0.1, "below, interval excludes 0"),
        (-0.1, 0.4, "no clear difference"),
        (0.0, 0.4, "no clear difference"),
    ],
)
def test_verdict_says_what_the_interval_says(low, high, words):
    assert verdict(Interval((low + high) / 2, low, high)) == words


UP, DOWN, FLAT = Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.3, -0.1), Interval(0.1, 0.0, 0.2)


@pytest.mark.parametrize(
    ("reward", "held_out", "words"),
    [
        (UP, UP, "both rose"),
        (DOWN, DOWN, "both fell"),
        (FLAT, FLAT, "no clear difference"),
        (UP, FLAT, "only the reward rose"),
        (FLAT, UP, "only the held-out reward rose"),
        (DOWN, FLAT, "only the reward fell"),
        (UP, DOWN, "the reward rose, the held-out reward fell"),
        (DOWN, UP, "the reward fell, the held-out reward rose"),
    ],
)
def test_only_a_rise_of_both_rewards_is_called_one(reward, held_out, words):
    assert joint_verdict(reward, held_out) == words


def test_a_mean_as_a_ratio_of_sums_has_the_interval_of_the_mean():
    values = np.random.default_rng(3).normal(0, 1, 30)
    parts = np.stack([values, np.ones(30)], 1)
    found = bootstrap_sums(parts, lambda sums: sums[..., 0] / sums[..., 1], seed=5)
    assert found == pytest.approx(bootstrap_mean(values, seed=5))


def test_draws_without_a_value_are_left_out():
    # Of (1, 1) and (0, 0) one draw in four has nothing to divide by; the others are all 1.
    def ratio(sums):
        with np.errstate(invalid="ignore"):
            return sums[..., 0] / sums[..., 1]

    assert bootstrap_sums([[1, 1], [0, 0]], ratio) == (1, 1, 1)
    with pytest.raises(InputError, match="no values"):
        bootstrap_sums([], ratio)


def test_cases_of_a_drawn_photograph_are_drawn_in_their_turn():
    # One photograph of two cases: the four draws of two values, where its mean would have no width.
    assert nested_bootstrap_mean([0.0, 1.0], ["a", "a"], samples=4000) == (0.5, 0.0, 1.0)
    half = nested_bootstrap_mean([0.0, 1.0], ["a", "a"], samples=4000, level=0.4)
    assert half == (0.5, 0.5, 0.5)
    # Photographs of one case each: only those are drawn.
    values = np.random.default_rng(7).normal(0, 1, 20)
    assert nested_bootstrap_mean(values, np.arange(20)) == pytest.approx(bootstrap_mean(values))


def test_photographs_cases_and_runs_add_their_variances():
    # 40 photographs of 4 cases and 6 runs: the variance of a draw is the sum of three parts, each
    # the variance of what is drawn over its number.
    rng = np.random.default_rng(8)
    photo, case, run = rng.normal(0, 2, (40, 1)), rng.normal(0, 3, (40, 4)), rng.normal(0, 1, 6)
    values = (photo + case).reshape(-1) + run[:, None]
    parts = (photo + case).mean(1).var() / 40 + case.var(1).mean() / 160 + run.var() / 6
    _, low, high = nested_bootstrap_mean(values, np.repeat(np.arange(40), 4), samples=8000)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(parts), rel=0.05)


def test_without_values_there_is_no_nested_mean():
    with pytest.raises(InputError, match="no values"):
        nested_bootstrap_mean([], [])
