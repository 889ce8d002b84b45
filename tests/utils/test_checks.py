"""Paths, output places, seeds and JSON files are checked before anything runs."""

import os

import pytest

from agentic_styling.utils.atomic import atomic_file, write_text
from agentic_styling.utils.checks import (
    check_seed,
    check_temperature,
    local_path,
    new_file,
    output_directory,
    read_object,
)
from agentic_styling.utils.errors import InputError


@pytest.mark.parametrize("path", ["gs://b/run", "s3://b", "file:///tmp", "gs:/b/run", "", "a\0b"])
def test_a_path_that_is_not_on_this_machine_is_refused(path):
    for check in (local_path, output_directory, new_file):
        with pytest.raises(InputError, match="is not (on this machine|a path)"):
            check(path, "--out")


def test_paths_of_this_machine_are_not():
    for path in ("a", "/a/b", "C:/a", "a:b", "./gs/b"):
        assert local_path(path) == output_directory(path).__class__(path)


def test_an_output_place_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("kept")
    link.symlink_to(tmp_path / "nowhere")
    for path, why in (
        (file, "is not a directory"),
        (file / "below" / "it", f"{file} is not a directory"),
        (link, "broken link"),
        (tmp_path / ("x" * 300), "too long"),
        (tmp_path / ("é" * 128), "too long"),
    ):
        with pytest.raises(InputError, match=f"--out: .*{why}"):
            output_directory(path)
    for path in (file, link, tmp_path):
        with pytest.raises(InputError, match="exists already"):
            new_file(path)
    with pytest.raises(InputError, match="there is no folder"):
        new_file(tmp_path / "no" / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(InputError, match=f"nothing may be written to {tmp_path}"):
        output_directory(tmp_path / "new" / "one")
    assert {p.name for p in tmp_path.iterdir()} == {"file", "link"}


@pytest.mark.parametrize("value", [-1, 1 << 32, 10**30, "x", None, 0.5 - 1])
def test_a_seed_outside_32_bits_is_refused(value):
    with pytest.raises(InputError, match=r"--seed: .*; use a whole number from 0 to 4294967295"):
        check_seed(value, "--seed")
    assert check_seed(0) == 0 and check_seed("4294967295") == (1 << 32) - 1


@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan"), 1e39, 10**400, "x", "", None])
def test_a_temperature_that_is_not_finite_or_below_0_is_refused(value):
    with pytest.raises(InputError, match="^--temperature .*: out of range; use 0 for the"):
        check_temperature(value, "--temperature")
    assert check_temperature(0) == 0 and check_temperature("0.5") == 0.5


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"1", b'"x"', b"null", b"NaN", b"{", b"\xff", b"[" * 100_000]
)
def test_a_json_file_of_anything_but_an_object_is_refused(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=rf"{path}: not (a )?JSON.*; build it") as error:
        read_object(path, "build it again")
    assert "\n" not in str(error.value)
    for missing in (tmp_path, tmp_path / "no.json"):
        with pytest.raises(InputError, match=f"{missing}: cannot be read"):
            read_object(missing, "build it again")


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / ("n" * 250)
    write_text(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as error:
        write_text(path, "new")
    assert error.value.filename == str(path)
    with pytest.raises(OSError, match="No such file") as error, atomic_file(tmp_path / "no/file"):
        (tmp_path / "other").read_text()
    assert error.value.filename == str(tmp_path / "other")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
