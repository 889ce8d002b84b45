"""What training, evaluation and exports read of a set: the split and pictures they need."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from agentic_styling.data import read_trajectories, write_trajectories
from agentic_styling.data.storage import trajectories
from agentic_styling.evaluation.evaluate import default_config
from agentic_styling.planner import ImageSettings, train_tokenizer
from agentic_styling.training import setup
from agentic_styling.utils.errors import InputError
from configs.train import get_config
from tests.data.small_set import set_trajectories, write_set


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"))


def test_only_what_is_asked_for_is_decoded(directory, monkeypatch):
    whole = {t.id: t for t in set_trajectories()}
    decoded, decode = [], trajectories.decode_picture
    monkeypatch.setattr(
        trajectories, "decode_picture", lambda *a: decoded.append(a[1]) or decode(*a)
    )
    train = read_trajectories(directory, "train", image=False)
    assert [t.id for t in train] == [name for name, t in whole.items() if t.split == "train"]
    assert not decoded and train[0].image is None and train[0].plan == whole[train[0].id].plan
    wanted = {train[3].context_id, "test-1"}
    shown = read_trajectories(directory, contexts=wanted, edited=True)
    assert [t.id for t in shown] == [t.id for t in whole.values() if t.context_id in wanted]
    assert len(decoded) == 2 + 6  # a source a context, an edit a plan
    for trajectory in shown:
        np.testing.assert_array_equal(trajectory.image, whole[trajectory.id].image)
        np.testing.assert_array_equal(trajectory.edited, whole[trajectory.id].edited)


def test_a_split_that_a_set_lacks_is_refused_in_one_line(tmp_path):
    directory = write_set(tmp_path, [t for t in set_trajectories() if t.split == "train"])
    with pytest.raises(InputError, match="holds no split 'test', only train; give") as error:
        read_trajectories(directory, "test")
    assert "\n" not in str(error.value)


def test_cases_of_a_set_are_the_best_plans_of_its_test_split(directory):
    # The package exports the function under its module's name.
    evaluate = import_module("agentic_styling.evaluation.evaluate")
    config = default_config()
    config.training_data = str(directory)
    config.cases = str(directory)
    cases, _ = evaluate._cases(config)
    assert [(t.id, t.reward) for t in cases.trajectories] == [
        ("test-0-0", 4.5),
        ("test-1-2", 4.5),
    ]
    assert evaluate._training(config)["rewards"]["count"] == 12  # of the train split alone


def test_training_reads_the_train_split_alone(directory, tmp_path):
    every = read_trajectories(directory)
    tokenizer = train_tokenizer([t.plan.to_json() for t in every], tmp_path / "planner", 400)
    images = ImageSettings(min_pixels=1024, max_pixels=4096)
    model = SimpleNamespace(images=images, mesh=SimpleNamespace(shape={"context": 1}))
    model.mesh.shape |= {"data": 1, "fsdp": 1}

    def rewards(place):
        config = get_config("standard")
        config.update(data=str(place), batch_size=4, steps=2, max_length=4096)
        return setup.read_data(config, tokenizer, model).training_set.reward

    train = np.float32([t.reward for t in every if t.split == "train"])
    write_trajectories(tmp_path / "all", every)
    np.testing.assert_array_equal(rewards(directory), train)
    np.testing.assert_array_equal(rewards(tmp_path / "all"), train)
    write_trajectories(tmp_path / "held out", [t for t in every if t.split != "train"])
    with pytest.raises(InputError, match="holds no split 'train', only test, validation; give"):
        rewards(tmp_path / "held out")
