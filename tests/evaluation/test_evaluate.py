import json

import numpy as np
import pytest

from agentic_styling.evaluation.plan_metrics import ACTION_SCORES
from agentic_styling.evaluation.report.text_tables import plans_table, results_table
from agentic_styling.evaluation.results import METHODS, POST_TRAINED
from agentic_styling.rewards import PARTS
from agentic_styling.tools import DIMENSIONS
from tests.evaluation.mock_run import HOSTILE, mock_evaluation

INTERVAL = {"mean", "low", "high"}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("evaluated")
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        mock_evaluation(patch, directory, images=images, film_strips=2)
    return directory


@pytest.fixture(scope="module")
def results(workdir):
    return json.loads((workdir / "results.json").read_text())


@pytest.fixture(scope="module")
def records(workdir):
    return [json.loads(line) for line in (workdir / "cases.jsonl").read_text().splitlines()]


def test_every_method_has_every_number(results):
    assert tuple(results["methods"]) == METHODS
    for name, numbers in results["methods"].items():
        assert set(numbers["reward"]) == set(numbers["held_out_reward"]) == INTERVAL
        assert numbers["reward"]["low"] <= numbers["reward"]["mean"] <= numbers["reward"]["high"]
        assert set(numbers["parts"]) == set(PARTS)
        assert all(set(part) == INTERVAL for part in numbers["parts"].values())
        assert set(numbers["actions"]) == set(ACTION_SCORES)
        assert set(numbers["context_accuracy_per_dimension"]) == set(DIMENSIONS)
        assert 0 <= numbers["valid_plans"] <= 1
        assert (numbers["context_accuracy"] is None) == (name == "edit_only")
        assert (numbers["shuffled_images"] is None) == (name == "teacher_best")
        if numbers["shuffled_images"]:
            assert set(numbers["shuffled_images"]["reward"]) == INTERVAL
        assert (numbers["perception"] is None) == (name in ("edit_only", "teacher_best"))
        if numbers["perception"]:
            assert set(numbers["perception"]["dimensions"]) == set(DIMENSIONS)
            for name in ("reward_with_true_context", "true_context_minus_own"):
                assert set(numbers["perception"][name]) == INTERVAL
    post_trained = [f"{name}_minus_standard" for name in POST_TRAINED]
    assert list(results["paired"]) == ["standard_minus_edit_only", *post_trained]
    for pair in results["paired"].values():
        assert set(pair["held_out_reward"]) == {*INTERVAL, "verdict"}
        assert pair["both"]
    assert (results["cases"], results["photographs"]) == (6, 4)
    assert {"platform", "cores", "python", "jax", "flax"} <= set(results["machine"])
    assert "NaN" not in json.dumps(results)


def test_samples_at_temperature_1_are_in_every_file(monkeypatch, tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
    results = mock_evaluation(monkeypatch, tmp_path, images=images, film_strips=2, samples=3)
    lines = (tmp_path / "cases.jsonl").read_text().splitlines()
    entries = [json.loads(line)["methods"] for line in lines]
    rewards = [entry["dpo"]["sampled"]["reward"] for entry in entries]
    assert np.shape(rewards) == (6, 3) and len(np.unique(rewards)) == 18
    assert all("sampled" not in entry["edit_only"] for entry in entries)
    found = results["methods"]["dpo"]["at_temperature_1"]
    assert found["reward"]["mean"] == pytest.approx(np.mean(rewards))
    assert found["regret"]["mean"] == pytest.approx(4.7 - np.mean(rewards))
    assert found["best"]["reward"]["mean"] == pytest.approx(np.max(rewards, axis=1).mean())
    assert found["entropy"]["mean"] == pytest.approx(2)
    assert found["kl_to_standard"]["mean"] == pytest.approx(1)
    assert found["valid_unaided"]["mean"] == pytest.approx(5 / 6)
    page = (tmp_path / "report" / "index.html").read_text()
    assert "At temperature 1" in page and f"{found['regret']['mean']:.2f}" in page
    assert {"reward", "held_out_reward"} <= results["methods"]["standard"][
        "at_temperature_1"
    ].keys()


def test_no_samples_are_drawn_unless_asked_for(workdir, results):
    assert all("at_temperature_1" not in numbers for numbers in results["methods"].values())
    assert "At temperature 1" not in (workdir / "report" / "index.html").read_text()


def test_a_method_that_reads_no_picture_is_unmoved_by_another(results):
    numbers = results["methods"]["edit_only"]
    assert numbers["shuffled_images"]["reward"] == numbers["reward"]
    difference = numbers["shuffled_images"]["true_minus_shuffled"]["reward"]
    assert set(difference.values()) == {0}


def test_invalid_text_is_kept_as_a_plan_that_does_nothing(results, records):
    for record in records:
        entry = record["methods"]["baseline"]
        assert (entry["valid"], entry["plan"], entry["context"]) == (False, None, None)
        assert entry["text"] == HOSTILE
        none = dict.fromkeys(ACTION_SCORES, 0) | {"priority_correlation": None}
        assert entry["actions"] == none
        assert np.isfinite(entry["reward"])
    assert results["methods"]["baseline"]["valid_plans"] == 0
    assert results["methods"]["baseline"]["context_accuracy"] == 0
    # One of six outputs of the other planners is cut off.
    assert results["methods"]["dpo"]["valid_plans"] == pytest.approx(5 / 6)


def test_shown_cases_are_spread_evenly_and_have_their_frames(workdir, records):
    assert [row for row, record in enumerate(records) if record["shown"]] == [0, 5]
    frames = {path.name for path in (workdir / "cases").iterdir()}
    assert {"0000_source.jpg", "0005_source.jpg", "0005_standard_4.jpg"} <= frames
    assert "0005_standard_5.jpg" not in frames
    assert not [name for name in frames if name.startswith(("0001", "0000_baseline"))]


def test_every_case_keeps_its_held_out_reward(results, records):
    for name, numbers in results["methods"].items():
        kept = [record["methods"][name]["held_out_reward"] for record in records]
        assert numbers["held_out_reward"]["mean"] == pytest.approx(np.mean(kept))
        assert kept != [record["methods"][name]["reward"] for record in records]


def test_every_case_keeps_its_reward_with_the_true_context(results, records):
    for name, numbers in results["methods"].items():
        entries = [record["methods"][name] for record in records]
        assert all(("true_context" in entry) == bool(numbers["perception"]) for entry in entries)
        if numbers["perception"]:
            kept = [entry["true_context"]["reward"] for entry in entries]
            mean = numbers["perception"]["reward_with_true_context"]["mean"]
            assert mean == pytest.approx(np.mean(kept))
            assert kept != [entry["reward"] for entry in entries]


def test_the_text_table_has_both_rewards_and_their_verdict(results):
    head, *rows, foot = results_table(results).splitlines()
    assert foot == "6 cases, 95% intervals over 4 photographs, too few for firm conclusions"
    assert [row.split()[0] for row in rows] == list(METHODS)
    numbers, pair = results["methods"]["dpo"], results["paired"]["dpo_minus_standard"]
    row = rows[METHODS.index("dpo")]
    for reward in ("reward", "held_out_reward"):
        assert "{mean:.2f} [{low:.2f}, {high:.2f}]".format(**numbers[reward]) in row
    form = "{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
    said = f"{form.format(**pair)} and {form.format(**pair['held_out_reward'])}: {pair['both']}"
    assert row.endswith(said) and row.index(said) == head.index("both rewards")
    minus = [row[head.index("minus") :].partition(" ")[0] for row in rows]
    assert minus == ["", "", "edit_only", *["standard"] * 4, ""]


def test_the_text_table_of_plans_has_every_metric(results):
    head, *rows = plans_table(results).splitlines()
    assert " ".join(head.split()) == "plans valid precision recall F1 IoU priority correlation"
    assert [row.split()[0] for row in rows] == list(METHODS)
    # Two requested actions, in the plan's order, and two more: P 1/2, R 1, F1 2/3, IoU 1/2.
    numbers = dict(zip(METHODS, (row.split()[1:] for row in rows), strict=True))
    assert numbers["standard"] == ["1.00", "0.50", "1.00", "0.67", "0.50", "1.00"]
    assert numbers["baseline"] == ["0.00", "0.00", "0.00", "0.00", "0.00", "–"]
