"""The console script and the demo as a newcomer meets them, wrong arguments included."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.data import build
from agentic_styling.tools import Plan
from agentic_styling.utils.pictures import SRGB
from tests.data.small_set import write_set

ROOT = Path(__file__).parents[2]
METHODS = [
    "edit_only",
    "baseline",
    "standard",
    "reward_filtered",
    "reward_weighted",
    "standardized_reward_weighted",
    "dpo",
    "teacher_best",
]
STEP = {"reasoning": "", "tool": "weather", "parameters": {"weather_type": "fog_dense"}}
FOG = {"steps": [STEP]}


def quickstart(workdir, *flags):
    command = [sys.executable, "experiments/quickstart.py", f"--workdir={workdir}", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def quickstart_here(monkeypatch, capsys, workdir, *flags):
    """The error line of a demo that ends with status 2, run in this process, where JAX is warm."""
    argv = ["quickstart.py", f"--workdir={workdir}", *flags]
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path("experiments/quickstart.py", run_name="__main__")
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.count("\n") == 1
    return error


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A workdir of the demo at its smallest."""
    workdir = tmp_path_factory.mktemp("demo")
    done = quickstart(workdir, "--config=configs/quickstart.py:smoke")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(str(workdir / "report/index.html"))
    return workdir


@pytest.mark.slow
def test_the_demo_leaves_results_and_a_report(demo):
    results = json.loads((demo / "results.json").read_text())
    assert sorted(results["methods"]) == sorted(METHODS)
    for method in results["methods"].values():
        reward = method["reward"]
        assert 0 <= reward["low"] <= reward["mean"] <= reward["high"] <= 5
        assert 0 <= method["valid_plans"] <= 1
    best = results["methods"]["teacher_best"]["reward"]["mean"]
    assert best > results["methods"]["baseline"]["reward"]["mean"]
    assert "Edit only" in (demo / "report/index.html").read_text()


@pytest.mark.slow
def test_another_config_in_the_same_workdir_is_refused(demo):
    before = (demo / "results.json").read_bytes()
    done = quickstart(demo, "--config=configs/quickstart.py:smoke", "--config.seed=1")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "config.seed is 0 there and 1 here" in done.stderr
    assert (demo / "results.json").read_bytes() == before


def test_the_behaviour_of_the_script_is_dialled(tmp_path, monkeypatch, capsys):
    teachers = []
    monkeypatch.setattr(build, "build", lambda *args, teacher, **_: teachers.append(teacher))
    command = ["build", "regular", "--out", str(tmp_path), "--seed", "3"]
    cli.main(command)
    dials = "--skills 1.0=0.9 0.4=0.1 --habits misreads=0.5 --habit-strength 0.4"
    cli.main([*command, *dials.split()])
    cli.main([*command, "--habits"])
    usual, dialled, none = (teacher.settings() for teacher in teachers)
    assert usual == build.Procedural("regular").settings()
    behaviour = {"skills": {"1.0": 0.9, "0.4": 0.1}, "habits": {"misreads": 0.5}}
    assert dialled == usual | behaviour | {"habit_strength": 0.4}
    assert none == usual | {"habits": {}}
    assert [teacher.habits.seed for teacher in teachers] == [3, 3, 3]
    with pytest.raises(SystemExit):
        cli.main([*command, "--skills", "1=0", "1=1"])
    assert "build: --skills: a name is given twice" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*command, "--habits", "misreads=0.5", "--planner", str(tmp_path)])
    assert "--habit-strength are of the script" in capsys.readouterr().err


def test_the_demo_refuses_the_workdir_of_another_config(tmp_path, monkeypatch, capsys):
    (tmp_path / "config.json").write_text('{"seed": 7}')
    config = "--config=configs/quickstart.py:smoke"
    error = quickstart_here(monkeypatch, capsys, tmp_path, config)
    assert "use another workdir" in error
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.slow
def test_any_planner_styles_photographs_of_any_sizes(demo, tmp_path):
    """Even this one, barely trained, writes plans, since its text is held to their grammar."""
    out, sizes = tmp_path / "out", {"wide": (160, 96), "tall": (96, 192)}
    for name, size in sizes.items():
        Image.new("RGB", size, "teal").save(tmp_path / f"{name}.png")
    photos = [str(tmp_path / f"{name}.png") for name in sizes]
    planner = ["--planner", str(demo / "standard/planner"), "--goal", "misty dawn"]
    cli.main(["style", *photos, *planner, "--out", str(out)])
    for name, size in sizes.items():
        assert Image.open(out / f"{name}.png").size == size
        assert Plan.from_json((out / f"{name}.plan.json").read_text())


@pytest.mark.parametrize("temperature", ["inf", "nan", "-1", "1e39"])
def test_a_temperature_that_is_none_is_refused_before_anything_is_read(
    tmp_path, capsys, temperature
):
    given = ["p.jpg", "--goal", "fog", "--planner", "none", f"--temperature={temperature}"]
    with pytest.raises(SystemExit) as caught:
        cli.main(["style", *given, "--out", str(tmp_path / "out")])
    assert caught.value.code == 2 and not (tmp_path / "out").exists()
    error = capsys.readouterr().err
    assert "--temperature" in error and error.count("\n") == 1


def test_a_plan_file_styles_a_photograph_and_is_never_overwritten(tmp_path, capsys):
    photo, plan, out = tmp_path / "photo.png", tmp_path / "fog.json", tmp_path / "out"
    gradient = np.linspace(0, 255, 96 * 128 * 3).reshape(96, 128, 3).astype(np.uint8)
    Image.fromarray(gradient).save(photo)
    plan.write_text("\ufeff" + json.dumps(FOG | {"goal": "fog"}), encoding="utf-8")
    command = ["style", str(photo), "--plan", str(plan), "--out", str(out)]
    cli.main(command)
    said = capsys.readouterr().out
    assert "128 x 96: a new size is compiled once" in said
    assert f"{out / 'photo.png'}\n  1. weather: fog dense\n" in said
    styled = Image.open(out / "photo.png")
    assert styled.size == (128, 96) and styled.info["icc_profile"] == SRGB
    assert np.std(styled) < 0.8 * gradient.std()  # fog takes contrast
    text = (out / "photo.plan.json").read_text()
    assert Plan.from_json(text) == Plan.from_json(FOG)
    assert json.loads(text)["goal"] == "fog" and len(text.splitlines()) > 5
    strip = Image.open(out / "photo.strip.jpg")
    assert strip.height > 300 and strip.info["icc_profile"] == SRGB

    for kept in ("photo.png", "photo.plan.json", "photo.strip.jpg"):
        for file in out.iterdir():
            file.unlink()
        (out / kept).write_text("mine")
        with pytest.raises(SystemExit) as ended:
            cli.main(command)
        assert ended.value.code == 2 and f"{kept}: exists already" in capsys.readouterr().err
        assert [file.read_text() for file in out.iterdir()] == ["mine"]
    cli.main([*command, "--overwrite"])
    assert Plan.from_json((out / "photo.plan.json").read_text()) == Plan.from_json(FOG)
    with pytest.raises(SystemExit):
        cli.main(["style", str(photo), "--plan", str(plan), "--out", str(tmp_path), "--overwrite"])
    assert "photo.png: is a photograph to style" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"tool": "wether"}, "did you mean 'weather'?"),
        ({"parameters": {"weather_type": "fog_dens"}}, "did you mean 'fog_dense'?"),
    ],
)
def test_a_plan_with_an_unknown_name_is_refused_by_file_and_field(tmp_path, capsys, edit, message):
    photo, plan = tmp_path / "photo.png", tmp_path / "plan.json"
    Image.new("RGB", (96, 96), "teal").save(photo)
    plan.write_text(json.dumps({"steps": [STEP | edit]}))
    with pytest.raises(SystemExit) as ended:
        cli.main(["style", str(photo), "--plan", str(plan), "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.count("\n") == 1
    assert str(plan) in error and message in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config.stepz=3"], 'Did you mean "steps"'),
        (["--config.steps=many"], "'many'"),
        (["stray"], "'stray' is not a flag"),
        (["--config=nowhere.py"], "nowhere.py"),
        (["--config.photos=nowhere"], "nowhere: no such folder"),
    ],
)
def test_wrong_arguments_of_the_demo_are_one_line(tmp_path, monkeypatch, capsys, flags, message):
    default = [] if flags[0].startswith("--config=") else ["--config=configs/quickstart.py"]
    error = quickstart_here(monkeypatch, capsys, tmp_path / "run", *default, *flags)
    assert message in error
    assert not (tmp_path / "run").exists()


def test_the_script_of_the_demo_is_one_that_python_runs(tmp_path):
    done = quickstart(tmp_path / "run", "stray")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "'stray' is not a flag" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_empty_folder_of_photographs_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["build", "demo", "--photos", str(tmp_path), "--out", str(tmp_path / "data")])
    assert ended.value.code == 2
    assert "holds no photographs" in capsys.readouterr().err


def test_a_damaged_set_is_refused_in_one_line(tmp_path):
    cases = write_set(tmp_path)
    (path,) = cases.glob("*-test.array_record*")
    path.write_bytes(path.read_bytes()[:-40])
    command = [
        str(Path(sys.executable).parent / "agentic-styling"),
        "evaluate",
        "--config=configs/evaluate.py",
        f"--config.cases={cases}",
        f"--workdir={tmp_path / 'run'}",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"{cases}, test[" in done.stderr
    assert not (tmp_path / "run").exists()
