"""What `evaluate` refuses before anything runs, and what it keeps of earlier runs."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agentic_styling.evaluation import methods as checks
from agentic_styling.evaluation import runs
from agentic_styling.evaluation.evaluate import default_config, evaluate
from agentic_styling.tools import Step
from agentic_styling.utils.errors import InputError
from tests.evaluation.mock_run import make_cases, mock_config, mock_planners

IMAGES = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8)
KEEP = Step("", "preserve_attribute", {"attribute_type": "color"})
OUT_OF_RANGE = "out of range; (give|use)"
SEEDS = "; use a whole number from 0 to 4294967295$"


@pytest.fixture
def ran(monkeypatch):
    """The planners that have run so far."""
    return mock_planners(monkeypatch, make_cases(6, IMAGES))


@pytest.fixture
def config(tmp_path):
    """All eight methods; the planners of six are directories in tmp_path."""
    config = mock_config(tmp_path, film_strips=1, bootstrap_samples=20)
    for name, planner in config.methods.items():
        if planner:
            (Path(planner) / "model.safetensors").write_text(name)
    return config


def named(config, *names, **others):
    """The config with these of its methods, and others."""
    chosen = default_config()
    chosen.update({**config, "methods": {}})
    with chosen.unlocked():
        chosen.methods = {name: config.methods[name] for name in names} | others
    return chosen


def refused(config, workdir, message):
    with pytest.raises(InputError, match=message) as error:
        evaluate(config, workdir)
    assert "\n" not in str(error.value)


def results_in(workdir):
    return json.loads((workdir / "results.json").read_text())


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({}, "methods: none given"),
        ({"edit_onli": None}, "did you mean 'edit_only'"),
        ({"standard": None}, "methods.standard: no planner directory"),
        ({"standard": "/no/such/planner"}, "/no/such/planner is not a directory"),
        ({"a/x": None}, "is not a valid name"),
        ({"standard": 3}, "methods.standard: 3 is not a planner"),
        ({"standard": []}, "methods.standard: .* is not a planner"),
        ({"edit_only": None, "standard": ["."]}, r"config.json: cannot be read \(No such file"),
    ],
)
def test_bad_methods_are_refused_before_anything_runs(tmp_path, methods, message):
    config = default_config()
    with config.unlocked():
        config.methods = methods
    refused(config, tmp_path / "work", message)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", float("nan"), OUT_OF_RANGE),
        ("temperature", float("inf"), OUT_OF_RANGE),
        ("temperature", -1.0, OUT_OF_RANGE),
        ("max_new_tokens", 0, OUT_OF_RANGE),
        ("seed", -1, SEEDS),
        ("seed", 2**32, SEEDS),
        ("bootstrap_samples", 0, OUT_OF_RANGE),
        ("film_strips", -1, OUT_OF_RANGE),
        ("perception", ("standart",), "is not a method; did you mean 'standard'"),
    ],
)
def test_settings_out_of_range_are_refused_before_anything_runs(
    ran, config, tmp_path, name, value, message
):
    config[name] = value
    refused(config, tmp_path / "work", f"^{name}:? .*{message}")
    assert not ran and not (tmp_path / "work").exists()


@pytest.mark.usefixtures("ran")
def test_only_the_methods_named_are_shown_other_pictures(config, tmp_path):
    config.perception = ("standard",)
    results = evaluate(config, tmp_path / "work")
    planned = [name for name in config.methods if name not in ("edit_only", "teacher_best")]
    looked = [name for name in planned if results["methods"][name]["perception"]]
    assert looked == ["standard"]
    assert results["methods"]["dpo"]["context_accuracy"] is not None
    assert "Does the planner look" in (tmp_path / "work/report/index.html").read_text()


def test_a_planner_that_lacks_files_as_second_method_is_refused_first(tmp_path, config):
    (tmp_path / "empty").mkdir()
    for place, message in (
        ("none", "is not a directory"),
        ("empty", r"config.json: cannot be read \(No such file"),
    ):
        both = named(config, "edit_only", standard=str(tmp_path / place))
        refused(both, tmp_path / "work", message)
    assert not (tmp_path / "work").exists()


def test_a_planner_that_cannot_answer_as_last_method_is_refused_first(
    ran, config, tmp_path, monkeypatch
):
    def check(directory, images, goals, *, states, constrained, max_new_tokens):
        assert len(images) == len(goals) == len(states) == 6 and constrained
        if directory.name == "dpo":
            raise InputError(f"max_new_tokens {max_new_tokens}: no plan is so short")

    monkeypatch.setattr(runs, "check_answerable", check)
    refused(config, tmp_path / "work", "no plan is so short")
    assert not ran and not (tmp_path / "work").exists()


def test_a_workdir_that_is_a_file_is_refused(ran, config, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(named(config, "edit_only"), tmp_path / "file", "file: cannot be written")
    assert (tmp_path / "file").read_text() == "mine"


def test_contexts_without_a_request_are_left_out_and_counted(monkeypatch, config, tmp_path):
    cases = make_cases(6, IMAGES)
    cases[1:3] = [replace(cases[1], request=()), replace(cases[2], request=(KEEP,))]
    mock_planners(monkeypatch, cases)
    results = evaluate(named(config, "edit_only"), tmp_path / "work")
    assert (results["cases"], results["left_out"]) == (4, 2)
    mock_planners(monkeypatch, [replace(case, request=()) for case in cases])
    refused(config, tmp_path / "none", "0 test contexts with a request for an edit and 6 without")


def test_other_methods_stand_beside_those_that_a_workdir_has(ran, config, tmp_path):
    work, curves = tmp_path / "work", tmp_path / "metrics.jsonl"
    curves.write_text('{"step": 0, "loss": 1.0}\n')
    first = named(config, "teacher_best", "standard")
    first.curves.standard = str(curves)
    before = evaluate(first, work)
    after = evaluate(named(config, "edit_only", "dpo"), work)
    assert ran == ["standard", "dpo"]
    assert list(after["methods"]) == ["edit_only", "standard", "dpo", "teacher_best"]
    assert after["methods"]["teacher_best"] == before["methods"]["teacher_best"]
    assert list(after["paired"]) == ["standard_minus_edit_only", "dpo_minus_standard"]
    assert list(after["training"]["curves"]) == ["standard"]
    # The same again runs nothing and gives the same numbers.
    assert evaluate(named(config, "standard"), work)["methods"] == after["methods"]
    assert ran == ["standard", "dpo"] and results_in(work)["methods"] == after["methods"]


def test_another_evaluation_in_the_workdir_is_refused(ran, config, tmp_path, monkeypatch):
    work, one = tmp_path / "work", named(config, "standard")
    evaluate(one, work)
    before = (work / "results.json").read_bytes()
    other = named(config, standard=config.methods.dpo)
    refused(other, work, "methods.standard is .*standard there, which differs or has changed")
    one.temperature = 0.5
    refused(one, work, "evaluation.json: temperature is 0.0 there and 0.5 here")
    (Path(config.methods.standard) / "model.safetensors").write_text("trained again")
    refused(named(config, "standard"), work, "differs or has changed since")
    mock_planners(monkeypatch, make_cases(6, IMAGES // 2))
    refused(named(config, "edit_only"), work, "evaluation.json: cases_sha256 is")
    assert (work / "results.json").read_bytes() == before and ran == ["standard"]


def test_files_that_are_not_from_this_version_are_refused(ran, config, tmp_path):
    for name in ("results.json", "cases.jsonl"):
        work = tmp_path / name
        work.mkdir()
        (work / name).write_text("{}")
        refused(named(config, "edit_only"), work, f"{name}: of an evaluation by an earlier version")
    for text, message in (("[]", "not a JSON object"), ("{}", "damaged"), ("{", "not JSON")):
        (work := tmp_path / message).mkdir()
        (work / "evaluation.json").write_text(text)
        refused(named(config, "edit_only"), work, f"evaluation.json.*: {message}")


def test_an_interrupted_evaluation_goes_on(ran, config, tmp_path, monkeypatch):
    work, answers = tmp_path / "work", runs.planner_answers

    def killed(directory, *given, kept, **options):
        if directory.name == "reward_filtered":
            kept[0][4] = ["a text"]
            raise KeyboardInterrupt
        return answers(directory, *given, kept=kept, **options)

    monkeypatch.setattr(runs, "planner_answers", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(config, work)
    assert not (work / "results.json").exists()
    texts = []

    def resumed(directory, *given, kept, **options):
        texts.append(dict(kept[0]))
        return answers(directory, *given, kept=kept, **options)

    monkeypatch.setattr(runs, "planner_answers", resumed)
    assert len(evaluate(config, work)["methods"]) == 8
    assert ran[:2] == ["baseline", "standard"] and ran.count("standard") == 1
    assert texts[0] == {4: ["a text"]} and not any(texts[1:])
    assert not (work / "answers").exists()


def test_an_unfinished_method_may_get_another_planner_and_loses_its_answers(
    ran, config, tmp_path, monkeypatch
):
    work, answers, texts = tmp_path / "work", runs.planner_answers, {}

    def killed(directory, *given, kept, **options):
        kept[0][4] = ["a text"]
        raise KeyboardInterrupt

    def resumed(directory, *given, kept, **options):
        texts[directory.name] = dict(kept[0])
        return answers(directory, *given, kept=kept, **options)

    for method in ("standard", "dpo"):
        monkeypatch.setattr(runs, "planner_answers", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(named(config, method), work)
    (scores := work / "answers/dpo/0/standard.jsonl").write_text("[0, []]\n")
    monkeypatch.setattr(runs, "planner_answers", resumed)
    evaluate(named(config, standard=config.methods.reward_weighted), work)
    assert not scores.exists()  # under the standard that was replaced
    evaluate(named(config, "dpo"), work)
    # What the other method kept is there all the while.
    assert texts == {"reward_weighted": {}, "dpo": {4: ["a text"]}}
    assert not (work / "answers").exists()


def test_several_training_runs_of_a_method(ran, config, tmp_path):
    planners = [config.methods.standard, config.methods.dpo]
    results = evaluate(named(config, standard=planners), tmp_path / "work")
    assert ran == ["standard", "dpo"] and results["methods"]["standard"]["seeds"] == 2
    assert results["methods"]["standard"]["valid_plans"] == pytest.approx(11 / 12)
    [line, *_] = (tmp_path / "work/cases.jsonl").read_text().splitlines()
    entry = json.loads(line)["methods"]["standard"]
    assert [other["valid"] for other in entry["more_runs"]] == [False]
    page = (tmp_path / "work/report/index.html").read_text()
    assert "2 training runs" in page and "over training runs where a method has several" in page
    twice = named(config, standard=[planners[0], planners[0]])
    refused(twice, tmp_path / "twice", "two of its planners are the same")


def test_a_form_without_a_grammar_needs_unconstrained_decoding(tmp_path, monkeypatch):
    for reader in ("read_config", "Tokenizer", "ImageSettings"):
        monkeypatch.setattr(checks, reader, importlib.import_module("unittest.mock").Mock())
    (tmp_path / "planner.json").write_text('{"form": "tool_calls"}')
    with pytest.raises(InputError, match="methods.x: .* has no grammar; give constrained=False"):
        checks.check_planner("methods.x", str(tmp_path), True)
    with pytest.raises(InputError, match="methods.x: .* holds no weights"):
        checks.check_planner("methods.x", str(tmp_path), False)
