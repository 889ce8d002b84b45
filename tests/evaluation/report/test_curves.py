import codecs
import json

import pytest

from agentic_styling.evaluation.report.curves import read_curves, reward_histogram
from agentic_styling.utils.errors import InputError


def test_columns_of_a_short_run(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "loss": 2.0, "note": "x"}\n{"step": 1, "loss": 1.0, "nll": 3}\n')
    columns = {"step": [0, 1], "loss": [2, 1], "nll": [None, 3]}
    assert read_curves(path) == columns
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())  # as some editors save it
    assert read_curves(path) == columns


def test_long_runs_are_averaged_in_blocks(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps({"step": s, "loss": s % 2}) + "\n" for s in range(320)))
    curves = read_curves(path)
    assert len(curves["step"]) == 160
    assert curves["step"][:2] == [0.5, 2.5]
    assert set(curves["loss"]) == {0.5}


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "metrics.jsonl"
    for broken in ('{"step": 1, "lo', "[1]", '{"loss": 1}'):
        path.write_text('{"step": 0, "loss": 2.0}\n' + broken + "\n")
        with pytest.raises(InputError, match=r"metrics\.jsonl, line 2"):
            read_curves(path)
    with pytest.raises(InputError, match="does not exist"):
        read_curves(tmp_path / "none.jsonl")


def test_histogram_by_hand():
    histogram = reward_histogram([0.0, 2.9, 3.0, 4.0, 5.0, 4.5, 4.6, 3.9], bins=5)
    assert histogram["counts"] == [1, 0, 1, 2, 4]
    assert histogram["edges"] == [0, 1, 2, 3, 4, 5]
    assert (histogram["count"], histogram["at_least_4"], histogram["below_3"]) == (8, 0.5, 0.25)
