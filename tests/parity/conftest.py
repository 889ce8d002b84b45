import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two workers share two cores."""
    pytest.importorskip("torch").set_num_threads(1)
