"""What the judge behind an endpoint asks, reads, keeps and estimates."""

import json
import re

import numpy as np
import pytest

from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.api_judge import ApiJudge
from agentic_styling.tools import Step
from tests.rewards.judges.fake_endpoint import (
    KEY,
    KEY_VARIABLE,
    REQUEST,
    ROWS,
    SECRET,
    first_row,
    one_line_error,
)


def test_right_answers_become_scores_in_the_order_of_the_rows(api_judge, case):
    scores = api_judge(*case)
    for offset, name in enumerate(PARTS):
        expected = np.arange(10, 10 * ROWS + 1, 10) + offset
        np.testing.assert_array_equal(getattr(scores, name), expected)
    np.testing.assert_allclose(scores.overall, np.arange(10, 10 * ROWS + 1, 10) + 2.5)
    assert scores.reward.shape == (ROWS,)


def test_floats_and_lists_ask_the_same_as_bytes(api_judge, case, endpoint):
    api_judge(*case)
    sources, results, requests = case
    api_judge(list(sources), np.float32(results) / 255, tuple(requests))
    assert len(endpoint.calls) == ROWS


def test_what_is_sent(api_judge, case, endpoint):
    api_judge(*first_row(case))
    [(path, headers, body)] = endpoint.calls
    question = json.loads(body)
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/json"
    assert question["model"] == "fake-vl" and question["temperature"] == 0
    asked = question["messages"][1]["content"][-1]["text"]
    assert "fog dense" in asked and "half strength" in asked and "left half untouched" in asked


def test_no_reasoning_and_no_key_is_in_what_is_sent(api_judge, case, endpoint):
    api_judge(*case)
    sent = b"".join(body for _, _, body in endpoint.calls).decode()
    assert SECRET not in sent and KEY not in sent


def test_a_kept_answer_is_not_asked_for_again_and_needs_no_key(
    api_judge, case, endpoint, monkeypatch
):
    first = api_judge(*case)
    monkeypatch.delenv(KEY_VARIABLE)
    again = ApiJudge("fake-vl", api_judge.cache)(*case)
    np.testing.assert_array_equal(again.reward, first.reward)
    assert len(endpoint.calls) == ROWS


def test_other_models_pictures_and_requests_are_other_questions(api_judge, case, endpoint):
    sources, results, requests = first_row(case)
    api_judge(sources, results, requests)
    api_judge(sources + 1, results, requests)
    api_judge(sources, results + 1, requests)
    api_judge(sources, results, [REQUEST[:1]])
    ApiJudge("other-vl", api_judge.cache)(sources, results, requests)
    assert len(endpoint.calls) == len(list(api_judge.cache.iterdir())) == 5


def test_a_goal_in_words_is_asked_as_it_was_said(api_judge, case, endpoint):
    sources, results, _ = first_row(case)
    api_judge(sources, results, ["like a forgotten fairy tale"])
    [(_, _, body)] = endpoint.calls
    asked = json.loads(body)["messages"][1]["content"][-1]["text"]
    assert asked.endswith('"like a forgotten fairy tale".')


def test_other_reasoning_is_the_same_question(api_judge, case, endpoint):
    sources, results, requests = first_row(case)
    api_judge(sources, results, requests)
    unreasoned = tuple(Step("", s.tool, s.parameters) for s in REQUEST)
    api_judge(sources, results, [unreasoned])
    assert len(endpoint.calls) == 1


def test_equal_rows_are_asked_once(api_judge, case, endpoint):
    twice = [np.concatenate([c[:1], c[:1]]) for c in case[:2]]
    assert api_judge(*twice, [REQUEST] * 2).coherence.tolist() == [13, 13]
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("damage", ["", "{", '{"coherence": 3}', "\udcff", "null"])
def test_a_damaged_file_is_asked_for_again_and_rewritten(api_judge, case, endpoint, damage):
    api_judge(*first_row(case))
    [file] = api_judge.cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert file.read_bytes() == whole and len(endpoint.calls) == 2


def test_the_estimate_counts_what_the_cache_lacks(api_judge, case, endpoint):
    sources, results, requests = case
    whole = api_judge.estimate(*case)
    assert not endpoint.calls and not api_judge.cache.exists()
    assert whole.questions == ROWS
    # Two pictures of one tile each, and at least the rubric's words.
    assert 510 + 400 < whole.tokens_in / ROWS < 510 + 1000
    api_judge(sources[:2], results[:2], requests[:2])
    rest = api_judge.estimate(*case)
    assert rest.questions == ROWS - 2
    assert rest.tokens_in == whole.tokens_in * (ROWS - 2) / ROWS
    api_judge(*case)
    assert api_judge.estimate(*case) == (0, 0, 0)


@pytest.mark.parametrize(
    "size, tiles", [((512, 512), 1), ((768, 1024), 4), ((1024, 1024), 4), ((4096, 1024), 4)]
)
def test_large_pictures_count_their_tiles(api_judge, size, tiles):
    small, large = np.zeros((8, 8, 3), np.uint8), np.zeros((*size, 3), np.uint8)
    base = api_judge.estimate([small], [small], [REQUEST]).tokens_in
    more = api_judge.estimate([small], [large], [REQUEST]).tokens_in
    assert more - base == 170 * (tiles - 1)


def test_no_rows_are_no_scores(api_judge, endpoint):
    assert api_judge([], [], []).reward.shape == (0,)
    assert not endpoint.calls


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s, r, q: (s[0], r, q), r"sources\[0\] has shape \(8, 3\)"),
        (lambda s, r, q: (s, r[..., :1], q), r"results\[0\] has shape \(8, 8, 1\)"),
        (lambda s, r, q: (s, r[:2], q), "6 sources, 2 results and 6 requests; give as many"),
        (lambda s, r, q: (s, r, q[:1]), "6 sources, 6 results and 1 requests; give as many"),
        (lambda s, r, q: (s, np.float32(r), q), r"results\[0\] runs from 10 to 10"),
        (lambda s, r, q: (s[:2], r[:2], REQUEST), r"requests\[0\] is a Step; give a tuple"),
        (
            lambda s, r, q: (s[:1], r[:1], [(Step("", "wether", {}),)]),
            r"requests\[0\]: request step 1: unknown tool 'wether'",
        ),
    ],
)
def test_wrong_arguments_are_one_line(api_judge, case, endpoint, change, message):
    said = one_line_error(lambda: api_judge(*change(*case)))
    assert re.match(message, said), said
    assert not endpoint.calls


def test_a_cache_that_cannot_be_written_is_one_line(api_judge, case, tmp_path):
    (tmp_path / "taken").write_text("a file")
    blocked = ApiJudge("fake-vl", tmp_path / "taken")
    one_line_error(lambda: blocked(*first_row(case)), "taken", "another cache folder")
