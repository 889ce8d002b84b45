"""A teacher behind an OpenAI-style chat endpoint: a vision-language model writes the plans."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence

from agentic_styling.data.goals.sets import read
from agentic_styling.data.teachers.teachers import (
    TEMPERATURES,
    checked_temperatures,
    why_unfit,
    with_plans,
)
from agentic_styling.planner import PLAN_FORMS
from agentic_styling.rewards.judges import chat_cost
from agentic_styling.rewards.judges.chat_answers import SILENCE, WORKERS, ChatAnswers, Question
from agentic_styling.rewards.judges.chat_endpoint import TEACHER
from agentic_styling.tools import Plan, PlanError
from agentic_styling.utils.errors import InputError

TRIES = 3  # samples of a plan, until one can be used
HOPELESS = 50  # after so many answers without one valid plan the model is not asked again
# For the estimate: characters of the scripted teacher's goals and plans.
GOAL, PLAN, STEP = 80, 400, 210
NO_ANSWER, NOT_JSON = "no plan: no answer", "no plan: not JSON"
STEPS, FIELDS = "no plan: wrong number of steps", "no plan: wrong fields"
# Why a text is not a plan, by a pattern of its PlanError; the first match counts.
REASONS = {
    r"plan: not JSON": NOT_JSON,
    r"steps: \d+ steps": STEPS,
    r"step \d+: unknown tool": "no plan: unknown tool",
    r".* (is not an option|has no option|names no step)": "no plan: unknown option",
    r"step \d+": "no plan: bad step",
    r"": FIELDS,
}


class EndpointTeacher:
    """A model behind a chat endpoint, with its answers cached; see `ChatAnswers`.

    A context's plans differ in temperature. An answer that is not a plan with the set's number of
    steps is sampled again, up to TRIES times in all. The API key is AGENTIC_STYLING_TEACHER_KEY.

    Args:
      set_name: of the set whose numbers of steps the plans must have.
      model: its name at the endpoint.
      cache: folder of the answers.
      temperatures: taken in turn by a context's plans.
      url, workers, sleep: see `ChatAnswers`. The url is not part of `settings()`, so use another
        cache for another model of the same name.
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
        self.answers = ChatAnswers(TEACHER, cache, accept_any, url, sleep, workers)

    def settings(self) -> dict:
        return {
            "name": self.name,
            "model": self.model,
            "temperatures": list(self.temperatures),
            "tries": TRIES,
            "prompt": hashlib.sha256(self.system.encode()).hexdigest()[:16],
        }

    def __call__(self, drawn, sources, seeds, count):
        """As `Teacher`; a plan that all tries failed to give is counted under its last reason.

        Raises InputError without a key, for a question without a reply, and if none of the first
        HOPELESS answers or more is a plan; answers are cached in any case.
        """
        temperatures = [self.temperatures[k % len(self.temperatures)] for k in range(count)]
        wanted = [(c, k) for c in range(len(drawn)) for k in range(count)]
        plans: dict[tuple[int, int], Plan] = {}
        for attempt in range(TRIES):
            left = [which for which in wanted if which not in plans]
            failures = Counter()
            questions = [
                Question(
                    self.model,
                    drawn[c].id,
                    self.system,
                    (sources[c], drawn[c].goal.text),
                    temperatures[k],
                    f"sample {temperatures[:k].count(temperatures[k])}, attempt {attempt}",
                )
                for c, k in left
            ]
            for which, text in zip(left, self.answers(questions, "asking", "plan"), strict=True):
                plan = read_plan(text or SILENCE, *self.steps)
                if isinstance(plan, Plan):
                    plans[which] = plan
                else:
                    failures[plan] += 1
            if not plans and failures.total() >= HOPELESS:
                reasons = [f"{n} {why.partition(': ')[2]}" for why, n in failures.most_common()]
                raise InputError(
                    f"teacher: none of {failures.total()} answers of {self.model} is a plan "
                    f"({', '.join(reasons)}); use another model"
                )
        kept = [{} for _ in drawn]
        for row, k in sorted(plans):
            kept[row][temperatures[k], k] = plans[row, k]
        name = f"{self.name} {self.model}"
        return [with_plans(*each, name) for each in zip(drawn, kept, strict=True)], failures

    def estimate(self, plans: int, size: int) -> chat_cost.Estimate:
        """What this many plans of size x size pictures ask, without retries or hidden thoughts."""
        tokens_in = chat_cost.text_tokens(len(self.system) + GOAL)
        tokens_in += chat_cost.picture_tokens(size, size)
        tokens_out = chat_cost.text_tokens(PLAN + STEP * self.steps[1])
        return chat_cost.Estimate(plans, plans * tokens_in, plans * tokens_out)

    def announce(self, plans: int, *, size: int, prices=None, yes: bool = False) -> None:
        """Prints the estimate for this many plans, see `chat_cost.announce`."""
        questions = f"{self.model}: {plans} questions, minus the answers in {self.answers.cache}"
        chat_cost.announce("build", questions, self.estimate(plans, size), prices, yes)


def system_text(low: int, high: int) -> str:
    """The system turn: the tools, the form of a plan, and how many steps it has."""
    return f"{PLAN_FORMS['json'].system_text()}\n\nA plan takes {low} to {high} steps, no more."


def read_plan(text: str, low: int, high: int) -> Plan | str:
    """The plan of low to high steps in a model's answer, or the reason, of REASONS, for none."""
    if text == SILENCE:
        return NO_ANSWER
    try:
        plan = Plan.from_json(text)
    except PlanError as error:
        return next(why for said, why in REASONS.items() if re.match(said, str(error)))
    return STEPS if why_unfit(plan, low, high) else plan


def accept_any(text: str) -> str:
    """Every answer is cached, plan or not: it was paid for. Raises ValueError if empty."""
    if not text:
        raise ValueError("the answer is empty")
    return text.encode("utf-8", "replace").decode()
