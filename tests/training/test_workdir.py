"""config.json is never overwritten; metrics.jsonl has each step once."""

import json

import pytest

from agentic_styling.training.workdir import LinesFile, claim, read_config
from agentic_styling.utils.errors import InputError

CONFIG = {"seed": 0, "mesh": {"data": 1}, "rate": 0.5}


def test_another_config_is_refused_and_nothing_is_written(tmp_path):
    workdir = tmp_path / "run"
    claim(CONFIG, workdir)
    assert not workdir.exists()
    claim(CONFIG, workdir, write=CONFIG)
    before = (workdir / "config.json").read_bytes()
    assert json.loads(before)["rate"] == 0.5
    claim(CONFIG, workdir, write=CONFIG)
    other = {"seed": 0, "mesh": {"data": 2}, "rate": 0.25}
    for write in (None, other):
        with pytest.raises(InputError, match=r"config.mesh.data is 1 there and 2 here; use anot"):
            claim(other, workdir, write=write)
    assert (workdir / "config.json").read_bytes() == before


def test_only_the_fields_that_have_to_agree_do(tmp_path):
    claim({"seed": 0}, tmp_path, write=CONFIG)
    assert read_config(tmp_path) == CONFIG
    claim({"seed": 0}, tmp_path, write=CONFIG | {"mesh": {"data": 8}})
    assert read_config(tmp_path) == CONFIG
    with pytest.raises(InputError, match="config.seed is 0 there and 1 here"):
        claim({"seed": 1}, tmp_path)


def test_a_broken_or_missing_config_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="config.json: cannot be read .*; give the workdir"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text('{"seed": ')
    with pytest.raises(InputError, match="config.json: not JSON"):
        claim(CONFIG, tmp_path, write=CONFIG)
    for other in ("[]", "null", "3", '"text"'):
        (tmp_path / "config.json").write_text(other)
        with pytest.raises(InputError, match="config.json: not a JSON object but .*; give the w"):
            claim(CONFIG, tmp_path, write=CONFIG)


def test_other_inputs_are_refused_by_field(tmp_path):
    config, digests = {"data": "d", "init_from": "p"}, {"data": "1", "init_from": "2"}
    claim(config, tmp_path, write=config, digests=digests)
    claim(config, tmp_path, digests=digests)
    claim(config, tmp_path, digests={"init_from": "2"})  # the data are gone
    with pytest.raises(InputError, match="config.init_from: p no longer holds the files that this"):
        claim(config, tmp_path, digests=digests | {"init_from": "3"})
    (tmp_path / "config.json").write_text(json.dumps(config | {"digests": []}))
    with pytest.raises(InputError, match="config.data: d no longer holds"):
        claim(config, tmp_path, digests=digests)


@pytest.mark.parametrize("write", [None, CONFIG])
def test_a_workdir_that_cannot_be_made_is_refused(tmp_path, write):
    (tmp_path / "file").write_text("mine")
    for name, reason in (
        ("file", "file is not a directory"),
        ("file/below", "file is not a directory"),
        ("x" * 300, "too long"),
    ):
        with pytest.raises(InputError, match=f"--workdir: .*{reason}"):
            claim(CONFIG, tmp_path / name, write=write)
    assert (tmp_path / "file").read_text() == "mine"


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
