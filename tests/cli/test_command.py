"""Errors end scripts with one line and a status; a user without a home has no cache."""

import io
import pwd
import sys
from types import SimpleNamespace

import jax
import pytest

from agentic_styling.cli.command import keep_compiled_programs, one_line_errors
from agentic_styling.utils.errors import PREEMPTED, InputError, Preempted
from agentic_styling.utils.user_cache import user_cache


def test_input_errors_end_a_script_with_one_line_and_status_2(capsys):
    @one_line_errors
    def main(value):
        if value < 0:
            raise InputError(f"value {value} is negative; give one from 0")
        return value

    assert main(3) == 3
    with pytest.raises(SystemExit) as ended:
        main(-1)
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: value -1 is negative; give one from 0\n"


def test_a_preempted_script_ends_with_the_status_that_launchers_restart_on(capsys):
    @one_line_errors
    def main():
        raise Preempted("saved after step 3")

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == PREEMPTED == 75
    assert capsys.readouterr().err == "saved after step 3\n"


def test_other_errors_keep_their_traceback():
    @one_line_errors
    def main():
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        main()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "a/b"), "a/b: No space left on device; make room"),
        (IsADirectoryError(21, "Is a directory", "t", None, "a"), "a: Is a directory; check the"),
        (
            OSError("encoder error -2\nwhen writing"),
            "encoder error -2 when writing; check the path",
        ),
        (OSError(5, "Input/output error", b"a"), "a: Input/output error; check"),
        (OSError(5, "Input/output error", 3), "Input/output error; check"),
    ],
)
def test_an_error_of_the_system_is_one_line_that_names_the_file(capsys, error, line):
    @one_line_errors
    def main():
        raise error

    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith(f"error: {line}") and said.count("\n") == 1


def test_a_name_that_the_terminal_cannot_print_is_escaped(monkeypatch):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])

    @one_line_errors
    def main():
        print("zoë.png")
        raise InputError("写.png \udcff: is missing")

    with pytest.raises(SystemExit):
        main()
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue() for stream in streams)
    assert out == b"zo\\xeb.png\n" and err == b"error: \\u5199.png \\udcff: is missing\n"


def test_a_reader_that_has_seen_enough_gets_no_error(capsys):
    @one_line_errors
    def main():
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and not capsys.readouterr().err


def test_a_user_without_a_home_has_no_cache(monkeypatch, tmp_path):
    def nobody(_):
        raise KeyError("uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(InputError, match="no home directory for the cache; set XDG_CACHE_HOME"):
        user_cache()
    monkeypatch.setattr(jax, "config", SimpleNamespace(jax_compilation_cache_dir=None, update=None))
    keep_compiled_programs()
    assert jax.config.jax_compilation_cache_dir is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "agentic_styling"
