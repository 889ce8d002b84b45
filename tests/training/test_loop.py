"""Whole runs: kill -9 and resume, refusals, and what a workdir holds in the end."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from agentic_styling.cli.main import main
from agentic_styling.data import write_trajectories
from agentic_styling.planner import (
    Tokenizer,
    load_adapters,
    load_pretrained,
    merge_lora,
)
from agentic_styling.training import dry_run, export_checkpoint, train
from agentic_styling.training.config import checked, fixed, input_digests
from agentic_styling.training.export import _stored_dtype, export
from agentic_styling.training.logps import RowLogps
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.state import Health
from agentic_styling.training.workdir import claim
from agentic_styling.utils.errors import InputError, Preempted
from tests.training.fixtures import SIDE, make_config, make_trajectories
from tests.training.test_checkpoints import assert_same

ROOT = Path(__file__).parents[2]
STEPS, KILLED_AT = 10, 7

# The run ends itself with SIGKILL when it gets to a step; a checkpoint may be half written then.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import jax
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
from agentic_styling.training import train
from agentic_styling.training.monitoring.monitor import Monitor
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
    """The workdir of a run without an interruption."""
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
    for name in ("preprocessor_config.json", "generation_config.json", "tokenizer.json"):
        texts = [(d / "planner" / name).read_text() for d in (workplace, whole)]
        assert texts[0] == texts[1]


@pytest.mark.slow
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
    same_planner(killed / "planner", whole / "planner")


def same_planner(one, other):
    assert_same(load_pretrained(one)[1], load_pretrained(other)[1])


@pytest.fixture(scope="module")
def stopped(workplace, config):
    """The workdir of a run that SIGTERM stopped after its third update."""
    count = Monitor.count

    def count_and_terminate(self, *args):
        count(self, *args)
        if self._progress.n == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    workdir = workplace / "stopped"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Monitor, "count", count_and_terminate)
        with pytest.raises(Preempted, match="saved after step 3 of 10; run the same command"):
            train(config, workdir)
    return workdir


@pytest.mark.slow
def test_sigterm_saves_and_the_same_command_resumes(config, whole, stopped, tmp_path):
    assert sorted(os.listdir(stopped / "checkpoints")) == ["2", "3"]
    assert metrics(stopped) == metrics(whole)[:3]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    shutil.copytree(stopped, tmp_path / "again")
    train(config, tmp_path / "again")
    assert metrics(tmp_path / "again") == metrics(whole)
    same_planner(tmp_path / "again/planner", whole / "planner")


@pytest.mark.slow
def test_a_stopped_run_goes_on_on_another_mesh(workplace, whole, stopped, tmp_path):
    """With other micro-batches: to 1e-5 the same losses."""
    shutil.copytree(stopped, tmp_path / "again")
    other = make_config(workplace, steps=STEPS, microbatches=2, length_buckets=2, log_every=1)
    other.mesh.update(data=1, fsdp=2, tensor=2)
    train(other, tmp_path / "again")
    found = metrics(tmp_path / "again")
    assert [line["step"] for line in found] == list(range(1, STEPS + 1))
    for a, b in zip(found, metrics(whole), strict=True):
        np.testing.assert_allclose(a["loss"], b["loss"], atol=1e-5)


@pytest.mark.slow
def test_a_checkpoint_becomes_a_planner(workplace, whole, tmp_path):
    export_checkpoint(whole, tmp_path / "last")
    same_planner(tmp_path / "last", whole / "planner")
    main(["export", str(whole), "--out", str(tmp_path / "eight"), "--step", "8"])
    with pytest.raises(AssertionError):
        same_planner(tmp_path / "eight", whole / "planner")
    assert Tokenizer(tmp_path / "eight").encode("winter")
    with pytest.raises(InputError, match="no checkpoint of step 3; there are: 8, 10"):
        export_checkpoint(whole, tmp_path / "third", 3)
    with pytest.raises(InputError, match="last: exists already; name a new directory"):
        export_checkpoint(whole, tmp_path / "last")
    with pytest.raises(InputError, match="config.json: cannot be read"):
        export_checkpoint(tmp_path, tmp_path / "none")


def test_a_byte_order_mark_is_no_part_of_a_config(tmp_path):
    (tmp_path / "config.json").write_text('{"dtype": "bfloat16"}', encoding="utf-8-sig")
    assert _stored_dtype(str(tmp_path)) == "bfloat16"


def test_a_run_that_learnt_nothing_is_not_exported(tmp_path):
    state = SimpleNamespace(step=2, health=Health.new())
    with pytest.raises(InputError, match="all 2 updates were skipped, .*; lower config.learning"):
        export(tmp_path / "planner", None, state, {}, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("height", [SIDE, SIDE // 2], ids=["one size", "two sizes"])
def test_adapters_are_merged_and_stand_beside(workplace, tmp_path, height):
    """With a stored reference, packed rows and a moving average; half of the pictures cut."""
    directory = tmp_path / "mixed"
    trajectories = make_trajectories()
    half = len(trajectories) // 2
    smaller = [dataclasses.replace(t, image=t.image[:height]) for t in trajectories[:half]]
    write_trajectories(directory / "data", smaller + trajectories[half:])
    config = make_config(workplace, "dpo", packing=True, ema_decay=0.5, batch_size=2)
    config.data = str(directory / "data")
    config.lora.update(rank=2, alpha=4.0, dropout=0.1)
    planner = train(config, directory / "run")
    before, merged = (load_pretrained(d) for d in (workplace / "planner", planner))
    lora, adapters = load_adapters(planner / "adapters", merged[0])
    assert (lora.rank, lora.alpha) == (2, 4.0)
    expected = merge_lora(before[1], adapters, lora)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), merged[1], expected)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), before[1], merged[1])
    assert any(jax.tree.leaves(changed)) and not all(jax.tree.leaves(changed))
    reference = np.load(directory / "run/reference.npy")["logps"]
    assert (reference < 0).any() and reference.shape == (len(trajectories),)
    export_checkpoint(directory / "run", tmp_path / "again")
    assert_same(load_adapters(tmp_path / "again/adapters", merged[0])[1], adapters)
    # Merged by another program, of another mesh: the same to two ulps of the largest weights.
    again = load_pretrained(tmp_path / "again")[1]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1.2e-7), again, merged[1]
    )


@pytest.mark.slow
def test_a_dry_run_tells_and_writes_nothing(workplace, tmp_path, capsys):
    config = make_config(workplace, "standardized_reward_weighted", batch_size=8)
    config.mesh.update(data=2, fsdp=4)
    dry_run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    shown = capsys.readouterr().out
    assert "mesh: data=2, fsdp=4, context=1, tensor=1" in shown
    row = next(line for line in shown.splitlines() if "embed_tokens/embedding" in line)
    # [320, 32] float32 over four devices.
    assert row.split()[-1] == "0.01" and "320 x 32" in row and "-, fsdp" in row
    assert re.search(r"tokens +int32 +1 x 8 x \d+\n", shown)
    assert re.search(r"total +\d+\.\d{3}\n", shown)
    assert re.search(r"a step: [\d,]+ tokens, .* TFLOPs counted", shown)


def test_flags_of_hosts_and_of_fields_are_checked(workplace, tmp_path, capsys, monkeypatch):
    config = [f"--config={ROOT / 'configs/train.py'}:standard", f"--workdir={tmp_path / 'run'}"]
    for flags, message in (
        (["--coordinator=host:1"], "--coordinator, --processes and --process go together"),
        (["--processes=two"], "flag --processes=two: invalid literal for int()"),
        (["--config.steps=many"], "flag --config.steps=many: invalid literal for int()"),
        (["--config.lora.rnk=4"], 'Did you mean "rank"'),
        (["--config.steps=10", "--dry_run"], "config.data: not set; give a directory"),
    ):
        # ml_collections looks there for the fields that are set.
        monkeypatch.setattr(sys, "argv", ["agentic-styling", "train", *config, *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        shown = capsys.readouterr().err
        assert message in shown and shown.count("\n") == 1, shown
    assert not (tmp_path / "run").exists()


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
    with pytest.raises(InputError, match="config.compute.dtype is 'float32' there and 'bfloat"):
        train(make_config(workplace, steps=STEPS, compute={"dtype": "bfloat16"}), whole)
    assert files(whole) == before


def test_data_and_weights_that_changed_are_refused(workplace, tmp_path):
    """As many other rows, and weights of the same size; also by a run that is finished."""
    for name in ("data", "planner"):
        shutil.copytree(workplace / name, tmp_path / name)
    config = make_config(tmp_path, "dpo")
    inputs = input_digests(checked(config))
    fields = fixed(checked(config))
    claim(fields, tmp_path / "run", write=fields, digests=inputs)
    (tmp_path / "run/planner").mkdir()
    assert train(config, tmp_path / "run") == tmp_path / "run/planner"
    weights = tmp_path / "planner/model.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(InputError, match="config.init_from: .*/planner no longer holds the files"):
        train(config, tmp_path / "run")
    shutil.rmtree(tmp_path / "data")
    rows = [dataclasses.replace(t, reward=t.reward / 2) for t in make_trajectories()]
    write_trajectories(tmp_path / "data", rows + make_trajectories(1, "test"))
    (tmp_path / "run/planner").rmdir()
    for attempt in (train, dry_run):
        with pytest.raises(InputError, match="config.data: .*/data no longer holds the files") as e:
            attempt(config, tmp_path / "run")
        assert "\n" not in str(e.value)
    assert os.listdir(tmp_path / "run") == ["config.json"]


@pytest.mark.slow
def test_sigterm_while_references_are_computed_saves_and_resumes(workplace, tmp_path):
    config = make_config(workplace, "dpo", steps=2)
    train(config, tmp_path / "whole")
    call = RowLogps.__call__

    def call_and_terminate(self, *args):
        for number, values in enumerate(call(self, *args), 1):
            if number == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            yield values

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RowLogps, "__call__", call_and_terminate)
        with pytest.raises(Preempted, match="reference.npy: stopped by SIGTERM and saved after 2 "):
            train(config, tmp_path / "again")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    train(config, tmp_path / "again")
    one, other = (tmp_path / name / "reference.npy" for name in ("whole", "again"))
    assert one.read_bytes() == other.read_bytes()
    assert metrics(tmp_path / "again") == metrics(tmp_path / "whole")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_length": 40}, "max_length is 40"),
        ({"warmup_steps": 4}, "config.warmup_steps: 4 is not in"),
        ({"init_from": "/nowhere"}, "/nowhere/config.json: cannot be read (No such file"),
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
