"""`style` writes all three files or says in one line which it cannot write, without executing."""

import errno
import io
import json
import os
import pwd
import sys

import numpy as np
import pytest
from PIL import Image

from agentic_styling.cli import main as cli
from agentic_styling.cli import style as style_command

PLAN = {"steps": [{"tool": "weather", "parameters": {"weather_type": "fog_dense"}}]}


@pytest.fixture
def executed(monkeypatch):
    """Replaces the executor; the number of its calls."""
    calls = []

    def frames(images, plans, key):
        calls.append(key)
        return np.zeros((1, 9, *images.shape[1:]), np.float32)

    monkeypatch.setattr(style_command, "execute_steps", frames)
    return calls


@pytest.fixture
def command(tmp_path):
    """A command line without its --out, which stays to be given, for a photograph of any name."""

    def line(name, out):
        photo = tmp_path / f"{name}.png"
        Image.new("RGB", (80, 64), "teal").save(photo)
        (tmp_path / "plan.json").write_text(json.dumps(PLAN))
        return ["style", str(photo), "--plan", str(tmp_path / "plan.json"), "--out", str(out)]

    return line


def refused(capsys, argv):
    with pytest.raises(SystemExit) as ended:
        cli.main(argv)
    error = capsys.readouterr().err.splitlines()[-1]
    assert ended.value.code == 2 and error.startswith("error: ")
    return error


def test_a_plan_without_a_step_is_said_to_change_nothing(tmp_path):
    (tmp_path / "none.json").write_text('{"steps": []}')
    with pytest.warns(UserWarning, match=r'none\.json: "steps" is empty'):
        assert style_command.read_plan(tmp_path / "none.json").steps == ()


def test_a_name_too_long_for_the_plan_is_refused_before_anything_runs(
    command, executed, tmp_path, capsys
):
    assert "rename the photograph" in refused(capsys, command("n" * 247, tmp_path / "out"))
    assert not executed and not (tmp_path / "out").exists()
    cli.main(command("n" * 245, tmp_path / "out"))
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_an_output_place_that_is_none_is_refused_before_anything_runs(
    command, executed, tmp_path, capsys
):
    (tmp_path / "file").write_text("kept")
    for out in ("file", "file/below"):
        assert "is not a directory" in refused(capsys, command("a", tmp_path / out))
    assert "check the path" in refused(capsys, command("a", "/proc/no/where"))
    assert "not on this machine" in refused(capsys, command("a", "gs://bucket/run"))
    assert not executed and (tmp_path / "file").read_text() == "kept"


def test_a_full_disk_leaves_no_half_written_file(command, executed, tmp_path, capsys, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    error = refused(capsys, command("a", tmp_path / "out"))
    assert f"{tmp_path / 'out/a.png'}: No space left on device; make room" in error
    assert not list((tmp_path / "out").iterdir())


def test_a_user_without_a_home_and_with_an_ascii_terminal(command, executed, tmp_path, monkeypatch):
    def nobody(_):
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    cli.main(command("写真", tmp_path / "out"))
    out.flush()
    assert b"out/\\u5199\\u771f.png\n  1. weather: fog dense\n" in out.buffer.getvalue()
    assert (tmp_path / "out/写真.plan.json").exists()


def test_the_goal_of_a_plan_file_is_kept(command, executed, tmp_path, monkeypatch):
    titles = []
    strip = style_command.film_strip
    monkeypatch.setattr(
        style_command, "film_strip", lambda *given: titles.append(given[2]) or strip(*given)
    )
    first = command("a", tmp_path / "one")
    cli.main([*first, "--goal", "霧 fog"])
    again = [*first[:3], str(tmp_path / "one/a.plan.json"), "--out", str(tmp_path / "two")]
    cli.main(again)
    assert titles == ["霧 fog"] * 2
    one, two = (tmp_path / name / "a.plan.json" for name in ("one", "two"))
    assert one.read_text() == two.read_text()
