"""References are stored on the way, resume, and are of one run."""

import itertools

import numpy as np
import pytest

from agentic_styling.training.logps import reference_logps
from agentic_styling.utils.errors import InputError, Preempted

COUNT, ROWS = 12, np.array([0, 1, 3, 4, 6, 8, 9, 11])


class Logps:
    """Stands in for RowLogps: -1 - row, two rows a batch; ends in `error` after some batches."""

    def __init__(self, error_after=np.inf):
        self.count, self.done, self.error_after = COUNT, [], error_after

    def batches(self, rows):
        return list(rows.reshape(-1, 2))

    def __call__(self, trained, frozen, parts):
        for rows in parts:
            if len(self.done) == self.error_after:
                raise KeyboardInterrupt  # the process ends
            self.done += [rows.tolist()]
            yield -1.0 - rows


class Preemption:
    """Stands in for Preemption: to stop after so many batches."""

    def __init__(self, after=np.inf):
        self.left = after

    def reached(self):
        self.left -= 1
        return self.left <= 0


EXPECTED = np.where(np.isin(np.arange(COUNT), ROWS), -1.0 - np.arange(COUNT), 0)


def compute(path, logps=None, preemption=None, run="run"):
    return reference_logps(path, run, logps or Logps(), {}, {}, ROWS, preemption or Preemption())


def test_a_stopped_computation_is_saved_and_resumes(tmp_path):
    path, logps = tmp_path / "reference.npy", Logps()
    with pytest.raises(Preempted, match="stopped by SIGTERM and saved after 1 of 4 "):
        compute(path, logps, Preemption(1))
    assert logps.done == [[0, 1]]
    with pytest.raises(KeyboardInterrupt):  # a kill, which loses at most a hundredth
        compute(path, Logps(2))
    logps = Logps()
    np.testing.assert_array_equal(compute(path, logps), EXPECTED)
    assert logps.done == [[9, 11]]
    np.testing.assert_array_equal(compute(path, Logps(0)), EXPECTED)  # computes nothing


def test_the_last_batch_is_no_reason_to_stop(tmp_path):
    np.testing.assert_array_equal(compute(tmp_path / "r.npy", None, Preemption(4)), EXPECTED)


def test_a_broken_file_and_that_of_another_run_are_refused(tmp_path):
    path = tmp_path / "reference.npy"
    compute(path)
    whole = path.read_bytes()
    with pytest.raises(InputError, match="reference.npy: of another run; delete it, then it is"):
        compute(path, run="other")
    for broken in (b"", whole[:-1], whole[:20], b"half a file"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"reference.npy: broken \(.*\); delete it") as error:
            compute(path)
        assert "\n" not in str(error.value)
    for other in (np.zeros(COUNT, np.float32), np.zeros(COUNT - 1), np.array(3)):
        np.save(path, other)
        with pytest.raises(InputError, match="of another run"):
            compute(path)
    np.savez(path.with_suffix(""), x=np.zeros(3))
    path.with_suffix(".npz").rename(path)
    with pytest.raises(InputError, match="of another run"):
        compute(path)


def test_values_that_are_not_finite_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Logps, "__call__", lambda *_: itertools.repeat(np.float32("inf")))
    with pytest.raises(InputError, match="ref_logps"):
        compute(tmp_path / "one.npy")
