"""A few made-up trajectories on disk, and answers about them."""

import json

from agentic_styling.data import read_trajectories, write_trajectories
from agentic_styling.data.storage.trajectories import fingerprint
from tests.training.fixtures import make_trajectories

TIME = "2026-01-31T09:30:00.000Z"


def write_dataset(directory, contexts=2):
    """Contexts train-0, ... of three edits each, train-0-0, ..., with rewards 4.5, 4.0 and 2.5."""
    write_trajectories(directory, make_trajectories(contexts))
    return directory


def sha256_of(dataset):
    return fingerprint(read_trajectories(dataset))


def verdict(dataset, annotator, edit, value, time=TIME):
    row = {"data": sha256_of(dataset), "annotator": annotator, "time": time}
    return row | {"kind": "verdict", "id": edit, "verdict": value}


def ranking(dataset, annotator, context, ranks, time=TIME):
    row = {"data": sha256_of(dataset), "annotator": annotator, "time": time}
    return row | {"kind": "ranking", "context_id": context, "ranks": ranks}


def write_answers(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def darker(images, plans, key):
    """Replaces the executor, which takes long to compile: halves the brightness."""
    return images / 2
