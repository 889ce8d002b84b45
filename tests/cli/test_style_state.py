"""`agentic-styling style` with a text planner, which reads a state in the photograph's place."""

import json
import re

import pytest
from PIL import Image

from agentic_styling import planner
from agentic_styling.cli import main as cli
from agentic_styling.cli import style
from agentic_styling.tools import Plan

STATE = {"weather": "fog_dense", "season": "unknown"}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What the planner was given; a photograph, a text planner and a vision planner exist."""
    Image.new("RGB", (128, 96), "teal").save(tmp_path / "photo.png")
    for modality in ("text", "vision"):
        (tmp_path / modality).mkdir()
        (tmp_path / modality / "planner.json").write_text(json.dumps({"modality": modality}))
    (tmp_path / "state.json").write_text("\ufeff" + json.dumps(STATE), encoding="utf-8")
    given = []

    class Planner:
        def plan(self, images, goals, **options):
            given.append((goals, options["states"]))
            return [[Plan({}, ())] for _ in goals]

    monkeypatch.setattr(planner.Planner, "from_pretrained", lambda directory: Planner())
    monkeypatch.setattr(style, "execute_steps", lambda images, plans, key: images[:, None])
    monkeypatch.chdir(tmp_path)
    return given


def run(*arguments):
    cli.main(["style", "photo.png", *arguments])


def test_a_text_planner_is_given_the_known_state(asked, tmp_path):
    run("--planner", "text", "--goal", "Clear it up.", "--state", "state.json")
    assert asked == [(["Clear it up."], [{"weather": "fog_dense"}])]
    assert (tmp_path / "styled/photo.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--planner", "text", "--goal", "x"], "text is a text planner, .*give --state FILE"),
        (["--planner", "vision", "--goal", "x", "--state", "state.json"], "only a text planner"),
        (["--plan", "plan.json", "--state", "state.json"], "only a text planner"),
        (["--planner", "text", "--goal", "x", "--state", "none.json"], "none.json: cannot be read"),
        (["--planner", "text", "--goal", "x", "--state", "vision"], "vision: cannot be read"),
    ],
)
def test_what_does_not_fit_is_one_line(asked, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1
    assert re.search(message, error), error
    assert not asked and not (tmp_path / "styled").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "state.json: not JSON"),
        ("[" * 9000, "state.json: not JSON"),
        ("[]", "state.json: not a JSON object but list; give an object of dimensions"),
        ('{"wether": "hail"}', "did you mean 'weather'"),
        ('{"weather": "fog"}', "did you mean 'fog_dense'"),
    ],
)
def test_a_state_that_is_none_is_one_line(asked, tmp_path, capsys, text, message):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(SystemExit):
        run("--planner", "text", "--goal", "x", "--state", "state.json")
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and not asked
    assert re.search(message, error), error
