"""What `evaluate` leaves in a workdir, read again."""

import json
from pathlib import Path

from agentic_styling.utils.errors import InputError


def read_results(workdir: Path) -> dict:
    """The numbers of results.json. Raises InputError when it is missing or broken."""
    return _parse(_read(workdir / "results.json"), str(workdir / "results.json"))


def read_records(workdir: Path) -> list[dict]:
    """The lines of cases.jsonl, as results.py describes them. Raises InputError likewise."""
    path = workdir / "cases.jsonl"
    lines = enumerate(_read(path).splitlines(), start=1)
    return [_parse(line, f"{path}, line {number}") for number, line in lines]


def lacks(workdir: Path, error: KeyError) -> InputError:
    """The error of a workdir whose files miss a field."""
    return InputError(f"{workdir}: results.json or cases.jsonl lacks {error}; run evaluate again")


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} does not exist; run evaluate on this workdir first")
    return path.read_text(encoding="utf-8")


def _parse(text: str, where: str) -> dict:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: no JSON ({error.msg}); run evaluate again") from None
