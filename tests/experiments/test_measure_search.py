"""The measurement of choosing among samples, on rewards with known answers."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from agentic_styling.utils.errors import InputError

sys.path.append(str(Path(__file__).parents[2] / "experiments/search"))
measure_search = importlib.import_module("measure_search")

SAMPLES = np.arange(16.0)  # sample n has the reward n / 4 and the log-probability -n


@pytest.fixture(scope="module")
def results():
    """Of two cases, the second a reward of 1 better; all samples but the first are of one kind."""
    kinds = np.array([0] + [1] * 15)
    agreed = [(np.array([[5.0, 0.0], [0.0, 5.0]]), kinds)] * 2
    reward = np.stack([np.append(0.5, SAMPLES / 4), np.append(1.5, SAMPLES / 4 + 1)])
    true = {"reward": reward, "held_out_reward": 5 - reward}
    return measure_search.summary(agreed, np.stack([-SAMPLES] * 2), true, ["a", "b"])


@pytest.mark.parametrize(
    ("choice", "size", "mean"),
    [
        ("mbr", 1, 0.5),
        ("mbr", 2, 0.5),  # the two fit each other equally, the first is more probable
        ("mbr", 4, 0.75),  # three of the second kind, whose first is the most probable
        ("random", 4, (0 + 1 + 2 + 3) / 16 + 0.5),
        ("random", 16, 7.5 / 4 + 0.5),
        ("logp", 16, 0.5),
        ("oracle", 1, 0.5),
        ("oracle", 8, 7 / 4 + 0.5),
    ],
)
def test_each_way_takes_its_sample_of_the_first_n(results, choice, size, mean):
    own = results["choices"][choice][size]
    assert own["reward"]["mean"] == pytest.approx(mean)
    assert own["held_out_reward"]["mean"] == pytest.approx(5 - mean)
    # The greedy plans have 0.5 and 1.5, the first samples 0.5 less; all cases differ by the same.
    for end in ("mean", "low", "high"):
        assert own["reward_minus_sample"][end] == pytest.approx(mean - 0.5)
        assert own["reward_minus_greedy"][end] == pytest.approx(mean - 1)
        assert own["held_out_reward_minus_greedy"][end] == pytest.approx(1 - mean)


def test_distinct_and_idle_samples_are_counted(results):
    assert results["distinct"] == {1: 1, 2: 2, 4: 2, 8: 2, 16: 2} and results["idle"] == 0


def test_the_document_and_the_figure_have_every_row(results, tmp_path):
    where = dict.fromkeys(("platform", "device", "python", "jax", "flax"), "x") | {"cores": 2}
    about = {"planner": "base", "cases": 2, "photographs": 2, "temperature": 1.0, "machine": where}
    text = measure_search.document(about | results)
    assert "Planner base on 2 test cases of 2 photographs, sampled at temperature 1.0;" in text
    assert "2.0 of 16" in text
    own = "| oracle | 16 | 4.25 (3.75 to 4.75) | +3.25 (+3.25 to +3.25) |"
    assert own in text and text.count("\n| ") == 2 + 1 + 4 * 5
    measure_search.draw(about | results, tmp_path / "search.svg")
    figure = (tmp_path / "search.svg").read_text()
    for label in ("greedy plan", "agrees best with the others", "held-out reward", "at random"):
        assert f">{label}</text>" in figure


def test_a_set_without_a_case_is_one_line(monkeypatch):
    monkeypatch.setattr(measure_search, "read_trajectories", lambda data, split: [])
    with pytest.raises(InputError, match="DATA: no test case asks for an edit"):
        measure_search.asking_cases(Path("DATA"))
