"""The `judge` command: scores edited pictures with a vision-language model."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from agentic_styling.data import read_photo
from agentic_styling.evaluation.bootstrap import bootstrap_mean
from agentic_styling.evaluation.runs import frame_name, source_name
from agentic_styling.evaluation.saved_results import lacks, read_records
from agentic_styling.evaluation.text_tables import aligned, with_interval
from agentic_styling.rewards import PARTS, Scores
from agentic_styling.rewards.judges.api_judge import ApiJudge
from agentic_styling.rewards.judges.chat_cost import announce, checked_prices
from agentic_styling.rewards.judges.external_scales import imgedit, viescore
from agentic_styling.rewards.judges.rubric import request_words
from agentic_styling.rewards.judges.vlm_judge import VlmJudge
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError

# The scores of the table and their headings.
COLUMNS = {
    "instruction_following": "instruction",
    "visual_quality": "quality",
    "transformation_strength": "strength",
    "coherence": "coherence",
    "semantic_accuracy": "meaning",
    "technical_execution": "technique",
    "overall": "overall",
    "viescore": "VIEScore",
    "imgedit": "ImgEdit",
}


class Edit(NamedTuple):
    """An edit to judge; source and result are uint8 [H, W, 3]."""

    name: str
    method: str
    source: np.ndarray
    result: np.ndarray
    request: tuple[Step, ...] | str


def judge(
    pictures: list[str],
    out: Path,
    *,
    cache: Path,
    goal: str | None = None,
    vlm: str | None = None,
    model: str | None = None,
    prices: tuple[float, float] | None = None,
    yes: bool = False,
) -> dict:
    """Judge edits, print a table of mean scores, and write them all as JSON.

    Args:
      pictures: a photograph and its edit; or one workdir of `evaluate`, whose shown cases are
        judged for every method, as the report shows them (JPEG, at most 256 pixels a side).
      out: the file to write, which must not exist.
      cache: directory of the endpoint's answers.
      goal: what the photograph was to become; None for a workdir.
      vlm: directory of a Qwen3-VL that judges on this machine. Exactly one of `vlm` and `model`.
      model: name of a model behind the endpoint of `ApiJudge`.
      prices: of a million tokens in and out, for the printed estimate.
      yes: send requests to the endpoint after the estimate, rather than stop there.

    Returns:
      The content of `out`: the judge, the means of each method, and the scores of each edit.

    Raises:
      InputError: a picture cannot be read, arguments do not fit, or `out` exists.
    """
    if (vlm is None) == (model is None):
        raise InputError("judge: give either --judge DIRECTORY or --model NAME, one of the two")
    if out.exists():
        raise InputError(f"{out}: exists already; move it or choose another --out")
    if not out.parent.is_dir():
        raise InputError(
            f"{out}: there is no folder {out.parent}; create it or choose another --out"
        )
    edits = read_edits(pictures, goal)
    batch = [[getattr(edit, name) for edit in edits] for name in ("source", "result", "request")]
    if vlm is not None:
        scores = VlmJudge.from_pretrained(vlm)(*batch)
    else:
        endpoint = ApiJudge(model, cache)
        cost = endpoint.estimate(*batch, *checked_prices(prices))
        questions = f"{model}: {cost.questions} questions without an answer in {endpoint.cache}"
        announce("judge", questions, cost, prices is not None, yes)
        scores = endpoint(*batch)
    rows = _rows(edits, scores)
    judged = {"judge": vlm or model, "methods": _means(rows), "edits": rows}
    with out.open("x", encoding="utf-8") as file:
        file.write(json.dumps(judged, indent=1, ensure_ascii=False) + "\n")
    print(f"{_table(judged['methods'])}\n{out}")
    return judged


def read_edits(pictures: list[str], goal: str | None) -> list[Edit]:
    """The edits of a workdir, or a photograph and its edit; see `judge`. Raises InputError."""
    if len(pictures) == 1 and Path(pictures[0]).is_dir():
        if goal is not None:
            raise InputError("--goal: the cases of a workdir have their own; leave it out")
        return _evaluated(Path(pictures[0]))
    if len(pictures) != 2:
        raise InputError(
            f"judge: {' '.join(pictures)} is neither a photograph and its edit nor a workdir of "
            "evaluate; give one of these"
        )
    if not (goal or "").strip():
        raise InputError("--goal is missing; say what the photograph was to become")
    source, result = map(read_photo, pictures)
    return [Edit(pictures[1], Path(pictures[1]).name, source, result, goal)]


def _evaluated(workdir: Path) -> list[Edit]:
    """The shown cases of every method; an invalid plan left the photograph unchanged."""
    edits = []
    try:
        for row, record in enumerate(read_records(workdir)):
            if not record["shown"]:
                continue
            request = tuple(Step("", s["tool"], s["parameters"]) for s in record["request"])
            source = read_photo(workdir / "cases" / source_name(row))
            for method, entry in record["methods"].items():
                plan = Plan.from_json(entry["plan"]) if entry["plan"] else Plan({}, (), "")
                steps = len(plan.resolved)
                path = workdir / "cases" / frame_name(row, method, steps)
                result = read_photo(path) if steps else source
                edits.append(Edit(record["id"], method, source, result, request))
    except KeyError as error:
        raise lacks(workdir, error) from error
    if not edits:
        raise InputError(f"{workdir}: no case is shown; evaluate with film_strips above 0")
    return edits


def _rows(edits: list[Edit], scores: Scores) -> list[dict]:
    """One record per edit: the request, the scores, and those on the scales of benchmarks."""
    scores, vie, img = jax.device_get((scores, viescore(scores), imgedit(scores)))

    def numbers(group: dict, row: int) -> dict[str, float]:
        return {name: float(column[row]) for name, column in group.items()}

    return [
        {
            "edit": edit.name,
            "method": edit.method,
            "asked": request_words(edit.request),
            **numbers(vars(scores), row),
            "viescore": numbers(vie._asdict(), row),
            "imgedit": numbers(img._asdict(), row),
        }
        for row, edit in enumerate(edits)
    ]


def _means(rows: list[dict]) -> dict[str, dict]:
    """For each method, the number of edits and the mean of every score with its interval."""
    means = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        columns = {name: [row[name] for row in own] for name in (*PARTS, "overall", "reward")}
        columns |= {s: [row[s]["overall"] for row in own] for s in ("viescore", "imgedit")}
        intervals = {name: bootstrap_mean(x)._asdict() for name, x in columns.items()}
        means[method] = {"edits": len(own), **intervals}
    return means


def _table(methods: dict[str, dict]) -> str:
    """The means of each method; the reward with its interval if there are several edits."""
    rows = [("", "edits", *COLUMNS.values(), "reward")]
    for method, means in methods.items():
        edits, reward = means["edits"], means["reward"]
        last = with_interval(reward) if edits > 1 else f"{reward['mean']:.2f}"
        numbers = [f"{means[name]['mean']:.1f}" for name in COLUMNS]
        rows.append((method, str(edits), *numbers, last))
    return f"{aligned(rows)}\nVIEScore 0 to 10, ImgEdit 1 to 5, reward 0 to 5, others 0 to 100"
