"""The sets of a cell: photographs by split, the behaviour's plans, test cases, and controls."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from sweep_parts.runs import run_name

from agentic_styling.data import Trajectory, open_source, read_trajectories, write_trajectories
from agentic_styling.data.build import build
from agentic_styling.data.goals.sets import set_label
from agentic_styling.data.photos.sources import Source, near_duplicates, survey
from agentic_styling.data.storage.shards import is_finished, set_path
from agentic_styling.data.stream import HELD_OUT
from agentic_styling.data.teachers.teachers import Procedural
from agentic_styling.evaluation.plan_metrics import action_scores
from agentic_styling.utils.errors import InputError

TEST_PLANS = 4  # plans of a test context without habits: the best is the ceiling of its regret
CONSTANT = 4.0  # the reward of every plan in the control: one that no method drops
VALIDATION_SHARE = 10  # one in so many groups of near duplicates is for validation


def behaviour(cell: ConfigDict) -> dict:
    """What the plans of a cell's set follow from, as JSON."""
    names = ("set", "habit_strength", "plans_per_context", "contexts", "data_seed")
    fields = {name: cell[name] for name in names}
    return fields | {"habits": cell.habits.to_dict(), "skills": dict(cell.skills)}


def set_directory(cell: ConfigDict, workdir: Path, control: str = "") -> Path:
    """Where the set of a cell is, or that of one of its controls."""
    name = run_name(behaviour(cell) | {"size": cell.picture_size, "photos": cell.photos})
    root = workdir / "sets" / (f"{control}-{name}" if control else name)
    return set_path(root, set_label(cell.set))


def test_directory(cell: ConfigDict, workdir: Path) -> Path:
    """Where the test cases are: the same for every behaviour of a set."""
    fields = {"set": cell.set, "cases": cell.cases, "seed": cell.data_seed, "photos": cell.photos}
    name = run_name(fields | {"size": cell.picture_size})
    return set_path(workdir / "sets" / f"test-{name}", set_label(cell.set))


def build_sets(cell: ConfigDict, workdir: Path) -> None:
    """Builds what is not there yet of a cell's set, its test cases and its controls.

    Raises InputError where the cases show fewer than cell.least_photos photographs.
    """
    train, test = set_directory(cell, workdir), test_directory(cell, workdir)
    same = {"size": cell.picture_size, "seed": cell.data_seed}
    if not (is_finished(train) and is_finished(test)):
        source = with_splits(open_source(cell.photos or None))
        habits = Procedural(
            cell.set,
            cell.data_seed,
            skills=dict(cell.skills) or None,
            habits=cell.habits.to_dict() or None,
            habit_strength=cell.habit_strength,
        )
        plans = {"plans_per_context": cell.plans_per_context, "teacher": habits}
        count = cell.contexts * cell.plans_per_context
        build(train.parents[2], cell.set, source, count=count, **plans, **same)
        right = Procedural(cell.set, cell.data_seed, habit_strength=0.0)
        plans = {"plans_per_context": TEST_PLANS, "teacher": right, "only": "test"}
        count = cell.cases * TEST_PLANS
        build(test.parents[2], cell.set, source, count=count, **plans, **same)
    shown = {case.photo for case in read_trajectories(test, "test", image=False)}
    if len(shown) < cell.least_photos:
        raise InputError(
            f"config.cases: {cell.cases} cases show {len(shown)} test photographs, fewer than "
            f"config.least_photos={cell.least_photos}; give more of either"
        )
    for control in cell.controls:
        target = set_directory(cell, workdir, control)
        if not is_finished(target):
            rows = read_trajectories(train)
            changed = controlled([r for r in rows if r.split == "train"], control, cell.data_seed)
            kept = [row for row in rows if row.split == "validation"]
            write_trajectories(target, changed + kept, {"control": control})


def with_splits(source: Source) -> Source:
    """The source with fixed splits: HELD_OUT is for test, near duplicates are in one split.

    Other near duplicates of HELD_OUT are left out. A source whose splits are fixed stays as it is.
    Raises InputError where none of HELD_OUT is there.
    """
    if source.splits:
        return source
    usable, hashes, _ = survey(source)
    names = np.array(source.names)[usable]
    held = np.array([name.rpartition("/")[2] in HELD_OUT for name in names], bool)
    if not held.any():
        raise InputError(
            f"config.photos: {source.where} has no photograph of data/held_out.json, which "
            "planners never saw; add those, or leave it empty for the bundled photographs"
        )
    group = near_duplicates(hashes)
    others = ~np.isin(group, group[held])
    validation = near_duplicates(hashes[others]) % VALIDATION_SHARE == 0
    splits = {"train": names[others][~validation], "validation": names[others][validation]}
    splits["test"] = names[held]
    return source._replace(splits={split: own.tolist() for split, own in splits.items()})


def controlled(rows: Sequence[Trajectory], control: str, seed: int) -> list[Trajectory]:
    """The trajectories of a control, in order.

    Args:
      control: "shuffled": the rewards of each context in a random order; "constant": every reward
        CONSTANT; "oracle": only the plans whose actions are those that were asked for.
      seed: of the order.
    """
    if control == "constant":
        return [dataclasses.replace(row, reward=CONSTANT) for row in rows]
    if control == "oracle":
        return [
            row for row in rows if action_scores(row.plan.resolved_steps, row.request)["f1"] == 1
        ]
    if control != "shuffled":
        raise InputError(f"config.controls: {control!r} is none of shuffled, constant and oracle")
    rng, places = np.random.default_rng(seed), {}
    for place, row in enumerate(rows):
        places.setdefault(row.context_id, []).append(place)
    rewards = np.array([row.reward for row in rows])
    for own in places.values():
        rewards[own] = rewards[rng.permutation(own)]
    return [
        dataclasses.replace(row, reward=float(reward))
        for row, reward in zip(rows, rewards, strict=True)
    ]
