"""Endpoints that support less, and models that answer in their own form or in none."""

import json

import numpy as np
import pytest

from agentic_styling.rewards.judges.api_judge import ApiJudge
from agentic_styling.rewards.judges.chat_answers import ATTEMPTS, GIVE_UP
from tests.rewards.judges.fake_endpoint import (
    GOOD,
    REQUEST,
    ROWS,
    failing,
    first_row,
    one_line_error,
)

# What OpenAI's, vLLM's and llama.cpp's, LM Studio's and FastAPI's servers write.
REFUSED = [
    ("response_format", failing(400, "Unsupported parameter: 'response_format'")),
    (
        "response_format",
        (400, json.dumps({"object": "error", "message": "response_format is unknown"}), {}),
    ),
    (
        "response_format",
        (400, json.dumps({"error": "'response_format.type' must be 'json_schema' or 'text'"}), {}),
    ),
    ("response_format", (422, json.dumps({"detail": [{"loc": ["body", "response_format"]}]}), {})),
    ("temperature", failing(400, "Unsupported value: 'temperature' does not support 0")),
    ("temperature", (422, json.dumps({"detail": [{"loc": ["body", "temperature"]}]}), {})),
]


@pytest.mark.parametrize("field, refusal", REFUSED)
def test_an_endpoint_that_refuses_a_field_is_asked_without_it_from_then_on(
    api_judge, case, endpoint, slept, capfd, field, refusal
):
    sources, results, requests = case
    endpoint.faults = [refusal]
    for row in range(2):
        one = slice(row, row + 1)
        found = api_judge(sources[one], results[one], requests[one])
        assert found.coherence.tolist() == [13 + 10 * row]
    sent = [json.loads(body) for _, _, body in endpoint.calls]
    assert [field in question for question in sent] == [True, False, False]
    assert {**sent[1], field: sent[0][field]} == sent[0] and not slept
    assert f"judge: the endpoint refuses {field} and is asked without" in capfd.readouterr().err
    # An answer is known again by a judge that has not met the refusal yet.
    again = ApiJudge("fake-vl", api_judge.cache)(sources[:2], results[:2], requests[:2])
    assert again.coherence.tolist() == [13, 23] and len(sent) == len(endpoint.calls)


def test_fields_refused_one_after_another_are_all_left_out(api_judge, case, endpoint):
    endpoint.faults = [failing(400, "no response_format"), failing(400, "no temperature")]
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert set(json.loads(endpoint.calls[2][2])) == {"model", "messages"}


def test_what_is_refused_without_the_field_too_is_said(api_judge, case, endpoint):
    endpoint.always = failing(400, "no response_format, no pictures")
    one_line_error(lambda: api_judge(*first_row(case)), "status 400, no response_format, no pic")
    assert len(endpoint.calls) == 2
    one_line_error(lambda: api_judge(*first_row(case)), "status 400, no response_format, no pic")
    assert len(endpoint.calls) == 3


FENCED = "```JSON\n{}\n```"
PARTS_OF_CONTENT = [{"type": "reasoning", "text": "{}"}, {"type": "text", "text": json.dumps(GOOD)}]


@pytest.mark.parametrize(
    "content",
    [
        FENCED.format(json.dumps(GOOD)),
        f"<think>coherence is {{low}}, {{}}</think>\n{json.dumps(GOOD)}",
        f"Here are the scores:\n{FENCED.format(json.dumps(GOOD, indent=1))}\nThey are fair.",
        json.dumps(GOOD | {"coherence": 50.0}),
        PARTS_OF_CONTENT,
    ],
)
def test_an_answer_is_read_in_every_usual_form(api_judge, case, endpoint, slept, content):
    reply = json.dumps({"choices": [{"message": {"content": content}}]})
    endpoint.faults = [(200, reply, {})]
    assert api_judge(*first_row(case)).coherence.tolist() == [50]
    assert not slept
    assert json.loads(next(api_judge.cache.iterdir()).read_text()) == GOOD


def test_a_stubborn_row_is_counted_and_the_others_are_judged(api_judge, case, endpoint, capfd):
    usual = endpoint.answer
    endpoint.answer = lambda q: "Fine!" if usual(q)["coherence"] == 33 else usual(q)
    scores = api_judge(*case)
    np.testing.assert_array_equal(scores.coherence, [13, 23, np.nan, 43, 53, 63])
    np.testing.assert_array_equal(np.isnan(scores.reward), np.arange(ROWS) == 2)
    assert len(endpoint.calls) == ROWS - 1 + ATTEMPTS
    said = "1 of 6 have no usable answer and are left out: judge: row 2: no usable answer"
    assert said in capfd.readouterr().err
    api_judge(*case)  # alone it is not known to be the endpoint's fault
    assert len(list(api_judge.cache.iterdir())) == ROWS - 1


def test_a_model_without_any_usable_answer_is_given_up(api_judge, endpoint):
    endpoint.answer = lambda _: "Fine!"
    pictures = np.arange(3 * GIVE_UP, dtype=np.uint8)[:, None, None, None] + np.zeros((8, 8, 3))
    pictures = np.uint8(pictures)
    said = one_line_error(lambda: api_judge(pictures, pictures, [REQUEST] * len(pictures)))
    assert "the answer is not JSON" in said and "use another model" in said
    assert len(endpoint.calls) < 2 * GIVE_UP * ATTEMPTS
