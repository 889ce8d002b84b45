"""`tfds.load` under TensorFlow gives what `tfds.data_source` gives without it."""

import numpy as np
import pytest

from agentic_styling.utils.errors import InputError
from tests.data.small_set import write_set

pytestmark = pytest.mark.parity
NAME = "agentic_styling/simple"


@pytest.fixture(scope="module")
def tfds():
    pytest.importorskip("tensorflow")
    import tensorflow_datasets

    import agentic_styling.data.tfds_builder  # noqa: F401

    return tensorflow_datasets


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    write_set(root)
    return root


def test_every_field_of_every_record_is_equal(tfds, root):
    loaded = tfds.load(NAME, data_dir=root, split="train").as_numpy_iterator()
    rows = tfds.data_source(NAME, data_dir=root, split="train")
    for one, other in zip(loaded, rows, strict=True):
        assert one.keys() == other.keys()
        for name in one.keys() - {"scores"}:
            np.testing.assert_array_equal(one[name], other[name])
        assert one["scores"] == other["scores"]


def test_parts_of_splits_and_of_records_are_read_shuffled(tfds, root):
    part = tfds.decode.PartialDecoding({"id": True})
    loaded = tfds.load(
        NAME, data_dir=root, split="train[3:9]+test", shuffle_files=True, decoders=part
    )
    found = [row["id"] for row in loaded.as_numpy_iterator()]
    rows = tfds.data_source(NAME, data_dir=root, split="train[3:9]+test")
    assert sorted(found) == sorted(row["id"] for row in rows)


def test_a_set_that_is_not_there_is_said_in_one_line(tfds, tmp_path):
    with pytest.raises(InputError, match="holds no set 'regular'; agentic-styling build regular"):
        tfds.load("agentic_styling/regular", data_dir=tmp_path)
    assert not any(tmp_path.iterdir())
