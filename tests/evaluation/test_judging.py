"""An evaluation whose edits and plans a model behind a fake endpoint judges."""

import json

import numpy as np
import pytest

from agentic_styling.evaluation import judging
from agentic_styling.evaluation.evaluate import evaluate
from agentic_styling.evaluation.report import write_report
from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.plan_rubric import PLAN_PARTS
from agentic_styling.utils.errors import InputError
from tests.evaluation.mock_run import make_cases, mock_config, mock_planners
from tests.rewards.judges.fake_endpoint import endpoint

__all__ = ["endpoint"]  # a fixture

SHOWN, METHODS = 2, 8


@pytest.fixture
def ran(monkeypatch):
    images = np.full((3, 64, 64, 3), 40, np.uint8)
    return mock_planners(monkeypatch, make_cases(6, images))


def test_the_shown_cases_are_judged_and_reported(endpoint, ran, tmp_path, capsys):
    config = mock_config(tmp_path, film_strips=SHOWN, judge="endpoint:fake-vl", yes=True)
    results = evaluate(config, tmp_path / "run")
    questions = 2 * SHOWN * METHODS
    assert f"fake-vl: {questions} questions, minus the answers in" in capsys.readouterr().out
    assert results["judge"] == "fake-vl"
    means = results["methods"]["standard"]["judge"]
    assert means["edits"] == means["plan"]["plans"] == SHOWN
    assert [means[part]["mean"] for part in PARTS] == [*range(40, 46)]
    assert [means["plan"][part]["mean"] for part in PLAN_PARTS] == [*range(40, 48)]
    assert results["methods"]["baseline"]["judge"]["plan"]["overall"]["mean"] == 0
    judged = json.loads((tmp_path / "run/judged.json").read_text())
    assert len(judged["edits"]) == SHOWN * METHODS
    page = (tmp_path / "run/report/index.html").read_text()
    assert "What a judge says" in page and "fake-vl" in page and "Reasons: concise" in page

    # Without a judge, what it said is kept.
    again = evaluate(mock_config(tmp_path, film_strips=SHOWN), tmp_path / "run")
    assert again["methods"]["standard"]["judge"] == means
    with pytest.raises(InputError, match=r"judged\.json: of another judge than m; move it away"):
        evaluate(mock_config(tmp_path, film_strips=SHOWN, judge="endpoint:m"), tmp_path / "run")
    # The same questions were asked once: a method leaves the pictures as they are here.
    assert len(endpoint.calls) < questions


def test_a_report_without_a_judge_says_nothing_of_one(ran, tmp_path):
    evaluate(mock_config(tmp_path, film_strips=1), tmp_path / "run")
    assert "What a judge says" not in write_report(tmp_path / "run").read_text()
    (tmp_path / "run/judged.json").write_text('{"judge": "x", "methods": {"mine": {}}}')
    with pytest.raises(InputError, match=r"judged\.json: damaged \(KeyError\('mine'\)\); remove"):
        evaluate(mock_config(tmp_path, film_strips=1), tmp_path / "run")


def test_intervals_of_a_judge_are_over_photographs():
    rows = [{"photo": photo, "overall": score} for photo, score in (("a", 0.0), ("b", 1.0))] * 4
    found = judging._intervals("edits", rows, ["overall"])["overall"]
    assert found == {"mean": 0.5, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"judge": "endpoint:fake-vl"}, "evaluate: nothing was asked; give --yes to ask"),
        ({"judge": "endpoint:m", "prices": (-1.0, 2.0)}, "--config.prices: -1 2; give two"),
        ({"judge": "endpoint:m", "film_strips": 0}, "judge: no case is shown; give film_strips"),
        ({"judge": "no/such"}, "judge: no/such holds no model; give the directory of a Qwen3-VL"),
    ],
)
def test_a_judge_is_refused_before_anything_runs(endpoint, ran, tmp_path, settings, message):
    with pytest.raises(InputError, match=message):
        evaluate(mock_config(tmp_path, **settings), tmp_path / "run")
    assert not ran and not endpoint.calls and not (tmp_path / "run").exists()
