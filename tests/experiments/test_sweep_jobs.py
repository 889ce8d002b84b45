"""The job files that a sweep writes for clusters: run here by stand-ins of their programs."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "experiments"))
runs = importlib.import_module("sweep_parts.runs")
results = importlib.import_module("sweep_parts.results")
jobs = importlib.import_module("sweep_parts.jobs")

CONFIG = str(ROOT / "configs/train.py")
NASTY = """it's "$HOME" & `id` \\ #{{name}} 100%"""
REQUIRED = {
    "slurm": ["nodes=2", "partition=gpu"],
    "gcloud": ["tpu=pod", "zone=us-central2-b"],
    "xpk": ["cluster=it's", "docker_image=gcr.io/p/i:1"],
}
# Stand for the clusters' programs: note how they were called, run what they were given.
PROGRAMS = {
    "srun": 'shift 2; exec "$@"',
    "scontrol": "exit 0",
    "gcloud": 'exec bash -c "${!##--command=}"',
    "xpk": 'exec bash -c "${!##--command=}"',
}
ENDS_WITH = {"slurm": 0, "gcloud": 0, "xpk": 75}


@pytest.mark.parametrize("launcher", jobs.LAUNCHERS)
def test_job_files_start_training_as_asked_and_again_after_status_75(tmp_path, launcher):
    checkout, bin_, workdir = (tmp_path / name for name in ("check out", "bin", "sweep"))
    (checkout / "experiments").mkdir(parents=True)
    (checkout / "experiments/train.py").write_text(
        "import json, pathlib, sys\n"
        "path = pathlib.Path('calls.jsonl')\n"
        "path.open('a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        "sys.exit(75 if len(path.read_text().splitlines()) == 1 else 0)\n"
    )
    bin_.mkdir()
    for name, body in PROGRAMS.items():
        note = f'printf "%s\\n" {name} "$@" >> "{tmp_path}/programs.txt"'
        (bin_ / name).write_text(f"#!/bin/bash\n{note}\n{body}\n")
        (bin_ / name).chmod(0o755)
    points = runs.expand(runs.parse_grid(["method=D", "seed=0,1"]), [{"data": NASTY}])
    built = runs.build_runs(CONFIG, ["--config.init_from=PLANNER"], points)
    given = [*REQUIRED[launcher], f"directory={checkout}", f"python={sys.executable}"]
    options = jobs.choose(launcher, given)
    submit = jobs.write_jobs(built, workdir, launcher, options, tmp_path / "jobs")
    names = [run.name + ".sh" for run in built]
    assert sorted(p.name for p in (tmp_path / "jobs").iterdir()) == sorted([*names, "submit.sh"])
    for path in (tmp_path / "jobs").iterdir():
        assert os.access(path, os.X_OK)
        assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
        assert not re.search(r"^#\||{{(?!name}} 100%)", path.read_text(), re.MULTILINE)
    assert all(name in submit.read_text() for name in names)

    path = os.pathsep.join([str(bin_), os.environ["PATH"]])
    job = subprocess.run(
        [tmp_path / "jobs" / names[1]],
        env=os.environ | {"PATH": path, "SLURM_JOB_ID": "17"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (job.returncode, job.stdout, job.stderr) == (ENDS_WITH[launcher], "", "")
    expected = [
        "--config=configs/train.py:D",
        "--config.init_from=PLANNER",
        f"--config.data={NASTY}",
        "--config.seed=1",
        "--distributed",
        f"--workdir={workdir / built[1].name}",
    ]
    calls = [json.loads(line) for line in (checkout / "calls.jsonl").read_text().splitlines()]
    assert calls == [expected] * (2 if launcher == "gcloud" else 1)
    programs = (tmp_path / "programs.txt").read_text().splitlines()
    if launcher == "slurm":
        assert programs[-3:] == ["scontrol", "requeue", "17"]
        header = (tmp_path / "jobs" / names[1]).read_text().split("command=")[0].splitlines()
        assert {"#SBATCH --nodes=2", "#SBATCH --partition=gpu", "#SBATCH --requeue"} <= {*header}
        assert "#SBATCH --signal=TERM@120" in header
        assert not [line for line in header if "--account" in line]  # empty: left out
    if launcher == "gcloud":
        assert programs.count("--worker=all") == 2 and "--zone=us-central2-b" in programs
    if launcher == "xpk":
        asked = {"--cluster=it's", "--max-restarts=100", "--restart-on-exit-codes=75"}
        assert asked | {f"--workload={jobs.job_name(built[1].name)}"} <= {*programs}
    failed = results.last_lines(workdir / built[1].name)[-1:] == ["sweep: exit status 75"]
    assert failed == (launcher == "xpk")
