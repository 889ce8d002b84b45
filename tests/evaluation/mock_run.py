"""A fast evaluation: real records, results and report from made-up outputs and scores.

Only the planner, the executor and the rewards are replaced.
"""

from importlib import import_module

import numpy as np

from agentic_styling.data import Trajectory
from agentic_styling.evaluation import methods, runs
from agentic_styling.evaluation.evaluate import default_config, evaluate
from agentic_styling.evaluation.planning import Samples, derangement, parse
from agentic_styling.evaluation.results import METHODS
from agentic_styling.rewards import PARTS
from agentic_styling.tools import Plan, Step

HOSTILE = '<script>alert(1)</script><img src="http://evil.test/x" onerror="alert(2)">'
LEVELS = dict(zip(METHODS, (2.1, 0.9, 3.4, 3.3, 3.6, 3.55, 3.1, 4.7), strict=True))
STATES = (
    {"time_of_day": "night_moonlit", "weather": "fog_dense"},
    {"color_grading": "warm_sunset"},
    {"season": "winter_bare", "mood_lighting": "ominous_dark", "weather": "light_snow"},
)
GOALS = (
    "make it a misty dawn",
    "like a forgotten fairy tale",
    "a bright morning, keep its colours",
)


def teacher_plan(state):
    """A plan of three edits and a kept attribute that reads the state correctly."""
    steps = (
        Step(
            f"{next(iter(state.values()))} is too dark for a misty dawn, so lift it.".replace(
                "_", " "
            ),
            "time_of_day",
            {"source_time": state.get("time_of_day", "unknown"), "target_time": "sunrise_golden"},
        ),
        Step(
            "A thin veil of mist softens the far trees.",
            "weather",
            {"weather_type": "mist_light", "strength": 0.75},
        ),
        Step(
            "Pale gold light gathers it into one mood.",
            "color_grading",
            {"target_palette": "pastel_soft", "strength": 0.5},
        ),
        Step("The goal asks to keep them.", "preserve_attribute", {"attribute_type": "color"}),
    )
    words = "Turn it into a misty dawn in pale gold, soften the distance, and keep its colours."
    return Plan(state, steps, words)


def make_cases(count, images):
    cases = []
    for i in range(count):
        state, plan = STATES[i % 3], teacher_plan(STATES[i % 3])
        cases.append(
            Trajectory(
                id=f"test-{i:04d}-0",
                context_id=f"test-{i:04d}",
                split="test",
                photo=f"photo{i % 4}.jpg",
                image=images[i % len(images)],
                state=state,
                goal=GOALS[i % 3],
                theme="misty dawn",
                explicit=i % 3 == 0,
                request=tuple(Step("", s.tool, s.parameters) for s in plan.steps[:2]),
                plan=plan,
                reward=4.7,
                scores=dict.fromkeys((*PARTS, "overall"), 90.0),
                provenance={},
            )
        )
    return cases


def mocked_texts(name, cases, rng):
    """A trained planner reads most states correctly; the untrained one writes markup."""
    if name == "baseline":
        return [HOSTILE for _ in cases]
    texts = []
    for case in cases:
        seen = dict(case.state) if rng.random() < 0.8 else {"weather": "overcast_gray"}
        plan = teacher_plan(case.state)
        steps = (
            Step(HOSTILE, plan.steps[0].tool, plan.steps[0].parameters)
            if name == "dpo"
            else plan.steps[0],
            *plan.steps[1:],
        )
        instruction = HOSTILE if name == "dpo" else plan.instruction
        texts.append(Plan(seen, steps, instruction).to_json())
    if name != "standard":
        texts[0] = texts[0][:-30]
    return texts


def still(picture):
    """Frames that all equal the picture."""
    return np.repeat(picture[None], 9, axis=0)


def mock_evaluation(monkeypatch, workdir, *, images, count=6, draw_film=still, **settings):
    """Runs `evaluate` with all eight methods on made-up cases; returns its results."""
    mock_planners(monkeypatch, make_cases(count, images), draw_film)
    return evaluate(mock_config(workdir, **settings), workdir)


def mock_planners(monkeypatch, cases, draw_film=still):
    """Replaces planner, executor and rewards; returns the names of what is then run."""
    rng, ran = np.random.default_rng(0), []

    def planner_answers(directory, pictures, goals, *, seed, perception, **_):
        ran.append(directory.name)
        texts = mocked_texts(str(directory.name), cases, rng)
        if not perception:
            return [parse(text) for text in texts], None, None
        others = [texts[i] for i in derangement(len(texts), seed)]
        told = [teacher_plan(case.state).to_json() for case in cases]
        return tuple([parse(t) for t in read] for read in (texts, others, told))

    def sampled_answers(directory, standard, pictures, goals, *, samples, **_):
        texts = mocked_texts(directory.name, cases, rng)
        logps = standard and [-9.0] * samples
        return [
            Samples([parse(text)] * samples, [-6.0] * samples, [3] * samples, logps, row > 0)
            for row, text in enumerate(texts)
        ]

    def execute_and_score(pictures, plans, requests, *, label, film=(), **_):
        name, *given = label.split(", ")
        level = LEVELS[name] - (0.8 if "shuffled" in given else 0)
        rewards = np.clip(rng.normal(level, 0.5, len(plans)), 0, 5)
        noise = rng.normal(0, 6, (len(PARTS), len(plans)))
        parts = dict(zip(PARTS, np.clip(20 * rewards + noise, 0, 100), strict=True))
        overall = np.mean(list(parts.values()), axis=0)
        films = [draw_film(pictures[row]) for row in film]
        held_out = np.clip(rewards - 0.5 + rng.normal(0, 0.2, len(plans)), 0, 5)
        scores = {"overall": overall, "reward": rewards, "held_out_reward": held_out}
        return parts | scores, films

    def score_samples(pictures, plans, requests, *, label, **_):
        samples = zip(*plans, strict=True)
        drawn = [execute_and_score(pictures, own, requests, label=label)[0] for own in samples]
        names = ("reward", "held_out_reward")
        return {name: np.stack([scores[name] for scores in drawn], 1) for name in names}

    # The package exports the function under the name of its module.
    module = import_module("agentic_styling.evaluation.evaluate")
    monkeypatch.setattr(module, "read_trajectories", lambda *_, **__: cases)
    for replaced in (planner_answers, sampled_answers, execute_and_score, score_samples):
        monkeypatch.setattr(runs, replaced.__name__, replaced)
    monkeypatch.setattr(methods, "check_planner", lambda *_: None)
    monkeypatch.setattr(runs, "check_answerable", lambda *_, **__: None)
    return ran


def mock_config(workdir, **settings):
    """A config of all eight methods, whose planners are directories below the workdir."""
    config = default_config()
    config.update({"cases": "cases", "bootstrap_samples": 300, **settings})
    for name in METHODS:
        reads_words = name in ("edit_only", "teacher_best")
        directory = workdir / "planners" / name
        directory.mkdir(parents=True, exist_ok=True)
        config.methods[name] = None if reads_words else str(directory)
    return config
