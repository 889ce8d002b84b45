"""Edits, and the plans behind them, judged by a vision-language model: records and means."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from agentic_styling.evaluation.bootstrap import bootstrap_mean
from agentic_styling.evaluation.methods import ENDPOINT
from agentic_styling.evaluation.runs import FRAME_SIDE, PICTURES, frame_name, source_name
from agentic_styling.evaluation.saved_results import JUDGED, lacks, read_judged, read_records
from agentic_styling.rewards import PARTS
from agentic_styling.rewards.judges.api_judge import PART_TOKENS, ApiJudge
from agentic_styling.rewards.judges.chat_cost import Estimate, announce, picture_tokens, text_tokens
from agentic_styling.rewards.judges.chat_endpoint import JUDGE, read_key
from agentic_styling.rewards.judges.edit_rubric import EDIT, request_words
from agentic_styling.rewards.judges.external_scales import imgedit, viescore
from agentic_styling.rewards.judges.plan_rubric import PLAN, PLAN_PARTS
from agentic_styling.rewards.judges.vlm_judge import VlmJudge
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.pictures import read_photo
from agentic_styling.utils.user_cache import user_cache

WORDS = 2500  # characters of a request, and of a goal with its plan, for an estimate
# What is averaged over a method's edits and over its plans.
EDIT_SCORES = (*PARTS, "overall", "reward", "viescore", "imgedit")
PLAN_SCORES = (*PLAN_PARTS, "overall")


class Edit(NamedTuple):
    """An edit to judge; source and result are uint8 [H, W, 3]. plan: None for an invalid one."""

    name: str
    method: str
    source: np.ndarray
    result: np.ndarray
    request: tuple[Step, ...] | str
    goal: str
    plan: Plan | None
    photo: str


def shown_edits(workdir: Path) -> list[Edit]:
    """The shown cases of an evaluated workdir, of every method.

    An invalid plan left the photograph unchanged. Raises InputError for a missing or broken file,
    or if no case is shown.
    """
    edits = []
    try:
        for row, record in enumerate(read_records(workdir)):
            if not record["shown"]:
                continue
            request = tuple(Step("", s["tool"], s["parameters"]) for s in record["request"])
            source = read_photo(workdir / PICTURES / source_name(row), min_side=1)
            for method, entry in record["methods"].items():
                plan = Plan.from_json(entry["plan"]) if entry["plan"] else None
                steps = len(plan.resolved) if plan else 0
                path = workdir / PICTURES / frame_name(row, method, steps)
                result = read_photo(path, min_side=1) if steps else source
                names = record["id"], method
                words = request, record["goal"], plan, record["photo"]
                edits.append(Edit(*names, source, result, *words))
    except KeyError as error:
        raise lacks(workdir, error) from error
    if not edits:
        raise InputError(f"{workdir}: no case is shown; evaluate with film_strips above 0")
    return edits


def check_judge(config: ConfigDict, edits: int, workdir: Path) -> dict:
    """Keyword arguments of `judge_edits` for an evaluation's config, checked before anything runs.

    The cost of judging so many edits by a model behind an endpoint is printed. Raises InputError
    if the judge is missing or another than before, or config.yes does not allow to ask it.
    """
    if not edits:
        raise InputError("judge: no case is shown; give film_strips above 0")
    model = config.judge.removeprefix(ENDPOINT)
    if (workdir / JUDGED).exists() and read_judged(workdir).get("judge") != model:
        raise InputError(f"{workdir / JUDGED}: of another judge than {model}; move it away")
    if not config.judge.startswith(ENDPOINT):
        if not (Path(config.judge) / "config.json").is_file():
            raise InputError(
                f"judge: {config.judge} holds no model; give the directory of a Qwen3-VL, or "
                f"{ENDPOINT}MODEL"
            )
        return {"vlm": config.judge}
    judges, prices = _api_judges(model), tuple(config.prices) or None
    read_key(JUDGE)
    words = sum(len(judge.rubric.instructions) for judge in judges) + WORDS
    tokens = text_tokens(words) + 3 * picture_tokens(FRAME_SIDE, FRAME_SIDE)
    answers = PART_TOKENS * (len(PARTS) + len(PLAN_PARTS))
    asked = Estimate(2 * edits, tokens * edits, answers * edits)
    questions = f"{model}: {2 * edits} questions, minus the answers in {judges[0].cache}"
    announce("evaluate", questions, asked, prices, config.yes, "--config.prices")
    return {"model": model, "prices": prices, "yes": True}


def _api_judges(model: str) -> list[ApiJudge]:
    """Of edits and of plans; their answers are kept in the user's cache."""
    return [ApiJudge(model, user_cache() / "answers", rubric=rubric) for rubric in (EDIT, PLAN)]


def judge_edits(
    edits: Sequence[Edit],
    *,
    vlm: str | Path | None = None,
    model: str | None = None,
    plans: bool = True,
    prices: tuple[float, float] | None = None,
    yes: bool = False,
) -> dict:
    """Judges edits and plans.

    Args:
      vlm: directory of a Qwen3-VL that judges on this machine. Exactly one of `vlm` and `model`.
      model: name of a model behind the endpoint of `ApiJudge`.
      plans: whether plans are judged too. An invalid plan has 0 in every part.
      prices: of a million tokens in and out, for the printed estimate.
      yes: send requests to the endpoint after the estimate, rather than stop there.

    Returns:
      The judge, the means of each method, and the scores of each edit, None where the model gave
      no usable answer.
    """
    planned = [edit for edit in edits if plans and edit.plan]
    columns = [
        [[getattr(edit, name) for edit in edits] for name in ("source", "result", "request")],
        [[getattr(edit, name) for edit in planned] for name in ("source", "goal", "plan")],
    ]
    if vlm is not None:
        judge = VlmJudge.from_pretrained(vlm)
        judges = [judge, dataclasses.replace(judge, rubric=PLAN)]
    else:
        judges = _api_judges(model)
        each = [judge.estimate(*own) for judge, own in zip(judges, columns, strict=True)]
        asked = Estimate(*map(sum, zip(*each, strict=True)))
        questions = f"{model}: {asked.questions} questions without an answer in {judges[0].cache}"
        announce("judge", questions, asked, prices, yes)
    scores, plan_scores = (judge(*column) for judge, column in zip(judges, columns, strict=True))
    rows = _rows(edits, scores)
    if plans:
        columns = jax.device_get(plan_scores)._asdict()
        judged = iter(_numbers(columns, row) for row in range(len(planned)))
        for row, edit in zip(rows, edits, strict=True):
            row["plan"] = next(judged) if edit.plan else dict.fromkeys(PLAN_SCORES, 0.0)
    return {"judge": str(vlm or model), "methods": _means(rows), "edits": rows}


def add_judged(results: dict, workdir: Path) -> None:
    """Adds the judge's name and each method's means to results, if the workdir was judged."""
    if not (workdir / JUDGED).exists():
        return
    judged = read_judged(workdir)
    try:
        results["judge"] = judged["judge"]
        for name, means in judged["methods"].items():
            results["methods"][name]["judge"] = means
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{workdir / JUDGED}: damaged ({error!r}); remove it") from error


def _rows(edits: Sequence[Edit], scores) -> list[dict]:
    """One record per edit: the request, the scores, and those on the scales of benchmarks."""
    scores, vie, img = jax.device_get((scores, viescore(scores), imgedit(scores)))
    return [
        {
            "edit": edit.name,
            "method": edit.method,
            "photo": edit.photo,
            "asked": request_words(edit.request),
            **_numbers(vars(scores), row),
            "viescore": _numbers(vie._asdict(), row),
            "imgedit": _numbers(img._asdict(), row),
        }
        for row, edit in enumerate(edits)
    ]


def _numbers(columns: dict, row: int) -> dict[str, float | None]:
    """A row of some columns; None for NaN, as JSON has none."""
    values = {name: float(column[row]) for name, column in columns.items()}
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _means(rows: list[dict]) -> dict[str, dict]:
    """Of each method and, under "plan", of its plans, what `_intervals` returns."""
    means = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        flat = [row | {s: row[s]["overall"] for s in ("viescore", "imgedit")} for row in own]
        plans = [row["plan"] | {"photo": row["photo"]} for row in own if "plan" in row]
        means[method] = _intervals("edits", flat, EDIT_SCORES)
        if plans:
            means[method]["plan"] = _intervals("plans", plans, PLAN_SCORES)
    return means


def _intervals(unit: str, rows: list[dict], names: Sequence[str]) -> dict:
    """How many rows were judged, how many not, and mean and interval of each score, by photo."""
    judged = [row for row in rows if row["overall"] is not None]
    photos = [row["photo"] for row in judged]
    clusters = photos if len(set(photos)) > 1 else None

    def interval(name: str) -> dict | None:
        values = [row[name] for row in judged]
        return bootstrap_mean(values, clusters=clusters)._asdict() if judged else None

    intervals = {name: interval(name) for name in names}
    return {unit: len(judged), "unanswered": len(rows) - len(judged), **intervals}
