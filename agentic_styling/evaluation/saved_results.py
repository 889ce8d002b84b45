"""Reads the files that `evaluate` writes to a workdir."""

from pathlib import Path

from agentic_styling.utils.checks import parse_object
from agentic_styling.utils.errors import InputError


def read_results(workdir: Path) -> dict:
    """The content of results.json. Raises InputError if it is missing or not JSON."""
    return _parse(_read(workdir / "results.json"), str(workdir / "results.json"))


def read_records(workdir: Path) -> list[dict]:
    """The lines of cases.jsonl (see results.py). Raises InputError as `read_results`."""
    path = workdir / "cases.jsonl"
    lines = enumerate(_read(path).splitlines(), start=1)
    return [_parse(line, f"{path}, line {number}") for number, line in lines]


def lacks(workdir: Path, error: Exception) -> InputError:
    """The error for a workdir whose files lack a field, or hold one of another kind."""
    what = f"lacks {error}" if isinstance(error, KeyError) else f"is damaged ({error})"
    return InputError(
        f"{workdir}: results.json or cases.jsonl {what}; run evaluate in a new workdir"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; run evaluate on this workdir first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run evaluate again") from error


def _parse(text: str, where: str) -> dict:
    return parse_object(text, where, "run evaluate in a new workdir")
