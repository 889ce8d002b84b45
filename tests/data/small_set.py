"""A small set on disk without anything being executed, for what reads sets."""

from dataclasses import replace
from pathlib import Path

from agentic_styling.data import Trajectory
from agentic_styling.data.storage import shards
from agentic_styling.data.storage.records import SCORES, to_records
from tests.training.fixtures import make_trajectories

CONTEXTS = {"train": 4, "validation": 1, "test": 2}


def set_trajectories() -> list[Trajectory]:
    """Seven contexts of three plans, SPLIT-0-0, ...; each edit has a brightness of its own."""
    made = [t for split, count in CONTEXTS.items() for t in make_trajectories(count, split)]
    return [
        replace(t, edited=t.image // 2 + number, scores=dict.fromkeys(SCORES, 20 * t.reward))
        for number, t in enumerate(made)
    ]


def write_set(root, trajectories=None) -> Path:
    """Write a set, by default of `set_trajectories`, below root; returns its directory."""
    rows = {}
    for trajectory in set_trajectories() if trajectories is None else trajectories:
        rows.setdefault(trajectory.split, []).append(trajectory)
    directory = shards.SetDirectory(shards.set_path(root, "simple"), dict.fromkeys(rows, 1))
    directory.claim({})
    for split, own in rows.items():
        directory.write(split, 0, to_records(own), {})
    directory.finish("# Small\n\nA small set.\n")
    return directory.path
