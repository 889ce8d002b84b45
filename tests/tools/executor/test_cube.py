"""Plans as .cube tables: what execute makes of every colour, in files that others read."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest

from agentic_styling.cli.main import main
from agentic_styling.tools import Plan, encode_plans, execute
from agentic_styling.tools.executor.cube import plan_to_cube, write_cube
from agentic_styling.utils.errors import InputError
from tests.tools.planned import step

STEPS = (
    step("color_grading", "orange_teal", strength=0.7),
    step("color_grading", "earth_natural", contrast="low", source_palette="cool_blue"),
)
SIZE = 5


@pytest.fixture(scope="module")
def table():
    return plan_to_cube(Plan({}, STEPS), SIZE)


def read(path):
    """Title, size and rows of a .cube file, red fastest, by the specification."""
    lines = path.read_text().splitlines()
    title = lines.pop(0) if lines[0].startswith("TITLE") else ""
    size = int(lines.pop(0).removeprefix("LUT_3D_SIZE "))
    rows = np.array([[float(v) for v in line.split()] for line in lines], np.float32)
    return title, rows.reshape(size, size, size, 3).transpose(2, 1, 0, 3)


def test_the_table_is_what_execute_makes_of_every_colour(table):
    cube, left_out = table
    assert left_out == [] and cube.shape == (SIZE, SIZE, SIZE, 3) and cube.dtype == np.float32
    axis = np.linspace(0, 1, SIZE, dtype=np.float32)
    image = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(1, SIZE, -1, 3)
    out = execute(image, encode_plans([Plan({}, STEPS)]), jax.random.key(0))
    np.testing.assert_allclose(cube.reshape(1, SIZE, -1, 3), out, atol=1e-5)
    assert np.abs(cube.reshape(image.shape) - image).max() > 0.1


def test_what_is_not_point_wise_is_left_out_and_named(table):
    steps = (
        *STEPS,
        step("atmospheric_effects", "lens_flare"),
        step("weather", "overcast_gray", strength=0),
        step("exclude_region", "left_half"),
        step("time_of_day", "midnight_dark"),
    )
    cube, left_out = plan_to_cube(Plan({}, steps), SIZE)
    assert left_out == [
        "atmospheric_effects: left out",
        "exclude_region: left out",
        "time_of_day: only its colours are kept, not what depends on the place",
    ]
    assert cube.mean() < 0.6 * table[0].mean()  # the night's colours are in it
    without_night, _ = plan_to_cube(Plan({}, steps[:-1]), SIZE)
    np.testing.assert_allclose(without_night, table[0], atol=1e-6)


@pytest.mark.parametrize("title", ["", "a look"])
def test_a_written_file_reads_back_bit_for_bit(tmp_path, title):
    rng = np.random.default_rng(0)
    table = rng.normal(0, 1, (4, 4, 4, 3)).astype(np.float32) ** 5
    write_cube(tmp_path / "a.cube", table, title)
    found, read_table = read(tmp_path / "a.cube")
    assert found == (f'TITLE "{title}"' if title else "")
    np.testing.assert_array_equal(read_table, table)


def test_the_command_writes_the_table_and_names_what_is_left_out(tmp_path, capsys, table):
    plan = Plan({}, (*STEPS, step("exclude_region", "left_half")))
    (tmp_path / "warm.json").write_text(plan.to_json())
    out = str(tmp_path / "warm.cube")
    main(["export-cube", str(tmp_path / "warm.json"), "--out", out, "--size", str(SIZE)])
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (f"{out}\n", "exclude_region: left out\n")
    title, cube = read(Path(out))
    assert title == 'TITLE "warm"'
    np.testing.assert_allclose(cube, table[0], atol=1e-6)


@pytest.mark.parametrize("size", [1, 257])
def test_a_size_out_of_range_is_one_line(size):
    with pytest.raises(InputError, match=f"^size: {size}; use a whole number from 2 to 256$"):
        plan_to_cube(Plan({}, STEPS), size)


@pytest.mark.parametrize(
    ("table", "title", "message"),
    [
        (np.zeros((2, 2, 3)), "", "table: shape"),
        (np.full((2, 2, 2, 3), np.nan), "", "table: not finite"),
        (np.zeros((2, 2, 2, 3)), 'a "quote"', "title: "),
        (np.zeros((2, 2, 2, 3)), "two\nlines", "title: "),
    ],
)
def test_what_cannot_be_written(tmp_path, table, title, message):
    with pytest.raises(InputError, match=f"^{message}"):
        write_cube(tmp_path / "a.cube", table, title)
    assert not os.listdir(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path, monkeypatch):
    path = tmp_path / "a.cube"
    table = np.zeros((2, 2, 2, 3), np.float32)
    write_cube(path, table, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_cube(path, table + 1, "new")
    assert read(path)[0] == 'TITLE "old"'
    assert os.listdir(tmp_path) == ["a.cube"]
