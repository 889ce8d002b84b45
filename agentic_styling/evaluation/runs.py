"""One method over all cases: its plans, their pictures and scores, as records for cases.jsonl."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from agentic_styling.data import Trajectory
from agentic_styling.data.scoring import execute_and_score, score_samples
from agentic_styling.evaluation.endpoint import EndpointPlanner
from agentic_styling.evaluation.methods import ENDPOINT, WITHOUT_PLANNER
from agentic_styling.evaluation.plan_metrics import action_scores
from agentic_styling.evaluation.planning import (
    Answer,
    check_answerable,
    planner_answers,
    sampled_answers,
)
from agentic_styling.evaluation.saved_results import ANSWERS, KeptAnswers
from agentic_styling.rewards import PARTS
from agentic_styling.utils.pictures import SRGB

FRAME_SIDE = 256
PICTURES = "cases"  # folder of a workdir
SAMPLED = ("samples", "unaided", "standard")  # the same of `sampled_answers`
READINGS = ("own", "shuffled", "true_context")  # what a planner answers to, see `planner_answers`


@dataclass(frozen=True)
class Cases:
    """The held-out cases, their pictures (uint8 [N, H, W, 3]) and the rows shown in the report.

    rendered: the requests, for `execute_and_score`.
    """

    trajectories: list[Trajectory]
    images: np.ndarray
    shown: list[int]
    rendered: dict = field(default_factory=dict)

    def column(self, name: str) -> list:
        """A field of every trajectory."""
        return [getattr(trajectory, name) for trajectory in self.trajectories]


def case_record(case: Trajectory, shown: bool) -> dict:
    """The part of a case's record that does not depend on a method."""
    return {
        "id": case.id,
        "photo": case.photo,
        "goal": case.goal,
        "theme": case.theme,
        "explicit": case.explicit,
        "state": case.state,
        "request": [{"tool": s.tool, "parameters": s.parameters} for s in case.request],
        "shown": shown,
        "methods": {},
    }


def run_method(
    name: str, planners: Sequence[str], cases: Cases, config: ConfigDict, workdir: Path
) -> list[dict]:
    """The entries of one method, one per case (see results.py).

    planners: as of `read_methods`. workdir: gets the frames of shown cases of the first run, and
    keeps planners' answers in answers/NAME, so that an interrupted call can resume.
    """
    first, *more = (
        _run_planner(name, run, planner, cases, config, workdir)
        for run, planner in enumerate(planners or [None])
    )
    if more:
        for entry, *others in zip(first, *more, strict=True):
            entry["more_runs"] = others
    return first


def _run_planner(
    name: str, run: int, planner: str | None, cases: Cases, config: ConfigDict, workdir: Path
) -> list[dict]:
    """The entries of one training run of a method, or of a method without a planner."""
    method, shown = name + (f", run {run + 1}" if run else ""), [] if run else cases.shown
    kept = workdir / ANSWERS / name / str(run)
    own, other, informed = _answers(name, planner, cases, config, kept)
    scores, films = _run(own, cases, config, method, film=shown)
    entries = [
        {
            **_answer_entry(answer),
            "text": answer.text,
            "plan": json.loads(answer.plan.to_json()) if answer.valid else None,
            "reward": float(scores["reward"][row]),
            "held_out_reward": float(scores["held_out_reward"][row]),
            "overall": float(scores["overall"][row]),
            "scores": {part: float(scores[part][row]) for part in PARTS},
            "actions": action_scores(answer.plan.resolved_steps, case.request),
            "shuffled": None,
        }
        for row, (answer, case) in enumerate(zip(own, cases.trajectories, strict=True))
    ]
    if other is not None:
        # A method that does not read the picture gives the same answer to any.
        label = f"{method}, shuffled"
        again = scores if other is own else _run(other, cases, config, label, held_out=False)[0]
        for entry, answer, reward in zip(entries, other, again["reward"], strict=True):
            entry["shuffled"] = {**_answer_entry(answer), "reward": float(reward)}
    if informed:
        label = f"{method}, true context"
        rewards = _run(informed, cases, config, label, held_out=False)[0]["reward"]
        for entry, answer, reward in zip(entries, informed, rewards, strict=True):
            entry["true_context"] = {"valid": answer.valid, "reward": float(reward)}
    if planner and not planner.startswith(ENDPOINT) and config.samples:
        sampled = _sampled(planner, run, cases, config, kept, method)
        for entry, more in zip(entries, sampled, strict=True):
            entry["sampled"] = more
    for row, film in zip(shown, films, strict=True):
        for step in range(1, len(own[row].plan.resolved) + 1):
            save_picture(workdir / PICTURES / frame_name(row, name, step), film[step])
    return entries


def _sampled(
    planner: str, run: int, cases: Cases, config: ConfigDict, kept: Path, method: str
) -> list[dict]:
    """What results.py calls `sampled`, of each case."""
    found = sampled_answers(
        Path(planner),
        _standard(config, run),
        cases.images,
        cases.column("goal"),
        samples=config.samples,
        temperature=config.temperature,
        seed=config.seed,
        kept=[KeptAnswers(kept / f"{name}.jsonl") for name in SAMPLED],
        **_options(cases, config),
    )
    both = score_samples(
        cases.images,
        [[answer.plan for answer in samples.answers] for samples in found],
        cases.column("request"),
        seed=config.seed,
        label=f"{method}, samples",
        rendered=cases.rendered,
    )
    return [
        {
            **{name: values[row].tolist() for name, values in both.items()},
            "best_of_context": case.reward,
            "logps": samples.logps,
            "standard_logps": samples.standard_logps,
            "choices": samples.choices,
            "valid_unaided": samples.valid_unaided,
        }
        for row, (samples, case) in enumerate(zip(found, cases.trajectories, strict=True))
    ]


def _standard(config: ConfigDict, run: int) -> Path | None:
    """The planner of S that a training run is compared with: of its own number, or the first."""
    planners = config.methods.get("standard")
    if not planners:
        return None
    planners = [planners] if isinstance(planners, str) else planners
    return Path(planners[run if run < len(planners) else 0])


def frame_name(row: int, method: str, step: int) -> str:
    """File name of the picture of case `row` after `step` steps of a method."""
    return f"{row:04d}_{method}_{step}.jpg"


def source_name(row: int) -> str:
    """File name of the source picture of case `row`."""
    return f"{row:04d}_source.jpg"


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 [H, W, 3] as JPEG, its longer side at most 256 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    picture.thumbnail((FRAME_SIDE, FRAME_SIDE))
    picture.save(path, quality=85, icc_profile=SRGB)


def _answers(
    name: str, planner: str | None, cases: Cases, config: ConfigDict, kept: Path
) -> tuple[list[Answer], list[Answer] | None, list[Answer] | None]:
    """As `planner_answers`; kept: folder of the texts. The teacher is given no other pictures."""
    if planner is None:
        rng = np.random.default_rng(config.seed)
        own = [Answer(WITHOUT_PLANNER[name](case, rng), True) for case in cases.trajectories]
        return own, None if name == "teacher_best" else own, None
    if planner.startswith(ENDPOINT):
        return *_endpoint_planner(name, planner, cases, config)(), None
    return planner_answers(
        Path(planner),
        cases.images,
        cases.column("goal"),
        seed=config.seed,
        temperature=config.temperature,
        perception=_perception(name, config),
        kept=[KeptAnswers(kept / f"{shown}.jsonl") for shown in READINGS],
        **_options(cases, config),
    )


def check_run(name: str, planner: str, cases: Cases, config: ConfigDict) -> None:
    """Raises InputError if a method's planner cannot answer the cases, or may not be asked."""
    if planner.startswith(ENDPOINT):
        prices = tuple(config.prices) or None
        _endpoint_planner(name, planner, cases, config).announce(prices, config.yes)
    else:
        goals = cases.column("goal")
        check_answerable(Path(planner), cases.images, goals, **_options(cases, config))


def _options(cases: Cases, config: ConfigDict) -> dict:
    """What a planner is given beside pictures and goals, but the sampling."""
    options = {name: config[name] for name in ("constrained", "max_new_tokens")}
    return {"states": cases.column("state"), **options}


def _endpoint_planner(name: str, planner: str, cases: Cases, config: ConfigDict) -> EndpointPlanner:
    """The planner of endpoint:MODEL with its questions about the cases."""
    given = (config.temperature, cases.images, cases.column("goal"), config.seed)
    return EndpointPlanner(planner.removeprefix(ENDPOINT), *given, _perception(name, config))


def _perception(name: str, config: ConfigDict) -> bool:
    """Whether a method is also shown another's picture, and given the true context."""
    return bool({"all", name} & set(config.perception))


def _run(answers: list[Answer], cases: Cases, config: ConfigDict, label: str, **options) -> tuple:
    return execute_and_score(
        cases.images,
        [answer.plan for answer in answers],
        cases.column("request"),
        seed=config.seed,
        label=label,
        rendered=cases.rendered,
        **options,
    )


def _answer_entry(answer: Answer) -> dict:
    """Validity and context of an answer; an invalid one states no context."""
    return {"valid": answer.valid, "context": answer.plan.context if answer.valid else None}
