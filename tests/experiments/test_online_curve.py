"""The table of online runs, from metrics whose means are known."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from agentic_styling.utils.errors import InputError

sys.path.append(str(Path(__file__).parents[2] / "experiments/online"))
curve = importlib.import_module("curve")


def write_run(workdir, rounds=20):
    workdir.mkdir()
    config = {"online": {"contexts": 2, "plans": 4}, "loss": "rloo", "seed": 3}
    (workdir / "config.json").write_text(json.dumps(config))
    lines, speed = [], []
    for step in range(1, rounds + 1):
        line = {"step": step, "reward": float(step), "entropy": 0.5, "plan_tokens": 90.0}
        line |= {"dropped_contexts": 0.25, "sampler_gap": 1e-5 * step}
        if step % 10 == 0:
            line |= {"validation_reward": 3.0, "validation_held_out_reward": 4.0}
        lines.append(line)
        # The first rounds compile.
        sampling = 0.9 if step <= curve.WARM else 0.4
        speed.append({"step": step, "sampling": sampling, "scoring": 0.1})
    for name, rows in {"metrics": lines, "speed": speed}.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (workdir / f"{name}.jsonl").write_text(text)


def test_a_row_says_what_a_run_gained_and_where_its_time_went(tmp_path):
    write_run(tmp_path / "seed3")
    run = curve.read_run(tmp_path / "seed3")
    assert run["validated_step"] == [10, 20] and run["validation_reward"] == [3.0, 3.0]
    row = curve.table([run]).splitlines()[-1]
    assert row == (
        "| seed3 | rloo | 20 | 5.50 to 15.50 | 0.50 to 0.50 | 90.00 to 90.00 | 25.0% | 2e-04 "
        "| 40% | 10% | 50% |"
    )
    curve.draw([run], tmp_path / "curve.svg")
    assert "reward of samples" in (tmp_path / "curve.svg").read_text()


def test_a_run_that_is_not_online_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"loss": "dpo"}')
    with pytest.raises(InputError, match="no online run; name the workdir of --config=online"):
        curve.read_run(tmp_path)
