import json

import pytest

from agentic_styling.evaluation.results import aggregate
from agentic_styling.rewards import PARTS


def entry(reward, context, shuffled=None, f1=1.0, held_out=1.0):
    return {
        "valid": context is not None,
        "context": context,
        "reward": reward,
        "held_out_reward": held_out,
        "overall": 20 * reward,
        "scores": dict.fromkeys(PARTS, 20 * reward),
        "actions": {"precision": f1, "recall": f1, "f1": f1, "iou": f1},
        "shuffled": shuffled,
    }


def test_numbers_by_hand():
    fog, warm = {"weather": "fog_dense"}, {"color_grading": "warm_sunset"}
    states = [fog, warm]
    records = [
        {
            "state": state,
            "methods": {
                "edit_only": entry(1.0, {}, {"valid": True, "context": {}, "reward": 1.0}),
                "standard": entry(
                    reward, read, {"valid": True, "context": other, "reward": reward - 1}, f1
                ),
                "reward_filtered": entry(reward + 0.5, read, held_out=1.25),
                "dpo": entry(reward - 0.25, None),
            },
        }
        for state, reward, read, other, f1 in zip(
            states, (4.0, 3.0), (fog, {}), ({}, fog), (1.0, 0.5), strict=True
        )
    ]
    results = aggregate(records, samples=200, seed=0)
    methods = results["methods"]
    assert results["cases"] == 2

    standard = methods["standard"]
    assert standard["reward"] == {"mean": 3.5, "low": 3.0, "high": 4.0}
    assert standard["actions"]["f1"] == 0.75
    # Case 1 right in all ten; case 2 misses the grade: nine of ten, none of what is known.
    assert standard["context_accuracy"] == pytest.approx(0.95)
    assert standard["context_accuracy_known"] == pytest.approx(0.5)
    assert standard["context_accuracy_per_dimension"]["color_grading"] == 0.5
    assert standard["context_accuracy_known_per_dimension"]["weather"] == 1.0
    assert standard["context_accuracy_known_per_dimension"]["season"] is None
    # Shuffled: case 1 misses the fog (0.9), case 2 sees fog and no grade (0.8).
    shuffled = standard["shuffled_images"]
    assert shuffled["reward"]["mean"] == 2.5
    assert shuffled["context_accuracy"] == pytest.approx(0.85)
    assert shuffled["context_accuracy_known"] == 0.0
    difference = shuffled["true_minus_shuffled"]
    assert difference["reward"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert difference["context_accuracy_known"]["mean"] == pytest.approx(0.5)

    assert methods["edit_only"]["context_accuracy"] is None
    assert methods["edit_only"]["shuffled_images"]["reward"]["mean"] == 1.0
    # An invalid text is kept in the reward, and reads nothing.
    assert (methods["dpo"]["valid_plans"], methods["dpo"]["context_accuracy"]) == (0, 0)
    assert methods["dpo"]["reward"]["mean"] == 3.25
    assert methods["dpo"]["shuffled_images"] is None

    paired = results["paired"]
    assert set(paired) == {"reward_filtered_minus_standard", "dpo_minus_standard"}
    assert paired["reward_filtered_minus_standard"]["mean"] == 0.5
    assert paired["reward_filtered_minus_standard"]["verdict"] == "above, interval excludes 0"
    assert paired["dpo_minus_standard"]["verdict"] == "below, interval excludes 0"

    assert methods["reward_filtered"]["held_out_reward"] == {
        "mean": 1.25,
        "low": 1.25,
        "high": 1.25,
    }
    rose = paired["reward_filtered_minus_standard"]
    assert (rose["held_out_reward"]["mean"], rose["both"]) == (0.25, "both rose")
    assert paired["dpo_minus_standard"]["both"] == "only the reward fell"


def test_no_number_is_nan():
    # A picture whose state sets nothing has no known dimension to average; others have.
    fog = {"weather": "fog_dense"}
    blind = {"valid": True, "context": {}, "reward": 1.0}
    for states, known in (([{}, {}], None), ([{}, fog], 1.0)):
        records = [
            {"state": state, "methods": {"standard": entry(2.0, state, blind)}} for state in states
        ]
        numbers = aggregate(records, samples=10, seed=0)["methods"]["standard"]
        assert numbers["context_accuracy_known"] == known
        difference = numbers["shuffled_images"]["true_minus_shuffled"]
        assert difference.get("context_accuracy_known", {}).get("mean") == known
        json.dumps(numbers, allow_nan=False)
