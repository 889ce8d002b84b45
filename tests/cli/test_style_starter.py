"""`style --goal` with the planner that ships with the package, in whose place a tiny one lies."""

import json
import re
import subprocess
import sys

import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.cli import style
from agentic_styling.planner import Planner, new_planner, pretrained
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError

GOAL = ["--goal", "a rainy night in neon"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder as of the shipped planners, with an untrained starter."""
    root = tmp_path_factory.mktemp("shipped")
    sizes = {"preset": "tiny", "vocab_size": 600, "picture_size": 64, "seed": 0}
    new_planner(root / "starter", [Plan({}, ()).to_json()], **sizes)
    return root


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a photograph, as the present one."""
    Image.new("RGB", (96, 80), "teal").save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unexecuted(monkeypatch):
    """Plans are not executed."""
    monkeypatch.setattr(style, "execute_steps", lambda images, plans, key: images[:, None])


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["style", *arguments])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.count("\n") == 1
    return error


def test_the_starter_is_read_from_the_package(shipped, monkeypatch):
    monkeypatch.setattr(pretrained, "ROOT", shipped)
    planner = Planner.starter()
    assert planner.directory == shipped / "starter" and planner.modality == "vision"


def test_a_goal_alone_asks_the_starter(shipped, place, unexecuted, monkeypatch):
    asked = []

    class Starter:
        def plan(self, images, goals, **options):
            asked.extend(goals)
            return [[Plan({}, ())] for _ in goals]

    def read(directory):
        assert directory == shipped / "starter"
        return Starter()

    monkeypatch.setattr(pretrained, "ROOT", shipped)
    monkeypatch.setattr(Planner, "from_pretrained", read)
    cli.main(["style", "photo.png", *GOAL])
    assert asked == GOAL[1:]
    assert json.loads((place / "styled/photo.plan.json").read_text())["goal"] == GOAL[1]


def test_a_missing_starter_is_one_line_that_says_what_to_do(place, unexecuted, capsys, monkeypatch):
    (place / "starter").mkdir()
    (place / "starter/config.json").write_text("{}")
    monkeypatch.setattr(pretrained, "ROOT", place)
    message = r"starter: this version comes without the starter planner's weights; name a planner's"
    assert re.search(message, refused(capsys, "photo.png", *GOAL))
    assert not (place / "styled").exists()
    with pytest.raises(InputError, match=message):
        Planner.starter()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], 'style: give --goal, as in --goal "a misty dawn", or --plan FILE'),
        (["--planner", "somewhere"], "style: give --goal, as in"),
        (["--planner", "one", "--plan", "two", *GOAL], "--planner and --plan both give the plan"),
    ],
)
def test_neither_a_goal_nor_a_plan_is_one_line(place, capsys, arguments, message):
    assert message in refused(capsys, "photo.png", *arguments)


@pytest.mark.slow
def test_a_goal_alone_needs_no_other_framework_and_no_hub(shipped, place):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from agentic_styling.cli.main import main\n"
        "from agentic_styling.planner import pretrained\n"
        f"pretrained.ROOT = Path({str(shipped)!r})\n"
        f"main(['style', 'photo.png', *{GOAL}])\n"
        "unused = {'torch', 'transformers', 'tensorflow', 'tensorflow_datasets', 'skimage'}\n"
        "unused |= {'sklearn', 'datasets', 'huggingface_hub', 'pyarrow', 'grain', 'orbax', 'clu'}\n"
        "assert not unused & set(sys.modules), unused & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (place / "styled/photo.png").exists()
