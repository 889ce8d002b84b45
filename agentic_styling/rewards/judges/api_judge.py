"""A judge behind an OpenAI-compatible chat endpoint, with the same Scores as the pixel reward.

It sees the photograph, the result and the request; never the plan under test or a step's reasoning.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from agentic_styling.rewards.judges import rubric
from agentic_styling.rewards.judges.chat_answers import ChatAnswers
from agentic_styling.rewards.judges.chat_cost import Estimate, estimate, picture_tokens, text_tokens
from agentic_styling.rewards.judges.chat_endpoint import JUDGE
from agentic_styling.rewards.scores import PARTS, Scores, combine
from agentic_styling.utils.errors import InputError

ANSWER_TOKENS = 64  # six names and numbers


class _Question(NamedTuple):
    model: str
    row: int
    request: str
    source: np.ndarray
    result: np.ndarray
    sample: str = ""

    @property
    def where(self) -> str:
        return f"row {self.row}"

    def body(self) -> dict:
        return {
            "model": self.model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": rubric.chat_messages(self.request, self.source, self.result),
        }


class ApiJudge:
    """A judge of edits.

    The key is read from AGENTIC_STYLING_JUDGE_KEY when a question is asked and stored nowhere;
    redirects are refused, so that it reaches no other host.

    Args:
      model: its name.
      cache: the folder of its answers.
      url: the endpoint's base, such as "https://api.openai.com/v1"; by default the value of
        AGENTIC_STYLING_JUDGE_URL. Plain http is allowed to this machine only.
      sleep: waits between attempts.

    Raises:
      InputError: an invalid url.
    """

    def __init__(
        self,
        model: str,
        cache: str | Path,
        url: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.model = model
        self._answers = ChatAnswers(JUDGE, cache, _accept, url, sleep)
        self.cache, self.url = self._answers.cache, self._answers.url

    def __call__(self, sources, results, requests) -> Scores:
        """Scores a batch; each row is judged independently.

        Args:
          sources, results: uint8 or float [B, H, W, 3], floats in [0, 1]; or lists of [H, W, 3] of
            any sizes.
          requests: B tuples of steps, whose reasoning is not sent, or goals in words.

        Returns:
          Scores, [B] each.

        Raises:
          InputError: wrong arguments, no key, or a row without a usable answer. Answers received
            so far stay in the cache.
        """
        texts = self._answers(self._questions(sources, results, requests), "judging")
        answers = list(map(rubric.read_answer, texts))
        columns = {part: [answer[part] for answer in answers] for part in PARTS}
        return combine({part: jnp.array(column, jnp.float32) for part, column in columns.items()})

    def estimate(self, sources, results, requests, price_in: float, price_out: float) -> Estimate:
        """A rough estimate of a call with the same arguments; nothing is asked.

        Counts the questions that the cache lacks, without retries: a token for every four
        characters of text, and GPT-4o's tokens for pictures.

        Args:
          sources, results, requests: as for a call.
          price_in, price_out: for a million tokens; the cost is in the same currency.
        """
        questions = self._questions(sources, results, requests)
        missing = self._answers.look_up(questions).missing.values()
        tokens_in = sum(
            text_tokens(len(rubric.INSTRUCTIONS) + len(question.request))
            + sum(picture_tokens(*p.shape[:2]) for p in (question.source, question.result))
            for question in missing
        )
        tokens_out = ANSWER_TOKENS * len(missing)
        return estimate(len(missing), tokens_in, tokens_out, price_in, price_out)

    def _questions(self, sources, results, requests) -> list[_Question]:
        sources = rubric.pictures(sources, "sources")
        results = rubric.pictures(results, "results")
        requests = list(requests)
        if not len(sources) == len(results) == len(requests):
            raise InputError(
                f"{len(sources)} sources, {len(results)} results and {len(requests)} requests; "
                "give as many of each"
            )
        rows = enumerate(zip(rubric.batch_words(requests), sources, results, strict=True))
        return [_Question(self.model, row, *shown) for row, shown in rows]


def _accept(text: str) -> str:
    """The part of an answer that is cached: its six integers. Raises ValueError."""
    return json.dumps(rubric.read_answer(text))
