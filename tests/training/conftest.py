"""One small planner and data directory for the whole room."""

import pytest

from tests.training.fixtures import make_workplace


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    directory = tmp_path_factory.mktemp("training")
    make_workplace(directory)
    return directory
