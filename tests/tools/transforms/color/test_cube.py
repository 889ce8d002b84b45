"""The .cube format: a file by hand, bit-exact round trips, and every way to be malformed."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.tools.transforms.color.cube import read_cube, write_cube
from agentic_styling.utils.errors import InputError

HAND = """\
# made by hand
TITLE "Two  by two"

LUT_3D_SIZE 2
DOMAIN_MIN 0 0 0
DOMAIN_MAX 1.0 1.0 2.0
0 0 0
1 0 0
0 1 0
1 1 0
  0 0 .5
1 0 5e-1
# in between
0 1 0.5
1 1 0.5
"""


def _write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_by_hand_red_runs_fastest(tmp_path):
    cube = read_cube(_write(tmp_path / "hand.cube", HAND))
    assert cube.title == "Two  by two"
    assert cube.table.dtype == np.float32
    np.testing.assert_array_equal(cube.table[1, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(cube.table[0, 1, 0], [0, 1, 0])
    np.testing.assert_array_equal(cube.table[1, 0, 1], [1, 0, 0.5])
    np.testing.assert_array_equal(cube.high, [1, 1, 2])


def test_what_other_programs_write(tmp_path):
    """A byte-order mark, line ends of Windows, Resolve's range, no title."""
    text = "\ufeff" + HAND.replace('TITLE "Two  by two"', "").replace("DOMAIN_MIN 0 0 0\n", "")
    text = text.replace("DOMAIN_MAX 1.0 1.0 2.0", "LUT_3D_INPUT_RANGE -0.5 1.5")
    path = tmp_path / "other.cube"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    cube = read_cube(path)
    assert cube.title == ""
    np.testing.assert_array_equal([cube.low, cube.high], [[-0.5] * 3, [1.5] * 3])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(0, 2**32 - 1),
    st.text(st.characters(blacklist_characters='"', categories=("L", "N", "P")), max_size=20),
)
def test_round_trip_is_bit_for_bit(tmp_path_factory, size, seed, title):
    path = tmp_path_factory.mktemp("cubes") / "a.cube"
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (size,) * 3 + (3,)).astype(np.float32) ** 5
    low, high = -rng.random(3).astype(np.float32), 1 + rng.random(3).astype(np.float32)
    write_cube(path, table, title, low, high)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.table, table)
    np.testing.assert_array_equal([cube.low, cube.high], [low, high])
    assert cube.title == title


MALFORMED = {
    "no size": (HAND.replace("LUT_3D_SIZE 2", ""), ": no LUT_3D_SIZE"),
    "one-dimensional": (HAND.replace("3D", "1D"), ", line 4: LUT_1D_SIZE, a 1D table; export"),
    "size of words": (HAND.replace("SIZE 2", "SIZE two"), ", line 4: LUT_3D_SIZE 'two'; give"),
    "size too large": (HAND.replace("SIZE 2", "SIZE 999"), ", line 4: LUT_3D_SIZE '999'; give"),
    "size of one": (HAND.replace("SIZE 2", "SIZE 1"), ", line 4: LUT_3D_SIZE '1'; give"),
    "a row short": (HAND.replace("1 1 0\n", ""), ": 7 rows; LUT_3D_SIZE 2 needs 8"),
    "a row over": (HAND + "0 0 0\n", ": 9 rows; LUT_3D_SIZE 2 needs 8"),
    "two numbers": (HAND.replace("0 1 0\n", "0 1\n"), ", line 9: '0 1'; give 3 finite"),
    "no number": (HAND.replace("0 1 0\n", "0 1 x\n"), ", line 9: '0 1 x'; give 3 finite"),
    "not finite": (HAND.replace("0 1 0\n", "nan 1 0\n"), ", line 9: 'nan 1 0'; give 3 finite"),
    "infinite": (HAND.replace("0 1 0\n", "0 1 -inf\n"), ", line 9: '0 1 -inf'; give 3 finite"),
    "unknown": (HAND.replace("DOMAIN_MIN 0", "GAMMA 0"), ", line 5: unknown keyword 'GAMMA'"),
    "late": (HAND + "DOMAIN_MIN 0 0 0\n", ", line 16: DOMAIN_MIN after the table; move"),
    "twice": (HAND.replace("DOMAIN_MAX", "DOMAIN_MIN"), ", line 6: DOMAIN_MIN for the second"),
    "empty domain": (HAND.replace("MAX 1.0", "MAX 0.0"), ": DOMAIN_MAX is not above"),
    "empty": ("", ": no LUT_3D_SIZE"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_name_the_line_and_the_mend(tmp_path, name):
    text, message = MALFORMED[name]
    path = _write(tmp_path / "bad.cube", text)
    with pytest.raises(InputError) as error:
        read_cube(path)
    assert str(error.value).startswith(f"{path}{message}")
    assert "\n" not in str(error.value) and ";" in str(error.value)


def test_no_file_and_no_text(tmp_path):
    (tmp_path / "bytes.cube").write_bytes(b"\xff\xfe\x00\x01")
    for path in (tmp_path / "none.cube", tmp_path, tmp_path / "bytes.cube"):
        with pytest.raises(InputError, match=r"give a \.cube file$"):
            read_cube(path)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text('LUT_3DSIZE 012.-e#\n"', max_size=80)))
def test_any_text_is_a_table_or_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.cube"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        cube = read_cube(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert np.all(np.isfinite(cube.table))


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path, monkeypatch):
    path = tmp_path / "a.cube"
    table = np.zeros((2, 2, 2, 3), np.float32)
    write_cube(path, table, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_cube(path, table + 1, "new")
    assert read_cube(path).title == "old"
    assert os.listdir(tmp_path) == ["a.cube"]


@pytest.mark.parametrize(
    ("table", "title", "message"),
    [
        (np.zeros((2, 2, 3)), "", "table: shape"),
        (np.full((2, 2, 2, 3), np.nan), "", "table: "),
        (np.zeros((2, 2, 2, 3)), 'a "quote"', "title: "),
        (np.zeros((2, 2, 2, 3)), "two\nlines", "title: "),
    ],
)
def test_what_cannot_be_written(tmp_path, table, title, message):
    with pytest.raises(InputError, match=f"^{message}"):
        write_cube(tmp_path / "a.cube", table, title)
    assert not os.listdir(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="give a place to write to"):
        write_cube(Path(tmp_path / "no" / "a.cube"), np.zeros((2, 2, 2, 3)))
