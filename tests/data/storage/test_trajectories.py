"""Trajectories written as a set and read back: equal, resumed, and refused when damaged."""

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
from agentic_styling.data.storage import shards, trajectories
from agentic_styling.data.storage.records import SCORES
from agentic_styling.utils.errors import InputError


def make(context, k, split="train"):
    rng = np.random.default_rng([context, 0])
    state = sample_state(rng)
    goal = sample_goal("demo", state, "train", rng)
    return Trajectory(
        id=f"{split}-{context:06d}-{k}",
        context_id=f"{split}-{context:06d}",
        split=split,
        photo="père/straße.jpg",
        image=rng.integers(0, 256, (16, 12 + context, 3), np.uint8),
        state=state,
        goal=goal.text,
        theme=goal.theme,
        explicit=goal.explicit,
        request=goal.request,
        plan=teach(goal, state, 0.3, np.random.default_rng([context, k])),
        reward=round(rng.uniform(0, 5), 3),
        scores=dict.fromkeys(SCORES[: 1 + 7 * context], 12.5 * k),
        provenance={"seed": 3, "skill": 0.3, "crop": {"mirror": True}},
    )


def make_all():
    return [make(i, k) for i in range(3) for k in range(2)]


@pytest.fixture(autouse=True)
def four_rows_a_shard(monkeypatch):
    monkeypatch.setattr(trajectories, "ROWS_PER_SHARD", 4)


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
        same = np.array_equal(x, y) if field.name in ("image", "edited") else x == y
        assert same, field.name


def test_round_trip(written):
    back = read_trajectories(written)
    assert len(back) == 6
    for a, b in zip(make_all(), back, strict=True):
        assert_same(a, b)
        assert b.image.dtype == np.uint8 and b.edited is None
    assert back[0].image is back[1].image
    assert len(list(written.glob("*array_record*"))) == 2


def test_edited_pictures_are_kept_where_every_trajectory_has_one(tmp_path):
    edited = [replace(t, edited=255 - t.image) for t in make_all()]
    write_trajectories(tmp_path / "all", edited)
    for a, b in zip(edited, read_trajectories(tmp_path / "all", edited=True), strict=True):
        assert_same(a, b)
    write_trajectories(tmp_path / "some", [*edited[:5], make_all()[5]])
    assert all(t.edited is None for t in read_trajectories(tmp_path / "some", edited=True))


def test_splits_are_read_alone(tmp_path):
    write_trajectories(tmp_path / "data", [make(3, 0, "test"), *make_all()])
    assert [t.id for t in read_trajectories(tmp_path / "data")][-1] == "test-000003-0"
    assert [t.id for t in read_trajectories(tmp_path / "data", "test")] == ["test-000003-0"]
    with pytest.raises(InputError, match="data: holds no split 'validation', only test, train; "):
        read_trajectories(tmp_path / "data", "validation")
    with pytest.raises(InputError, match="split='val' is not known; use one of train, "):
        read_trajectories(tmp_path / "data", "val")


def test_same_trajectories_same_bytes_and_nothing_left_beside(written, tmp_path):
    write_trajectories(tmp_path / "other", make_all(), {"seed": 1})
    assert files(written) == files(tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "other"]


def test_the_same_is_left_as_it_is_and_anything_else_refused(written):
    before = files(written)
    write_trajectories(written, make_all(), {"seed": 1})
    with pytest.raises(InputError, match=r"data: .*seed=1, asked for 2; .*another directory"):
        write_trajectories(written, make_all(), {"seed": 2})
    with pytest.raises(InputError, match="size=None, asked for 64"):
        write_trajectories(written, make_all(), {"seed": 1, "size": 64})
    darker = [replace(t, image=t.image // 2) for t in make_all()]
    for others in (make_all()[:2], darker):
        with pytest.raises(InputError, match="trajectories='[0-9a-f]{64}', asked for"):
            write_trajectories(written, others, {"seed": 1})
    assert files(written) == before


def test_an_interrupted_write_resumes(written, tmp_path, monkeypatch):
    class Full(Exception):
        pass

    write = shards.SetDirectory.write

    def fail_at_the_second(self, split, number, *rest):
        if number == 1:
            raise Full
        write(self, split, number, *rest)

    monkeypatch.setattr(shards.SetDirectory, "write", fail_at_the_second)
    with pytest.raises(Full):
        write_trajectories(tmp_path / "again", make_all(), {"seed": 1})
    with pytest.raises(InputError, match="again: holds no finished set"):
        read_trajectories(tmp_path / "again")
    monkeypatch.undo()
    monkeypatch.setattr(trajectories, "ROWS_PER_SHARD", 4)
    write_trajectories(tmp_path / "again", make_all(), {"seed": 1})
    assert files(tmp_path / "again") == files(written)


def test_other_files_are_never_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(InputError, match="holds something else"):
            write_trajectories(place, make_all(), {})
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".settings.json.left.tmp").touch()  # of a claim that was interrupted
    write_trajectories(tmp_path / "empty", make_all(), {})
    assert len(read_trajectories(tmp_path / "empty")) == 6


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no trajectories to write"),
        ([replace(make(0, 0), reward=float("nan"))], "reward=nan is not within 0 to 5"),
        ([replace(make(0, 0), reward=7)], "train-000000-0: reward=7 is not within"),
        ([replace(make(0, 0), context_id="../x")], "context_id='../x' is not a valid name"),
        ([replace(make(0, 0), split="valid")], "split='valid'; did you mean 'validation'"),
    ],
)
def test_bad_trajectories_leave_nothing(tmp_path, rows, words):
    with pytest.raises(InputError, match=words):
        write_trajectories(tmp_path / "data", rows)
    assert list(tmp_path.iterdir()) == []


def refused(directory):
    with pytest.raises(InputError) as error:
        read_trajectories(directory)
    assert "\n" not in str(error.value) and str(directory) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("place", [0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_changed_byte_of_a_record_is_refused(written, place):
    path = min(written.glob("*array_record-00000*"))
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    used = np.flatnonzero(data)  # a shard is padded by zeros
    data[used[int(place * len(used))]] ^= 0xFF
    path.write_bytes(data.tobytes())
    refused(written)


def test_a_short_empty_or_missing_shard_is_refused(written):
    path = min(written.glob("*array_record-00000*"))
    whole = path.read_bytes()
    for data in (whole[:-40], whole[: len(whole) // 2], b""):
        path.write_bytes(data)
        assert "damaged" in refused(written)
    path.unlink()
    assert "damaged" in refused(written)


def test_missing_and_broken_files_are_named(written, tmp_path):
    assert "no such directory" in refused(tmp_path / "nowhere")
    (written / shards.INFO).write_text("{")
    assert "damaged" in refused(written)
    (written / shards.CARD).unlink()
    assert "holds no finished set" in refused(written)
