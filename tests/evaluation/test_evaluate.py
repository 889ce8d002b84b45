import json

import numpy as np
import pytest

from agentic_styling.evaluation.evaluate import default_config, evaluate
from agentic_styling.evaluation.results import METHODS, POST_TRAINED
from agentic_styling.evaluation.text_tables import results_table
from agentic_styling.rewards import PARTS
from agentic_styling.tools import DIMENSIONS
from agentic_styling.utils.errors import InputError
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
        assert set(numbers["actions"]) == {"precision", "recall", "f1", "iou"}
        assert set(numbers["context_accuracy_per_dimension"]) == set(DIMENSIONS)
        assert 0 <= numbers["valid_plans"] <= 1
        assert (numbers["context_accuracy"] is None) == (name == "edit_only")
        assert (numbers["shuffled_images"] is None) == (name == "teacher_best")
        if numbers["shuffled_images"]:
            assert set(numbers["shuffled_images"]["reward"]) == INTERVAL
    assert set(results["paired"]) == {f"{name}_minus_standard" for name in POST_TRAINED}
    for pair in results["paired"].values():
        assert set(pair["held_out_reward"]) == {*INTERVAL, "verdict"}
        assert pair["both"]
    assert results["cases"] == 6
    assert {"platform", "cores", "python", "jax", "flax"} <= set(results["machine"])
    assert "NaN" not in json.dumps(results)


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
        assert entry["actions"] == {"precision": 0, "recall": 0, "f1": 0, "iou": 0}
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


def test_the_text_table_has_both_rewards_and_their_verdict(results):
    head, *rows, foot = results_table(results).splitlines()
    assert foot == "6 cases, 95% intervals"
    assert [row.split()[0] for row in rows] == list(METHODS)
    numbers, pair = results["methods"]["dpo"], results["paired"]["dpo_minus_standard"]
    row = rows[METHODS.index("dpo")]
    for reward in ("reward", "held_out_reward"):
        assert "{mean:.2f} [{low:.2f}, {high:.2f}]".format(**numbers[reward]) in row
    form = "{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
    said = f"{form.format(**pair)} and {form.format(**pair['held_out_reward'])}: {pair['both']}"
    assert row.endswith(said) and row.index(said) == head.index("against standard")


def test_a_temperature_that_is_none_is_refused_before_anything_is_read(tmp_path):
    config = default_config()
    config.temperature = float("inf")
    with pytest.raises(InputError, match="config.temperature inf: out of range; use 0"):
        evaluate(config, tmp_path / "work")


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({}, "methods: none given"),
        ({"edit_onli": None}, "did you mean 'edit_only'"),
        ({"standard": None}, "methods.standard: no planner directory"),
        ({"standard": "/no/such/planner"}, "/no/such/planner is not a directory"),
        ({"a/x": None}, "is not a valid name"),
    ],
)
def test_bad_methods_are_refused_before_anything_is_written(tmp_path, methods, message):
    config = default_config()
    with config.unlocked():
        config.methods = methods
    with pytest.raises(InputError, match=message):
        evaluate(config, tmp_path / "work")
    assert not (tmp_path / "work").exists()
