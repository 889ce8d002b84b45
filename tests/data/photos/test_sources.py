"""Photographs of any source: what is read, what is left out and why, and how they are split."""

import hashlib
import shutil
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agentic_styling.data.photos.sources import (
    NEAR,
    Source,
    near_duplicates,
    open_source,
    perceptual_hash,
    split_source,
    survey,
)
from agentic_styling.utils.errors import InputError
from tests.data.small_set import set_trajectories, write_set


def noise(seed, side=96):
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return np.array(small.resize((side, side), Image.Resampling.BICUBIC))


def rank(name):
    return hashlib.sha256(name.encode()).digest()


def save(folder, count):
    for seed in range(count):
        Image.fromarray(noise(seed)).save(folder / f"{seed}.png")


def test_bad_files_are_counted_by_reason(tmp_path):
    save(tmp_path, 3)
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "words.png").write_text("no picture")
    Image.fromarray(noise(9, 32)).save(tmp_path / "small.png")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "note.txt").write_text("not looked at")
    source = open_source(str(tmp_path))
    with pytest.warns(UserWarning, match="skipped 4 photographs"):
        found = survey(source)
    assert found.skipped == Counter({"not a picture": 2, "too small": 1, "cut short": 1})
    assert [source.names[i] for i in found.usable] == ["0.png", "1.png", "2.png"]


def test_forty_megapixels_are_read_small(tmp_path):
    Image.fromarray(np.zeros((5000, 8000), np.uint8)).save(tmp_path / "large.jpg")
    pixels = open_source(str(tmp_path)).read(0)
    assert pixels.shape == (640, 1024, 3)


def test_too_few_photographs_and_no_folder_are_one_line(tmp_path):
    save(tmp_path, 2)
    two = open_source(str(tmp_path))
    with pytest.raises(InputError, match="only 2 different usable ones of 2"):
        split_source(two, survey(two), rank)
    assert {k: list(v) for k, v in split_source(two, survey(two), rank, "test").items()} == {
        "test": [0, 1]
    }
    with pytest.raises(InputError, match="no such folder"):
        open_source(str(tmp_path / "nowhere"))
    for where in ("tfds:nothing/train@" + str(tmp_path), f"hf:{tmp_path}"):
        with pytest.raises(InputError, match=where.partition("@")[0]):
            open_source(where)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: np.array(Image.fromarray(x).resize((60, 60))),
        lambda x: np.clip(x * 0.9 + 5, 0, 255).astype(np.uint8),
        lambda x: np.clip(x + np.random.default_rng(0).normal(0, 4, x.shape), 0, 255).astype("u1"),
    ],
)
def test_a_changed_copy_is_a_near_duplicate_and_another_picture_none(change):
    pictures = [noise(seed) for seed in range(30)]
    hashes = [perceptual_hash(x) for x in (*pictures, *map(change, pictures))]
    group = near_duplicates(np.array(hashes, np.uint64))
    np.testing.assert_array_equal(group[30:], group[:30])
    assert len(np.unique(group)) == 30


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 63), max_size=4)), max_size=20))
def test_groups_are_those_of_comparing_all(rows):
    bases = [hash_of(seed) for seed in range(6)]
    hashes = np.array([bases[b] ^ sum(1 << bit for bit in flips) for b, flips in rows], np.uint64)
    group = near_duplicates(hashes)
    close = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= NEAR
    reach = close.copy()
    for _ in range(len(hashes)):  # those that a chain of near ones joins
        reach = reach @ close
    np.testing.assert_array_equal(group[:, None] == group[None], reach)


def hash_of(seed):
    return int.from_bytes(hashlib.sha256(bytes([seed])).digest()[:8])


def test_near_duplicates_are_in_one_split(tmp_path):
    save(tmp_path, 20)
    for seed in range(20):
        Image.fromarray(noise(seed)).resize((70, 70)).save(tmp_path / f"copy{seed}.jpg")
    source = open_source(str(tmp_path))
    splits = split_source(source, survey(source), rank)
    where = {source.names[i]: s for s, numbers in splits.items() for i in numbers}
    assert len(where) == 40
    assert Counter(where.values()) == {"train": 30, "validation": 4, "test": 6}
    assert all(where[f"{seed}.png"] == where[f"copy{seed}.jpg"] for seed in range(20))


@pytest.mark.parametrize(("count", "tested"), [(3, 1), (5, 1), (6, 2), (8, 2), (20, 3)])
def test_six_photographs_give_two_to_test(count, tested):
    source = Source(tuple(map(str, range(count))), noise, "here")
    splits = split_source(source, survey(source), rank)
    assert len(splits["test"]) == tested and len(splits["validation"]) == max(1, count // 10)
    assert sorted(np.concatenate(list(splits.values()))) == list(range(count))


def test_copies_of_two_photographs_are_not_enough():
    source = Source(("a", "b", "c"), [noise(0), noise(1), noise(1)].__getitem__, "here")
    with pytest.raises(InputError, match="only 2 different usable ones of 3"):
        split_source(source, survey(source), rank)


def test_a_prepared_tensorflow_data_set_is_a_source(tmp_path):
    write_set(tmp_path)
    source = open_source(f"tfds:agentic_styling/simple/train@{tmp_path}")
    trained = [t for t in set_trajectories() if t.split == "train"]
    assert source.names[5] == "tfds:agentic_styling/simple/train#5"
    for number, trajectory in enumerate(trained):
        np.testing.assert_array_equal(source.read(number), trajectory.image)
    assert str(tmp_path) not in source.where  # which goes into the card


def test_a_table_of_pictures_is_a_source(tmp_path):
    import datasets

    rows = {"image": [Image.fromarray(noise(seed)) for seed in range(3)]}
    info = datasets.DatasetInfo(license="CC0")
    datasets.Dataset.from_dict(rows, info=info).save_to_disk(tmp_path / "saved")
    source = open_source(f"hf:{tmp_path / 'saved'}")
    assert source.names == ("hf:saved#0", "hf:saved#1", "hf:saved#2")
    assert source.licence == "Licence: CC0"
    np.testing.assert_array_equal(source.read(1), noise(1))


def saved(folder, rows, **features):
    """The source of a table in a folder; features: kinds of columns that are not to be guessed."""
    import datasets

    table = datasets.Dataset.from_dict(rows)
    for name, kind in features.items():
        table = table.cast_column(name, kind)
    table.save_to_disk(folder / "table")
    return open_source(f"hf:{folder / 'table'}")


@pytest.mark.filterwarnings("ignore:skipped")
def test_rows_of_a_table_that_hold_no_picture_are_counted(tmp_path):
    import datasets

    save(tmp_path, 2)
    paths = [str(tmp_path / "0.png"), None, str(tmp_path / "no.png"), "1.png"]
    source = saved(tmp_path, {"label": [1, 2, 3, 4], "img": paths})
    shutil.copy(tmp_path / "1.png", tmp_path / "table")
    found = survey(source)
    assert found.usable.tolist() == [0, 3] and found.skipped == {"missing": 2}
    np.testing.assert_array_equal(source.read(3), noise(1))
    rows = {"view": [{"path": None, "bytes": (tmp_path / "0.png").read_bytes()}, None]}
    source = saved(tmp_path / "typed", rows, view=datasets.Image())
    assert survey(source).skipped == {"missing": 1}
    np.testing.assert_array_equal(source.read(0), noise(0))


def test_a_table_whose_split_or_column_is_not_clear_says_what_to_name(tmp_path):
    import datasets

    pictures = [Image.fromarray(noise(seed)) for seed in range(3)]
    table = datasets.Dataset.from_dict({"image": pictures})
    splits = datasets.DatasetDict({"train": table, "test": table})
    splits.save_to_disk(tmp_path / "two")
    where = f"hf:{tmp_path / 'two'}"
    with pytest.raises(
        InputError, match=rf"holds splits \(train, test\); name one, as {where}/SPL"
    ):
        open_source(where)
    assert len(open_source(f"{where}/test").names) == 3
    datasets.DatasetDict({"all": table}).save_to_disk(tmp_path / "one")
    assert len(open_source(f"hf:{tmp_path / 'one'}").names) == 3
    with pytest.raises(InputError, match=r"not clear \(left, right\); rename it to image"):
        saved(tmp_path, {"left": pictures, "right": pictures})


@pytest.mark.parametrize("where", ["gs://b/x", "s3://b", "hf:gs://b", "tfds:a/b@gs://c", "hf://a"])
def test_a_url_is_refused(where):
    with pytest.raises(InputError, match="is not on this machine; copy it"):
        open_source(where)
