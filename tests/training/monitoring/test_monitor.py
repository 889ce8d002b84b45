"""What is written and shown of a run: metrics apart from speeds, and when it is stopped."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from agentic_styling.training.monitoring import monitor as module
from agentic_styling.training.monitoring.monitor import Monitor, Writers
from agentic_styling.utils.errors import InputError

CONFIG = SimpleNamespace(steps=4, most_skipped=1, loss="standard", wandb_project="")
VALUES = {"loss": 2.0, "reward": 3.0, "grad_norm": 1.0, "skipped": 0}


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by hand."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now.seconds)
    return now


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_speeds_by_hand(tmp_path, clock, monkeypatch, capsys):
    monkeypatch.setattr(module, "peak_flops", lambda device: 100.0)
    with Monitor(tmp_path, CONFIG, 0, devices=2) as monitor:
        clock.seconds = 4.0
        monitor.count(tokens=30, flops=200.0, waited=1.0)
        monitor.count(tokens=50, flops=200.0, waited=1.0)
        monitor.hold(2, VALUES | {"nll": np.float32("nan")})
        monitor.flush()
        monitor.flush()
        clock.seconds = 5.0
        monitor.count(tokens=10, flops=40.0, waited=0.0)
        monitor.hold(3, VALUES)
        monitor.flush()
    (first, second) = lines(tmp_path / "speed.jsonl")
    memory = first.pop("memory_gb")
    assert 0.05 < memory < 100
    assert first == {"step": 2, "tokens_per_second_per_device": 10.0, "waiting": 0.5, "mfu": 0.5}
    assert second["tokens_per_second_per_device"] == 5.0
    assert lines(tmp_path / "metrics.jsonl") == [{"step": s} | VALUES for s in (2, 3)]
    shown = capsys.readouterr().err
    assert "loss=2.000" in shown and "MFU=20%" in shown and "tok/s/dev=5" in shown


def test_a_pause_does_not_count(tmp_path, clock):
    with Monitor(tmp_path, CONFIG, 0, devices=1) as monitor:
        monitor.count(tokens=30, flops=0.0, waited=0.0)
        clock.seconds = 1.0
        with monitor.paused():
            clock.seconds = 8.0
        clock.seconds = 10.0
        monitor.hold(1, VALUES)
        monitor.flush()
    assert lines(tmp_path / "speed.jsonl")[0]["tokens_per_second_per_device"] == 10.0


def test_too_many_skipped_updates_end_the_run(tmp_path):
    with Monitor(tmp_path, CONFIG, 0, devices=1) as monitor:
        monitor.hold(1, VALUES | {"loss": float("nan"), "skipped": 1})
        monitor.flush()
        monitor.hold(2, VALUES | {"loss": float("nan"), "skipped": 2})
        with pytest.raises(InputError, match=r"step 2: 2 updates were skipped .*loss nan.*; lower"):
            monitor.flush()
    assert lines(tmp_path / "metrics.jsonl")[1] == {
        "step": 2,
        "reward": 3.0,
        "grad_norm": 1.0,
        "skipped": 2,
    }


def test_wandb_has_to_be_installed_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="wandb is not installed; pip install"):
        Writers(tmp_path, "styling")


def test_tensorboard_gets_the_values_where_it_is_installed(tmp_path, monkeypatch):
    """Stand-ins for clu's writer and wandb."""
    written = []
    fake = SimpleNamespace(
        write_scalars=lambda step, values: written.append((step, values)), close=lambda: None
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name != "wandb" or None)
    metric_writers = SimpleNamespace(SummaryWriter=lambda path: written.append(path) or fake)
    monkeypatch.setitem(sys.modules, "clu", SimpleNamespace(metric_writers=metric_writers))
    monkeypatch.setitem(sys.modules, "clu.metric_writers", metric_writers)
    writers = Writers(tmp_path, "")
    writers.write(3, {"loss": 1.0})
    writers.close()
    assert written == [str(tmp_path / "tensorboard"), (3, {"loss": 1.0})]


def test_a_wandb_run_belongs_to_the_workdir(tmp_path, monkeypatch):
    """A stand-in for wandb."""
    runs = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "wandb" or None)
    wandb = SimpleNamespace(init=lambda **given: runs.append((given["id"], given["resume"])))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for name in ("one", "one", "other/one"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        Writers(tmp_path / name, "styling")
    first, again, other = runs
    assert first == again and first[0] != other[0] and first[1] == "allow"
