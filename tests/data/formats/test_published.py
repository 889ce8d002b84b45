"""The published data set: what is imported, and what is left out and why."""

import json
import sys

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from agentic_styling.cli import main as cli
from agentic_styling.data import (
    export_data,
    import_published,
    read_published,
    read_trajectories,
    write_trajectories,
)
from agentic_styling.data.storage.shards import set_path
from agentic_styling.tools import Step
from agentic_styling.utils.errors import InputError
from tests.data.formats.published_rows import (
    SEASON,
    action,
    gradient,
    make_ours,
    make_row,
    png,
    published_plan,
    write_rows,
)


@pytest.fixture
def copy(tmp_path):
    root = tmp_path / "copy"
    (root / "images").mkdir(parents=True)
    (root / "analysis").mkdir()
    (root / "images/a.png").write_bytes(png())
    analysis = {"season_cycle": {"current": "Summer lush", "sure": "yes"}, "weather": "sunny"}
    (root / "analysis/a.json").write_text(json.dumps({"scene": analysis}))
    return root


def left_out(copy, *rows):
    """The counts of what is left out of these rows."""
    write_rows(copy, *rows)
    found, report = read_published(copy, 64)
    assert report.rows == len(rows) == len(found) + sum(report.counts.values())
    assert all("\n" not in line for lines in report.left_out.values() for _, line in lines)
    return report


def test_a_row_becomes_a_trajectory(copy):
    write_rows(copy, make_row())
    (found,), report = read_published(copy, 64)
    assert (report.rows, report.counts) == (1, {})
    assert (found.id, found.goal, found.reward) == ("row_1", "make it a winter wonderland", 4.0)
    assert (found.split, found.theme, found.photo) == ("train", "winter", "images/a.png")
    assert found.plan.steps == (Step("It asks for snow.", "season", SEASON),)
    assert found.plan.instruction == "A bare winter wood under snow."
    assert found.state == found.plan.context == {"season": "summer_lush"}
    assert found.request == () and found.scores == {}
    assert found.provenance["overall_instruction"] == "Winter."
    # The middle square of 128 x 64, at its own size.
    np.testing.assert_array_equal(found.image, gradient()[:, 32:96])


@pytest.mark.parametrize(
    "name",
    ["train.jsonl", "rows/test.json", "data/validation-0.parquet", "test/0.jsonl", "val/0.jsonl"]
    + ["train-testimony.jsonl", "valley_train/0.json", "validation/test.jsonl"],
)
def test_rows_are_read_from_every_kind_of_file(copy, name):
    rows = [make_row(id="a"), make_row(id="b", user_prompt="Winter!", individual_score=None)]
    path = copy / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith("parquet"):
        table = pyarrow.Table.from_pylist([row | {"metadata": None} for row in rows])
        pyarrow.parquet.write_table(table, path)
    elif name.endswith("jsonl"):
        write_rows(copy, *rows, name=name)
    else:
        path.write_text(json.dumps(rows))
    for source in (copy, path) if path.parent == copy else (copy,):
        found, report = read_published(source, 64)
        assert report.counts == {}
        assert [t.id for t in found] == ["a", "b"]
        assert [t.reward for t in found] == [4.0, 2.5]
        expected = [s for s in ("train", "test", "val") if s in name][0]
        assert {t.split for t in found} == {"validation" if expected == "val" else expected}


SPLITS_OF_FILES = {
    "train": ["train", "training", "latest", "contest-1", "devices", "rows"],
    "validation": ["validation", "valid", "val", "dev", "my_dev-1", "VAL.2"],
    "test": ["test", "testing", "eval", "evaluation", "a test", "x-test-00000-of-00001"],
}


@pytest.mark.parametrize(
    ("name", "split"), [(name, split) for split, names in SPLITS_OF_FILES.items() for name in names]
)
def test_files_and_folders_are_named_as_the_library_datasets_does(copy, name, split):
    write_rows(copy, make_row(), name=f"{name}.jsonl")
    (copy / name).mkdir()
    write_rows(copy, make_row(), name=f"{name}/rows.jsonl")
    found, _ = read_published(copy, 64)
    assert [t.split for t in found] == [split, split]


@pytest.mark.parametrize("column", ["img", "picture", "file_name"])
def test_a_picture_is_found_in_a_column_of_another_usual_name(copy, column):
    row = make_row()
    row[column] = row.pop("image_path")
    write_rows(copy, row)
    assert len(read_published(copy, 64)[0]) == 1


@pytest.mark.parametrize(
    ("said", "split"),
    [("val", "validation"), ("Validation", "validation"), ("test", "test"), ("train", "train")],
)
def test_the_split_that_metadata_says_goes_before_the_names(copy, said, split):
    write_rows(copy, make_row(metadata={"split": said}), name="test.jsonl")
    (found,), _ = read_published(copy, 64)
    assert found.split == split


def test_pictures_within_parquet_and_the_nulls_of_its_structs(copy):
    """A table has a column for every parameter of every action."""
    plan = published_plan(action("weather_conditions", {"weather_type": "hail"}), action())
    rows = [
        make_row(target_action_plan=plan, image={"bytes": png(), "path": "a.png"}, id=1),
        make_row(target_action_plan=plan, image={"bytes": None, "path": "images/a.png"}, id=2),
    ]
    for row in rows:
        del row["image_path"], row["analysis_path"]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), copy / "train.parquet")
    first, second = read_published(copy, 64)[0]
    assert [s.parameters for s in first.plan.steps] == [{"weather_type": "hail"}, SEASON]
    np.testing.assert_array_equal(first.image, second.image)
    assert first.context_id == second.context_id and first.id != second.id
    assert first.state == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user_prompt": " "}, "no goal"),
        ({"user_prompt": None}, "no goal"),
        ({"user_prompt": "\ud800"}, "no goal"),
        ({"individual_score": 6}, "score out of range"),
        ({"individual_score": float("nan")}, "score out of range"),
        ({"individual_score": "good"}, "score out of range"),
        ({"individual_score": True}, "score out of range"),
        ({"individual_score": None, "trajectory_avg_reward": -1}, "score out of range"),
        ({"individual_score": None, "trajectory_avg_reward": None}, "no score"),
        ({"image_path": None}, "missing image"),
        ({"image_path": []}, "missing image"),
        ({"image_path": "images/b.png"}, "missing image"),
        ({"image_path": "images"}, "missing image"),
        ({"image_path": "x" * 5000}, "missing image"),
        ({"image_path": "images/broken.png"}, "unreadable image"),
        ({"image_path": "images/tiny.png"}, "unreadable image"),
        ({"image_path": "images/text.png"}, "unreadable image"),
        ({"image_path": "../../etc/passwd"}, "path leads outside"),
        ({"image_path": "images/../images/a.png"}, "path leads outside"),
        ({"image_path": "/etc/passwd"}, "path leads outside"),
        ({"image_path": "..\\secret.png"}, "path leads outside"),
        ({"image_path": "images/\0.png"}, "path leads outside"),
        ({"image_path": "images/link.png"}, "path leads outside"),
        ({"image_path": "folder/secret.png"}, "path leads outside"),
        ({"image_path": {"bytes": None, "path": "../secret.png"}}, "path leads outside"),
        ({"metadata": {"agentic_styling": {"context": {}}}}, "malformed metadata"),
        ({"metadata": {"agentic_styling": 3}}, "malformed metadata"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_by_its_reason(copy, change, reason):
    outside = copy.parent / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(png())
    (copy.parent / "secret.png").write_bytes(png())
    (copy / "images/link.png").symlink_to(outside / "secret.png")
    (copy / "folder").symlink_to(outside)
    (copy / "images/broken.png").write_bytes(png()[:200])
    (copy / "images/tiny.png").write_bytes(png(gradient(8, 8)))
    (copy / "images/text.png").write_text("no picture")
    assert left_out(copy, make_row(**change), make_row()).counts == {reason: 1}


def test_the_report_gives_examples_by_row(copy):
    plan = published_plan(action("weather", {"weather_type": "fog_dens"}))
    report = left_out(copy, make_row(), *[make_row(target_action_plan=plan)] * 5)
    assert report.counts == {"unknown option": 5}
    lines = str(report).splitlines()
    assert lines[0] == "6 rows, 5 left out, 1 with a known state"
    assert lines[1] == "  unknown option: 5" and len(lines) == 5
    assert lines[2].startswith("    train.jsonl, row 2: action 1: weather.weather_type: 'fog_dens'")
    assert "did you mean 'fog_dense'?" in lines[2]
    (line,) = left_out(copy, make_row(target_action_plan="plans/1.json")).left_out.popitem()[1]
    assert "'plans/1.json' is not a JSON object" in line[1]


def test_a_link_within_the_copy_is_followed(copy):
    (copy / "images/b.png").symlink_to("a.png")
    write_rows(copy, make_row(image_path="images/b.png"))
    assert len(read_published(copy, 64)[0]) == 1


def test_rows_behind_a_link_are_read_only_when_named(copy):
    write_rows(copy, make_row(image={"bytes": None}, image_path="copy/images/a.png"))
    (copy / "train.jsonl").rename(copy.parent / "rows.jsonl")
    (copy / "train.jsonl").symlink_to("../rows.jsonl")
    with pytest.raises(InputError, match="is a link that leads out of"):
        read_published(copy, 64)
    assert len(read_published(copy.parent / "rows.jsonl", 64)[0]) == 1


def test_broken_lines_and_files_are_counted(copy):
    write_rows(copy, make_row())
    with open(copy / "train.jsonl", "a") as file:
        file.write('{"id": \n[1]\n\n' + "[" * 100_000 + "\n")
    found, report = read_published(copy, 64)
    assert (len(found), report.rows, report.counts) == (1, 4, {"malformed row": 3})
    (copy / "b.parquet").write_bytes(b"PAR1 and nothing more")
    found, report = read_published(copy, 64)  # parquet goes first
    assert (len(found), report.rows, report.counts) == (0, 0, {"unreadable file": 1})
    (copy / "b.parquet").unlink()
    (copy / "train.jsonl").rename(copy / "train.json")
    with pytest.raises(InputError, match="has no rows"):
        read_published(copy, 64)
    (copy / "train.json").write_text('[{"id": 1}')
    assert read_published(copy, 64)[1].counts == {"unreadable file": 1}


def test_hidden_files_are_not_rows(copy):
    write_rows(copy, make_row())
    (copy / ".cache").mkdir()
    write_rows(copy, make_row(), name=".cache/old.jsonl")
    assert read_published(copy, 64)[1].rows == 1


def test_ids_are_unique_and_plain(copy):
    write_rows(copy, make_row(), make_row(), make_row(id="../x"), make_row(id=None))
    ids = [t.id for t in read_published(copy, 64)[0]]
    assert ids[0] == "row_1" and len(set(ids)) == 4
    assert all("/" not in name for name in ids)


def test_contexts_are_one_picture_and_goal(copy):
    (copy / "images/same.png").write_bytes(png())
    (copy / "images/other.png").write_bytes(png(gradient()[:, ::-1]))
    rows = [{}, {"image_path": "images/same.png"}, {"image_path": "images/other.png"}]
    rows.append({"user_prompt": "Winter!"})
    write_rows(copy, *(make_row(**row) for row in rows))
    contexts = [t.context_id for t in read_published(copy, 64)[0]]
    assert contexts[0] == contexts[1] and len(set(contexts)) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"season": 3}', "\x80"])
def test_a_broken_analysis_leaves_the_picture_unknown(copy, text):
    (copy / "analysis/a.json").write_text(text)
    (copy.parent / "secret.json").write_text('{"season": "winter_bare"}')
    (copy / "link.json").symlink_to("../secret.json")
    places = ["analysis/a.json", "nowhere.json", "../secret.json", "link.json", 3]
    places.append(str(copy.parent / "secret.json"))
    write_rows(copy, *(make_row(analysis_path=place) for place in places))
    found, report = read_published(copy, 64)
    assert [t.state for t in found] == [{}] * 6 and report.states == 0


def test_the_commands(copy, tmp_path, capsys):
    write_rows(copy, make_row(), make_row(individual_score=9))
    cli.main(["import-published", str(copy), "--out", str(tmp_path / "new"), "--size", "96"])
    directory = set_path(tmp_path / "new", "published")
    said = capsys.readouterr().out
    assert (
        said.endswith(f"{directory}\n")
        and "2 rows, 1 left out" in said
        and "score out of range: 1" in said
    )
    (found,) = read_trajectories(directory, "train")
    assert found.image.shape == (96, 96, 3) and found.goal == make_row()["user_prompt"]
    settings = json.loads((directory / "settings.json").read_text())
    del settings["trajectories"]
    assert settings == {"published": "copy", "size": 96, "left_out": {"score out of range": 1}}
    cli.main(["import-published", str(copy), "--out", str(tmp_path / "new"), "--size", "96"])

    command = ["export-data", str(directory), "--format", "published"]
    cli.main([*command, "--out", str(tmp_path / "again")])
    (again,), _ = read_published(tmp_path / "again", 96)
    assert (again.plan, again.goal, again.reward) == (found.plan, found.goal, found.reward)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["import-published", "nowhere", "--out", "new"], "nowhere: no such file or folder"),
        (["import-published", "copy/images", "--out", "new"], "has no rows"),
        (["import-published", "copy/images/a.png", "--out", "new"], "no file of rows"),
        (["import-published", "copy", "--out", "new", "--size", "9"], "size=9"),
        (["import-published", "copy", "--out", "new"], "none of 1 rows can be used, mostly: no go"),
        (["export-data", "copy", "--format", "trl", "--out", "new"], "copy: holds no finished set"),
        (["export-data", "ours", "--format", "trl", "--out", "copy"], "copy: exists already"),
        (["export-data", "ours", "--format", "csv", "--out", "new"], "csv"),
    ],
)
def test_wrong_arguments_are_one_line_and_change_nothing(
    copy, tmp_path, monkeypatch, capsys, command, words
):
    monkeypatch.chdir(tmp_path)
    write_rows(copy, make_row(user_prompt=""))
    write_trajectories("ours", make_ours(1))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        cli.main(command)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert sorted(tmp_path.rglob("*")) == before


def test_without_pyarrow_the_extra_is_named(copy, tmp_path, monkeypatch):
    (copy / "train.parquet").write_bytes(b"")
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"needs pyarrow.*agentic-styling\[data\]"):
        import_published(copy, tmp_path / "new")
    with pytest.raises(InputError, match=r"needs pyarrow.*agentic-styling\[data\]"):
        export_data(make_ours(1), tmp_path / "new", "published")
