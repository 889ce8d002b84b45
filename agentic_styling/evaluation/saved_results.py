"""The files that `evaluate` keeps in a workdir, and what it may add to them."""

import contextlib
import io
import json
import shutil
from pathlib import Path

from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.checks import parse_object, read_object
from agentic_styling.utils.errors import InputError

RESULTS, CASES, ANSWERS = "results.json", "cases.jsonl", "answers"
JUDGED = "judged.json"  # what `judge_edits` returned
# What was evaluated: {"settings": {...}, "methods": {name: {planner directory: digest}}}.
EVALUATION = "evaluation.json"
FIX = "run evaluate in a new workdir"


def read_results(workdir: Path) -> dict:
    """The content of results.json. Raises InputError if it is missing or not a JSON object."""
    return parse_object(_read(workdir / RESULTS), str(workdir / RESULTS), FIX)


def read_records(workdir: Path) -> list[dict]:
    """The lines of cases.jsonl (see results.py). Raises InputError as `read_results`."""
    path = workdir / CASES
    # `splitlines` would also divide at U+2028 and the like, which JSON leaves as they are.
    lines = enumerate(io.StringIO(_read(path)), start=1)
    return [parse_object(line, f"{path}, line {number}", FIX) for number, line in lines]


def read_judged(workdir: Path) -> dict:
    """The content of judged.json. Raises InputError as `read_results`."""
    return read_object(workdir / JUDGED, FIX)


def write_records(workdir: Path, records: list[dict]) -> None:
    """Writes cases.jsonl."""
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    write_text(workdir / CASES, "".join(lines))


def lacks(workdir: Path, error: Exception) -> InputError:
    """The error for a workdir whose files lack a field, or hold one of another kind."""
    what = f"lacks {error}" if isinstance(error, KeyError) else f"is damaged ({error})"
    return InputError(f"{workdir}: {RESULTS} or {CASES} {what}; run evaluate in a new workdir")


def claim(
    workdir: Path, settings: dict, methods: dict[str, dict[str, str]], *, write: bool
) -> None:
    """Reserves a workdir for an evaluation, or adds methods to the one that it holds.

    settings: what all methods share, as JSON. methods: of each the planners with their digests; one
    that the workdir holds unfinished may have others now, and loses its answers. write: False only
    checks. Raises InputError, and writes nothing, for other settings, cases or planners.
    """
    path = workdir / EVALUATION
    try:
        kept = {"settings": settings, "methods": {}}
        if path.exists():
            kept = read_object(path, FIX)
        elif other := [name for name in (RESULTS, CASES) if (workdir / name).exists()]:
            raise InputError(
                f"{workdir / other[0]}: of an evaluation by an earlier version; use another workdir"
            )
        finished = read_records(workdir)[0]["methods"] if (workdir / CASES).exists() else {}
        changed = _add_methods(path, kept, settings, methods, finished)
        if not write:
            return
        workdir.mkdir(parents=True, exist_ok=True)
        for name in changed:
            remove_answers(workdir, name)
        if "standard" in changed:  # under which the samples of others are scored
            for scores in (workdir / ANSWERS).glob("*/*/standard.jsonl"):
                scores.unlink()
        write_text(path, json.dumps(kept, indent=1) + "\n")
    except (LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path} or {CASES}: damaged ({error!r}); use another workdir") from error
    except OSError as error:
        raise InputError(
            f"{workdir}: cannot be written ({error.strerror}); use another workdir"
        ) from error


def _add_methods(path: Path, kept: dict, settings: dict, methods: dict, finished) -> list[str]:
    """Adds methods to the content of evaluation.json; returns those with other planners now."""
    changed = []
    for name, value in settings.items():
        if kept["settings"].get(name) != value:
            raise InputError(
                f"{path}: {name} is {kept['settings'].get(name)!r} there and {value!r} here; use "
                "another workdir"
            )
    for name, planners in methods.items():
        there = kept["methods"].setdefault(name, planners)
        if list(there.values()) == list(planners.values()):
            continue
        if name in finished:
            raise InputError(
                f"{path}: methods.{name} is {', '.join(there) or 'without a planner'} there, "
                "which differs or has changed since; give the method another name, or use another "
                "workdir"
            )
        kept["methods"][name] = planners
        changed.append(name)
    return changed


def kept_records(workdir: Path, records: list[dict]) -> list[dict]:
    """The records with the methods that the workdir holds; without any if it is new.

    Raises InputError if cases.jsonl holds other cases.
    """
    path, fresh = workdir / CASES, json.loads(json.dumps(records))
    if not path.exists():
        return fresh
    kept = read_records(workdir)
    if [record | {"methods": {}} for record in kept] != fresh:
        raise InputError(f"{path}: holds other cases; remove it, and the methods are run again")
    return kept


def remove_answers(workdir: Path, name: str) -> None:
    """Removes the answers that are kept while a method runs."""
    shutil.rmtree(workdir / ANSWERS / name, ignore_errors=True)
    with contextlib.suppress(OSError):  # those of other methods are there, or none at all
        (workdir / ANSWERS).rmdir()


class KeptAnswers(dict):
    """Texts by row, also lines of a file, so that an interrupted method resumes."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                row, texts = json.loads(line)
            except ValueError:  # the last line, if the run was killed while writing it
                continue
            super().__setitem__(row, texts)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(map(_line, self.items())))

    def __setitem__(self, row: int, texts: list[str]) -> None:
        if row not in self:
            super().__setitem__(row, texts)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line((row, texts)))


def _line(item: tuple[int, list[str]]) -> str:
    return json.dumps(item) + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run evaluate on this workdir first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run evaluate again") from error
