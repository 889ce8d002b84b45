"""The edit at the top of the report: chosen by one rule, which its caption states."""

import numpy as np
from PIL import Image

from agentic_styling.evaluation.report.report import best_example
from agentic_styling.evaluation.runs import frame_name, source_name
from agentic_styling.tools import Step

EDIT = Step("", "season", {"target_season": "winter_bare"})
KEEP = Step("", "preserve_attribute", {"attribute_type": "color"})
RESULTS = {
    "methods": {
        "standard": {"reward": {"mean": 3.0}},
        "dpo": {"reward": {"mean": 3.5}},
        "teacher_best": {"reward": {"mean": 4.7}},
    }
}


def entry(reward, *steps, valid=True):
    plan = {"context": {}, "steps": [vars(s) for s in steps], "instruction": "Snow."}
    return {"reward": reward, "plan": plan if valid else None}


def record(goal, shown, dpo):
    methods = {"standard": entry(4.9, EDIT), "dpo": dpo, "teacher_best": entry(5.0, EDIT)}
    return {"goal": goal, "shown": shown, "methods": methods}


def write_frames(folder, row, steps):
    pixels = np.full((8, 8, 3), 20 * row, np.uint8)
    for name in (source_name(row), frame_name(row, "dpo", steps)):
        Image.fromarray(pixels).save(folder / name)


def test_it_is_the_best_shown_edit_of_the_best_trained_planner(tmp_path):
    records = [
        record("not shown", False, entry(4.8, EDIT)),
        record("kept only", True, entry(4.5, KEEP)),
        record("invalid", True, entry(4.4, valid=False)),
        record("lower", True, entry(2.0, EDIT)),
        record("highest", True, entry(4.25, EDIT, KEEP)),
    ]
    write_frames(tmp_path, 4, 2)
    figure = best_example(RESULTS, records, tmp_path)
    assert "<q>highest</q>" in figure
    assert figure.count("data:image/jpeg;base64,") == 2 and "missing" not in figure
    assert "of the 4 cases shown below, the one with the highest reward (4.25 of 5)" in figure
    assert "for DPO (D), the trained planner with the highest mean (3.50)" in figure


def test_without_an_edit_there_is_none(tmp_path):
    records = [record("kept only", True, entry(4.5, KEEP)), record("hidden", False, entry(4, EDIT))]
    assert best_example(RESULTS, records, tmp_path) is None


def test_without_a_trained_planner_any_method_may_serve(tmp_path):
    results = {"methods": {"teacher_best": {"reward": {"mean": 4.7}}}}
    figure = best_example(results, [record("snow", True, entry(1.0))], tmp_path)
    assert "for Teacher’s best (T), the method with the highest mean (4.70)" in figure
