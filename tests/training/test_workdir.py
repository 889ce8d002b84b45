"""config.json is never overwritten; metrics.jsonl has each step once."""

import json

import numpy as np
import pytest

from agentic_styling.training.workdir import LinesFile, claim, read_config, stored_array
from agentic_styling.utils.errors import InputError

CONFIG = {"seed": 0, "mesh": {"data": 1}, "rate": 0.5}


def test_another_config_is_refused_and_nothing_is_written(tmp_path):
    workdir = tmp_path / "run"
    claim(CONFIG, workdir, write=False)
    assert not workdir.exists()
    claim(CONFIG, workdir, write=True)
    before = (workdir / "config.json").read_bytes()
    assert json.loads(before)["rate"] == 0.5
    claim(CONFIG, workdir, write=True)
    other = {"seed": 0, "mesh": {"data": 2}, "rate": 0.25}
    for write in (False, True):
        with pytest.raises(InputError, match=r"config.mesh.data is 1 there and 2 here; use anot"):
            claim(other, workdir, write=write)
    assert (workdir / "config.json").read_bytes() == before


def test_only_the_fields_that_have_to_agree_do(tmp_path):
    claim({"seed": 0}, tmp_path, write=True, config=CONFIG)
    assert read_config(tmp_path) == CONFIG
    claim({"seed": 0}, tmp_path, write=True, config=CONFIG | {"mesh": {"data": 8}})
    assert read_config(tmp_path) == CONFIG
    with pytest.raises(InputError, match="config.seed is 0 there and 1 here"):
        claim({"seed": 1}, tmp_path, write=False)


def test_a_broken_or_missing_config_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="config.json: cannot be read .*; give the workdir"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text('{"seed": ')
    with pytest.raises(InputError, match="config.json: not JSON"):
        claim(CONFIG, tmp_path, write=True)


def write(path, done, steps):
    file = LinesFile(path, done)
    for step in steps:
        file.write(step, {"loss": 1.0 / step, "nll_negative": float("nan")})
    file.close()


def test_lines_past_the_restored_step_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(path, 0, range(1, 6))
    with path.open("a") as file:
        file.write('{"step": 6, "lo')  # what kill -9 may leave
    write(path, 4, range(5, 8))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"step": k, "loss": 1.0 / k} for k in range(1, 8)]


def test_an_array_is_made_once(tmp_path):
    path = tmp_path / "reference.npy"
    made = stored_array(path, 3, lambda: np.array([1.0, 2.0, 3.0], np.float32), write=True)
    again = stored_array(path, 3, lambda: pytest.fail("made again"), write=True)
    np.testing.assert_array_equal(made, again)
    with pytest.raises(InputError, match="of 3 rows, the data has 4; use another workdir"):
        stored_array(path, 4, lambda: None, write=True)
    path.write_bytes(b"half a file")
    with pytest.raises(InputError, match="reference.npy: not an array .*; delete it"):
        stored_array(path, 3, lambda: None, write=True)
    kept = stored_array(tmp_path / "other.npy", 3, lambda: made, write=False)
    assert kept is made and not (tmp_path / "other.npy").exists()
