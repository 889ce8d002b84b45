import math

import pytest

from agentic_styling.evaluation.plan_metrics import (
    action_scores,
    actions,
    context_accuracy,
    context_hits,
    known_accuracy,
)
from agentic_styling.tools import DIMENSIONS, Step

FOG = Step("", "weather", {"weather_type": "fog_dense"})
MIST = Step("too thick", "weather", {"weather_type": "mist_light", "strength": 0.5})
NIGHT = Step("", "time_of_day", {"target_time": "night_moonlit"})
KEEP = Step("", "preserve_attribute", {"attribute_type": "color"})


def test_actions_are_tools_and_targets():
    assert actions([MIST, NIGHT, KEEP, NIGHT]) == {
        ("weather", "mist_light"),
        ("time_of_day", "night_moonlit"),
        ("preserve_attribute", "color"),
    }


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
    assert action_scores(done, asked) == pytest.approx(expected)


def test_context_counts_unknown_as_an_answer():
    state = {"weather": "fog_dense", "season": "winter_bare"}
    hits = context_hits({"weather": "fog_dense", "time_of_day": "blue_hour"}, state)
    wrong = {name for name in DIMENSIONS if not hits[name]}
    assert wrong == {"season", "time_of_day"}
    assert context_accuracy(hits) == pytest.approx(0.8)
    assert known_accuracy(hits, state) == pytest.approx(0.5)


def test_invalid_text_reads_nothing():
    hits = context_hits(None, {"weather": "fog_dense"})
    assert context_accuracy(hits) == 0
    assert known_accuracy(hits, {"weather": "fog_dense"}) == 0


def test_a_state_that_sets_nothing_has_no_known_accuracy():
    assert math.isnan(known_accuracy(context_hits({}, {}), {}))
    assert math.isnan(known_accuracy(context_hits({}, {}), {"weather": "unknown"}))
