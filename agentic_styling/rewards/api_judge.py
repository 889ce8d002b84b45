"""A judge behind an OpenAI-compatible chat endpoint, with the same Scores as the pixel reward.

It sees photograph, result and request; never the plan under test, nor a step's reasoning.
"""

import contextlib
import hashlib
import http.client
import ipaddress
import json
import math
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from agentic_styling.errors import InputError
from agentic_styling.rewards import rubric
from agentic_styling.rewards.scores import PARTS, Scores, combine

URL_VARIABLE = "AGENTIC_STYLING_JUDGE_URL"
KEY_VARIABLE = "AGENTIC_STYLING_JUDGE_KEY"
ATTEMPTS = 7  # of a question, 1, 2, 4, ... seconds apart
WORKERS = 4  # questions under way at once
TIMEOUT = 120.0  # seconds
MAX_REPLY = 1 << 20  # bytes
ANSWER_TOKENS = 64  # six names and numbers


class Estimate(NamedTuple):
    """What a batch will take: questions that the cache lacks, their tokens, and the cost."""

    questions: int
    tokens_in: int
    tokens_out: int
    cost: float


class _Question(NamedTuple):
    row: int
    request: str
    source: np.ndarray
    result: np.ndarray


class _Failed(Exception):
    """No usable answer this time; `again` if another attempt may bring one."""

    def __init__(self, reason: str, again: bool = True):
        super().__init__(reason)
        self.again = again


@dataclass(frozen=True)
class ApiJudge:
    """A judge of edits: the model of that name, its answers kept in the folder `cache`.

    url: where "/chat/completions" is found, as in "https://api.openai.com/v1"; by default that of
    AGENTIC_STYLING_JUDGE_URL. Plain http is for this machine alone. The key is read from
    AGENTIC_STYLING_JUDGE_KEY when a question is asked and kept nowhere; redirects are refused, so
    that it reaches no other host. `sleep` waits between attempts. Raises InputError for a bad url.
    """

    model: str
    cache: Path
    url: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "cache", Path(self.cache))
        object.__setattr__(self, "url", _checked_url(self.url or os.environ.get(URL_VARIABLE, "")))

    def __call__(self, sources, results, requests) -> Scores:
        """Scores of a batch, row i for results[i]; each pair is judged alone.

        Args:
            sources, results: uint8 or float [B, H, W, 3], floats in [0, 1]; or lists of
                [H, W, 3], each of its own size.
            requests: B tuples of steps, what was asked for. Their reasoning is not sent.

        Raises InputError for wrong arguments, without a key, and for a row that has no usable
        answer; answers that came are in the cache all the same.
        """
        names, answers, missing = self._look_up(_questions(sources, results, requests))
        if missing:
            answers |= self._ask_all(missing)
        columns = {part: [answers[name][part] for name in names] for part in PARTS}
        return combine({part: jnp.array(column, jnp.float32) for part, column in columns.items()})

    def estimate(self, sources, results, requests, price_in: float, price_out: float) -> Estimate:
        """What a call with the same arguments would take, roughly; nothing is asked.

        Only what the cache lacks counts. price_in, price_out: of a million tokens; the cost is in
        the same currency. Text counts a token for four characters, a picture what GPT-4o takes for
        it: 85, and 170 for each tile of 512 pixels. Repeated attempts are not counted.
        """
        missing = self._look_up(_questions(sources, results, requests))[2].values()
        tokens_in = sum(
            math.ceil((len(rubric.INSTRUCTIONS) + len(question.request)) / 4)
            + sum(_picture_tokens(p) for p in (question.source, question.result))
            for question in missing
        )
        tokens_out = ANSWER_TOKENS * len(missing)
        cost = tokens_in * price_in / 1e6 + tokens_out * price_out / 1e6
        return Estimate(len(missing), tokens_in, tokens_out, cost)

    def _look_up(self, questions: list[_Question]):
        """The questions' names, the answers known by name, and by name the questions without."""
        names = [hashlib.sha256(self._body(question)).hexdigest() for question in questions]
        answers = {name: self._cached(name) for name in names}
        missing: dict[str, _Question] = {}
        for name, question in zip(names, questions, strict=True):
            if answers[name] is None:
                missing.setdefault(name, question)
        return names, answers, missing

    def _body(self, question: _Question) -> bytes:
        """What is sent. It holds model, prompt and both PNGs, so its hash names the question."""
        body = {
            "model": self.model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": rubric.chat_messages(question.request, question.source, question.result),
        }
        return json.dumps(body).encode()

    def _cached(self, name: str) -> dict[str, int] | None:
        """The answer kept under a name; None if there is none or its file is damaged."""
        try:
            return rubric.read_answer((self.cache / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def _keep(self, name: str, answer: dict[str, int]) -> None:
        """Write an answer under its name, whole or not at all."""
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
                unfinished = Path(scratch) / name
                unfinished.write_text(json.dumps(answer), "utf-8")
                os.replace(unfinished, self.cache / f"{name}.json")
        except OSError as error:
            raise InputError(
                f"{self.cache}: answers cannot be kept here ({error.strerror}); "
                "give the judge another cache folder"
            ) from error

    def _ask_all(self, missing: dict[str, _Question]) -> dict[str, dict[str, int]]:
        """Ask a few at once; the first failure stops the rest."""
        key = _key()
        answers = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            asked = {pool.submit(self._ask, *item, key): item[0] for item in missing.items()}
            try:
                for done in tqdm(as_completed(asked), "judging", len(asked), unit="row"):
                    answers[asked[done]] = done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return answers

    def _ask(self, name: str, question: _Question, key: str) -> dict[str, int]:
        """The answer to a question, kept before it is returned."""
        body = self._body(question)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = _answer_in(_post(f"{self.url}/chat/completions", body, key))
                self._keep(name, answer)
                return answer
            except _Failed as failure:
                last = failure
            if not last.again or attempt == ATTEMPTS:
                break
            self.sleep(2.0 ** (attempt - 1))
        reason = " ".join(str(last).replace(key, "***").split())[:200]
        mend = "try again later" if last.again else "mend that and try again"
        raise InputError(
            f"judge: row {question.row}: no usable answer from {self.url} in {attempt} of "
            f"{ATTEMPTS} attempts; the last: {reason}; {mend}"
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        """No new request: following a redirect could take the key to another host."""


def _post(url: str, body: bytes, key: str) -> bytes:
    """The reply to a question. Raises _Failed."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    request.add_unredirected_header("Authorization", f"Bearer {key}")
    # Plain http stays on this machine, also where the environment names a proxy.
    direct = [urllib.request.ProxyHandler({})] if url.startswith("http:") else []
    try:
        opener = urllib.request.build_opener(_NoRedirects, *direct)
        with opener.open(request, timeout=TIMEOUT) as reply:
            return reply.read(MAX_REPLY)
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except (OSError, http.client.HTTPException) as error:
        raise _Failed(str(getattr(error, "reason", error)) or type(error).__name__) from None


def _refusal(error: urllib.error.HTTPError) -> _Failed:
    """What an HTTP status means. Of what the server says only an error's message is read."""
    if 300 <= error.code < 400:
        return _Failed(f"status {error.code}, a redirect; give the url it leads to", again=False)
    if error.code in (401, 403):
        return _Failed(f"status {error.code}, the key of {KEY_VARIABLE} is refused", again=False)
    said = ""
    unreadable = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError)
    with error, contextlib.suppress(*unreadable, RecursionError):
        said = f", {json.loads(error.read(MAX_REPLY))['error']['message']}"
    return _Failed(f"status {error.code}{said}", error.code in (408, 429) or error.code >= 500)


def _answer_in(reply: bytes) -> dict[str, int]:
    try:
        return rubric.read_answer(json.loads(reply)["choices"][0]["message"]["content"])
    except (LookupError, TypeError, RecursionError):
        raise _Failed("the reply is not a chat completion") from None
    except ValueError as error:
        raise _Failed(str(error)) from None


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not re.fullmatch(r"[A-Za-z0-9._~+/=:-]+", key):
        fault = "holds characters that no key has" if key else "is not set"
        raise InputError(f"{KEY_VARIABLE} {fault}; set it to the key of the judge's endpoint")
    return key


def _checked_url(url: str) -> str:
    """The url without a last slash, if the key may go there. Raises InputError."""
    example = f"give url or set {URL_VARIABLE}, as in https://api.openai.com/v1"
    if not url:
        raise InputError(f"{URL_VARIABLE} is not set; {example}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    # What is no address may be a secret that was meant for elsewhere, so it is not shown.
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch(r"[!-~]+", url):
        raise InputError(f"judge: the url is no http or https address; {example}")
    if "@" in url or parts.query or parts.fragment:
        raise InputError(f"judge: the url holds a user, query or fragment; {example}")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise InputError(f"judge: url http://{host} would send the key unencrypted; use https")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def _questions(sources, results, requests) -> list[_Question]:
    sources = rubric.pictures(sources, "sources")
    results = rubric.pictures(results, "results")
    requests = list(requests)
    if not len(sources) == len(results) == len(requests):
        raise InputError(
            f"{len(sources)} sources, {len(results)} results and {len(requests)} requests; "
            "give as many of each"
        )
    words = [_words(row, request) for row, request in enumerate(requests)]
    return list(map(_Question, range(len(words)), words, sources, results))


def _words(row: int, request) -> str:
    if not isinstance(request, list | tuple):
        raise InputError(f"requests[{row}] is a {type(request).__name__}; give a tuple of Steps")
    try:
        return rubric.request_words(request)
    except InputError as error:
        raise InputError(f"requests[{row}]: {error}") from None


def _picture_tokens(pixels: np.ndarray) -> int:
    """GPT-4o's count: shrunk into 2048 squared and to a short side of 768, then cut into tiles."""
    sides = np.array(pixels.shape[:2], float)
    sides *= min(1, 2048 / sides.max())
    sides *= min(1, 768 / sides.min())
    return 85 + 170 * int(np.ceil(sides / 512).prod())
