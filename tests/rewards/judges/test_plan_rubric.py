"""What a judge of plans is asked, and what its answers become."""

import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.rewards.judges.api_judge import ApiJudge
from agentic_styling.rewards.judges.plan_rubric import PLAN, PLAN_PARTS, combine_plan, plan_words
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError
from tests.rewards.judges.fake_endpoint import one_line_error

FOG = Step("Fog hides the hard edges.", "weather", {"weather_type": "fog_dense"})
FOGGY = Plan({"season": "winter_bare"}, (FOG,), "Let it fog.")


def test_there_are_eight_questions_and_each_says_its_scale():
    assert tuple(PLAN.questions) == PLAN_PARTS and len(PLAN_PARTS) == 8
    assert all("0:" in q and "50:" in q and "100:" in q for q in PLAN.questions.values())
    assert all(f"{name}: {q}" in PLAN.instructions for name, q in PLAN.questions.items())
    assert "these eight integers" in PLAN.instructions


def test_the_goal_and_the_whole_plan_are_shown():
    [words] = plan_words(['like a\n"forgotten" tale'], [FOGGY])
    goal, plan = words.splitlines()
    assert goal == """The goal: "like a 'forgotten' tale"."""
    assert Plan.from_json(plan.removeprefix("The plan: ")) == FOGGY
    assert "Fog hides the hard edges." in plan and "Let it fog." in plan and "winter_bare" in plan


def test_overall_is_the_mean_of_the_parts():
    parts = {name: jnp.array([10.0 * i, 120.0]) for i, name in enumerate(PLAN_PARTS)}
    scores = combine_plan(parts)
    np.testing.assert_allclose(scores.overall, [35, 100])
    np.testing.assert_allclose(scores.reasoning_specificity, [70, 100])


def test_plans_are_judged_by_an_endpoint(endpoint, tmp_path, case):
    """It answers with the photograph's brightness, and one more for each part."""
    judge = ApiJudge("fake-vl", tmp_path, rubric=PLAN)
    columns = [case[1][:2], ["more fog"] * 2, [FOGGY] * 2]
    assert judge.estimate(*columns).tokens_out == 2 * 8 * 11
    scores = judge(*columns)
    for offset, name in enumerate(PLAN_PARTS):
        np.testing.assert_array_equal(getattr(scores, name), [10 + offset, 20 + offset])
    np.testing.assert_allclose(scores.overall, [13.5, 23.5])
    sent = endpoint.calls[0][2].decode()
    assert "Fog hides" in sent and "more fog" in sent and sent.count("image/png") == 1
    assert judge(*columns).overall.shape == (2,) and len(endpoint.calls) == 2


@pytest.mark.parametrize(
    "goals, plans, message",
    [
        (["x"], [None], r"goals\[0\] and plans\[0\] are a str and a NoneType; give a text"),
        (["x", " "], [FOGGY] * 2, r"goals\[1\]: the goal is empty"),
    ],
)
def test_wrong_goals_and_plans_are_one_line(goals, plans, message):
    with pytest.raises(InputError, match=message):
        plan_words(goals, plans)


def test_columns_must_be_of_one_length(endpoint, tmp_path, case):
    judge = ApiJudge("fake-vl", tmp_path, rubric=PLAN)
    said = "2 photographs, 1 goals and 2 plans; give as many of each"
    one_line_error(lambda: judge(case[0][:2], ["x"], [FOGGY] * 2), said)
