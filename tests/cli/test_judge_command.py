"""`agentic-styling judge`, with a judge on the device and with one behind a fake endpoint."""

import json

import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.evaluation.results import METHODS
from agentic_styling.planner import new_planner
from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.edit_rubric import EDIT
from agentic_styling.rewards.judges.plan_rubric import PLAN, PLAN_PARTS
from agentic_styling.rewards.judges.rubric import DIGIT_QUESTION
from tests.evaluation.mock_run import mock_evaluation
from tests.rewards.judges.fake_endpoint import KEY, endpoint

__all__ = ["endpoint"]  # a fixture

GOAL = "like a forgotten fairy tale"
FOG = """{"steps": [{"reasoning": "for a mood", "tool": "weather",
"parameters": {"weather_type": "fog_dense"}}]}"""


@pytest.fixture
def pair(tmp_path):
    """A photograph and its edit, of brightness 60."""
    paths = [tmp_path / "photo.png", tmp_path / "edit.png"]
    for path, level in zip(paths, (0, 60), strict=True):
        Image.new("RGB", (64, 64), (level,) * 3).save(path)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """An evaluation whose every method makes the picture brighter by 4 a step."""
    directory = tmp_path_factory.mktemp("evaluated")
    images = np.full((3, 64, 64, 3), 20, np.uint8)

    def brighter(picture):
        return np.stack([picture + np.uint8(4 * step) for step in range(9)])

    with pytest.MonkeyPatch.context() as patch:
        mock_evaluation(patch, directory, images=images, film_strips=2, draw_film=brighter)
    return directory


def run(*arguments):
    cli.main(["judge", *map(str, arguments)])


def refused(capsys, *arguments):
    """The one line that it ends with."""
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1, error
    return error


def test_an_edit_is_judged_by_a_model_behind_an_endpoint(endpoint, pair, tmp_path, capsys):
    out = tmp_path / "judged.json"
    run(*pair, "--goal", GOAL, "--model", "fake-vl", "--yes", "--out", out)
    [row] = json.loads(out.read_text())["edits"]
    assert [row[part] for part in PARTS] == [60, 61, 62, 63, 64, 65]
    assert row["overall"] == 62.5 and 3.1 < row["reward"] < 3.2
    assert GOAL in row["asked"] and row["method"] == "edit.png"
    # VIEScore: the least of 60, 63, 64 and of 61, 65, each over 10. ImgEdit: 1 + part / 25.
    assert row["viescore"]["semantic_consistency"] == pytest.approx(6.0)
    assert row["viescore"]["perceptual_quality"] == pytest.approx(6.1)
    assert row["imgedit"]["fidelity"] == pytest.approx(1 + 62 / 25)
    head, numbers, scales, written = capsys.readouterr().out.splitlines()[1:]
    assert numbers.split()[:8] == ["edit.png", "1", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0"]
    assert numbers.split()[-1] == f"{row['reward']:.2f}" and head.split()[-1] == "reward"
    assert "VIEScore 0 to 10" in scales and written == str(out)
    assert KEY not in out.read_text()


def test_nothing_is_asked_before_its_cost_is_told_and_allowed(endpoint, pair, tmp_path, capsys):
    out = tmp_path / "judged.json"
    asked = [*pair, "--goal", GOAL, "--model", "fake-vl", "--prices", 1000, 10, "--out", out]
    with pytest.raises(SystemExit) as ended:
        run(*asked)
    said, error = capsys.readouterr()
    assert ended.value.code == 2 and "give --yes" in error
    assert "fake-vl: 1 questions" in said and "at these prices" in said
    assert not endpoint.calls and not out.exists()
    run(*asked, "--yes")
    assert len(endpoint.calls) == 1
    out.unlink()
    run(*asked)  # what is in the cache costs nothing
    assert len(endpoint.calls) == 1 and out.exists()


def test_the_shown_cases_of_an_evaluation_are_judged_for_every_method(
    endpoint, workdir, tmp_path, capsys
):
    out = tmp_path / "judged.json"
    run(workdir, "--model", "fake-vl", "--yes", "--out", out)
    found = json.loads(out.read_text())
    assert tuple(found["methods"]) == METHODS
    assert [row["method"] for row in found["edits"]] == 2 * list(METHODS)
    assert {row["edit"] for row in found["edits"]} == {"test-0000-0", "test-0005-0"}
    # Four steps of 4 brighten a picture of 20; a text that is no plan leaves it. JPEG rounds.
    methods = found["methods"]
    assert methods["standard"]["instruction_following"]["mean"] == pytest.approx(36, abs=2)
    assert methods["baseline"]["instruction_following"]["mean"] == pytest.approx(20, abs=2)
    assert "fairy tale" not in found["edits"][0]["asked"]
    assert "mist light" in found["edits"][0]["asked"]  # the request's steps, not the plan's
    assert "pastel" not in found["edits"][0]["asked"]
    # Plans are judged by the photograph's brightness here; the baseline's text is no plan.
    assert methods["standard"]["plan"]["relevance"]["mean"] == pytest.approx(20, abs=1)
    assert methods["baseline"]["plan"]["overall"] == {"mean": 0, "low": 0, "high": 0}
    assert set(found["edits"][0]["plan"]) == {*PLAN_PARTS, "overall"}
    edits, plans = "\n".join(capsys.readouterr().out.splitlines()[1:-1]).split("\n\n")
    for table in (edits, plans):
        rows = [line.split()[:2] for line in table.splitlines()[1:-1]]
        assert rows == [[name, "2"] for name in METHODS]


def test_a_plan_file_is_judged_beside_its_edit(endpoint, pair, tmp_path, capsys):
    (tmp_path / "fog.json").write_text(FOG, "utf-8-sig")
    out = tmp_path / "judged.json"
    asked = [*pair, "--goal", GOAL, "--plan", tmp_path / "fog.json", "--model", "fake-vl"]
    run(*asked, "--yes", "--out", out)
    [row] = json.loads(out.read_text())["edits"]
    assert [row["plan"][part] for part in PLAN_PARTS] == [*range(8)] and row["overall"] == 62.5
    assert "fake-vl: 2 questions" in capsys.readouterr().out
    [sent] = [body.decode() for _, _, body in endpoint.calls if body.count(b"image/png") == 1]
    assert "for a mood" in sent and GOAL in sent


def test_an_edit_without_a_usable_answer_is_left_out_and_counted(
    endpoint, workdir, tmp_path, capsys
):
    out, answer = tmp_path / "judged.json", endpoint.answer

    def stubborn(question):
        right = answer(question)
        return "No." if right.get("coherence", 0) > 30 else right

    endpoint.answer = stubborn
    run(workdir, "--model", "fake-vl", "--yes", "--out", out)
    found = json.loads(out.read_text(), parse_constant=pytest.fail)
    dpo, baseline = found["methods"]["standard"], found["methods"]["baseline"]
    assert (dpo["edits"], dpo["unanswered"], dpo["reward"]) == (0, 2, None)
    assert (baseline["edits"], baseline["unanswered"]) == (2, 0)
    said, error = capsys.readouterr()
    assert "have no usable answer and are left out: judge: row" in error
    assert "left out, without an answer" in said and "standard" in said


@pytest.mark.slow
def test_an_edit_is_judged_by_a_model_on_the_device(pair, tmp_path):
    texts = [DIGIT_QUESTION, EDIT.instructions, PLAN.instructions, "0 1 2 3 4 5 6 7 8 9"]
    new_planner(tmp_path / "vlm", texts, preset="tiny", vocab_size=600, picture_size=64, seed=0)
    out = tmp_path / "judged.json"
    (tmp_path / "fog.json").write_text(FOG)
    asked = [*pair, "--goal", GOAL, "--plan", tmp_path / "fog.json"]
    run(*asked, "--judge", tmp_path / "vlm", "--out", out)
    found = json.loads(out.read_text())
    [row] = found["edits"]
    assert all(0 < row[part] < 100 for part in PARTS) and 0 < row["reward"] < 5
    assert all(0 < row["plan"][part] < 100 for part in PLAN_PARTS)
    assert found["judge"] == str(tmp_path / "vlm")


def test_wrong_arguments_are_one_line(endpoint, pair, workdir, tmp_path, capsys):
    out = ["--out", tmp_path / "judged.json"]
    model, goal = ["--model", "fake-vl"], ["--goal", GOAL]
    taken = tmp_path / "taken.json"
    taken.write_text("mine")
    for arguments, message in (
        ([*pair, *goal, *out], "--judge DIRECTORY or --model NAME"),
        ([*pair, *goal, *model, "--judge", "x", *out], "one of the two"),
        ([*pair, *model, *out], "--goal is missing"),
        ([*pair, "--goal", " ", *model, *out], "--goal: ' ' is not readable text"),
        ([workdir, *goal, *model, *out], "have their own; leave it out"),
        ([workdir, "--plan", "x", *model, *out], "--plan: the cases of a workdir have their own"),
        ([*pair, *goal, "--plan", "no.json", *model, *out], "no.json: cannot be read"),
        ([pair[0], *goal, *model, *out], "neither a photograph and its edit"),
        ([tmp_path, *model, *out], "cases.jsonl does not exist; run evaluate"),
        ([pair[0], tmp_path / "no.png", *goal, *model, *out], "no.png: no readable photograph"),
        ([*pair, *goal, *model, "--out", taken], "taken.json: exists already"),
        ([*pair, *goal, *model, "--out", tmp_path / "no/x.json"], "there is no folder"),
        ([*pair, *goal, *model, "--prices", "-1", "2", *out], "--prices: -1 2; give two numbers"),
    ):
        assert message in refused(capsys, *arguments), arguments
    assert taken.read_text() == "mine" and not endpoint.calls and not out[1].exists()


def test_a_workdir_with_a_damaged_case_is_one_line(workdir, tmp_path, capsys):
    line = json.loads((workdir / "cases.jsonl").read_text().splitlines()[0])
    flags = ["--judge", "vlm", "--out", tmp_path / "judged.json"]
    for damage, message in (
        ({"shown": False}, "no case is shown"),
        ({}, "0000_source.jpg: no readable photograph"),
    ):
        (tmp_path / "cases.jsonl").write_text(json.dumps(line | damage) + "\n")
        assert message in refused(capsys, tmp_path, *flags)
    del line["request"]
    (tmp_path / "cases.jsonl").write_text(json.dumps(line) + "\n")
    assert "lacks 'request'; run evaluate in" in refused(capsys, tmp_path, *flags)
