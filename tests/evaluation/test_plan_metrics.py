import pytest

from agentic_styling.evaluation.plan_metrics import (
    ACTION_SCORES,
    action_scores,
    actions,
    context_accuracy,
    context_hits,
    priority_correlation,
)
from agentic_styling.tools import DIMENSIONS, Step

FOG = Step("", "weather", {"weather_type": "fog_dense"})
MIST = Step("too thick", "weather", {"weather_type": "mist_light", "strength": 0.5})
NIGHT = Step("", "time_of_day", {"target_time": "night_moonlit"})
KEEP = Step("", "preserve_attribute", {"attribute_type": "color"})


def test_actions_are_tools_and_targets():
    assert actions([MIST, NIGHT, KEEP, NIGHT]) == (
        ("weather", "mist_light"),
        ("time_of_day", "night_moonlit"),
        ("preserve_attribute", "color"),
    )


@pytest.mark.parametrize(
    ("done", "asked", "precision", "recall", "f1", "iou"),
    [
        ([FOG, NIGHT], [NIGHT, FOG], 1, 1, 1, 1),
        ([FOG, NIGHT, KEEP], [FOG], 1 / 3, 1, 1 / 2, 1 / 3),
        ([FOG], [FOG, NIGHT], 1, 1 / 2, 2 / 3, 1 / 2),
        ([MIST, NIGHT], [FOG, NIGHT, KEEP], 1 / 2, 1 / 3, 2 / 5, 1 / 4),
        ([MIST], [FOG], 0, 0, 0, 0),
        ([], [FOG], 0, 0, 0, 0),
        ([FOG], [], 0, 0, 0, 0),
        ([], [], 1, 1, 1, 1),
    ],
)
def test_action_scores_by_hand(done, asked, precision, recall, f1, iou):
    expected = {"precision": precision, "recall": recall, "f1": f1, "iou": iou}
    scores = action_scores(done, asked)
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    assert tuple(scores) == ACTION_SCORES


@pytest.mark.parametrize(
    ("done", "asked", "tau"),
    [
        ("ab", "ab", 1),
        ("ba", "ab", -1),
        ("abc", "acb", 1 / 3),  # of ab, ac, bc the last is turned round
        ("dcba", "abcd", -1),
        ("bdac", "abcd", 0),  # ab, ad and cd are turned round: 3 of 6
        ("axbyc", "cab", -1 / 3),  # what one of them lacks does not count
        ("a", "ab", None),
        ("ab", "cd", None),
        ("", "", None),
    ],
)
def test_priority_correlation_by_hand(done, asked, tau):
    assert priority_correlation(done, asked) == (tau and pytest.approx(tau))


def test_steps_in_another_order_are_the_same_actions_at_another_priority():
    scores = action_scores([NIGHT, KEEP, FOG, NIGHT], [FOG, NIGHT, KEEP])
    assert scores["f1"] == 1 and scores["priority_correlation"] == pytest.approx(-1 / 3)


def test_context_counts_unknown_as_an_answer():
    state = {"weather": "fog_dense", "season": "winter_bare"}
    hits = context_hits({"weather": "fog_dense", "time_of_day": "blue_hour"}, state)
    wrong = {name for name in DIMENSIONS if not hits[name]}
    assert wrong == {"season", "time_of_day"}
    assert context_accuracy(hits) == pytest.approx(0.8)


def test_invalid_text_reads_nothing():
    hits = context_hits(None, {"weather": "fog_dense"})
    assert context_accuracy(hits) == 0
