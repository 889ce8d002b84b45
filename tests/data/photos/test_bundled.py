"""The photographs that the package brings along."""

import importlib.util

import numpy as np
import pytest

from agentic_styling.data import load_photos, open_source, read_trajectories
from agentic_styling.data.build import _rank, build
from agentic_styling.data.photos.sources import BUNDLED, near_duplicates, split_source, survey
from agentic_styling.data.stream import HELD_OUT
from agentic_styling.utils.errors import InputError
from tests.data.stand_in import light_pipeline

SERIES = ("p1070", "eiffel", "tomato")  # several views of one subject


@pytest.fixture(scope="module")
def surveyed():
    source = open_source(None)
    return source, survey(source)


@pytest.fixture(scope="module")
def splits(surveyed):
    source, usable = surveyed
    return split_source(source, usable, _rank)


def test_they_are_small_and_all_are_read(surveyed):
    source, usable = surveyed
    files = sorted(BUNDLED.glob("*.jpg"))
    assert [file.stem for file in files] == list(source.names)
    assert len(usable.usable) == len(files) >= 24
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) <= 1_500_000
    for number in usable.usable:
        pixels = source.read(number)
        assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
        assert max(pixels.shape[:2]) <= 320 and min(pixels.shape[:2]) >= 200


def test_they_have_credits_and_the_card_names_their_terms(surveyed):
    credits = (BUNDLED / "CREDITS.md").read_text()
    assert "Peter Corke" in credits and "MIT License" in credits
    assert "Peter Corke" in surveyed[0].licence and "MIT" in surveyed[0].licence


def test_test_photographs_are_never_trained_on(surveyed, splits):
    source, usable = surveyed
    names = {split: {source.names[i] for i in numbers} for split, numbers in splits.items()}
    assert len(names["test"]) >= 12 and len(names["train"]) >= 12 and names["validation"]
    assert sum(map(len, names.values())) == len(set().union(*names.values())) == len(source.names)
    for series in SERIES:
        assert sum(any(series in name for name in of) for of in names.values()) == 1
    group = near_duplicates(usable.hashes)
    groups = [set(group[np.isin(usable.usable, numbers)]) for numbers in splits.values()]
    assert sum(map(len, groups)) == len(set().union(*groups))


@pytest.mark.parametrize("only", ["train", "validation", "test"])
def test_one_split_alone_keeps_its_own_photographs(surveyed, splits, only):
    alone = split_source(*surveyed, _rank, only)
    assert list(alone) == [only]
    np.testing.assert_array_equal(alone[only], splits[only])


def test_a_set_for_test_alone_shows_no_other_photograph(tmp_path, surveyed, splits):
    source, _ = surveyed
    with light_pipeline():
        settings = {"count": 40, "plans_per_context": 1, "size": 16, "only": "test"}
        built = read_trajectories(build(tmp_path, "demo", source, **settings))
    assert {t.split for t in built} == {"test"}
    shown = {t.photo for t in built}
    assert len(shown) >= 8 and shown <= {source.names[i] for i in splits["test"]}


def test_the_photographs_of_installed_packages_are_a_source():
    photos = {photo.name: photo.pixels for photo in load_photos("scikit")}
    assert sorted(photos) == sorted(
        ["astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "hubble_deep_field"]
        + ["china", "flower"]
    )
    assert all(p.shape[2] == 3 and min(p.shape[:2]) >= 256 for p in photos.values())


def test_without_those_packages_one_line_says_what_to_install(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "skimage" else found(name)
    )
    with pytest.raises(InputError, match="^scikit: skimage is not installed; pip install scikit"):
        open_source("scikit")
    assert open_source(None).names  # which need neither


def test_no_stream_shows_those_of_test(surveyed, splits):
    assert {f"{surveyed[0].names[i]}.jpg" for i in splits["test"]} <= HELD_OUT
