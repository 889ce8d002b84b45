"""From plans to trajectories: rows do not depend on their batch, nor on how full it is."""

import dataclasses

import jax
import numpy as np
import pytest

from agentic_styling.data.goals.sets import sample_goal
from agentic_styling.data.pipeline import BATCH, Context, batch_size, render_sources, run_plans
from agentic_styling.tools import Plan, Step
from tests.data.stand_in import stand_in_reward

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("count", "size"), [(1, 1), (2, 2), (3, 4), (8, 8), (9, 16), (31, 32), (32, 32), (1000, 32)]
)
def test_few_rows_make_a_small_batch(count, size):
    assert batch_size(count) == size <= BATCH


def rain(strength):
    """A plan of one kernel, which draws random numbers."""
    parameters = {"weather_type": "heavy_rain", "strength": strength}
    return Plan({}, (Step("", "weather", parameters),))


def context(number):
    """With one plan more than the number."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
    goal = sample_goal("simple", {}, "train", rng)
    plans = tuple(rain(round(0.4 + 0.1 * k + 0.2 * number, 1)) for k in range(number + 1))
    return Context(f"c{number}", "p", {}, pixels, {}, goal, plans, (0.4,) * len(plans))


@pytest.fixture(scope="module")
def contexts():
    return [context(number) for number in range(3)]


@pytest.fixture(scope="module")
def made(contexts):
    with stand_in_reward():
        sources = render_sources(contexts, KEY)
        return sources, run_plans(contexts, sources, KEY, "train", 7)


def test_every_plan_is_a_trajectory_in_order(contexts, made):
    sources, trajectories = made
    assert [t.id for t in trajectories] == ["c0-0", "c1-0", "c1-1", "c2-0", "c2-1", "c2-2"]
    for trajectory in trajectories:
        number, k = int(trajectory.id[1]), int(trajectory.id[3])
        assert trajectory.plan == contexts[number].plans[k]
        np.testing.assert_array_equal(trajectory.image, sources[number])
        assert trajectory.provenance["seed"] == 7


def test_a_context_gives_the_same_beside_others_and_without_them(contexts, made):
    with stand_in_reward():
        alone = run_plans(contexts[:1], made[0][:1], KEY, "train", 7)
    beside = made[1][0]
    scored_apart = {"image": None, "edited": None, "reward": 0, "scores": {}}
    assert dataclasses.replace(alone[0], **scored_apart) == dataclasses.replace(
        beside, **scored_apart
    )
    np.testing.assert_array_equal(alone[0].edited, beside.edited)
    # Scored by programs of other shapes, and kept to three decimals.
    assert alone[0].reward == pytest.approx(beside.reward, abs=1.1e-3)
    assert alone[0].scores == pytest.approx(beside.scores, abs=1.1e-3)


def test_plans_of_a_context_meet_other_random_numbers(contexts):
    """So that two of the same plan are two draws."""
    twice = dataclasses.replace(contexts[0], plans=(rain(1.0), rain(1.0)), skills=(1.0, 1.0))
    with stand_in_reward():
        one, other = run_plans([twice], twice.pixels[None], KEY, "train", 0)
    assert (one.edited != other.edited).any()
