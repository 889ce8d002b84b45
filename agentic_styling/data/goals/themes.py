"""Themes: looks with a name, the options each asks for, and the ways people ask for it."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Theme:
    """A look: target options by dimension, and phrasings as (text, explicit) for each split."""

    name: str
    noun: str
    targets: dict[str, str]
    phrasings: dict[str, tuple[tuple[str, bool], ...]]


def themes_text() -> str:
    """The text of themes.json, from which everything here is read."""
    path = resources.files("agentic_styling.data.goals") / "themes.json"
    return path.read_text(encoding="utf-8")


@cache
def themes() -> tuple[Theme, ...]:
    """Every theme. Training and test goals share themes but no phrasing."""
    return tuple(
        Theme(
            name=row["name"],
            noun=row["noun"],
            targets=row["targets"],
            phrasings={
                "train": tuple(
                    [(text, True) for text in row["explicit"]]
                    + [(text, False) for text in row["vague"]]
                ),
                "test": ((row["test"]["explicit"], True), (row["test"]["vague"], False)),
            },
        )
        for row in json.loads(themes_text())
    )
