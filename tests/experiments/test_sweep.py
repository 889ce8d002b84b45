"""The sweep: what it runs, refuses, resumes and reports. Job files: test_sweep_jobs.py."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.utils.errors import InputError

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "experiments"))
sweep = importlib.import_module("sweep")
runs = importlib.import_module("sweep_parts.runs")
results = importlib.import_module("sweep_parts.results")
jobs = importlib.import_module("sweep_parts.jobs")

CONFIG = str(ROOT / "configs/train.py")
SHARED = ["--config.data=DATA", "--config.init_from=PLANNER", "--config.steps=4"]

# Stands for experiments/train.py. What it does follows from the seed.
TRAIN = """
import json, os, signal, sys
from pathlib import Path

flags = dict(flag.removeprefix("--").split("=", 1) for flag in sys.argv[1:])
workdir, seed = Path(flags["workdir"]), int(flags["config.seed"])
with (workdir / "calls.jsonl").open("a") as file:
    file.write(json.dumps(flags) + "\\n")
calls = len((workdir / "calls.jsonl").read_text().splitlines())
if seed == 1:
    print("step 1", end="\\r")
    sys.exit("error: no such directory")
if seed == 2 and calls == 1:
    sys.exit(75)
if seed == 3 and calls == 1:  # the sweep is told to stop, and tells this, which dies of it
    os.kill(os.getppid(), signal.SIGTERM)
    while True:
        signal.pause()
(workdir / "metrics.jsonl").write_text('{"step": 4, "loss": 0.5}\\n')
(workdir / "planner").mkdir()
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Calls the sweep in tmp_path/sweep with the stub; returns the exit status."""
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.setattr(sweep, "TRAIN", tmp_path / "train.py")
    return lambda *flags: sweep.main(
        [f"--config={CONFIG}:standard", *SHARED, f"--workdir={tmp_path / 'sweep'}", *flags]
    )


def calls(workdir):
    path = workdir / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_grid_makes_every_combination_of_every_row():
    grid = runs.parse_grid(["seed=0,1", "rules=((1, (2, 3)),),[3,4]", "loss = dpo"])
    assert grid == {"seed": ["0", "1"], "rules": ["((1, (2, 3)),)", "[3,4]"], "loss ": ["dpo"]}
    points = runs.expand({"a": [1, 2], "b": ["x", "y"]}, [{"c": 0}, {"c": 9, "d": 8}])
    assert points == [
        {"c": 0, "a": 1, "b": "x"},
        {"c": 0, "a": 1, "b": "y"},
        {"c": 0, "a": 2, "b": "x"},
        {"c": 0, "a": 2, "b": "y"},
        {"c": 9, "d": 8, "a": 1, "b": "x"},
        {"c": 9, "d": 8, "a": 1, "b": "y"},
        {"c": 9, "d": 8, "a": 2, "b": "x"},
        {"c": 9, "d": 8, "a": 2, "b": "y"},
    ]


def test_a_run_has_the_values_of_its_name_and_the_fields_of_its_method():
    points = runs.expand(runs.parse_grid(["method=D,SW", "learning_rate=1e-5,1"]), [])
    built = runs.build_runs(CONFIG, [*SHARED, "--config.mesh.fsdp=2"], points)
    assert [run.name for run in built] == [
        "learning_rate=1e-05,method=D",
        "learning_rate=1.0,method=D",
        "learning_rate=1e-05,method=SW",
        "learning_rate=1.0,method=SW",
    ]
    assert [run.config.loss for run in built[1:3]] == ["dpo", "standardized_reward_weighted"]
    assert [run.config.learning_rate for run in built[1:3]] == [1.0, 1e-5]
    assert {(run.config.steps, run.config.mesh.fsdp) for run in built} == {(4, 2)}
    assert built[0].flags == [
        f"--config={CONFIG}:D",
        *SHARED,
        "--config.mesh.fsdp=2",
        "--config.learning_rate=1e-05",
    ]


@pytest.mark.parametrize(
    "content",
    ['[{"seed": 1}, {"seed": 2, "steps": 3}]', '{"seed": 1}\n\n{"seed": 2, "steps": 3}\n'],
)
def test_a_list_is_a_json_list_or_an_object_a_line(tmp_path, content):
    path = tmp_path / "runs.json"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(content, encoding)
        assert runs.read_list(path) == [{"seed": 1}, {"seed": 2, "steps": 3}]


values = st.text("aZ09 /,=%é-_.~|*\n", max_size=80) | st.sampled_from(
    ["a/b", "a-b", "a b", "1,b=2", ".", "x" * 300]
)
points = st.dictionaries(st.sampled_from(["a", "b.c", "loss", "z_9"]), values, max_size=4)


@settings(deadline=None)
@given(points, points)
def test_names_are_file_names_and_each_runs_own(first, second):
    names = [runs.run_name(point) for point in (first, second)]
    assert (names[0] == names[1]) == (first == second)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+=,-]{0,220}", name)
        assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", jobs.job_name(name))
        assert len(jobs.job_name(name)) <= 40
    assert runs.run_name(dict(reversed(first.items()))) == names[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--grid", "learning_ratee=1"],
            "config.learning_ratee: no such field in train.py:standard",
        ),
        (["--grid", "learning_ratee=1"], "; did you mean 'learning_rate'?"),
        (["--grid", "methd=S"], "did you mean 'method'?"),
        (
            ["--grid", "method=dpoo"],
            "method=dpoo: config.loss: 'dpoo' is unknown; did you mean 'dpo'?",
        ),
        (
            ["--grid", "method=D", "--grid", "loss_kwargs.betta=1"],
            "did you mean 'loss_kwargs.beta'?",
        ),
        (["--grid", "seed=0", "--config.stepz=3"], "config.stepz: no such field"),
        (["--grid", "seed=0,many"], "config.seed: 'many' is no int; give one as 0"),
        (["--grid", "seed=0,1.5"], "config.seed: '1.5' is no int; give one as 0"),
        (
            ["--grid", "seed=0", "--config.batch_size=x"],
            "config.batch_size: 'x' is no int; give one as 32",
        ),
        (["--grid", "steps=5"], "config.steps: shared and varied; keep one of them"),
        (
            ["--grid", "warmup_steps=-1,many"],
            "config.warmup_steps: 'many' is no int; give one as -1",
        ),
        (["--grid", "microbatches=1,0"], "microbatches=0: config.microbatches: 0 is not positive"),
        (["--grid", "seed="], "--grid seed=: a value is missing; write FIELD=VALUE,VALUE"),
        (["--grid", "seed=0,"], "--grid seed=0,: a value is missing; write FIELD=VALUE,VALUE"),
        (["--grid", "seed=0", "--grid", "seed=1"], "--grid seed: given twice; put all its values"),
        (["--grid", "seed=0,1,0"], "seed=0 and seed=0: the same run twice; leave one out"),
        (["--grid", "learning_rate=1,1.0"], "the same run twice"),
        ([], "nothing varies; give --grid FIELD=VALUE,VALUE or --list FILE"),
        (["--list", "nowhere.json"], "nowhere.json: cannot be read"),
        (["--list", __file__], "line 1 is not JSON; write a list of objects, or an object a line"),
        (
            ["--list", "LIST", "--grid", "seed=0"],
            "seed: in the list and in the grid; keep it in one",
        ),
        (["--list", "LIST", "--paralel=2"], "'--paralel=2' is not a flag; did you mean"),
        (["--list", "LIST", "--parallel=0"], "--parallel: 0 is too small; at least 1"),
        (["--list", "LIST", "--option=a=b"], "add --write, or leave them out"),
        (["--list", "LIST", "--write=slurm", "--option=patition=a"], "did you mean 'partition'?"),
        (
            ["--list", "LIST", "--write=slurm", "--option=nodes"],
            "--option nodes: no value in one line",
        ),
        (
            ["--list", "LIST", "--write=xpk"],
            "--option cluster: xpk needs it; write --option cluster=VALUE",
        ),
        (["--list", "LIST", "--config=nowhere.py:S"], "nowhere.py: no such config file"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(start, tmp_path, capsys, flags, message):
    (tmp_path / "list.json").write_text('[{"seed": 3}, {"seed": 4}]')
    flags = [flag.replace("LIST", str(tmp_path / "list.json")) for flag in flags]
    with pytest.raises(SystemExit) as ended:
        start(*flags)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error
    assert not (tmp_path / "sweep").exists()


def test_a_list_without_runs_is_refused(tmp_path):
    for content in ("[]", "3", "[1]", ""):
        (tmp_path / "runs.json").write_text(content)
        with pytest.raises(InputError, match="runs.json: lists no runs"):
            runs.read_list(tmp_path / "runs.json")


def test_a_workdir_of_another_config_is_refused_before_anything_runs(start, tmp_path, capsys):
    (tmp_path / "sweep/seed=4").mkdir(parents=True)
    (tmp_path / "sweep/seed=4/config.json").write_text('{"seed": 7}')
    with pytest.raises(SystemExit):
        start("--grid", "seed=0,4")
    assert "use another workdir" in capsys.readouterr().err
    assert not (tmp_path / "sweep/seed=0").exists()


def test_a_failure_is_reported_and_stops_no_other_run(start, tmp_path, capsys):
    assert start("--grid", "seed=0,1,2,4", "--parallel=2") == 1
    workdir, output = tmp_path / "sweep", capsys.readouterr()
    assert output.out == (
        "| seed | status | loss |\n"
        "| --- | --- | --- |\n"
        "| 0 | finished | 0.5 |\n"
        "| 1 | failed |  |\n"
        "| 2 | finished | 0.5 |\n"
        "| 4 | finished | 0.5 |\n"
    )
    assert output.err.endswith("failed: seed=1 (exit status 1): error: no such directory\n")
    assert [len(calls(workdir / f"seed={seed}")) for seed in (0, 1, 2, 4)] == [1, 1, 2, 1]
    assert calls(workdir / "seed=4")[0] == {
        "config": f"{CONFIG}:standard",
        "config.data": "DATA",
        "config.init_from": "PLANNER",
        "config.steps": "4",
        "config.seed": "4",
        "workdir": str(workdir / "seed=4"),
    }

    # Again: what is finished is left alone, what failed is tried again.
    assert start("--grid", "seed=0,1,2,4") == 1
    assert [len(calls(workdir / f"seed={seed}")) for seed in (0, 1, 2, 4)] == [1, 2, 2, 1]
    assert sweep.main([f"--workdir={workdir}", "--table"]) == 0
    assert "| 1 | failed |  |" in (workdir / "results.md").read_text()


def test_a_signal_stops_the_runs_and_the_next_sweep_goes_on(start, tmp_path, capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert start("--grid", "seed=3,4") == 75
    assert signal.getsignal(signal.SIGTERM) == before
    workdir = tmp_path / "sweep"
    assert len(calls(workdir / "seed=3")) == 1 and not (workdir / "seed=4").exists()
    assert "| 3 | not begun |\n| 4 | not begun |\n" in capsys.readouterr().out  # none has failed
    assert start("--grid", "seed=3,4") == 0
    assert [len(calls(workdir / f"seed={seed}")) for seed in (3, 4)] == [2, 1]


def test_each_run_gets_its_part_of_the_gpus(monkeypatch):
    local = importlib.import_module("sweep_parts.local")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5,7")
    parts = [local._share(slot, 2)["CUDA_VISIBLE_DEVICES"] for slot in range(2)]
    assert parts == ["2,5", "3,7"]
    assert local._share(0, 1)["CUDA_VISIBLE_DEVICES"] == "2,3,5,7"
    assert local._share(4, 5)["CUDA_VISIBLE_DEVICES"] == "2,3,5,7"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert "CUDA_VISIBLE_DEVICES" not in local._share(0, 2)


def test_the_table_by_hand(tmp_path):
    noted = {
        "a": {"fields": {"seed": 0, "loss": "a|b"}, "steps": 9},
        "b": {"fields": {"seed": 1, "mesh.fsdp": 2}, "steps": 9},
        "c": {"fields": {"seed": 2}, "steps": 9},
        "d": {"fields": {"seed": 3}, "steps": 9},
    }
    (tmp_path / "sweep.json").write_text(json.dumps(noted))
    (tmp_path / "a/planner").mkdir(parents=True)
    lines = '{"step": 8, "loss": 1.0, "nll": 2.0}\n{"step": 9, "loss": 0.123456}\n'
    (tmp_path / "a/metrics.jsonl").write_text(lines)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/metrics.jsonl").write_text('{"step": 4, "reward": 3}\n{"step": 5, "rew')
    (tmp_path / "b/log.txt").write_text("sweep: exit status 1\nsweep: python train.py\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/log.txt").write_text(
        "train: 10%\rtrain: 20%\rno memory\n\nsweep: exit status 1\n"
    )
    table = (
        "| seed | loss | mesh.fsdp | status | loss | nll | reward |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| 0 | a\\|b |  | finished | 0.1235 | 2 |  |\n"
        "| 1 |  | 2 | step 4 of 9 |  |  | 3 |\n"
        "| 2 |  |  | not begun |  |  |  |\n"
        "| 3 |  |  | failed |  |  |  |\n"
    )
    assert results.write_results(tmp_path) == table == (tmp_path / "results.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text())[1] == {
        "name": "b",
        "fields": {"seed": 1, "mesh.fsdp": 2},
        "status": "step 4 of 9",
        "step": 4,
        "steps": 9,
        "metrics": {"reward": 3},
    }
    assert results.last_words(tmp_path / "d") == "no memory"
    assert not list(tmp_path.glob("*.unfinished"))
    with pytest.raises(InputError, match="no sweep was begun there"):
        results.write_results(tmp_path / "a")


@pytest.mark.slow
def test_two_real_trainings_from_the_command_line(tmp_path):
    from tests.training.fixtures import make_workplace

    make_workplace(tmp_path)
    small = ["steps=2", "batch_size=4", "warmup_steps=1", "checkpoint_every=2", "mesh.data=1"]
    paths = [f"data={tmp_path / 'data'}", f"init_from={tmp_path / 'planner'}"]
    command = [
        sys.executable,
        "experiments/sweep.py",
        *[f"--config.{field}" for field in small + paths],
        f"--workdir={tmp_path / 'sweep'}",
        *["--grid", "method=S", "--grid", "seed=0,1"],
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"  # compile once for both
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "sweep/results.json").read_text())
    assert [run["name"] for run in found] == ["method=S,seed=0", "method=S,seed=1"]
    assert [(run["status"], run["step"]) for run in found] == [("finished", 2)] * 2
    configs = [
        json.loads((tmp_path / "sweep" / run["name"] / "config.json").read_text()) for run in found
    ]
    assert [(config["loss"], config["seed"]) for config in configs] == [
        ("standard", 0),
        ("standard", 1),
    ]
    assert all(run["metrics"]["loss"] > 0 for run in found)
    log = tmp_path / "sweep/method=S,seed=0/log.txt"
    before = log.read_bytes()
    again = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert log.read_bytes() == before
