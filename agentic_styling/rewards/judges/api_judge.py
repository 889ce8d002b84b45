"""A judge behind an OpenAI-compatible chat endpoint.

Of edits it sees the photograph, the result and the request, never the plan under test or a step's
reasoning; of plans it sees the photograph, the goal and the whole plan.
"""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from agentic_styling.rewards.judges.chat_answers import ChatAnswers
from agentic_styling.rewards.judges.chat_cost import Estimate, picture_tokens, text_tokens
from agentic_styling.rewards.judges.chat_endpoint import JUDGE
from agentic_styling.rewards.judges.edit_rubric import EDIT
from agentic_styling.rewards.judges.rubric import Rubric, pictures

PART_TOKENS = 11  # of an answer, a name and a number


class _Question(NamedTuple):
    model: str
    row: int
    rubric: Rubric
    words: str
    shown: tuple[np.ndarray, ...]
    sample: str = ""

    @property
    def where(self) -> str:
        return f"row {self.row}"

    def body(self) -> dict:
        return {
            "model": self.model,
            "temperature": 0,
            "response_format": {"type": "json_object"},
            "messages": self.rubric.messages(self.words, self.shown),
        }


class ApiJudge:
    """A judge of edits, or of plans.

    The key is read from AGENTIC_STYLING_JUDGE_KEY when a question is asked and stored nowhere;
    redirects are refused, so that it reaches no other host. Plain http is allowed to this machine
    only.

    Args:
      model: its name.
      rubric: EDIT, or PLAN.
      cache, url, sleep: see `ChatAnswers`.
    """

    def __init__(
        self,
        model: str,
        cache: str | Path,
        url: str = "",
        sleep: Callable[[float], None] = time.sleep,
        rubric: Rubric = EDIT,
    ):
        self.model, self.rubric = model, rubric
        self._answers = ChatAnswers(JUDGE, cache, self._accept, url, sleep)
        self.cache, self.url = self._answers.cache, self._answers.url

    def __call__(self, *columns):
        """Scores a batch; each row is judged independently. Columns are as for `VlmJudge`.

        Returns:
          Scores or PlanScores, [B] each; NaN in a row whose answers stayed malformed.

        Raises:
          InputError: wrong arguments, no key, a row that cannot be asked, or malformed answers to
            all rows. Answers received so far stay in the cache.
        """
        texts = self._answers(self._questions(columns), "judging")
        unknown = dict.fromkeys(self.rubric.questions, math.nan)
        answers = [self.rubric.read_answer(text) if text else unknown for text in texts]
        parts = {part: [answer[part] for answer in answers] for part in unknown}
        return self.rubric.combine({p: jnp.array(c, jnp.float32) for p, c in parts.items()})

    def estimate(self, *columns) -> Estimate:
        """What a call with the same columns would ask, without retries; nothing is asked."""
        missing = self._answers.look_up(self._questions(columns)).missing.values()
        tokens_in = sum(
            text_tokens(len(self.rubric.instructions) + len(question.words))
            + sum(picture_tokens(*picture.shape[:2]) for picture in question.shown)
            for question in missing
        )
        tokens_out = PART_TOKENS * len(self.rubric.questions) * len(missing)
        return Estimate(len(missing), tokens_in, tokens_out)

    def _questions(self, columns) -> list[_Question]:
        count = len(self.rubric.captions)
        shown = map(pictures, columns[:count], self.rubric.columns)
        shown, words = self.rubric.split([*shown, *columns[count:]])
        rows = enumerate(zip(words, *shown, strict=True))
        return [_Question(self.model, row, self.rubric, said, seen) for row, (said, *seen) in rows]

    def _accept(self, text: str) -> str:
        """The part of an answer that is cached: its integers. Raises ValueError."""
        return json.dumps(self.rubric.read_answer(text))
