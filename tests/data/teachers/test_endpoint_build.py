"""A set whose plans a model behind a fake endpoint writes: its cost, its bytes, gone on with."""

import json
from collections import Counter

import pytest

from agentic_styling.cli import main as cli
from agentic_styling.data import build, read_trajectories
from agentic_styling.data.storage import shards
from agentic_styling.data.teachers.endpoint import NOT_JSON, TRIES, EndpointTeacher
from agentic_styling.utils.errors import InputError
from tests.data.teachers.test_endpoint import endpoint, plan, right, step
from tests.data.test_build import content, few_contexts_a_shard, folder, source
from tests.rewards.judges.fake_endpoint import KEY, failing

__all__ = ["endpoint", "few_contexts_a_shard", "folder", "source"]  # fixtures

SMALL = {"count": 24, "plans_per_context": 3, "size": 16}
CONTEXTS, QUESTIONS = 8, 24  # shards have 3 and 1, 2, 2 contexts


class Moody:
    """Answers right, but for the first answer at temperature 0.7, which is no plan."""

    def __init__(self):
        self.times = Counter()

    def __call__(self, question):
        words = json.dumps(question)
        self.times[words] += 1
        return (
            "Hm." if question["temperature"] == 0.7 and self.times[words] == 1 else right(question)
        )


def build_simple(root, source, cache, model="fake-vl"):
    teacher = EndpointTeacher("simple", model, cache, sleep=lambda _: None)
    return build.build(root, "simple", source, **SMALL, teacher=teacher)


def keyless(directory):
    return not any(KEY.encode() in data for data in content(directory).values())


def test_a_build_that_was_stopped_goes_on_to_the_same_bytes(endpoint, source, tmp_path):
    endpoint.answer = Moody()
    whole = build_simple(tmp_path / "whole", source, tmp_path / "cache")
    assert len(endpoint.calls) == QUESTIONS + CONTEXTS  # one answer of a context was no plan
    every = read_trajectories(whole)
    assert len(every) == QUESTIONS and {t.provenance["skill"] for t in every} == {0.3, 0.7, 1.0}
    assert {t.provenance["teacher"] for t in every} == {"endpoint fake-vl"}

    # In another root, with another cache, the endpoint fails in the middle of the second shard.
    answer, good = Moody(), []

    def failing_later(question):
        if len(good) == 13:
            endpoint.always = failing(400, "no more credit")
        good.append(answer(question))
        return good[-1]

    endpoint.answer, endpoint.calls[:] = failing_later, []
    with pytest.raises(InputError, match="teacher: simple-train-.*no more credit; fix that"):
        build_simple(tmp_path / "stopped", source, tmp_path / "other")
    path = shards.set_path(tmp_path / "stopped", "simple")
    assert len(list(path.glob("*array_record*"))) == 1 and not shards.is_finished(path)
    kept = len(list((tmp_path / "other").iterdir()))
    assert 12 <= kept == len(good) < QUESTIONS

    endpoint.always, endpoint.calls[:], endpoint.answer = None, [], answer
    assert build_simple(tmp_path / "stopped", source, tmp_path / "other") == path
    assert len(endpoint.calls) == QUESTIONS + CONTEXTS - kept
    assert content(path) == content(whole)

    # Where all is known, nothing is asked, and no key is needed.
    endpoint.calls[:] = []
    again = build_simple(tmp_path / "again", source, tmp_path / "cache")
    assert content(again) == content(whole) and not endpoint.calls
    assert keyless(tmp_path)


def test_what_never_became_a_plan_is_told_by_the_card(endpoint, source, tmp_path):
    endpoint.answer = lambda q: "Hm." if q["temperature"] == 0.7 else right(q)
    path = build_simple(tmp_path, source, tmp_path / "cache")
    assert len(endpoint.calls) == 16 + 8 * TRIES and len(read_trajectories(path)) == 16
    assert f"| {NOT_JSON} | 8 |" in (path / "README.md").read_text()


def test_a_context_a_shard_and_a_split_may_have_no_plan(endpoint, source, tmp_path):
    drawn = build_simple(tmp_path / "a", source, tmp_path / "cache")
    goals = {t.goal for t in read_trajectories(drawn) if t.split == "test"}

    def answer(question):
        return "Hm." if question["messages"][1]["content"][1]["text"] in goals else right(question)

    endpoint.answer = answer
    path = build_simple(tmp_path / "b", source, tmp_path / "cache", "other-vl")
    found = Counter(t.split for t in read_trajectories(path))
    assert found == {"train": 12, "validation": 6}
    assert "| test | 0 | 0 |" in (path / "README.md").read_text()


def test_a_set_without_a_plan_is_one_line(endpoint, source, tmp_path):
    endpoint.answer = lambda _: plan(*[step(weather_type="fog_dense")] * 3)
    with pytest.raises(InputError, match="no plan of 24.*no plan: wrong number of steps: 24"):
        build_simple(tmp_path, source, tmp_path / "cache")


@pytest.fixture
def command(endpoint, source, tmp_path, monkeypatch):
    """The build command: its arguments."""
    monkeypatch.setattr("agentic_styling.data.photos.sources.open_source", lambda _: source)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return ["build", "simple", "--out", str(tmp_path / "sets"), "--count", "24", "--size", "16"]


def test_nothing_is_asked_before_its_cost_is_told_and_allowed(endpoint, command, tmp_path, capsys):
    asked = [*command, "--model", "fake-vl", "--prices", "1000", "0"]
    with pytest.raises(SystemExit) as ended:
        cli.main(asked)
    said, error = capsys.readouterr()
    assert ended.value.code == 2 and error.endswith("build: nothing was asked; give --yes to ask\n")
    teacher = EndpointTeacher("simple", "fake-vl", tmp_path)
    expected = teacher.estimate(QUESTIONS, 16)
    assert f"fake-vl: {QUESTIONS} questions" in said and f"{expected.tokens_in} tokens in" in said
    assert f"about {expected.tokens_in / 1000:.3g} at these prices" in said
    assert not endpoint.calls and not (tmp_path / "sets").exists()

    cli.main([*asked, "--yes"])
    assert len(endpoint.calls) == QUESTIONS
    [file] = (tmp_path / "sets").rglob("agentic_styling-test.*")
    file.unlink()
    capsys.readouterr()
    with pytest.raises(SystemExit):  # it does not look which answers it has, but says where
        cli.main(asked)
    assert "fake-vl: 6 questions, minus the answers in" in capsys.readouterr().out
    cli.main([*asked, "--yes"])
    assert len(endpoint.calls) == QUESTIONS and file.exists()
    cli.main(asked)  # where nothing is missing, nothing has to be allowed
    seen = capsys.readouterr()
    assert "fake-vl: 0 questions" in seen.out and keyless(tmp_path)
    assert KEY not in seen.out + seen.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--model", "m", "--planner", "p"], "--planner and --model both"),
        (["--model", "m", "--prices", "-1", "2"], "--prices: -1 2; give two numbers from 0 up"),
        (["--model", "m", "--temperatures", "-1"], "temperatures"),
    ],
)
def test_wrong_arguments_are_one_line(endpoint, command, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        cli.main([*command, *arguments, "--yes"])
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert not endpoint.calls and not (tmp_path / "sets").exists()
