"""Import of the published data set (Hugging Face: subhojyoti1990/image-agent-styling).

It is read from a local copy: rows of id, image_path, analysis_path, user_prompt,
target_action_plan, trajectory_id, trajectory_avg_reward, standardized_weight, individual_score and
metadata. Every row becomes a Trajectory or is left out, and the reason is counted.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentic_styling.data.formats.published_files import (
    find_copy,
    read_image,
    read_rows,
    read_state,
)
from agentic_styling.data.formats.published_plans import (
    LeftOut,
    as_object,
    is_number,
    is_unicode,
    read_published_plan,
    show,
)
from agentic_styling.data.storage.shards import set_path
from agentic_styling.data.storage.trajectories import write_trajectories
from agentic_styling.data.trajectory import SPLITS, Trajectory
from agentic_styling.tools import Plan
from agentic_styling.utils.checks import output_directory, readable
from agentic_styling.utils.errors import InputError

SET = "published"
OURS = "agentic_styling"  # the key of a row's metadata under which our export keeps its own
SIZES = (64, 1024)
# What a row was scored, the first that it has; in its metadata too.
SCORES = ("individual_score", "overall_quality", "trajectory_avg_reward")
_EXAMPLES = 3
# How the library datasets knows held-out splits by the names of files and folders: by a word that
# stands alone or among others, as in "my_test-1.jsonl", but not in "latest.jsonl".
_SPLIT_NAMES = {
    "test": r"(?i)(^|[-._ 0-9])(test|testing|eval|evaluation)([-._ 0-9]|$)",
    "validation": r"(?i)(^|[-._ 0-9])(validation|valid|val|dev)([-._ 0-9]|$)",
}
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass
class ImportReport:
    """How many rows there were, and (where, line) of those left out, by reason.

    states: how many of the imported ones have a known state. directory: of the set.
    """

    directory: Path | None = None
    rows: int = 0
    states: int = 0
    left_out: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def counts(self) -> dict[str, int]:
        """How many were left out, by reason, the most frequent first."""
        counts = {reason: len(rows) for reason, rows in self.left_out.items()}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def __str__(self) -> str:
        left_out = sum(self.counts.values())
        lines = [f"{self.rows} rows, {left_out} left out, {self.states} with a known state"]
        for reason, count in self.counts.items():
            lines.append(f"  {reason}: {count}")
            lines += [f"    {where}: {line}" for where, line in self.left_out[reason][:_EXAMPLES]]
        return "\n".join(lines)


def import_published(source, root, size: int = 256) -> ImportReport:
    """Imports a local copy as a set, and says what was left out; see `read_published`.

    The set goes to root/agentic_styling/published/VERSION. An interrupted import resumes. Raises
    InputError as `read_published` does, if no row can be used, and if anything else is there.
    """
    output_directory(root)
    trajectories, report = read_published(source, size)
    if not trajectories:
        most = next(iter(report.counts), "there is none")
        raise InputError(f"{source}: none of {report.rows} rows can be used, mostly: {most}")
    report.directory = set_path(root, SET)
    settings = {"published": Path(source).name, "size": size, "left_out": report.counts}
    card = "Trajectories imported from the published data set, as they were scored there."
    write_trajectories(report.directory, trajectories, settings, card)
    return report


def read_published(source, size: int = 256) -> tuple[list[Trajectory], ImportReport]:
    """Reads a local copy as trajectories.

    Pictures are cut to their middle square. The reward is the score, in [0, 5]: individual_score,
    else overall_quality, else trajectory_avg_reward. The plan's context and the state are what the
    analysis says, else unknown. Rows of one picture and goal share a context. A row's split is what
    its metadata, its folder's name or its file's says, in the words of the library datasets (such
    as "valid", "dev", "testing", "eval"), else train. `request` is empty, since the set does not
    say what a goal asks for: train on these rows, and evaluate on a set that was built.

    Args:
      source: a folder, or a .parquet, .jsonl or .json file of rows.
      size: that pictures are resized to, in pixels, 64 to 1024.

    Returns:
      The trajectories, and how many rows were left out, by reason.

    Raises:
      InputError: there is nothing to read, or the size is out of range.
    """
    low, high = SIZES
    if not low <= size <= high:
        raise InputError(f"size={size}: is not within {low} to {high}; 256 is usual")
    root, files = find_copy(source)
    report, trajectories, pictures, taken = ImportReport(), [], {}, set()
    for path in files:
        for where, row in read_rows(root, path):
            try:
                if isinstance(row, LeftOut):
                    raise row
                trajectory = _trajectory(root, row, path, size, pictures, taken)
            except LeftOut as problem:
                report.left_out[problem.reason].append((where, str(problem)))
                report.rows += problem.reason != "unreadable file"
            else:
                trajectories.append(trajectory)
                report.rows += 1
                report.states += bool(trajectory.state)
    return trajectories, report


def _trajectory(
    root: Path, row: dict, path: Path, size: int, pictures: dict, taken: set
) -> Trajectory:
    """A row as a trajectory. pictures: read so far, by content; taken: ids given so far."""
    goal = row.get("user_prompt")
    if not isinstance(goal, str) or not goal.strip() or not is_unicode(goal):
        raise LeftOut("no goal", f"user_prompt {show(goal)} is not text")
    metadata = row.get("metadata", {})
    try:
        metadata = as_object(metadata, "malformed metadata", "metadata")
    except LeftOut:
        metadata = {}  # free text, say; nothing in it is required
    reward = _reward(row, metadata)
    own = _own_fields(metadata)
    state = own["state"] if own else read_state(root, row, path)
    plan = row.get("target_action_plan")
    if isinstance(plan, str) and plan.lstrip()[:1] not in ("", "{"):
        raise LeftOut("malformed plan", f"target_action_plan {show(plan)} is not a JSON object")
    plan = as_object(plan, "malformed plan", "target_action_plan")
    ours = read_published_plan(plan, own.pop("context", state))
    photo, image = read_image(root, row, path, size)
    content = hashlib.sha256(image).hexdigest()
    fields = {
        "split": own.get("split") or _split(metadata, path.relative_to(root)),
        "photo": _readable(photo),
        "state": state,
        "theme": _readable(metadata.get("theme", "")),
        "explicit": False,
        "request": (),
        "scores": {},
    } | own
    named = hashlib.sha256(f"{content}\n{fields['split']}\n{goal}".encode()).hexdigest()
    context_id = f"published-{named[:16]}"
    return Trajectory(
        id=_new_id(row.get("id"), context_id, taken),
        context_id=context_id,
        image=pictures.setdefault(content, image),
        goal=goal,
        plan=ours,
        reward=reward,
        provenance={
            "teacher": "published",
            "trajectory_id": _readable(row.get("trajectory_id", "")),
            "reasoning": _readable(plan.get("reasoning", "")),
            "overall_instruction": _readable(plan.get("overall_instruction", "")),
        },
        **fields,
    )


def _reward(row: Mapping, metadata: Mapping) -> float:
    for name in SCORES:
        for place in (row, metadata):
            if name in place:
                value = place[name]
                if not is_number(value) or not 0 <= value <= 5:  # also refuses NaN
                    raise LeftOut("score out of range", f"{name} {show(value)} is not in 0 to 5")
                return float(value)
    raise LeftOut("no score", f"the row has none of {', '.join(SCORES)}")


def _split(metadata: Mapping, path: Path) -> str:
    given = metadata.get("split")
    names = [given] if isinstance(given, str) else path.parts
    for split, words in _SPLIT_NAMES.items():  # held-out rows are never trained on
        if any(re.search(words, name) for name in names):
            return split
    return "train"


def _own_fields(metadata: Mapping) -> dict:
    """Fields of Trajectory, and the plan's context, that our export adds to a row's metadata."""
    if OURS not in metadata:
        return {}
    ours = as_object(metadata[OURS], "malformed metadata", f"metadata.{OURS}")
    try:
        context = Plan.from_json({"context": ours["context"], "steps": []}).context
        request = Plan.from_json({"context": ours["state"], "steps": ours["request"]})
    except (InputError, KeyError) as error:
        raise LeftOut("malformed metadata", f"metadata.{OURS}: {error}") from None
    kinds = {"scores": dict, "split": str, "photo": str, "theme": str, "explicit": bool}
    for name, kind in kinds.items():
        value = ours.get(name)
        good = isinstance(value, kind) and (kind is not str or is_unicode(value))
        if name == "scores" and good:
            good = all(isinstance(v, int | float) and 0 <= v <= 100 for v in value.values())
            good = good and all(map(is_unicode, value))
        if not good or (name == "split" and value not in SPLITS):
            raise LeftOut("malformed metadata", f"metadata.{OURS}: {name} {show(value)}")
    own = {"context": context, "state": request.context, "request": request.steps}
    return own | {name: ours[name] for name in kinds}


def _new_id(given: object, context_id: str, taken: set) -> str:
    """The row's id if it is a valid name that no earlier row has, else one of the context."""
    name, number = given, 0
    while not isinstance(name, str) or not _SAFE_ID.fullmatch(name) or name in taken:
        name, number = f"{context_id}-{number}", number + 1
    taken.add(name)
    return name


def _readable(value: object) -> str:
    """A text, or a plain value as text, that can be written as UTF-8; "" for anything else."""
    return readable(str(value)) if isinstance(value, str | int | float) else ""
