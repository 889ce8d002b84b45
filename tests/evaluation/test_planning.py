import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentic_styling.evaluation.planning import derangement, parse
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError


@given(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_derangement_is_a_permutation_without_fixed_points(count, seed):
    shuffled = derangement(count, seed)
    assert sorted(shuffled) == list(range(count))
    assert not np.any(shuffled == np.arange(count))


def test_derangement_follows_its_seed():
    assert np.array_equal(derangement(50, 7), derangement(50, 7))
    assert not np.array_equal(derangement(50, 7), derangement(50, 8))


def test_one_case_cannot_be_shuffled():
    with pytest.raises(InputError, match="at least 2"):
        derangement(1, 0)


def test_a_valid_text_is_its_plan():
    plan = Plan({"season": "winter_bare"}, (Step("r", "weather", {"weather_type": "hail"}),), "i")
    assert parse(plan.to_json()) == (plan, True, None)


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", '{"steps":', '{"version":1,"steps":[{"tool":"moon"}]}']
)
def test_an_invalid_text_does_nothing_and_is_kept(text):
    plan, valid, kept = parse(text)
    assert (plan.steps, plan.context, valid, kept) == ((), {}, False, text)
