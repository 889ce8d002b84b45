"""The judge behind an endpoint, and a fake one for it to ask."""

import numpy as np
import pytest

from agentic_styling.rewards.judges.api_judge import ApiJudge
from tests.rewards.judges.fake_endpoint import REQUEST, ROWS, endpoint

__all__ = ["endpoint"]  # a fixture


@pytest.fixture
def slept():
    return []


@pytest.fixture
def api_judge(endpoint, tmp_path, slept):
    return ApiJudge("fake-vl", tmp_path / "cache", sleep=slept.append)


@pytest.fixture
def case():
    """ROWS photographs, their edits of brightness 10, 20, ..., and requests."""
    sources = np.zeros((ROWS, 8, 8, 3), np.uint8)
    results = sources + np.arange(10, 10 * ROWS + 1, 10, dtype=np.uint8)[:, None, None, None]
    return sources, results, [REQUEST] * ROWS
