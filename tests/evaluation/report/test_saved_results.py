import json

import pytest

from agentic_styling.evaluation.report import write_report
from agentic_styling.evaluation.saved_results import (
    KeptAnswers,
    read_records,
    read_results,
    write_records,
)
from agentic_styling.utils.errors import InputError


def test_answers_are_kept_as_they_come_and_a_torn_line_is_dropped(tmp_path):
    path = tmp_path / "answers/own.jsonl"
    kept = KeptAnswers(path)
    kept[3], kept[1] = ["é\nb"], ["\ud800"]
    kept[3] = ["a later text of a repeated row"]
    assert KeptAnswers(path) == {3: ["é\nb"], 1: ["\ud800"]}
    with path.open("a") as file:
        file.write('[2, ["to')
    again = KeptAnswers(path)
    again[5] = ["c"]
    assert KeptAnswers(path) == {3: ["é\nb"], 1: ["\ud800"], 5: ["c"]}


@pytest.mark.parametrize(
    ("results", "records", "message"),
    [
        ("[]", "", "results.json: not a JSON object"),
        ("3", "", "results.json: not a JSON object"),
        ("{}", "[]\n", "cases.jsonl, line 1: not a JSON object"),
        ("{}", "", "lacks 'methods'"),
        ('{"methods": [], "paired": 3, "cases": 1, "photographs": 1}', "", "is damaged"),
    ],
)
def test_files_of_another_kind_are_one_line(tmp_path, results, records, message):
    (tmp_path / "results.json").write_text(results)
    (tmp_path / "cases.jsonl").write_text(records)
    with pytest.raises(InputError, match=message) as error:
        write_report(tmp_path)
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    for name in ("results.json", "cases.jsonl"):
        (tmp_path / name).write_text("{}", encoding="utf-8-sig")
    assert read_results(tmp_path) == {} and read_records(tmp_path) == [{}]


def test_bytes_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "results.json").write_bytes(
        json.dumps({"é": 1}, ensure_ascii=False).encode("cp1252")
    )
    with pytest.raises(InputError, match="results.json: cannot be read"):
        write_report(tmp_path)


def test_a_text_may_hold_other_line_ends(tmp_path):
    records = [{"goal": "a\u2028b\u0085c"}, {"goal": "\r\x0b"}]
    write_records(tmp_path, records)
    assert read_records(tmp_path) == records
