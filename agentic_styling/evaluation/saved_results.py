"""Reads the files that `evaluate` writes to a workdir."""

import json
from pathlib import Path

from agentic_styling.utils.errors import InputError


def read_results(workdir: Path) -> dict:
    """The content of results.json. Raises InputError if it is missing or not JSON."""
    return _parse(_read(workdir / "results.json"), str(workdir / "results.json"))


def read_records(workdir: Path) -> list[dict]:
    """The lines of cases.jsonl (see results.py). Raises InputError as `read_results`."""
    path = workdir / "cases.jsonl"
    lines = enumerate(_read(path).splitlines(), start=1)
    return [_parse(line, f"{path}, line {number}") for number, line in lines]


def lacks(workdir: Path, error: KeyError) -> InputError:
    """The error for a workdir whose files lack a field."""
    return InputError(f"{workdir}: results.json or cases.jsonl lacks {error}; run evaluate again")


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} does not exist; run evaluate on this workdir first")
    return path.read_text(encoding="utf-8-sig")


def _parse(text: str, where: str) -> dict:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not JSON ({error.msg}); run evaluate again") from None
