"""A zero-shot planner behind a fake endpoint, as a method of `evaluate` on the command line."""

import json

import numpy as np
import pytest

from agentic_styling.cli import main as cli
from agentic_styling.data.teachers.endpoint import PLAN, STEP
from agentic_styling.evaluation.endpoint import STEPS
from agentic_styling.rewards.judges.chat_endpoint import PLANNER
from tests.evaluation.mock_run import LEVELS, STATES, make_cases, mock_planners, teacher_plan
from tests.rewards.judges.fake_endpoint import KEY, Endpoint

COUNT = 4
IMAGES = [np.full((16, 16, 3), 10 * n, np.uint8) for n in range(COUNT)]


def answer(question):
    """A plan whose instruction is the goal; no plan to one of the goals."""
    goal = question["messages"][1]["content"][1]["text"]
    if "fairy tale" in goal:
        return "Sorry, no."
    return json.loads(teacher_plan(STATES[0]).to_json()) | {"instruction": goal}


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    mock_planners(monkeypatch, make_cases(COUNT, IMAGES))
    endpoint = Endpoint(answer)
    monkeypatch.setenv(PLANNER.url, endpoint.url)
    monkeypatch.setenv(PLANNER.key, KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield endpoint
    endpoint.close()


@pytest.fixture(autouse=True)
def level(monkeypatch):
    """A made-up reward for the zero-shot planner."""
    monkeypatch.setitem(LEVELS, "zero_shot", 2)


def run(workdir, *flags, methods=None):
    named = methods or {"edit_only": None, "zero_shot": "endpoint:fake-4.1"}
    cli.main(
        ["evaluate", "--config.cases=cases", f"--workdir={workdir}", f"--config.methods={named}"]
        + ["--config.bootstrap_samples=20", "--config.film_strips=1", *flags]
    )


def refused(capsys, *arguments, **named):
    with pytest.raises(SystemExit) as ended:
        run(*arguments, **named)
    said, error = capsys.readouterr()
    *bar, last = error.splitlines()
    assert ended.value.code == 2 and last.startswith("error: ") and "error" not in str(bar), error
    return said, last


def test_nothing_is_asked_or_written_before_its_cost_is_told_and_allowed(
    endpoint, tmp_path, capsys
):
    work = tmp_path / "work"
    said, error = refused(capsys, work, "--config.prices=(1000.0, 10.0)")
    assert "give --yes" in error and "fake-4.1: 8 questions" in said
    out = 8 * -(-(PLAN + STEPS * STEP) // 4)
    assert f"and {out} out; about" in said and "at these prices" in said
    assert not endpoint.calls and not work.exists()
    run(work, "--yes")
    assert len(endpoint.calls) == 8
    run(tmp_path / "other")  # the answers are kept
    run(work)
    assert len(endpoint.calls) == 8


def test_what_is_sent_and_how_it_counts(endpoint, tmp_path):
    run(tmp_path, "--yes")
    question = json.loads(endpoint.calls[0][2])
    assert question["model"] == "fake-4.1" and question["temperature"] == 0
    system = question["messages"][0]["content"]
    assert '"graduated_effect"' in system and system.endswith("1 to 8 steps, no more.")
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["methods"]["zero_shot"]["valid_plans"] == 3 / 4
    assert results["methods"]["zero_shot"]["shuffled_images"]["valid_plans"] == 3 / 4
    records = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text().splitlines()]
    for record in records:
        entry = record["methods"]["zero_shot"]
        if "fairy tale" in record["goal"]:
            assert (entry["plan"], entry["text"]) == (None, "Sorry, no.")
        else:
            assert entry["plan"]["instruction"] == record["goal"]
    kept = json.loads((tmp_path / "evaluation.json").read_text())["methods"]["zero_shot"]
    assert list(kept) == ["endpoint:fake-4.1"]
    every = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in every)
    page = (tmp_path / "report/index.html").read_text()
    assert "Zero-shot" in page and "badge untrained" in page


def test_answers_of_an_interrupted_run_are_kept(endpoint, tmp_path, capsys):
    asked = []

    def failing_later(question):
        asked.append(question)
        return answer(question)

    endpoint.answer = failing_later
    endpoint.faults = [(401, "{}", {})]
    assert PLANNER.key in refused(capsys, tmp_path, "--yes")[1]
    run(tmp_path, "--yes")
    assert len(asked) == 8


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"zero_shot": "endpoint:"}, "names no model"),
        ({"gpt": "endpoint:gpt-4o"}, "name the method zero_shot or zero_shot_gpt"),
    ],
)
def test_endpoints_with_other_names_are_refused(endpoint, tmp_path, capsys, methods, message):
    assert message in refused(capsys, tmp_path / "work", methods=methods)[1]
    assert not endpoint.calls and not (tmp_path / "work").exists()


def test_an_address_and_two_prices_are_needed(endpoint, tmp_path, capsys, monkeypatch):
    for prices, said in (("(1.0,)", "1"), ("(-1.0, 2.0)", "-1 2"), ("(1.0, 2.0, 3.0)", "1 2 3")):
        message = f"--config.prices: {said}; give two numbers from 0 up"
        assert message in refused(capsys, tmp_path / "work", f"--config.prices={prices}")[1]
    monkeypatch.delenv(PLANNER.key)
    assert f"{PLANNER.key} is not set" in refused(capsys, tmp_path / "work", "--yes")[1]
    monkeypatch.delenv(PLANNER.url)
    assert f"{PLANNER.url} is not set" in refused(capsys, tmp_path / "work", "--yes")[1]
    assert not (tmp_path / "work").exists()
