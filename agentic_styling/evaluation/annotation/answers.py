"""Annotators' answers: a JSON object per line, appended; the last answer to a question counts.

  {"data": SHA256, "annotator": "ann", "time": "2026-01-31T09:30:00.000Z",
   "kind": "verdict", "id": TRAJECTORY, "verdict": "pass" | "fail" | null}
  {..., "kind": "ranking", "context_id": CONTEXT, "ranks": {TRAJECTORY: 1, ...} | null}

`data` is the `fingerprint` of the data set. Ranks start at 1, the best; equal ranks are ties. null
withdraws an answer.
"""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from agentic_styling.data import Trajectory
from agentic_styling.utils.errors import InputError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
NAMES = "a name of at most 40 letters, digits, - and _"
_REMEDY = "use the file as the page wrote it"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_KINDS = {"verdict": ("id", "verdict"), "ranking": ("context_id", "ranks")}
_SHARED = ("data", "annotator", "time", "kind")


class Answer(NamedTuple):
    """An annotator's "pass" or "fail" for an edit or ranks for a context; None if withdrawn."""

    annotator: str
    time: str
    kind: str
    subject: str
    value: str | dict[str, int] | None


class Subjects(NamedTuple):
    """What can be answered about: a data set by fingerprint, its edits, the edits of a context."""

    data: str
    edits: frozenset[str]
    contexts: dict[str, frozenset[str]]


def subjects(data: str, trajectories: Iterable[Trajectory]) -> Subjects:
    """The subjects of some trajectories of the data set with fingerprint `data`."""
    contexts = {}
    for trajectory in trajectories:
        contexts.setdefault(trajectory.context_id, set()).add(trajectory.id)
    contexts = {name: frozenset(ids) for name, ids in contexts.items()}
    return Subjects(data, frozenset().union(*contexts.values()), contexts)


def parse_answer(line: str | bytes, where: str, known: Subjects) -> Answer:
    """A line of a file of answers; known: what can be answered about.

    Raises InputError naming the place, field and value of what is invalid or about something else.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not JSON; {_REMEDY}") from None
    kind = row.get("kind") if isinstance(row, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(f"{where}: kind={str(kind)[:40]!r}; use verdict or ranking")
    about, said = _KINDS[kind]
    if row.keys() != {*_SHARED, about, said}:
        field = min(row.keys() ^ {*_SHARED, about, said})
        raise InputError(f"{where}: field {field[:40]!r} is missing or unknown; {_REMEDY}")
    for field in (*_SHARED, about):
        if not isinstance(row[field], str):
            raise InputError(f"{where}: {field} is not a string; {_REMEDY}")
    if row["data"] != known.data:
        raise InputError(
            f"{where}: data={row['data'][:12]!r}, but this data set is {known.data[:12]!r}; "
            "give the data set that was annotated"
        )
    if not NAME.fullmatch(row["annotator"]):
        raise InputError(f"{where}: annotator={row['annotator'][:40]!r}; use {NAMES}")
    if not _TIME.fullmatch(row["time"]):
        raise InputError(f"{where}: time={row['time'][:40]!r}; write 2026-01-31T09:30:00.000Z")
    _check_value(row[about], row[said], kind, where, known)
    return Answer(row["annotator"], row["time"], kind, row[about], row[said])


def _check_value(subject: str, value, kind: str, where: str, known: Subjects) -> None:
    if kind == "verdict":
        if subject not in known.edits:
            raise InputError(f"{where}: id={subject[:80]!r} is not in the data set; {_REMEDY}")
        if value not in ("pass", "fail", None):
            raise InputError(f"{where}: verdict={str(value)[:40]!r}; use pass, fail or null")
        return
    if subject not in known.contexts:
        raise InputError(f"{where}: context_id={subject[:80]!r} is not in the data set; {_REMEDY}")
    if value is None:
        return
    if not isinstance(value, dict) or value.keys() != known.contexts[subject]:
        raise InputError(
            f"{where}: ranks of {subject} do not name each of its edits once; {_REMEDY}"
        )
    count = len(value)
    if not all(type(rank) is int and 1 <= rank <= count for rank in value.values()):
        raise InputError(
            f"{where}: ranks of {subject} are not integers from 1 to {count}; {_REMEDY}"
        )


def read_answers(paths: Iterable, known: Subjects) -> list[Answer]:
    """The last answer to each question, unless withdrawn, in the order of time.

    paths: files of answers, or page directories that hold them. Raises InputError naming the file
    and line of what is invalid.
    """
    answers = []
    for path in _files(paths):
        try:
            # A last line without a line break was cut short by a crash and never confirmed.
            lines = path.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give a file") from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                answers.append(parse_answer(line, f"{path}, line {number}", known))
    last = {}
    for answer in sorted(answers, key=lambda answer: answer.time):
        last[answer.annotator, answer.kind, answer.subject] = answer
    return [answer for answer in last.values() if answer.value is not None]


def _files(paths: Iterable) -> list[Path]:
    """The files given, and for a page's directory the files in its answers/."""
    files = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted((path / "answers" if (path / "answers").is_dir() else path).glob("*.jsonl"))
        if not inside:
            raise InputError(f"{path}: holds no answers (*.jsonl); annotate first or give a file")
        files += inside
    return files


def append_answer(path: Path, line: bytes) -> None:
    """Append a line, given without its line break, and flush it to disk.

    An unfinished last line, left by a crash and never confirmed, is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    with open(descriptor, "r+b") as file:
        text = file.read()
        whole = text.rfind(b"\n") + 1
        file.truncate(whole)
        file.seek(whole)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
