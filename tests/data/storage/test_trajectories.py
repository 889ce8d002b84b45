import json
import os
from dataclasses import fields, replace

import numpy as np
import pytest

from agentic_styling.data import (
    Trajectory,
    read_trajectories,
    sample_goal,
    sample_state,
    teach,
    write_trajectories,
)
from agentic_styling.utils.errors import InputError

PARTS = ["instruction_following", "coherence", "overall"]


def make(context, k):
    rng = np.random.default_rng([context, 0])
    state = sample_state(rng)
    goal = sample_goal(state, "train", rng)
    return Trajectory(
        id=f"train-{context:06d}-{k}",
        context_id=f"train-{context:06d}",
        split="train",
        photo="folder/père noël.jpg",
        image=rng.integers(0, 256, (16, 16, 3), np.uint8),
        state=state,
        goal=goal.text,
        theme=goal.theme,
        explicit=goal.explicit,
        request=goal.request,
        plan=teach(goal, state, 0.3, np.random.default_rng([context, k])),
        reward=round(float(rng.uniform(0, 5)), 3),
        scores={name: round(float(rng.uniform(0, 100)), 3) for name in PARTS},
        provenance={"seed": 1, "skill": 0.3, "teacher": "procedural", "crop": {"left": 3}},
    )


def make_all():
    return [make(context, k) for context in range(3) for k in range(2)]


def make_splits():
    """Contexts 0, 1 and 2, of which the last is of test."""
    return [replace(t, split="test") if "2" in t.context_id else t for t in make_all()]


@pytest.fixture
def written(tmp_path):
    directory = tmp_path / "data"
    write_trajectories(directory, make_all(), {"seed": 1})
    return directory


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def assert_same(a, b):
    for field in fields(Trajectory):
        x, y = getattr(a, field.name), getattr(b, field.name)
        assert np.array_equal(x, y) if field.name == "image" else x == y, field.name


def test_round_trip(written):
    back = read_trajectories(written)
    assert len(back) == 6
    for a, b in zip(make_all(), back, strict=True):
        assert_same(a, b)
        assert b.image.dtype == np.uint8
    assert len(list((written / "images").iterdir())) == 3  # one a context
    assert back[0].image is back[1].image


def test_same_trajectories_same_bytes_and_nothing_left_beside(written, tmp_path):
    write_trajectories(tmp_path / "other", make_all(), {"seed": 1})
    assert files(written) == files(tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "other"]


def test_same_settings_are_reused_and_others_refused(written):
    before = files(written)
    write_trajectories(written, make_all()[:2], {"seed": 1})
    assert files(written) == before
    with pytest.raises(InputError, match=r"data: .*seed=1, asked for 2; .*another directory"):
        write_trajectories(written, make_all(), {"seed": 2})
    with pytest.raises(InputError, match="size=None, asked for 64"):
        write_trajectories(written, make_all(), {"seed": 1, "size": 64})
    assert files(written) == before


def test_a_folder_of_something_else_is_never_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"no manifest\.json"):
        write_trajectories(tmp_path, make_all(), {})
    with pytest.raises(InputError, match="is a file"):
        write_trajectories(tmp_path / "thesis.txt", make_all(), {})
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "data").mkdir()
    write_trajectories(tmp_path / "data", make_all(), {})
    assert len(read_trajectories(tmp_path / "data")) == 6


@pytest.mark.parametrize("broken", ["fsync", "rename"])
def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch, broken):
    calls = []

    def fail(*args):
        calls.append(args)
        if broken == "rename" or len(calls) == 3:
            raise OSError("no space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="no space"):
        write_trajectories(tmp_path / "data", make_all(), {})
    assert list(tmp_path.iterdir()) == []


def test_a_trajectory_that_cannot_be_json_leaves_nothing(tmp_path):
    with pytest.raises(ValueError):
        write_trajectories(tmp_path / "data", [replace(make(0, 0), reward=float("nan"))], {})
    with pytest.raises(InputError, match="plain name"):
        write_trajectories(tmp_path / "data", [replace(make(0, 0), context_id="../x")], {})
    assert list(tmp_path.iterdir()) == []


def edit_line(directory, number, change):
    path = directory / "trajectories.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[number - 1])
    change(row)
    lines[number - 1] = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda row: row.pop("goal"), "line 4: field 'goal'"),
        (lambda row: row.update(colour=1), "line 4: field 'colour'"),
        (lambda row: row.update(goal=3), "line 4: goal=3"),
        (lambda row: row.update(reward=7), "line 4: reward=7"),
        (lambda row: row.update(reward=float("nan")), "line 4: reward=nan"),
        (lambda row: row.update(context_id="../../secret"), "line 4: context_id='../../secret'"),
        (lambda row: row.update(context_id="/etc/passwd"), "line 4: context_id='/etc/passwd'"),
        (lambda row: row.update(context_id="train-9"), "line 4: .*train-9.png is missing"),
        (lambda row: row.update(image_sha256="0"), "line 4: image_sha256"),
        (lambda row: row["state"].update(season="summer"), "line 4: .*season.*'summer'"),
        (lambda row: row["plan"]["steps"][0].update(tool="magic"), "line 4: .*step 1.*'magic'"),
        (lambda row: row["request"][0].update(tool="magic"), "line 4: .*step 1.*'magic'"),
        (lambda row: row.update(goal="make it red"), "jsonl: its sha256 is not that of manifest"),
    ],
)
def test_an_edited_line_is_refused_by_file_line_and_field(written, change, words):
    edit_line(written, 4, change)
    with pytest.raises(InputError, match=words) as error:
        read_trajectories(written)
    assert "trajectories.jsonl" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("cut", [1, 40, 3000])
def test_a_truncated_file_is_refused(written, cut):
    path = written / "trajectories.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"trajectories\.jsonl.*(not JSON|count=6|sha256)"):
        read_trajectories(written)


def test_a_dropped_line_is_refused(written):
    path = written / "trajectories.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="5 lines, but manifest.json says count=6"):
        read_trajectories(written)


def test_an_edited_or_missing_picture_is_refused(written):
    path = sorted((written / "images").iterdir())[1]
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    with pytest.raises(InputError, match=r"line 3: .*000001\.png is not the picture"):
        read_trajectories(written)
    path.unlink()
    with pytest.raises(InputError, match=r"line 3: .*000001\.png is missing"):
        read_trajectories(written)


def test_a_picture_outside_the_folder_is_not_read(written, tmp_path):
    path = sorted((written / "images").iterdir())[1]
    outside = tmp_path / "outside.png"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(InputError, match="leads out of"):
        read_trajectories(written)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda m: m.update(version=9), "version=9, this program reads 1"),
        (lambda m: m.pop("count"), "field 'count'"),
        (lambda m: m.update(sha256=1), "field 'sha256'"),
    ],
)
def test_a_bad_manifest_is_refused(written, change, words):
    path = written / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=f"manifest.json: {words}"):
        read_trajectories(written)


def test_missing_files_are_named(written, tmp_path):
    with pytest.raises(InputError, match="nowhere: no such directory"):
        read_trajectories(tmp_path / "nowhere")
    (written / "trajectories.jsonl").unlink()
    with pytest.raises(InputError, match=r"trajectories\.jsonl: missing"):
        read_trajectories(written)
    (written / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: not JSON"):
        read_trajectories(written)


def test_of_a_split_nothing_else_is_read(tmp_path):
    write_trajectories(tmp_path / "data", make_splits())
    (tmp_path / "data/images/train-000002.png").unlink()
    train = read_trajectories(tmp_path / "data", "train")
    assert [t.id for t in train] == [t.id for t in make_all()[:4]]
    for a, b in zip(make_all(), train, strict=False):
        assert_same(a, b)
    with pytest.raises(InputError, match="000002.png is missing"):
        read_trajectories(tmp_path / "data", "test")
    with pytest.raises(InputError, match="data: holds no split 'validation', only test, train; "):
        read_trajectories(tmp_path / "data", "validation")
    with pytest.raises(InputError, match="split='val' is not known; use one of train, "):
        read_trajectories(tmp_path / "data", "val")


def test_pictures_are_read_of_the_contexts_asked_for(written):
    every = read_trajectories(written, image=False)
    assert [(t.id, t.image, t.plan) for t in every] == [(t.id, None, t.plan) for t in make_all()]
    for number in (0, 1):
        (written / f"images/train-00000{number}.png").unlink()
    found = read_trajectories(written, contexts={"train-000002", "train-000009"})
    for a, b in zip(make_all()[4:], found, strict=True):
        assert_same(a, b)
