"""`style --samples`: which plan is taken, what is printed, and what is refused."""

import json
import re

import pytest
from PIL import Image

from agentic_styling import planner
from agentic_styling.cli import main as cli
from agentic_styling.cli import style
from agentic_styling.planner import Completion, new_planner
from agentic_styling.tools import Plan, Step

GOAL = ["--goal", "warmer"]
FILES = ["photo.plan.json", "photo.png", "photo.strip.jpg"]


def plan(palette):
    return Plan({}, (Step("So.", "color_grading", {"target_palette": palette}),))


COLD, WARM, GREY = map(plan, ("cool_blue", "warm_sunset", "monochrome_bw"))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a photograph, as the present one."""
    Image.linear_gradient("L").resize((96, 80)).convert("RGB").save(tmp_path / "photo.png")
    (tmp_path / "plan.json").write_text(WARM.to_json())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(place, monkeypatch):
    """How the planner was asked; its samples are COLD, WARM, GREY and WARM, its one plan GREY."""
    given = []

    class Planner:
        form = "json"

        def plan(self, images, goals, **options):
            given.append(options)
            return [[GREY] for _ in goals]

        def score(self, images, goals, **options):
            given.append(options)
            samples = [Completion(p.to_json(), [], 0.0, 1) for p in (COLD, WARM, GREY, WARM)]
            return [samples for _ in goals]

    monkeypatch.setattr(planner.Planner, "starter", Planner)
    monkeypatch.setattr(style, "execute_steps", lambda images, plans, key: images[:, None])
    return given


def styled(place):
    out = place / "styled"
    assert sorted(path.name for path in out.iterdir()) == FILES
    return json.loads((out / "photo.plan.json").read_text())["steps"][0]["parameters"]


def test_the_plan_that_most_samples_agree_on_is_styled_and_why_is_a_line(asked, place, capsys):
    cli.main(["style", "photo.png", *GOAL, "--samples", "4", "--seed", "3"])
    assert styled(place) == WARM.steps[0].parameters
    lines = capsys.readouterr().out.splitlines()
    why = "  3 distinct plans of 4: this one, sampled 2 of 4 times, fits best what the others ask "
    assert lines[2].startswith(why) and re.search(r"mean reward of \d\.\d\d of 5$", lines[2])
    assert lines[3].startswith("  1. color grading: warm sunset") and len(lines) == 4
    (options,) = asked
    assert (options["num_samples"], options["temperature"], options["seed"]) == (4, 1.0, 3)


def test_one_sample_is_the_greedy_plan_without_a_word(asked, place, capsys):
    cli.main(["style", "photo.png", *GOAL])
    assert styled(place) == GREY.steps[0].parameters
    assert asked == [{"temperature": 0.0, "seed": 0, "states": [{}]}]
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_temperature_that_is_given_holds_for_any_number_of_samples(asked, place):
    for number in ("1", "4"):
        options = ["--samples", number, "--temperature", "0.5", "--overwrite"]
        cli.main(["style", "photo.png", *GOAL, *options])
    assert [options["temperature"] for options in asked] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*GOAL, "--samples", "0"], "--samples: 0: use a whole number from 1 to 64"),
        ([*GOAL, "--samples", "65"], "--samples: 65: use a whole number from 1 to 64"),
        (["--plan", "plan.json", "--samples", "4"], "--samples asks a planner and --plan gives"),
    ],
)
def test_what_does_not_fit_is_one_line(asked, place, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        cli.main(["style", "photo.png", *arguments])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1 and message in error
    assert not asked and not (place / "styled").exists()


@pytest.mark.slow
def test_an_untrained_planner_is_searched_too(place, capsys):
    sizes = {"preset": "tiny", "vocab_size": 600, "picture_size": 64, "seed": 0}
    new_planner(place / "planner", [Plan({}, ()).to_json()], **sizes)
    command = ["style", "photo.png", *GOAL, "--planner", "planner", "--samples", "3"]
    cli.main(command)
    first = (place / "styled/photo.plan.json").read_text()
    assert re.search(r"\n  \d distinct plans? of 3: ", capsys.readouterr().out)
    cli.main([*command, "--overwrite"])
    assert (place / "styled/photo.plan.json").read_text() == first
    assert Image.open(place / "styled/photo.png").size == (96, 80)
