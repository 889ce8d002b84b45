"""Reads the files that `evaluate` writes to a workdir."""

from pathlib import Path

from agentic_styling.utils.checks import parse_object, read_object
from agentic_styling.utils.errors import InputError

REMEDY = "run evaluate on this workdir first"
# What a field of another type raises where it is used.
MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def read_results(workdir: Path) -> dict:
    """The content of results.json. Raises InputError if it is missing or not JSON."""
    return read_object(workdir / "results.json", REMEDY)


def read_records(workdir: Path) -> list[dict]:
    """The lines of cases.jsonl (see results.py). Raises InputError as `read_results`."""
    path = workdir / "cases.jsonl"
    try:
        lines = enumerate(path.read_bytes().splitlines(), start=1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from None
    return [parse_object(line, f"{path}, line {number}", REMEDY) for number, line in lines]


def lacks(workdir: Path, error: Exception) -> InputError:
    """The error for a workdir whose files lack a field, or hold something else in its place."""
    what = f"lacks {error}" if isinstance(error, KeyError) else f"is not as written ({error})"
    return InputError(f"{workdir}: results.json or cases.jsonl {what}; {REMEDY}")
