"""A judge behind an OpenAI-compatible chat endpoint, with the same Scores as the pixel reward.

It sees photograph, result and request; never the plan under test, nor a step's reasoning.
"""

import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from agentic_styling.errors import InputError
from agentic_styling.rewards import rubric
from agentic_styling.rewards.chat_endpoint import Failed, checked_url, post, read_key
from agentic_styling.rewards.scores import PARTS, Scores, combine

ATTEMPTS = 7  # of a question, 1, 2, 4, ... seconds apart, or as the endpoint asks
WORKERS = 4  # questions under way at once
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


@dataclass(frozen=True)
class ApiJudge:
    """A judge of edits: the model of that name, its answers kept in the folder `cache`.

    url: where "/chat/completions" is found, as in "https://api.openai.com/v1"; by default that of
    AGENTIC_STYLING_JUDGE_URL. Plain http is for this machine alone. The key is read from
    AGENTIC_STYLING_JUDGE_KEY when a question is asked and kept nowhere; redirects are refused, so
    that it reaches no other host. An endpoint that refuses `response_format` is asked without it
    from then on. `sleep` waits between attempts. Raises InputError for a bad url.
    """

    model: str
    cache: Path
    url: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _refused: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "cache", Path(self.cache))
        object.__setattr__(self, "url", checked_url(self.url))

    def __call__(self, sources, results, requests) -> Scores:
        """Scores of a batch, row i for results[i]; each pair is judged alone.

        Args:
            sources, results: uint8 or float [B, H, W, 3], floats in [0, 1]; or lists of
                [H, W, 3], each of its own size.
            requests: what was asked for: B tuples of steps, whose reasoning is not sent, or
                goals in words.

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

    def _body(self, question: _Question, without: Collection[str] = ()) -> bytes:
        """What is sent. It holds model, prompt and both PNGs, so its hash names the question."""
        body = {
            "model": self.model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": rubric.chat_messages(question.request, question.source, question.result),
        }
        return json.dumps({name: body[name] for name in body if name not in without}).encode()

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
        key = read_key()
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
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = _answer_in(self._reply(question, key))
                self._keep(name, answer)
                return answer
            except Failed as failure:
                last = failure
            if not last.again or attempt == ATTEMPTS:
                break
            self.sleep(max(2.0 ** (attempt - 1), last.wait))
        reason = " ".join(str(last).replace(key, "***").split())[:200]
        mend = "try again later" if last.again else "mend that and try again"
        raise InputError(
            f"judge: row {question.row}: no usable answer from {self.url} in {attempt} of "
            f"{ATTEMPTS} attempts; the last: {reason}; {mend}"
        )

    def _reply(self, question: _Question, key: str) -> bytes:
        """What the endpoint replies, at once again without `response_format` if it refuses that."""
        url, refused = f"{self.url}/chat/completions", frozenset(self._refused)
        try:
            return post(url, self._body(question, refused), key)
        except Failed as failure:
            if not failure.names_format or refused:
                raise
        self._refused.add("response_format")
        return post(url, self._body(question, self._refused), key)


def _answer_in(reply: bytes) -> dict[str, int]:
    try:
        text = json.loads(reply)["choices"][0]["message"]["content"].strip()
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        raise Failed("the reply is not a chat completion") from None
    if text.startswith("```") and text.endswith("```"):  # a habit where nothing holds it to JSON
        text = text[3:-3].removeprefix("json")
    try:
        return rubric.read_answer(text)
    except ValueError as error:
        raise Failed(str(error)) from None


def _questions(sources, results, requests) -> list[_Question]:
    sources = rubric.pictures(sources, "sources")
    results = rubric.pictures(results, "results")
    requests = list(requests)
    if not len(sources) == len(results) == len(requests):
        raise InputError(
            f"{len(sources)} sources, {len(results)} results and {len(requests)} requests; "
            "give as many of each"
        )
    words = rubric.batch_words(requests)
    return list(map(_Question, range(len(words)), words, sources, results))


def _picture_tokens(pixels: np.ndarray) -> int:
    """GPT-4o's count: shrunk into 2048 squared and to a short side of 768, then cut into tiles."""
    sides = np.array(pixels.shape[:2], float)
    sides *= min(1, 2048 / sides.max())
    sides *= min(1, 768 / sides.min())
    return 85 + 170 * int(np.ceil(sides / 512).prod())
