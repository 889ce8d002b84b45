"""Which way of decoding `evaluate` uses, and what a planner is shown."""

import numpy as np
import pytest

from agentic_styling.evaluation import planning
from agentic_styling.evaluation.planning import derangement, planner_answers
from agentic_styling.tools import Plan, Step

COUNT, SEED = 5, 3
IMAGES = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
GOALS = [f"goal {row}" for row in range(COUNT)]
STATES = [{"weather": str(row)} for row in range(COUNT)]


def plan_of(text):
    return Plan({}, (Step("So.", "weather", {"weather_type": "hail"}),), text)


class Reader:
    """Writes down what it is shown: the picture, the state and the goal of each row."""

    form = "json"

    def shown(self, images, goals, states, seed, temperature, max_new_tokens):
        assert (seed, temperature, max_new_tokens) == (SEED, 0.5, 99)
        rows = zip(images[:, 0, 0, 0], states, goals, strict=True)
        return [f"{pixel} {state['weather']} {goal}" for pixel, state, goal in rows]

    def complete(self, images, goals, *, constrained, kept, **options):
        texts = self.shown(images, goals, **options)
        return [[plan_of(t).to_json() if row or constrained else t] for row, t in enumerate(texts)]


@pytest.fixture(autouse=True)
def reader(monkeypatch):
    monkeypatch.setattr(planning.Planner, "from_pretrained", lambda directory: Reader())


def answers(constrained):
    options = {
        "constrained": constrained,
        "states": STATES,
        "seed": SEED,
        "temperature": 0.5,
        "max_new_tokens": 99,
    }
    return planner_answers("planner", IMAGES, GOALS, **options)


def test_cases_are_planned_under_the_grammar_with_their_own_goal():
    own, other = answers(constrained=True)
    assert all(answer.valid and answer.text is None for answer in own + other)
    assert [a.plan.instruction for a in own] == [f"{row} {row} goal {row}" for row in range(COUNT)]
    order = derangement(COUNT, SEED)
    expected = [f"{shown} {shown} goal {row}" for row, shown in enumerate(order)]
    assert [a.plan.instruction for a in other] == expected


def test_unconstrained_texts_may_be_invalid():
    own, _ = answers(constrained=False)
    assert [answer.valid for answer in own] == [False, True, True, True, True]
    assert own[0].text == "0 0 goal 0" and own[0].plan.steps == ()
    assert own[1].plan == plan_of("1 1 goal 1")
