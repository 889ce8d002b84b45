import json

import pytest

from agentic_styling.evaluation.plan_metrics import ACTION_SCORES
from agentic_styling.evaluation.results import aggregate, pairs_of
from agentic_styling.rewards import PARTS


def entry(reward, context, shuffled=None, f1=1.0, held_out=1.0):
    return {
        "valid": context is not None,
        "context": context,
        "reward": reward,
        "held_out_reward": held_out,
        "overall": 20 * reward,
        "scores": dict.fromkeys(PARTS, 20 * reward),
        "actions": dict.fromkeys(ACTION_SCORES, f1),
        "shuffled": shuffled,
    }


def test_every_post_trained_method_is_compared_with_s():
    names = ["edit_only", "baseline", "standard", "dpo", "teacher_best", "identity", "zero_shot_a"]
    s_minus_e = ("standard", "edit_only")
    assert pairs_of([*names, "swift"]) == [s_minus_e, ("dpo", "standard"), ("swift", "standard")]
    assert pairs_of(["edit_only", "swift"]) == [] and pairs_of(names[:3]) == [s_minus_e]
    rewards = {"standard": 2.0, "a_minus_b": 2.5}
    methods = {name: entry(reward, {}) for name, reward in rewards.items()}
    records = [{"state": {}, "photo": photo, "methods": methods} for photo in "ab"]
    results = aggregate(records, samples=200, seed=0)
    assert results["methods"]["a_minus_b"]["minus_standard"]["mean"] == 0.5


def sampled(rewards, standard_logps, valid=True):
    return {
        "reward": rewards,
        "held_out_reward": [5 - reward for reward in rewards],
        "best_of_context": 5.0,
        "logps": [-4.0, -8.0],
        "choices": [4, 2],
        "standard_logps": standard_logps,
        "valid_unaided": valid,
    }


def test_samples_by_hand():
    """Two cases, two samples of each; entropy 12 / 6, KL (-12 + 18) / 6 and (-12 + 12) / 6."""
    samples = {
        "standard": ([1.0, 3.0], [2.0, 4.0]),
        "dpo": ([4.0, 4.5], [4.0, 5.0]),
    }
    records = [
        {
            "state": {},
            "photo": f"photo {case}",
            "methods": {
                name: entry(2.0, {}) | {"sampled": sampled(rewards[case], logps, case == 0)}
                for name, rewards in samples.items()
                for logps in [[[-6.0, -12.0], [-4.0, -8.0]][case]]
            }
            | {"edit_only": entry(1.0, {})},
        }
        for case in (0, 1)
    ]
    results = aggregate(records, samples=200, seed=0)
    methods = results["methods"]
    assert "at_temperature_1" not in methods["edit_only"]
    found = methods["standard"]["at_temperature_1"]
    assert found["samples"] == 2
    assert found["reward"] == {"mean": 2.5, "low": 2.0, "high": 3.0}
    assert found["held_out_reward"]["mean"] == 2.5
    # Of the sample with the highest reward, here the one with the lowest held-out reward.
    assert found["best"]["reward"]["mean"] == 3.5
    assert found["best"]["held_out_reward"]["mean"] == 1.5
    assert (found["regret"]["mean"], found["greedy_regret"]["mean"]) == (2.5, 3.0)
    assert found["entropy"] == {"mean": 2.0, "low": 2.0, "high": 2.0}
    assert found["kl_to_standard"] == {"mean": 0.5, "low": 0.0, "high": 1.0}
    assert found["valid_unaided"]["mean"] == 0.5
    pair = results["paired"]["dpo_minus_standard"]
    assert pair["mean"] == 0  # of the greedy plans
    at_1 = pair["at_temperature_1"]
    assert (at_1["mean"], at_1["low"], at_1["high"]) == (1.875, 1.5, 2.25)
    assert at_1["held_out_reward"]["mean"] == -1.875
    assert at_1["both"] == "the reward rose, the held-out reward fell"
    assert "at_temperature_1" not in results["paired"]["standard_minus_edit_only"]
    # Without S at hand there is no divergence from it.
    for record in records:
        record["methods"]["dpo"]["sampled"]["standard_logps"] = None
    again = aggregate(records, samples=200, seed=0)["methods"]["dpo"]["at_temperature_1"]
    assert again["kl_to_standard"] is None and again["reward"]["mean"] == 4.375


def test_numbers_by_hand():
    fog, warm = {"weather": "fog_dense"}, {"color_grading": "warm_sunset"}
    states = [fog, warm]
    records = [
        {
            "state": state,
            "photo": state.get("weather", "street"),
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
    assert (results["cases"], results["photographs"]) == (2, 2)

    standard = methods["standard"]
    assert standard["reward"] == {"mean": 3.5, "low": 3.0, "high": 4.0}
    assert standard["actions"]["f1"] == standard["actions"]["priority_correlation"] == 0.75
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
    assert methods["dpo"]["context_accuracy_known"] == 0
    assert methods["dpo"]["reward"]["mean"] == 3.25
    assert methods["dpo"]["shuffled_images"] is None

    paired = results["paired"]
    pairs = ["standard_minus_edit_only", "reward_filtered_minus_standard", "dpo_minus_standard"]
    assert list(paired) == pairs
    assert methods["dpo"]["minus_standard"] == paired["dpo_minus_standard"]
    assert standard["minus_edit_only"] == paired["standard_minus_edit_only"]
    assert (paired["standard_minus_edit_only"]["mean"], standard["seeds"]) == (2.5, 1)
    assert paired["standard_minus_edit_only"]["held_out_reward"]["mean"] == 0
    assert paired["standard_minus_edit_only"]["both"] == "only the reward rose"
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
    for states, known in (([{}, {"weather": "unknown"}], None), ([{}, fog], 1.0)):
        records = [
            {"state": state, "photo": "a", "methods": {"standard": entry(2.0, state, blind)}}
            for state in states
        ]
        numbers = aggregate(records, samples=10, seed=0)["methods"]["standard"]
        assert numbers["context_accuracy_known"] == known
        difference = numbers["shuffled_images"]["true_minus_shuffled"]
        assert difference.get("context_accuracy_known", {}).get("mean") == known
        json.dumps(numbers, allow_nan=False)


def case(photo, rewards, **methods):
    """A case whose runs of S, and of other methods, have some rewards."""
    named = {"standard": rewards} | methods
    runs = {name: [entry(r, {}) for r in given] for name, given in named.items()}
    made = {name: first | {"more_runs": more} for name, (first, *more) in runs.items()}
    return {"state": {}, "photo": photo, "methods": made}


def test_intervals_are_over_photographs_and_training_runs():
    cases = [case("a", [1.0, 3.0]), case("b", [2.0, 4.0])] * 4
    results = aggregate(cases, samples=4000, seed=0)
    numbers = results["methods"]["standard"]
    assert (results["cases"], results["photographs"], numbers["seeds"]) == (8, 2, 2)
    # Draws of two photographs and two runs: from 1, twice the worse of each, to 4.
    assert numbers["reward"] == {"mean": 2.5, "low": 1.0, "high": 4.0}
    assert numbers["valid_plans"] == 1 and numbers["actions"]["f1"] == 1


def test_differences_are_over_photographs_too():
    cases = [case("a", [1.0], dpo=[1.0]), case("b", [1.0], dpo=[3.0])]
    for each in cases:
        each["methods"]["dpo"]["shuffled"] = {"valid": True, "context": {}, "reward": 1.0}
    results = aggregate(cases * 4, samples=4000, seed=0)
    paired = results["paired"]["dpo_minus_standard"]
    shuffled = results["methods"]["dpo"]["shuffled_images"]["true_minus_shuffled"]["reward"]
    for found in (paired, shuffled):  # draws of two photographs, not of eight cases
        assert [found[end] for end in ("mean", "low", "high")] == [1.0, 0.0, 2.0]


def test_cases_of_one_photograph_stand_for_themselves():
    cases = [case("a", [1.0]), case("a", [2.0])]
    results = aggregate(cases, samples=4000, seed=0)
    assert results["photographs"] == 1
    assert results["methods"]["standard"]["reward"] == {"mean": 1.5, "low": 1.0, "high": 2.0}


def test_a_difference_has_the_runs_of_both_methods():
    cases = [case("a", [1.0, 3.0], dpo=[4.0]), case("b", [2.0, 4.0], dpo=[5.0])]
    [paired] = aggregate(cases, samples=4000, seed=0)["paired"].values()
    # D has one run and is 3 above S's first and 1 above its second, on every photograph.
    assert [paired[end] for end in ("mean", "low", "high")] == pytest.approx([2, 1, 3])
