"""One small planner and data directory for the whole room."""

from types import SimpleNamespace

import pytest

from agentic_styling.data import read_trajectories
from agentic_styling.data.storage.training_set import build_training_set
from agentic_styling.planner import ImageSettings, Tokenizer, load_pretrained
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.step import PlannerModel
from tests.training.fixtures import make_workplace


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    directory = tmp_path_factory.mktemp("training")
    make_workplace(directory)
    return directory


@pytest.fixture(scope="session")
def planner(workplace):
    """The planner of the workplace and its training set, in memory."""
    directory = workplace / "planner"
    config, params = load_pretrained(directory)
    mesh = make_mesh({"data": 1})
    model = PlannerModel(config, ImageSettings.load(directory), mesh)
    trajectories = [t for t in read_trajectories(workplace / "data") if t.split == "train"]
    training_set = build_training_set(trajectories, Tokenizer(directory), model.images)
    start = int(training_set.prompt_length.min()) - 1
    return SimpleNamespace(
        model=model._replace(start=start), params=params, data=training_set, start=start
    )
