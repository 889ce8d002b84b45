"""A planner behind a chat endpoint: zero-shot, with the tools' signatures in its prompt."""

from collections.abc import Sequence

import numpy as np

from agentic_styling.data.teachers.endpoint import PLAN, STEP, accept_any, system_text
from agentic_styling.evaluation.planning import Answer, derangement, parse
from agentic_styling.rewards.judges import chat_cost
from agentic_styling.rewards.judges.chat_answers import ChatAnswers, Question
from agentic_styling.rewards.judges.chat_endpoint import PLANNER, read_key
from agentic_styling.tools import MAX_STEPS
from agentic_styling.utils.user_cache import user_cache

STEPS = 4  # of a plan, for the estimate


class EndpointPlanner:
    """A model that was not trained on our plans; its answers are kept in the user's cache.

    model: its name at AGENTIC_STYLING_PLANNER_URL; the key is AGENTIC_STYLING_PLANNER_KEY. seed: of
    the derangement, which gives each goal another's picture. perception: whether that is asked too.
    Raises InputError for a bad url.

    Source: the zero-shot planner G of Mukherjee et al. 2026, arXiv 2603.07148.
    """

    def __init__(
        self,
        model: str,
        temperature: float,
        images: np.ndarray,
        goals: Sequence[str],
        seed: int,
        perception: bool = True,
    ):
        self.model, self.cases = model, len(goals)
        self.answers = ChatAnswers(PLANNER, user_cache() / "plans", accept_any)
        system, every = system_text(1, MAX_STEPS), np.arange(len(goals))
        self.questions = [
            Question(model, f"case {row}", system, (images[shown], goals[row]), temperature)
            for order in (every, *([derangement(len(goals), seed)] if perception else ()))
            for row, shown in enumerate(order)
        ]

    def announce(self, prices: tuple[float, float] | None, yes: bool) -> None:
        """Prints what the questions without a kept answer cost, see `chat_cost.announce`.

        Raises InputError as that does, and without a key if there are questions.
        """
        tokens_out = chat_cost.text_tokens(PLAN + STEPS * STEP)
        asked = self.answers.estimate(self.questions, tokens_out)
        cache = self.answers.cache
        questions = f"{self.model}: {asked.questions} questions without an answer in {cache}"
        chat_cost.announce("evaluate", questions, asked, prices, yes, "--config.prices")
        if asked.questions:
            read_key(PLANNER)

    def __call__(self) -> tuple[list[Answer], list[Answer] | None]:
        """An answer per case with its own picture, and with another's; see `planner_answers`."""
        texts = self.answers(self.questions, "asking", "plan")
        read = [parse(text or "") for text in texts]
        return read[: self.cases], read[self.cases :] or None
