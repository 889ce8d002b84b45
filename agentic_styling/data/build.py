"""Builds a set of scored trajectories from any photographs, shard by shard."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from agentic_styling.data.goals.sets import SPLITS, sample_goal, set_label, set_number, sets_text
from agentic_styling.data.photos.photos import Photo, crop_with_content
from agentic_styling.data.photos.sources import Source, Survey, split_source, survey
from agentic_styling.data.photos.states import sample_state
from agentic_styling.data.pipeline import Context, render_sources, run_plans
from agentic_styling.data.storage.card import card, summary
from agentic_styling.data.storage.records import to_records
from agentic_styling.data.storage.shards import SetDirectory, is_finished, set_path
from agentic_styling.data.teachers.teachers import Procedural, Teacher
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.tools import MODIFIERS
from agentic_styling.utils.checks import check_seed, output_directory
from agentic_styling.utils.errors import InputError, nearest

BUILD_VERSION = 5  # raise it when the same settings give other trajectories
CONTEXTS_PER_SHARD = 64
SHARES = {"validation": 0.04, "test": 0.06}  # of contexts; 10,000 trajectories have 200 for test
FEWEST_CONTEXTS = 2  # of a split: an evaluation compares at least two cases
SPLIT_SEED = 0  # not the run's seed: a photograph is a test photograph in every set


class Job(NamedTuple):
    """What a shard is a pure function of, besides its split and number.

    photos: numbers of the source's photographs by split. contexts: how many by split.
    """

    set_name: str
    source: Source
    photos: dict[str, np.ndarray]
    contexts: dict[str, int]
    plans_per_context: int
    size: int
    seed: int
    teacher: Teacher


def build(
    root,
    set_name: str,
    source: Source,
    *,
    count: int = 10_000,
    plans_per_context: int = 3,
    size: int = 256,
    seed: int = 0,
    only: str | None = None,
    teacher: Teacher | None = None,
    process: int = 0,
    processes: int = 1,
    confirm: Callable[[int], None] | None = None,
) -> Path:
    """Builds a set below root, or resumes an interrupted build.

    The same arguments give the same bytes, for any number of processes.

    Args:
      root: the set goes to root/agentic_styling/SET/VERSION.
      set_name: one of `goals.sets.SETS`, or the path of a JSON file of goals.
      source: the photographs. Near duplicates are in one split.
      count: trajectories. They are of count / plans_per_context contexts, at least two a split.
      plans_per_context: plans for each picture and goal.
      size: of a picture's side, in pixels.
      seed: of pictures, goals and plans, 0 to 2**32 - 1.
      only: the one split that all photographs and contexts go to; of the bundled photographs, whose
        splits are fixed, it takes its own.
      teacher: writes the plans; by default the scripted one of the set's behaviour.
      process: which of the `processes` that share the shards this is. The last to finish writes
        the card.
      processes: how many share the work.
      confirm: called with the number of plans to come, before anything is written; what it raises
        stops the build.

    Returns:
      The set's directory.

    Raises:
      InputError: for bad arguments, for fewer than three different photographs (one, with `only`),
        and where the directory holds another set.
    """
    numbers = (count, plans_per_context, processes)
    if min(numbers) < 1 or size < 16 or not 0 <= process < processes:
        raise InputError(
            f"build: count={count}, plans_per_context={plans_per_context}, size={size}, "
            f"process={process} of {processes}; use numbers from 1 up, a size from 16 up and a "
            "process below their number"
        )
    if only not in (None, *SPLITS):
        raise InputError(f"build: split {only!r} is not known; {nearest(only, SPLITS)}")
    label, seed = set_label(set_name), check_seed(seed)
    output_directory(root, "root")
    teacher = teacher or Procedural(set_name, seed)
    contexts = context_counts(count, plans_per_context, only)
    usable = survey(source)
    photos = split_source(source, usable, _rank, only)
    shards = {s: -(-n // CONTEXTS_PER_SHARD) for s, n in contexts.items()}
    directory = SetDirectory(set_path(root, label), shards)
    job = Job(set_name, source, photos, contexts, plans_per_context, size, seed, teacher)
    wanted = [  # neighbours are of different processes
        (split, number)
        for split, number in directory.missing()
        if (number + SPLITS.index(split)) % processes == process
    ]
    rows = {which: _size(job, *which) * plans_per_context for which in wanted}
    if confirm:
        confirm(sum(rows.values()))
    directory.claim(_settings(job, count, usable) | ({"only": only} if only else {}))
    fewest = FEWEST_CONTEXTS * len(contexts) * plans_per_context
    if count < fewest:
        print(f"count={count}: building {fewest} trajectories, the fewest for two contexts a split")
    _make(directory, job, rows)
    if left := len(directory.missing()):
        print(f"{left} shards are left to other processes")
    else:
        if not is_finished(directory.path):
            directory.finish(card(directory, set_name, source, photos))
        print(summary(directory))
    return directory.path


def draw_contexts(
    photos: Sequence[Photo], count: int, *, size: int, seed: int, set_name: str = "demo"
) -> list[Context]:
    """Draws contexts of the train split with a plan each, to measure rewards on; see `build`.

    Their pictures are not yet in their states.
    """
    source = Source(tuple(p.name for p in photos), lambda i: photos[i].pixels, "memory")
    teacher, numbers = Procedural(set_name, seed), {"train": np.arange(len(photos))}
    job = Job(set_name, source, numbers, {"train": count}, 1, size, seed, teacher)
    drawn = [draw_context(job, "train", i) for i in range(count)]
    seeds = [_seed(job, "train", i) for i in range(count)]
    return teacher(drawn, np.zeros(0), seeds, 1)[0]


def _settings(job: Job, count: int, usable: Survey) -> dict:
    """All that a set's bytes depend on."""
    return {
        "version": BUILD_VERSION,
        "set": set_label(job.set_name),
        "count": count,
        "plans_per_context": job.plans_per_context,
        "size": job.size,
        "seed": job.seed,
        "teacher": job.teacher.settings(),
        "goals": _digest([sets_text(job.set_name), sets_text("clauses")]),
        "photos": _digest([*job.source.names, *map(str, usable.hashes)]),
        "skipped": dict(usable.skipped),
    }


def _make(directory: SetDirectory, job: Job, rows: dict[tuple[str, int], int]) -> None:
    """Makes shards, and writes each while the next is made. rows: plans to come, by shard."""
    progress = tqdm(total=sum(rows.values()), desc=set_label(job.set_name), unit="plan")
    with progress, ThreadPoolExecutor(1) as writer:
        writing = None
        for number, (which, plans) in enumerate(rows.items()):
            made = make_shard(job, *which)
            if writing:  # at most two shards are in memory
                writing.result()
            writing = writer.submit(_write, directory, *which, *made)
            if number == 0:  # it imports TFDS, which must not race with other imports
                writing.result()
            progress.update(plans)
        if writing:
            writing.result()


def context_counts(count: int, plans_per_context: int, only: str | None = None) -> dict[str, int]:
    """Contexts of each split for `count` trajectories; of one alone, if `only` names it."""
    contexts = -(-count // plans_per_context)
    if only:
        return {only: max(FEWEST_CONTEXTS, contexts)}
    held = {split: max(FEWEST_CONTEXTS, round(share * contexts)) for split, share in SHARES.items()}
    return {"train": max(FEWEST_CONTEXTS, contexts - sum(held.values()))} | held


def make_shard(job: Job, split: str, number: int) -> tuple[list[Trajectory], Counter]:
    """The trajectories of a shard, and how many plans were rejected, by reason."""
    first = number * CONTEXTS_PER_SHARD
    drawn = [draw_context(job, split, first + i) for i in range(_size(job, split, number))]
    key = jax.random.key(job.seed)
    for part in (set_number(job.set_name), SPLITS.index(split), number):
        key = jax.random.fold_in(key, part)
    sources = render_sources(drawn, key)
    seeds = [_seed(job, split, first + i) for i in range(len(drawn))]
    taught, rejects = job.teacher(drawn, sources, seeds, job.plans_per_context)
    trajectories = run_plans(taught, sources, key, split, job.seed)
    planned = sum(len(c.plans) for c in taught)
    if planned > len(trajectories):
        rejects = rejects + Counter({"scores not finite": planned - len(trajectories)})
    return trajectories, rejects


def draw_context(job: Job, split: str, index: int) -> Context:
    """A picture and its goal, without plans: a pure function of its arguments."""
    rng = np.random.default_rng(_seed(job, split, index))
    photo = job.source.photo(int(rng.choice(job.photos[split])))
    pixels, crop = crop_with_content(photo, rng, job.size)
    state = sample_state(rng)
    goal = sample_goal(job.set_name, state, split, rng)
    name = f"{set_label(job.set_name)}-{split}-{index:06d}"
    return Context(name, photo.name, crop, pixels, state, goal, (), ())


def counts(trajectories: Sequence[Trajectory], rejects: Counter) -> dict:
    """What the card says of a shard; a set's counts are sums of its shards' counts."""
    steps = [[s for s in t.plan.steps if s.tool not in MODIFIERS] for t in trajectories]
    return {
        "contexts": {t.context_id: 1 for t in trajectories},
        "rewards": _tally(f"{np.floor(2 * min(t.reward, 4.999)) / 2:.1f}" for t in trajectories),
        "good": {"4 or more": sum(t.reward >= 4 for t in trajectories)},
        "steps": _tally(str(len(t.plan.steps)) for t in trajectories),
        "tools": _tally(step.tool for t in trajectories for step in t.plan.steps),
        "options": _tally(f"{s.tool}: {s.option}" for row in steps for s in row),
        "themes": _tally(t.theme for t in trajectories if t.theme),
        "photos": _tally(t.photo for t in trajectories),
        "rejects": dict(rejects),
    }


def _write(directory: SetDirectory, split: str, number: int, trajectories, rejects) -> None:
    directory.write(split, number, to_records(trajectories), counts(trajectories, rejects))


def _tally(words) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _size(job: Job, split: str, number: int) -> int:
    """Contexts of a shard."""
    return min(CONTEXTS_PER_SHARD, job.contexts[split] - number * CONTEXTS_PER_SHARD)


def _seed(job: Job, split: str, index: int) -> tuple[int, ...]:
    return job.seed, set_number(job.set_name), SPLITS.index(split), index


def _rank(name: str) -> bytes:
    return hashlib.sha256(f"{SPLIT_SEED}:{name}".encode()).digest()


def _digest(parts) -> str:
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(part.encode() + b"\0")
    return sha256.hexdigest()[:16]
