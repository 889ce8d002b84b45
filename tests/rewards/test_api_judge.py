"""The judge behind an endpoint, against a fake one on this machine's loopback."""

import base64
import http.server
import io
import json
import re
import threading
import urllib.request

import numpy as np
import pytest
from PIL import Image

from agentic_styling.errors import InputError
from agentic_styling.rewards import PARTS
from agentic_styling.rewards.api_judge import ATTEMPTS, KEY_VARIABLE, URL_VARIABLE, ApiJudge
from agentic_styling.tools import Step

KEY = "sk-very-SECRET.123/abc"
SECRET = "SENTINEL-REASON"
REQUEST = (
    Step(SECRET, "weather", {"weather_type": "fog_dense", "strength": 0.5}),
    Step(SECRET, "exclude_region", {"region_type": "left_half", "exclusion_reason": SECRET}),
)
ROWS = 6


def answer_to(question):
    """What the fake endpoint answers: the result's brightness, and one more for each part."""
    urls = [p["image_url"]["url"] for p in question["messages"][1]["content"] if "image_url" in p]
    picture = Image.open(io.BytesIO(base64.b64decode(urls[1].split(",")[1])))
    first = int(np.asarray(picture)[0, 0, 0])
    return dict(zip(PARTS, range(first, first + len(PARTS)), strict=True))


class Endpoint:
    """A chat endpoint. `faults` are sent first, one a call, as (status, body text, headers)."""

    def __init__(self):
        self.faults, self.always, self.calls = [], None, []
        endpoint, lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    endpoint.calls.append((self.path, dict(self.headers), body))
                    fault = endpoint.faults.pop(0) if endpoint.faults else endpoint.always
                if fault == "hang up":
                    return
                status, text, headers = fault or (200, chat(answer_to(json.loads(body))), {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_GET(self):  # what a followed redirect would send
                endpoint.calls.append((self.path, dict(self.headers), b""))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,)).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def chat(answer) -> str:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


def failing(status, message="", **headers):
    return status, json.dumps({"error": {"message": message}}), headers


@pytest.fixture
def endpoint(monkeypatch):
    endpoint = Endpoint()
    monkeypatch.setenv(URL_VARIABLE, endpoint.url + "/")
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    yield endpoint
    endpoint.close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def judge(endpoint, tmp_path, slept):
    return ApiJudge("fake-vl", tmp_path / "cache", sleep=slept.append)


@pytest.fixture
def case():
    """ROWS photographs, their edits of brightness 10, 20, ..., and requests."""
    sources = np.zeros((ROWS, 8, 8, 3), np.uint8)
    results = sources + np.arange(10, 10 * ROWS + 1, 10, dtype=np.uint8)[:, None, None, None]
    return sources, results, [REQUEST] * ROWS


def first_row(case):
    return tuple(column[:1] for column in case)


def one_line_error(call, *parts):
    with pytest.raises(InputError) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message and all(part in message for part in parts), message
    return message


def test_right_answers_become_scores_in_the_order_of_the_rows(judge, case):
    scores = judge(*case)
    for offset, name in enumerate(PARTS):
        expected = np.arange(10, 10 * ROWS + 1, 10) + offset
        np.testing.assert_array_equal(getattr(scores, name), expected)
    np.testing.assert_allclose(scores.overall, np.arange(10, 10 * ROWS + 1, 10) + 2.5)
    assert scores.reward.shape == (ROWS,)


def test_floats_and_lists_ask_the_same_as_bytes(judge, case, endpoint):
    judge(*case)
    sources, results, requests = case
    judge(list(sources), np.float32(results) / 255, tuple(requests))
    assert len(endpoint.calls) == ROWS


def test_what_is_sent(judge, case, endpoint):
    judge(*first_row(case))
    [(path, headers, body)] = endpoint.calls
    question = json.loads(body)
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/json"
    assert question["model"] == "fake-vl" and question["temperature"] == 0
    asked = question["messages"][1]["content"][-1]["text"]
    assert "fog dense" in asked and "half strength" in asked and "left half untouched" in asked


def test_no_reasoning_and_no_key_is_in_what_is_sent(judge, case, endpoint):
    judge(*case)
    sent = b"".join(body for _, _, body in endpoint.calls).decode()
    assert SECRET not in sent and KEY not in sent


def test_a_kept_answer_is_not_asked_for_again_and_needs_no_key(judge, case, endpoint, monkeypatch):
    first = judge(*case)
    monkeypatch.delenv(KEY_VARIABLE)
    again = ApiJudge("fake-vl", judge.cache)(*case)
    np.testing.assert_array_equal(again.reward, first.reward)
    assert len(endpoint.calls) == ROWS


def test_other_models_pictures_and_requests_are_other_questions(judge, case, endpoint):
    sources, results, requests = first_row(case)
    judge(sources, results, requests)
    judge(sources + 1, results, requests)
    judge(sources, results + 1, requests)
    judge(sources, results, [REQUEST[:1]])
    ApiJudge("other-vl", judge.cache)(sources, results, requests)
    assert len(endpoint.calls) == len(list(judge.cache.iterdir())) == 5


def test_other_reasoning_is_the_same_question(judge, case, endpoint):
    sources, results, requests = first_row(case)
    judge(sources, results, requests)
    unreasoned = tuple(Step("", s.tool, s.parameters) for s in REQUEST)
    judge(sources, results, [unreasoned])
    assert len(endpoint.calls) == 1


def test_equal_rows_are_asked_once(judge, case, endpoint):
    twice = [np.concatenate([c[:1], c[:1]]) for c in case[:2]]
    assert judge(*twice, [REQUEST] * 2).coherence.tolist() == [13, 13]
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("damage", ["", "{", '{"coherence": 3}', "\udcff", "null"])
def test_a_damaged_file_is_asked_for_again_and_rewritten(judge, case, endpoint, damage):
    judge(*first_row(case))
    [file] = judge.cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert judge(*first_row(case)).coherence.tolist() == [13]
    assert file.read_bytes() == whole and len(endpoint.calls) == 2


def test_busy_is_tried_again_with_longer_and_longer_waits(judge, case, endpoint, slept):
    endpoint.faults = [failing(429), failing(503), "hang up", failing(500)]
    assert judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == [1, 2, 4, 8]


def test_a_time_out_is_tried_again(judge, case, endpoint, slept, monkeypatch):
    real, late = urllib.request.OpenerDirector.open, [TimeoutError("timed out")]

    def open_(self, *args, **kwargs):
        if late:
            raise late.pop()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_)
    assert judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == [1]


GOOD = dict.fromkeys(PARTS, 50)


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
def test_an_answer_that_is_none_is_tried_again(judge, case, endpoint, slept, reply):
    endpoint.faults = [(200, reply, {})]
    assert judge(*first_row(case)).coherence.tolist() == [13]
    assert slept == [1] and len(list(judge.cache.iterdir())) == 1


def test_invalid_answers_for_ever_name_the_row_and_what_was_wrong(judge, case, endpoint):
    endpoint.always = (200, chat(GOOD | {"coherence": 101}), {})
    one_line_error(lambda: judge(*first_row(case)), "row 0", "coherence is 101")
    assert len(endpoint.calls) == ATTEMPTS
    assert not judge.cache.exists()


def test_a_server_that_never_recovers_names_the_row_and_keeps_the_others(
    judge, case, endpoint, slept
):
    sources, results, requests = case
    judge(sources[:3], results[:3], requests[:3])
    endpoint.always = failing(500, "out of memory")
    message = one_line_error(
        lambda: judge(sources[:4], results[:4], requests[:4]),
        "row 3",
        "status 500, out of memory",
        "try again later",
    )
    assert endpoint.url in message
    assert slept == [2.0**n for n in range(ATTEMPTS - 1)]
    assert len(list(judge.cache.iterdir())) == 3


@pytest.mark.parametrize(
    "status, said", [(400, "status 400, no such thing"), (401, KEY_VARIABLE), (404, "no such")]
)
def test_a_refusal_is_not_tried_again(judge, case, endpoint, status, said):
    endpoint.always = failing(status, "no such thing")
    one_line_error(lambda: judge(*first_row(case)), "row 0", said, "mend that")
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_the_key_nowhere(judge, case, endpoint, status):
    other = Endpoint()
    try:
        endpoint.always = failing(status, Location=f"{other.url}/chat/completions")
        one_line_error(lambda: judge(*first_row(case)), f"status {status}, a redirect")
        assert not other.calls and len(endpoint.calls) == 1
    finally:
        other.close()


def test_plain_http_passes_by_the_proxy_of_the_environment(judge, case, monkeypatch):
    proxy = Endpoint()
    try:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert judge(*first_row(case)).coherence.tolist() == [13]
        assert not proxy.calls
    finally:
        proxy.close()


@pytest.mark.parametrize(
    "fault",
    [
        failing(400, f"bad key {KEY}"),
        failing(401, f"Incorrect API key provided: {KEY[:-3]}***"),
        failing(500, f"{KEY} {KEY}"),
        failing(307, "", Location=f"https://example.org/{KEY}"),
        (200, chat(GOOD | {"coherence": KEY}), {}),
        (200, chat(GOOD | {KEY: 3}), {}),
        (200, KEY, {}),
    ],
)
def test_the_key_is_nowhere_to_be_read(judge, case, endpoint, fault, capfd):
    endpoint.faults = [failing(429, KEY)]
    judge(*first_row(case))
    endpoint.always = fault
    sources, results, requests = first_row(case)
    message = one_line_error(lambda: judge(sources, results + 1, requests), "row 0")
    kept = b"".join(file.read_bytes() for file in judge.cache.rglob("*") if file.is_file())
    seen = [message, repr(judge), str(judge), str(vars(judge)), kept.decode(), *capfd.readouterr()]
    assert "judging" in seen[-1]  # the progress bar was looked at too
    assert not any(KEY[:-3] in text for text in seen)


def test_the_estimate_counts_what_the_cache_lacks(judge, case, endpoint):
    sources, results, requests = case
    whole = judge.estimate(*case, price_in=2.0, price_out=10.0)
    assert not endpoint.calls and not judge.cache.exists()
    assert whole.questions == ROWS
    # Two pictures of one tile each, and at least the rubric's words.
    assert 510 + 400 < whole.tokens_in / ROWS < 510 + 1000
    assert whole.cost == pytest.approx((2 * whole.tokens_in + 10 * whole.tokens_out) / 1e6)
    judge(sources[:2], results[:2], requests[:2])
    rest = judge.estimate(*case, price_in=2.0, price_out=10.0)
    assert rest.questions == ROWS - 2
    assert rest.tokens_in == whole.tokens_in * (ROWS - 2) / ROWS
    judge(*case)
    assert judge.estimate(*case, price_in=2.0, price_out=10.0) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "size, tiles", [((512, 512), 1), ((768, 1024), 4), ((1024, 1024), 4), ((4096, 1024), 4)]
)
def test_large_pictures_count_their_tiles(judge, size, tiles):
    small, large = np.zeros((8, 8, 3), np.uint8), np.zeros((*size, 3), np.uint8)
    base = judge.estimate([small], [small], [REQUEST], 1, 1).tokens_in
    more = judge.estimate([small], [large], [REQUEST], 1, 1).tokens_in
    assert more - base == 170 * (tiles - 1)


def test_no_rows_are_no_scores(judge, endpoint):
    assert judge([], [], []).reward.shape == (0,)
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
def test_wrong_arguments_are_one_line(judge, case, endpoint, change, message):
    said = one_line_error(lambda: judge(*change(*case)))
    assert re.match(message, said), said
    assert not endpoint.calls


def test_missing_variables_are_named(judge, case, monkeypatch, tmp_path):
    monkeypatch.setenv(KEY_VARIABLE, " ")
    one_line_error(lambda: judge(*case), f"{KEY_VARIABLE} is not set")
    monkeypatch.delenv(KEY_VARIABLE)
    one_line_error(lambda: judge(*case), f"{KEY_VARIABLE} is not set")
    monkeypatch.delenv(URL_VARIABLE)
    one_line_error(lambda: ApiJudge("fake-vl", tmp_path), f"{URL_VARIABLE} is not set", "https://")


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", 'quo"te'])
def test_a_key_that_no_header_can_carry_is_not_shown(judge, case, endpoint, monkeypatch, key):
    monkeypatch.setenv(KEY_VARIABLE, key)
    said = one_line_error(lambda: judge(*case), f"{KEY_VARIABLE} holds characters")
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


def test_a_cache_that_cannot_be_written_is_one_line(judge, case, tmp_path):
    (tmp_path / "taken").write_text("a file")
    blocked = ApiJudge("fake-vl", tmp_path / "taken")
    one_line_error(lambda: blocked(*first_row(case)), "taken", "another cache folder")
