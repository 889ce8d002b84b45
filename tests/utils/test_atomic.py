"""A file or directory is written completely or not at all."""

import pytest

from agentic_styling.utils.atomic import atomic_directory, atomic_file, write_text
from agentic_styling.utils.errors import InputError


def test_a_file_is_replaced_only_on_success(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "first\n")
    with pytest.raises(RuntimeError), atomic_file(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "first\n"
        raise RuntimeError
    assert path.read_text() == "first\n"
    write_text(path, "second\n")
    assert path.read_text() == "second\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_directory_appears_only_on_success(tmp_path):
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "new") as temporary:
        (temporary / "half").write_text("x")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with atomic_directory(tmp_path / "new") as temporary:
        (temporary / "all").write_text("x")
    assert [file.name for file in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new/all").read_text() == "x"


@pytest.mark.parametrize("kind", ["file", "full directory", "link"])
def test_nothing_is_overwritten(tmp_path, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("kept")
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
        (place / "kept").write_text("kept")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="exists already"), atomic_directory(place):
        raise AssertionError("not reached")
    assert sorted(tmp_path.rglob("*")) == before
