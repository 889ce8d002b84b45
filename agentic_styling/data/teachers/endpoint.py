"""A teacher behind a chat endpoint of OpenAI's kind: a vision-language model writes the plans."""

import dataclasses
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agentic_styling.data.goals.sets import read
from agentic_styling.data.pipeline import Context
from agentic_styling.data.teachers.teachers import TEMPERATURES, checked_temperatures, why_unfit
from agentic_styling.planner import PLAN_FORMS
from agentic_styling.rewards.judges import chat_cost
from agentic_styling.rewards.judges.chat_answers import (
    SILENCE,
    WORKERS,
    ChatAnswers,
    picture_part,
    text_part,
)
from agentic_styling.rewards.judges.chat_endpoint import TEACHER
from agentic_styling.tools import Plan, PlanError
from agentic_styling.utils.errors import InputError

TRIES = 3  # samples of a plan, until one can be used
HOPELESS = 50  # so many answers without a plan among them, and the model is asked no further
# For the estimate, in characters: those of the procedural teacher's goals and plans.
GOAL, PLAN, STEP = 80, 400, 210
NO_ANSWER, NOT_JSON = "no plan: no answer", "no plan: not JSON"
STEPS, FIELDS = "no plan: wrong number of steps", "no plan: wrong fields"
# Why a text is no plan, by what its PlanError says; the first that fits.
REASONS = {
    r"plan: not JSON": NOT_JSON,
    r"steps: \d+ steps": STEPS,
    r"step \d+: unknown tool": "no plan: unknown tool",
    r".* (is not an option|has no option|names no step)": "no plan: unknown option",
    r"step \d+": "no plan: bad step",
    r"": FIELDS,
}


class _Question(NamedTuple):
    """One sample of a context's plan; `sample` tells it from others at the same temperature."""

    model: str
    system: str
    temperature: float
    where: str
    goal: str
    picture: np.ndarray
    sample: str

    def body(self) -> dict:
        content = [picture_part(self.picture), text_part(self.goal)]
        return {
            "model": self.model,
            "temperature": self.temperature,
            "response_format": {"type": "json_object"},
            "messages": [
                {"role": "system", "content": self.system},
                {"role": "user", "content": content},
            ],
        }


class EndpointTeacher:
    """The model of that name, its answers kept in the folder `cache`; see `ChatAnswers`.

    A context's plans differ in temperature. An answer that is no plan of the set's number of steps
    is asked for anew, TRIES times in all. url: by default that of AGENTIC_STYLING_TEACHER_URL,
    which is not in the settings: give another root for another model of the same name. The key is
    that of AGENTIC_STYLING_TEACHER_KEY. Raises InputError for bad temperatures and a bad url.
    """

    name = "endpoint"

    def __init__(
        self,
        set_name: str,
        model: str,
        cache,
        *,
        temperatures: Sequence[float] = TEMPERATURES,
        url: str = "",
        workers: int = WORKERS,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.model, self.steps = model, tuple(read(set_name)["steps"])
        self.temperatures = checked_temperatures(temperatures)
        self.system = system_text(*self.steps)
        self.answers = ChatAnswers(TEACHER, cache, _accept, url, sleep, workers)

    def settings(self) -> dict:
        return {
            "name": self.name,
            "model": self.model,
            "temperatures": list(self.temperatures),
            "tries": TRIES,
            "prompt": hashlib.sha256(self.system.encode()).hexdigest()[:16],
        }

    def __call__(self, drawn, sources, seeds, count):
        """As `Teacher`; a plan that no try brought is counted by the last try's fault of REASONS.

        Raises InputError without a key, for a question without a reply, and where the first
        HOPELESS answers or more are no plans; what was answered is kept all the same.
        """
        heats = [self.temperatures[k % len(self.temperatures)] for k in range(count)]
        wanted = [(c, k) for c in range(len(drawn)) for k in range(count)]
        plans: dict[tuple[int, int], Plan] = {}
        for attempt in range(TRIES):
            left = [which for which in wanted if which not in plans]
            faults = Counter()
            questions = [
                self._question(drawn[c], sources[c], heats[k], heats[:k].count(heats[k]), attempt)
                for c, k in left
            ]
            for which, text in zip(left, self.answers(questions, "asking", "plan"), strict=True):
                found = read_plan(text, *self.steps)
                if isinstance(found, Plan):
                    plans[which] = found
                else:
                    faults[found] += 1
            self._check_hope(plans, faults)
        return [self._taught(c, plans, i, heats) for i, c in enumerate(drawn)], faults

    def estimate(
        self, plans: int, size: int, price_in: float, price_out: float
    ) -> chat_cost.Estimate:
        """What so many plans for pictures of size x size take, roughly, if none is kept yet.

        Prices are of a million tokens. Tries after the first and hidden reasoning are not counted.
        """
        tokens_in = chat_cost.text_tokens(len(self.system) + GOAL)
        tokens_in += chat_cost.picture_tokens(size, size)
        tokens_out = chat_cost.text_tokens(PLAN + STEP * self.steps[1])
        return chat_cost.estimate(plans, plans * tokens_in, plans * tokens_out, price_in, price_out)

    def announce(self, plans: int, *, size: int, prices=None, yes: bool = False) -> None:
        """Say what so many plans will take. Raises InputError without `yes`, if any are to come."""
        found = self.estimate(plans, size, *chat_cost.checked_prices(prices))
        questions = f"{self.model}: {plans} questions, less the answers in {self.answers.cache}"
        chat_cost.announce("build", questions, found, prices is not None, yes)

    def _question(self, context: Context, picture, heat: float, number: int, attempt: int):
        return _Question(
            self.model,
            self.system,
            heat,
            context.id,
            context.goal.text,
            picture,
            f"sample {number}, attempt {attempt}",
        )

    def _check_hope(self, plans: dict, faults: Counter) -> None:
        if not plans and faults.total() >= HOPELESS:
            told = ", ".join(f"{n} {why.partition(': ')[2]}" for why, n in faults.most_common())
            raise InputError(
                f"teacher: none of {faults.total()} answers of {self.model} is a plan ({told}); "
                "ask another model"
            )

    def _taught(self, context: Context, plans: dict, row: int, heats: list[float]) -> Context:
        """The context with its plans and the temperature of each, which stands for its skill."""
        kept = [k for k in range(len(heats)) if (row, k) in plans]
        return dataclasses.replace(
            context,
            plans=tuple(plans[row, k] for k in kept),
            skills=tuple(heats[k] for k in kept),
            teacher=f"{self.name} {self.model}",
        )


def system_text(low: int, high: int) -> str:
    """What the model is told: the tools, the form of a plan, and how many steps it takes."""
    return f"{PLAN_FORMS['json'].system_text()}\n\nA plan takes {low} to {high} steps, no more."


def read_plan(text: str, low: int, high: int) -> Plan | str:
    """The plan of low to high steps in a model's answer, or why there is none, of REASONS."""
    if text == SILENCE:
        return NO_ANSWER
    try:
        plan = Plan.from_json(text)
    except PlanError as error:
        return next(why for said, why in REASONS.items() if re.match(said, str(error)))
    return STEPS if why_unfit(plan, low, high) else plan


def _accept(text: str) -> str:
    """Every answer is kept as it is, plan or not: it was paid for. Raises ValueError if empty."""
    if not text:
        raise ValueError("the answer is empty")
    return text.encode("utf-8", "replace").decode()
