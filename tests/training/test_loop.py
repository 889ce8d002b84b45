"""Whole runs: kill -9 and resume, refusals, and what a workdir holds in the end."""

import json
import os
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest

from agentic_styling.errors import InputError
from agentic_styling.planner import ImageSettings, Tokenizer, load_pretrained
from agentic_styling.training import train
from tests.training.fixtures import make_config

STEPS, KILLED_AT = 10, 7

# The run ends itself with SIGKILL when it gets to a step; a checkpoint may be half written then.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
from agentic_styling.training import train
from agentic_styling.training.monitor import Monitor
from tests.training.fixtures import make_config

hold = Monitor.hold

def hold_or_die(self, step, values):
    if step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    hold(self, step, values)

Monitor.hold = hold_or_die
directory = Path(sys.argv[1])
train(make_config(directory, steps=int(sys.argv[3])), directory / "killed")
"""


@pytest.fixture(scope="module")
def config(workplace):
    return make_config(workplace, steps=STEPS)


@pytest.fixture(scope="module")
def whole(workplace, config):
    """The workdir of a run that nobody disturbed."""
    assert train(config, workplace / "whole") == workplace / "whole/planner"
    return workplace / "whole"


def metrics(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_a_workdir_holds_config_metrics_checkpoints_and_planner(workplace, whole):
    assert json.loads((whole / "config.json").read_text())["loss"] == "standard"
    assert [line["step"] for line in metrics(whole)] == list(range(1, STEPS + 1))
    assert metrics(whole)[-1]["loss"] < metrics(whole)[0]["loss"]
    assert sorted(os.listdir(whole / "checkpoints")) == ["10", "8"]
    before, after = (load_pretrained(d / "planner") for d in (workplace, whole))
    assert before[0] == after[0]
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), before[1], after[1])
    assert all(jax.tree.leaves(changed))
    tokenizers = [Tokenizer(d / "planner").encode("winter") for d in (workplace, whole)]
    assert tokenizers[0] == tokenizers[1]
    assert ImageSettings.load(whole / "planner") == ImageSettings.load(workplace / "planner")


def test_a_killed_run_ends_like_one_left_alone(workplace, config, whole):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    args = [str(workplace), str(KILLED_AT), str(STEPS)]
    child = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, *args],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    killed = workplace / "killed"
    assert not (killed / "planner").exists()
    assert 0 < metrics(killed)[-1]["step"] < KILLED_AT
    train(config, killed)
    assert metrics(killed) == metrics(whole)
    for a, b in zip(
        jax.tree.leaves(load_pretrained(killed / "planner")[1]),
        jax.tree.leaves(load_pretrained(whole / "planner")[1]),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def files(directory):
    return {p: p.stat().st_mtime_ns for p in directory.rglob("*") if p.is_file()}


def test_a_finished_run_returns_at_once(config, whole):
    before = files(whole)
    assert train(config, whole) == whole / "planner"
    assert files(whole) == before


def test_another_config_is_refused_and_nothing_is_overwritten(workplace, whole):
    before = files(whole)
    with pytest.raises(InputError, match="config.learning_rate is 0.01 there and 0.5 here"):
        train(make_config(workplace, steps=STEPS, learning_rate=0.5), whole)
    assert files(whole) == before


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_length": 40}, "max_length is 40"),
        ({"warmup_steps": 4}, "config.warmup_steps: 4 is not in"),
        ({"init_from": "/nowhere"}, "/nowhere: no tokenizer could be read (no such directory)"),
        ({"data": "/nowhere"}, "/nowhere: no such directory"),
        ({"mesh": {"data": 3, "fsdp": 1, "tensor": 1}}, "config.batch_size: 4 rows"),
    ],
)
def test_bad_input_writes_nothing(workplace, tmp_path, fields, message):
    with pytest.raises(InputError) as caught:
        train(make_config(workplace, **fields), tmp_path / "run")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
