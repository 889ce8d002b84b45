"""Questions to a chat endpoint: asked in parallel, retried, each answer cached on disk."""

import base64
import contextlib
import hashlib
import io
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from agentic_styling.rewards.judges.answer_text import json_part, message_text
from agentic_styling.rewards.judges.chat_cost import Estimate, picture_tokens, text_tokens
from agentic_styling.rewards.judges.chat_endpoint import Failed, Role, checked_url, post, read_key
from agentic_styling.utils import atomic
from agentic_styling.utils.errors import InputError

ATTEMPTS = 7  # for a question, 1, 2, 4, ... seconds apart, or as the endpoint asks
GIVE_UP = 8  # questions without a usable answer, where none has had one
WORKERS = 4  # questions asked in parallel
SILENCE = "null"  # stands for an empty answer in the cache, where an empty file is a damaged one
SECRET = 12  # characters from which on a key is secret; local endpoints accept any word


class Question(NamedTuple):
    """What a model is asked: a system turn, then texts and pictures, uint8 [H, W, 3].

    where: names it in errors. sample: not sent; each sample has an answer of its own.
    """

    model: str
    where: str
    system: str
    content: Sequence[str | np.ndarray]
    temperature: float = 0
    sample: str = ""

    def body(self) -> dict:
        """The request's JSON, built on each call, as pictures are too large to keep."""
        return {
            "model": self.model,
            "temperature": self.temperature,
            "response_format": {"type": "json_object"},
            "messages": [
                {"role": "system", "content": self.system},
                {"role": "user", "content": [_part(part) for part in self.content]},
            ],
        }

    def tokens(self) -> int:
        """About how many tokens are sent."""
        texts = [part for part in self.content if isinstance(part, str)]
        sizes = [part.shape[:2] for part in self.content if not isinstance(part, str)]
        letters = len(self.system) + sum(map(len, texts))
        return text_tokens(letters) + sum(picture_tokens(*size) for size in sizes)


class _Malformed(InputError):
    """Every answer to a question was malformed."""


class ChatAnswers:
    """The answers of a model, cached as files.

    An endpoint that refuses a field of the request, such as `response_format` or `temperature`, is
    asked without it from then on. Every user's answers are read alike: see `json_part`.

    Args:
      role: what the model is used for. The key is read from its environment variable when a
        question is asked, and stored nowhere.
      cache: the folder of the answers.
      accept: from an answer's text to the text that is cached; raises ValueError for an invalid
        answer, which is then asked for again. Also applied to cached texts.
      url: the endpoint's base, such as "https://api.openai.com/v1"; by default that of the role's
        environment variable.
      sleep: waits between attempts.
      workers: questions asked in parallel.

    Raises:
      InputError: an invalid url.
    """

    def __init__(
        self,
        role: Role,
        cache: str | Path,
        accept: Callable[[str], str],
        url: str = "",
        sleep: Callable[[float], None] = time.sleep,
        workers: int = WORKERS,
    ):
        self.role, self.cache, self.url = role, Path(cache), checked_url(role, url)
        self.accept, self.sleep, self.workers = accept, sleep, workers
        self._refused: list[str] = []  # fields of a request that the endpoint refuses
        self._useful = False  # whether there was ever a usable answer

    def __call__(
        self, questions: Sequence[Question], title: str, unit: str = "row"
    ) -> list[str | None]:
        """The answers, in order; equal questions are asked once.

        None stands for a question whose answers were malformed in all attempts; how many there
        are is printed. title, unit: of the progress bar.

        Raises:
          InputError: there is no key, a question cannot be asked, or the answers to all of them, or
            to the first GIVE_UP ever asked, are malformed. Answers received so far stay in the
            cache.
        """
        names, answers, missing = self._look_up(questions)
        self._useful |= bool(answers)
        if missing:
            answers |= self._ask_all(missing, title, unit)
        return [answers.get(name) for name in names]

    def estimate(self, questions: Sequence[Question], tokens_out: int) -> Estimate:
        """What a call would ask, at so many tokens an answer, without retries; nothing is asked."""
        _, _, missing = self._look_up(questions)
        tokens_in = sum(question.tokens() for question in missing.values())
        return Estimate(len(missing), tokens_in, tokens_out * len(missing))

    def _look_up(self, questions) -> tuple[list[str], dict[str, str], dict[str, Question]]:
        """The questions' names, the cached answers by name, and the questions without one."""
        # Model, prompt and pictures name a question.
        texts = (json.dumps(question.body()) + question.sample for question in questions)
        names = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        cached = {name: self._read(name) for name in names}
        answers = {name: text for name, text in cached.items() if text is not None}
        missing: dict[str, Question] = {}
        for name, question in zip(names, questions, strict=True):
            if name not in answers:
                missing.setdefault(name, question)
        return names, answers, missing

    def _read(self, name: str) -> str | None:
        """The answer cached under a name; None if there is none or its file is damaged."""
        try:
            return self.accept(json_part((self.cache / f"{name}.json").read_text("utf-8")))
        except (OSError, ValueError):
            return None

    def _write(self, name: str, answer: str) -> None:
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self.cache / f"{name}.json", answer)
        except OSError as error:
            raise InputError(
                f"{self.cache}: answers cannot be kept here ({error.strerror}); "
                f"give the {self.role.name} another cache folder"
            ) from error

    def _ask_all(self, missing: dict[str, Question], title: str, unit: str) -> dict[str, str]:
        """Asks in parallel; the first failure stops the rest, malformed answers do not."""
        key = read_key(self.role)
        answers, malformed = {}, []
        with ThreadPoolExecutor(self.workers) as pool:
            asked = {pool.submit(self._ask, *item, key): item[0] for item in missing.items()}
            try:
                for done in tqdm(as_completed(asked), title, len(asked), unit=unit):
                    try:
                        answers[asked[done]] = done.result()
                        self._useful = True
                    except _Malformed as error:
                        malformed.append(error)
                        if not self._useful and len(malformed) >= min(GIVE_UP, len(asked)):
                            raise
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if malformed:
            number = f"{len(malformed)} of {len(asked)}"
            print(
                f"{number} have no usable answer and are left out: {malformed[0]}", file=sys.stderr
            )
        return answers

    def _ask(self, name: str, question: Question, key: str) -> str:
        """The answer to a question, cached before it is returned."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._answer_in(self._reply(question, key), key)
                self._write(name, answer)
                return answer
            except Failed as failure:
                last = failure
            if not last.again or attempt == ATTEMPTS:
                break
            if not last.malformed:  # a model that answers is not busy
                self.sleep(max(2.0 ** (attempt - 1), last.wait))
        reason = " ".join(str(last).replace(key, "***").split())[:200]
        fix = "try again later" if last.again else "fix that and try again"
        fix = "use another model" if last.malformed else fix
        raise (_Malformed if last.malformed else InputError)(
            f"{self.role.name}: {question.where}: no usable answer from {self.url} in {attempt} of "
            f"{ATTEMPTS} attempts; the last: {reason}; {fix}"
        )

    def _reply(self, question: Question, key: str) -> bytes:
        """The endpoint's reply, asked again without the fields that it refuses by name."""
        while True:
            fields = question.body().items()
            body = {name: value for name, value in fields if name not in self._refused}
            try:
                url = f"{self.url}/chat/completions"
                return post(self.role, url, json.dumps(body).encode(), key)
            except Failed as failure:
                optional = body.keys() - {"model", "messages"}
                refused = [n for n in optional if re.search(rf"\b{n}\b", failure.refusal)]
                if not refused:
                    raise
            if new := [name for name in refused if name not in self._refused]:
                self._refused += new
                left = f"the endpoint refuses {', '.join(new)} and is asked without"
                tqdm.write(f"{self.role.name}: {left}", file=sys.stderr)

    def _answer_in(self, reply: bytes, key: str) -> str:
        try:
            text = json_part(message_text(reply))
            if not _repeats(key, text):
                return self.accept(text or SILENCE)
        except ValueError as error:
            raise Failed(str(error), malformed=True) from None
        raise Failed("the answer repeats the key")


def _part(part: str | np.ndarray) -> dict:
    """A part of a message's content; a picture is PNG in a base64 data URL."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    png = io.BytesIO()
    Image.fromarray(part).save(png, "PNG")
    data = base64.b64encode(png.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _repeats(key: str, text: str) -> bool:
    """Whether a text holds the key, also escaped in its JSON; a short key is no secret."""
    with contextlib.suppress(ValueError, RecursionError):
        text += json.dumps(json.loads(text), ensure_ascii=False)
    return len(key) >= SECRET and key in text
