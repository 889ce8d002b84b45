"""An endpoint that is slow, busy, broken, choosy or hostile, and where the key may go."""

import json
import urllib.request

import numpy as np
import pytest

from agentic_styling.rewards.judges.api_judge import ApiJudge
from agentic_styling.rewards.judges.chat_answers import ATTEMPTS
from agentic_styling.rewards.judges.chat_endpoint import LONGEST_WAIT, wait_asked_for
from tests.rewards.judges.fake_endpoint import (
    GOOD,
    KEY,
    KEY_VARIABLE,
    URL_VARIABLE,
    Endpoint,
    chat,
    failing,
    first_row,
    one_line_error,
)


def test_busy_is_tried_again_with_longer_and_longer_waits(api_judge, case, endpoint, slept):
    endpoint.faults = [failing(429), failing(503), "hang up", failing(500)]
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == [1, 2, 4, 8]


def test_a_time_out_is_tried_again(api_judge, case, endpoint, slept, monkeypatch):
    real, late = urllib.request.OpenerDirector.open, [TimeoutError("timed out")]

    def open_(self, *args, **kwargs):
        if late:
            raise late.pop()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_)
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == [1]


@pytest.mark.parametrize("status, waits", [(429, [30, 2]), (503, [30, 2]), (500, [1, 2])])
def test_a_busy_endpoint_is_given_the_time_it_asks_for(
    api_judge, case, endpoint, slept, status, waits
):
    endpoint.faults = [failing(status, **{"Retry-After": "30"}), failing(status)]
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == waits


NOON = 784_900_800.0  # Tue, 15 Nov 1994 12:00:00 GMT


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("7", 7),
        (" 0 ", 0),
        ("3600", LONGEST_WAIT),
        ("9" * 400, LONGEST_WAIT),
        ("Tue, 15 Nov 1994 12:00:20 GMT", 20),
        ("Tuesday, 15-Nov-94 12:00:20 GMT", 20),
        ("Tue Nov 15 12:00:20 1994", 20),
        ("Tue, 15 Nov 1994 11:59:00 GMT", 0),
        ("Tue, 15 Nov 2044 12:00:00 GMT", LONGEST_WAIT),
        ("Tue, 15 Nuv 1994 12:00:20 GMT", 0),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_a_wait_is_asked_for_in_seconds_or_by_a_date(header, seconds):
    assert wait_asked_for(header, NOON) == seconds


@pytest.mark.parametrize(
    "reply",
    [
        "no JSON at all",
        "{}",
        "[]",
        json.dumps({"choices": []}),
        chat("I would say 80."),
        chat("[" * 5000),
        chat(GOOD | {"coherence": 101}),
        chat(GOOD | {"coherence": 3.5}),
        json.dumps({"choices": [{"message": {"content": None}}]}),
    ],
)
def test_an_answer_that_is_none_is_tried_again(api_judge, case, endpoint, slept, reply):
    endpoint.faults = [(200, reply, {})]
    assert api_judge(*first_row(case)).coherence.tolist() == [13]
    assert not slept  # an endpoint that answers is not busy
    assert len(list(api_judge.cache.iterdir())) == 1


def test_invalid_answers_for_ever_name_the_row_and_what_was_wrong(api_judge, case, endpoint):
    endpoint.always = (200, chat(GOOD | {"coherence": 101}), {})
    one_line_error(lambda: api_judge(*first_row(case)), "row 0", "coherence is 101")
    assert len(endpoint.calls) == ATTEMPTS
    assert not api_judge.cache.exists()


def test_a_server_that_never_recovers_names_the_row_and_keeps_the_others(
    api_judge, case, endpoint, slept
):
    sources, results, requests = case
    api_judge(sources[:3], results[:3], requests[:3])
    endpoint.always = failing(500, "out of memory")
    message = one_line_error(
        lambda: api_judge(sources[:4], results[:4], requests[:4]),
        "row 3",
        "status 500, out of memory",
        "try again later",
    )
    assert endpoint.url in message
    assert slept == [2.0**n for n in range(ATTEMPTS - 1)]
    assert len(list(api_judge.cache.iterdir())) == 3


@pytest.mark.parametrize(
    "status, said", [(400, "status 400, no such thing"), (401, KEY_VARIABLE), (404, "no such")]
)
def test_a_refusal_is_not_tried_again(api_judge, case, endpoint, status, said):
    endpoint.always = failing(status, "no such thing")
    one_line_error(lambda: api_judge(*first_row(case)), "row 0", said, "fix that")
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_key_nowhere(api_judge, case, endpoint, status):
    other = Endpoint()
    try:
        endpoint.always = failing(status, Location=f"{other.url}/chat/completions")
        one_line_error(lambda: api_judge(*first_row(case)), f"status {status}, a redirect")
        assert not other.calls and len(endpoint.calls) == 1
    finally:
        other.close()


def test_plain_http_passes_by_the_proxy_of_the_environment(api_judge, case, monkeypatch):
    proxy = Endpoint()
    try:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert api_judge(*first_row(case)).coherence.tolist() == [13]
        assert not proxy.calls
    finally:
        proxy.close()


@pytest.mark.parametrize(
    "fault",
    [
        failing(400, f"bad key {KEY}"),
        failing(400, f"no response_format for {KEY}"),
        (400, json.dumps({"error": KEY}), {}),
        failing(401, f"Incorrect API key provided: {KEY[:-3]}***"),
        failing(500, f"{KEY} {KEY}"),
        failing(307, "", Location=f"https://example.org/{KEY}"),
        (200, chat(GOOD | {"coherence": KEY}), {}),
        (200, chat(GOOD | {KEY: 3}), {}),
    ],
)
def test_the_key_is_nowhere_to_be_read(api_judge, case, endpoint, fault, capfd):
    endpoint.faults = [failing(429, KEY)]
    api_judge(*first_row(case))
    endpoint.always = fault
    sources, results, requests = first_row(case)
    message = one_line_error(lambda: api_judge(sources, results + 1, requests), "row 0")
    kept = b"".join(file.read_bytes() for file in api_judge.cache.rglob("*") if file.is_file())
    seen = [
        message,
        repr(api_judge),
        str(api_judge),
        str(vars(api_judge)),
        kept.decode(),
        *capfd.readouterr(),
    ]
    assert "judging" in seen[-1]  # the progress bar was looked at too
    assert not any(KEY[:-3] in text for text in seen)


def test_a_reply_that_is_the_key_is_not_shown(api_judge, case, endpoint, capfd):
    api_judge(*first_row(case))
    endpoint.always = (200, KEY, {})
    sources, results, requests = first_row(case)
    assert np.isnan(api_judge(sources, results + 1, requests).reward[0])
    said = capfd.readouterr().err
    assert "the reply is not a chat completion" in said and KEY[:-3] not in said


def test_missing_variables_are_named(api_judge, case, monkeypatch, tmp_path):
    monkeypatch.setenv(KEY_VARIABLE, " ")
    one_line_error(lambda: api_judge(*case), f"{KEY_VARIABLE} is not set")
    monkeypatch.delenv(KEY_VARIABLE)
    one_line_error(lambda: api_judge(*case), f"{KEY_VARIABLE} is not set")
    monkeypatch.delenv(URL_VARIABLE)
    one_line_error(lambda: ApiJudge("fake-vl", tmp_path), f"{URL_VARIABLE} is not set", "https://")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", 'quo"te'])
def test_a_key_that_no_header_can_carry_is_not_shown(api_judge, case, endpoint, monkeypatch, key):
    monkeypatch.setenv(KEY_VARIABLE, key)
    said = one_line_error(lambda: api_judge(*case), f"{KEY_VARIABLE} holds characters")
    assert key not in said and not endpoint.calls


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/v1",
        "http://127.0.0.1.example.org/v1",
        "http://localhost.example.org/v1",
        "ftp://example.org",
        "file:///etc/passwd",
        "example.org/v1",
        KEY,
        "https://",
        "https://example.org:port/v1",
        "https://exa mple.org/v1",
        f"https://user:{KEY}@example.org/v1",
        f"https://example.org/v1?key={KEY}",
        "http://[::1",
    ],
)
def test_only_safe_addresses_are_taken(url, tmp_path):
    said = one_line_error(lambda: ApiJudge("fake-vl", tmp_path, url), "url")
    assert KEY not in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_plain_http_may_go_to_this_machine(host, tmp_path):
    assert ApiJudge("fake-vl", tmp_path, f"http://{host}/v1/").url == f"http://{host}/v1"
