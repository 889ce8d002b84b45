"""Cases of a test that `make test` runs, and those that it leaves to `make test-slow`."""

from collections.abc import Iterable

import pytest


def slow_but(cases: Iterable, *fast) -> list:
    """Parameters for `parametrize`: every case, marked slow unless it is one of `fast`."""
    cases = list(cases)
    assert all(case in cases for case in fast)
    return [case if case in fast else slow(case) for case in cases]


def slow(case):
    """One case for `parametrize`, a value or a tuple of them, marked slow."""
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
