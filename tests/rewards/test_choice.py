"""Minimum Bayes risk against a loop over samples, and its rules for ties and idle plans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.rewards import choose
from agentic_styling.rewards.search import IDLE

# Sums of few quarters are exact, so that equal means are equal here and in the oracle.
QUARTERS = st.integers(0, 20).map(lambda n: n / 4)


@st.composite
def samples(draw):
    """Rewards [D, D], and the kinds and log-probabilities of samples."""
    number = draw(st.integers(1, 4))
    rewards = draw(st.lists(QUARTERS, min_size=number**2, max_size=number**2))
    kinds = draw(st.lists(st.integers(-1, number - 1), min_size=1, max_size=9))
    logps = draw(st.lists(st.integers(-2, 0), min_size=len(kinds), max_size=len(kinds)))
    return np.reshape(rewards, (number, number)), kinds, logps


def chosen(rewards, kinds, logps):
    """The sample, by definition: every sample against each other one."""
    editing = [n for n, kind in enumerate(kinds) if kind != IDLE]
    idle = [n for n, kind in enumerate(kinds) if kind == IDLE]
    if len(idle) > len(kinds) / 2:
        return sorted(idle, key=lambda n: (-logps[n], n))[0], None
    means = {}
    for one in editing:
        against = [rewards[kinds[one], kinds[other]] for other in editing if other != one]
        means[one] = np.mean(against) if against else 0.0
    best = sorted(editing, key=lambda n: (-round(means[n], 4), -logps[n], n))[0]
    return best, means[best]


@settings(max_examples=300, deadline=None)
@given(samples())
def test_it_is_the_sample_of_the_highest_mean(drawn):
    choice = choose(*drawn)
    sample, mean = chosen(*drawn)
    kinds = drawn[1]
    assert choice.sample == sample and choice.kind == kinds[sample]
    assert choice.alike == kinds.count(kinds[sample])
    if mean is None or len(set(kinds) - {IDLE}) == 1:
        assert choice.mean_reward is None
    else:
        assert choice.mean_reward == pytest.approx(mean, abs=1e-4)


def test_a_plan_sampled_often_wins_over_one_that_fits_each_other_plan_better():
    rewards = np.array([[5.0, 1.0, 1.0], [2.0, 5.0, 2.0], [1.0, 1.0, 5.0]])
    assert choose(rewards, [0, 1, 2], [0, 0, 0]).sample == 1
    agreed = choose(rewards, [1, 0, 2, 0, 0], [0] * 5)
    assert agreed.sample == 1 and agreed.alike == 3
    assert agreed.mean_reward == (2 * 5 + 1 + 1) / 4


def test_what_a_result_is_scored_by_is_the_others_requests():
    # Kind 0's result fits the request of 1 well; that of 1 does not fit the request of 0.
    assert choose(np.array([[0.0, 4.0], [1.0, 0.0]]), [1, 0], [0, -9]).sample == 1


def test_of_equal_means_the_more_probable_is_chosen_and_then_the_first():
    rewards = np.array([[5.0, 2.0], [2.0, 5.0]])
    assert choose(rewards, [0, 1], [-3.0, -2.0]).sample == 1
    assert choose(rewards, [0, 1], [-2.0, -2.0]).sample == 0
    assert choose(rewards, [0, 1, 1, 0], [-2.0, -3.0, -1.0, -2.0]).sample == 2
    # float32 rewards that differ by rounding alone are equal; a real difference decides.
    assert choose(rewards + [[1e-6], [0.0]], [0, 1], [-3.0, -2.0]).sample == 1
    assert choose(rewards + [[1e-3], [0.0]], [0, 1], [-3.0, -2.0]).sample == 0


def test_plans_that_change_nothing_are_chosen_by_majority_only():
    rewards = np.array([[5.0, 1.0], [3.0, 5.0]])
    half = choose(rewards, [IDLE, 0, IDLE, 1], [0.0, -1.0, 0.0, -2.0])
    assert (half.sample, half.alike, half.mean_reward) == (3, 1, 3.0)
    most = choose(rewards, [IDLE, 0, IDLE], [-2.0, 0.0, -1.0])
    assert most == (2, IDLE, 2, None)
    assert choose(np.zeros((0, 0)), [IDLE], [0.0]) == (0, IDLE, 1, None)


def test_one_sample_is_itself():
    assert choose(np.array([[4.0]]), [0], [-7.0]) == (0, 0, 1, None)
