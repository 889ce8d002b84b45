"""Annotators' answers: one JSON object a line, added at the end, of which the last one counts.

  {"data": SHA256, "annotator": "ann", "time": "2026-01-31T09:30:00.000Z",
   "kind": "verdict", "id": TRAJECTORY, "verdict": "pass" | "fail" | null}
  {..., "kind": "ranking", "context_id": CONTEXT, "ranks": {TRAJECTORY: 1, ...} | null}

`data` is the `fingerprint` of the data set, ranks count from 1, the best, equal ones are ties, and
null takes an answer back.
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
NAMES = "a name of letters, digits, - and _, 40 at most"
_MEND = "take the file as the page wrote it"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_KINDS = {"verdict": ("id", "verdict"), "ranking": ("context_id", "ranks")}
_SHARED = ("data", "annotator", "time", "kind")


class Answer(NamedTuple):
    """What an annotator said: of an edit "pass" or "fail", of a context its ranks; None: unsaid."""

    annotator: str
    time: str
    kind: str
    subject: str
    value: str | dict[str, int] | None


class Subjects(NamedTuple):
    """What can be answered about: a data set's fingerprint, its edits, and each context's edits."""

    data: str
    edits: frozenset[str]
    contexts: dict[str, frozenset[str]]


def subjects(data: str, trajectories: Iterable[Trajectory]) -> Subjects:
    """The subjects of some trajectories of the data set of this fingerprint."""
    contexts = {}
    for trajectory in trajectories:
        contexts.setdefault(trajectory.context_id, set()).add(trajectory.id)
    contexts = {name: frozenset(ids) for name, ids in contexts.items()}
    return Subjects(data, frozenset().union(*contexts.values()), contexts)


def parse_answer(line: str | bytes, where: str, known: Subjects) -> Answer:
    """One line as an Answer. Raises InputError naming `where`, the field, the value."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not JSON; {_MEND}") from None
    kind = row.get("kind") if isinstance(row, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(f"{where}: kind={str(kind)[:40]!r}; use verdict or ranking")
    about, said = _KINDS[kind]
    if row.keys() != {*_SHARED, about, said}:
        field = min(row.keys() ^ {*_SHARED, about, said})
        raise InputError(f"{where}: field {field[:40]!r} is missing or not known; {_MEND}")
    for field in (*_SHARED, about):
        if not isinstance(row[field], str):
            raise InputError(f"{where}: {field} is no text; {_MEND}")
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
            raise InputError(f"{where}: id={subject[:80]!r} is not in the data set; {_MEND}")
        if value not in ("pass", "fail", None):
            raise InputError(f"{where}: verdict={str(value)[:40]!r}; use pass, fail or null")
        return
    if subject not in known.contexts:
        raise InputError(f"{where}: context_id={subject[:80]!r} is not in the data set; {_MEND}")
    if value is None:
        return
    if not isinstance(value, dict) or value.keys() != known.contexts[subject]:
        raise InputError(f"{where}: ranks of {subject} do not name its edits, each once; {_MEND}")
    count = len(value)
    if not all(type(rank) is int and 1 <= rank <= count for rank in value.values()):
        raise InputError(f"{where}: ranks of {subject} are no whole numbers from 1 to {count}")


def read_answers(paths: Iterable, known: Subjects) -> list[Answer]:
    """The answers that stand at the end, in the order of time, from files or page directories.

    A last line without an end was cut short by a crash and never confirmed: it is left out.
    Raises InputError naming the file, the line and what is wrong.
    """
    found = []
    for path in _files(paths):
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give a file") from None
        for number, line in enumerate(lines, 1):
            if line.strip():
                found.append(parse_answer(line, f"{path}, line {number}", known))
    last = {}
    for answer in sorted(found, key=lambda answer: answer.time):
        last[answer.annotator, answer.kind, answer.subject] = answer
    return [answer for answer in last.values() if answer.value is not None]


def _files(paths: Iterable) -> list[Path]:
    """The files themselves, and of a page's directory those in its answers/."""
    found = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted((path / "answers" if (path / "answers").is_dir() else path).glob("*.jsonl"))
        if not inside:
            raise InputError(f"{path}: holds no answers (*.jsonl); annotate first or give a file")
        found += inside
    return found


def append_answer(path: Path, line: bytes) -> None:
    """Add one line, without its end, and wait until it is on disk.

    What an earlier crash left of a line is cut off: it was never confirmed.
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
