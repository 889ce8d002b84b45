"""A chat endpoint on this machine's loopback, and what to ask it."""

import base64
import http.server
import io
import json
import threading

import numpy as np
import pytest
from PIL import Image

from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.chat_endpoint import JUDGE
from agentic_styling.rewards.judges.plan_rubric import PLAN_PARTS
from agentic_styling.tools import Step
from agentic_styling.utils.errors import InputError

URL_VARIABLE, KEY_VARIABLE = JUDGE.url, JUDGE.key
KEY = "sk-very-SECRET.123/abc"
SECRET = "SENTINEL-REASON"
REQUEST = (
    Step(SECRET, "weather", {"weather_type": "fog_dense", "strength": 0.5}),
    Step(SECRET, "exclude_region", {"region_type": "left_half", "exclusion_reason": SECRET}),
)
ROWS = 6
GOOD = dict.fromkeys(PARTS, 50)


def answer_to(question):
    """What the fake endpoint answers: the last picture's brightness, and one more for each part."""
    urls = [p["image_url"]["url"] for p in question["messages"][1]["content"] if "image_url" in p]
    picture = Image.open(io.BytesIO(base64.b64decode(urls[-1].split(",")[1])))
    first, parts = int(np.asarray(picture)[0, 0, 0]), PARTS if len(urls) == 2 else PLAN_PARTS
    return dict(zip(parts, range(first, first + len(parts)), strict=True))


class Endpoint:
    """A chat endpoint. `faults` are sent first, one a call, as (status, body text, headers).

    answer: the message to a question (JSON or text), called in a thread for each.
    """

    def __init__(self, answer=answer_to):
        self.answer, self.faults, self.always, self.calls = answer, [], None, []
        endpoint, lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    endpoint.calls.append((self.path, dict(self.headers), body))
                    fault = endpoint.faults.pop(0) if endpoint.faults else endpoint.always
                if fault == "hang up":
                    return
                status, text, headers = fault or (200, chat(endpoint.answer(json.loads(body))), {})
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


def first_row(case):
    return tuple(column[:1] for column in case)


def one_line_error(call, *parts):
    with pytest.raises(InputError) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message and all(part in message for part in parts), message
    return message


@pytest.fixture
def endpoint(monkeypatch, tmp_path):
    """An Endpoint in the variables that judges read, and an empty cache."""
    endpoint = Endpoint()
    monkeypatch.setenv(URL_VARIABLE, endpoint.url + "/")
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield endpoint
    endpoint.close()
