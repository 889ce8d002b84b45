"""A judge behind an OpenAI-compatible chat endpoint.

Of edits it sees the photograph, the result and the request, never the plan under test or a step's
reasoning; of plans it sees the photograph, the goal and the whole plan.
"""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp

from agentic_styling.rewards.judges.chat_answers import ChatAnswers, Question
from agentic_styling.rewards.judges.chat_cost import Estimate
from agentic_styling.rewards.judges.chat_endpoint import JUDGE
from agentic_styling.rewards.judges.edit_rubric import EDIT
from agentic_styling.rewards.judges.rubric import Rubric, pictures

PART_TOKENS = 11  # of an answer, a name and a number


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
        tokens_out = PART_TOKENS * len(self.rubric.questions)
        return self._answers.estimate(self._questions(columns), tokens_out)

    def _questions(self, columns) -> list[Question]:
        shown, words = self.rubric.split(columns, pictures)
        rows = enumerate(zip(words, *shown, strict=True))
        system, content = self.rubric.instructions, self.rubric.chat_content
        return [
            Question(self.model, f"row {row}", system, content(said, seen))
            for row, (said, *seen) in rows
        ]

    def _accept(self, text: str) -> str:
        """The part of an answer that is cached: its integers. Raises ValueError."""
        return json.dumps(self.rubric.read_answer(text))
