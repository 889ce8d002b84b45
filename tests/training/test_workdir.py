"""config.json is never overwritten; metrics.jsonl has each step once."""

import json

import ml_collections
import pytest

from agentic_styling.errors import InputError
from agentic_styling.training.workdir import MetricsFile, claim, fingerprint


def config(**fields):
    made = ml_collections.ConfigDict({"seed": 0, "mesh": {"data": 1}, "rate": 0.5})
    made.update(fields)
    return made.copy_and_resolve_references()


def test_another_config_is_refused_and_nothing_is_written(tmp_path):
    workdir = tmp_path / "run"
    claim(config(), workdir, write=False)
    assert not workdir.exists()
    claim(config(), workdir, write=True)
    before = (workdir / "config.json").read_bytes()
    assert json.loads(before)["rate"] == 0.5
    claim(config(), workdir, write=True)
    other = config(rate=0.25)
    other.mesh.data = 2
    for write in (False, True):
        with pytest.raises(InputError, match=r"config.mesh.data is 1 there and 2 here; use anot"):
            claim(other, workdir, write=write)
    assert (workdir / "config.json").read_bytes() == before
    assert fingerprint(other) != fingerprint(config()) == fingerprint(config())


def test_a_broken_config_file_is_an_error(tmp_path):
    (tmp_path / "config.json").write_text('{"seed": ')
    with pytest.raises(InputError, match="config.json: not JSON"):
        claim(config(), tmp_path, write=True)


class Progress:
    def set_postfix(self, **_):
        pass


def write(path, done, steps):
    with MetricsFile(path, done) as metrics:
        for step in steps:
            metrics.hold(step, {"loss": 1.0 / step, "nll_negative": float("nan")})
            metrics.flush(Progress())
            metrics.flush(Progress())


def test_lines_past_the_restored_step_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, 0, range(1, 6))
    with path.open("a") as file:
        file.write('{"step": 6, "lo')  # what kill -9 may leave
    write(path, 4, range(5, 8))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"step": k, "loss": 1.0 / k} for k in range(1, 8)]


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    with MetricsFile(tmp_path / "metrics.jsonl", 0) as metrics:
        metrics.hold(3, {"loss": float("nan")})
        with pytest.raises(InputError, match="step 3: the loss is nan; lower config.learning_rate"):
            metrics.flush(Progress())
