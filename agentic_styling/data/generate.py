"""The demo's trajectories: goals of 30 themes for crops of photographs, in a directory."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import jax
import numpy as np
from tqdm import tqdm

from agentic_styling.data.goals.goals import sample_goal
from agentic_styling.data.goals.themes import themes_text
from agentic_styling.data.photos.photos import Photo, random_crop, split_photos
from agentic_styling.data.photos.states import sample_state
from agentic_styling.data.pipeline import Context, render_sources, run_plans
from agentic_styling.data.storage.trajectories import (
    is_written,
    read_trajectories,
    write_trajectories,
)
from agentic_styling.data.teachers.scripted import teach
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.tools import MODIFIERS
from agentic_styling.utils.errors import InputError

GENERATOR_VERSION = 3  # another number for other trajectories from the same settings
SPLIT_SEED = 0  # not the run's seed: a photograph is a test photograph in every run
SPLITS = ("train", "test")
# Skills of the training plans and their shares: most plans are good, some are poor.
SKILLS = {1.0: 0.40, 0.7: 0.25, 0.4: 0.22, 0.0: 0.13}


def generate(
    directory,
    photos: Sequence[Photo],
    *,
    seed: int,
    split: str,
    contexts: int,
    plans_per_context: int = 3,
    size: int = 128,
) -> list[Trajectory]:
    """Generate scored trajectories of one split ("train", "test") and write them to `directory`.

    Give all photographs for either split: the same ones are kept for test each time. Test goals
    use phrasings of their own; each test context has one plan, the teacher's best. The same
    arguments give the same trajectories, and a directory that holds them is read, not rewritten.
    """
    if split not in SPLITS or contexts < 1 or plans_per_context < 1:
        raise InputError(
            f"generate: split={split!r}, contexts={contexts}, plans_per_context="
            f"{plans_per_context}; use split train or test and numbers from 1 up"
        )
    photos = split_photos(list(photos), SPLIT_SEED)[SPLITS.index(split)]
    plans = plans_per_context if split == "train" else 1
    settings = {
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "split": split,
        "contexts": contexts,
        "plans_per_context": plans,
        "size": size,
        "themes": _digest([themes_text().encode()]),
        "photos": _digest(part for p in photos for part in (p.name.encode(), p.pixels)),
    }
    if is_written(directory, settings):
        return read_trajectories(directory)
    drawn = [
        draw_context(photos, (seed, SPLITS.index(split), i), split, plans, size)
        for i in tqdm(range(contexts), f"{split}: goals and plans", unit="context")
    ]
    key = jax.random.fold_in(jax.random.key(seed), SPLITS.index(split))
    sources = render_sources(drawn, key, f"{split}: source pictures")
    trajectories = run_plans(drawn, sources, key, split, seed, f"{split}: execute and score")
    write_trajectories(directory, trajectories, settings)
    print(summary(trajectories, rejects=contexts * plans - len(trajectories)))
    return trajectories


def draw_context(
    photos: Sequence[Photo], seed: tuple[int, ...], split: str, plans: int, size: int
) -> Context:
    """A random context with the teacher's plans: a pure function of its arguments."""
    rng = np.random.default_rng(seed)
    photo = photos[rng.integers(len(photos))]
    pixels, crop = random_crop(photo, rng, size)
    state = sample_state(rng)
    goal = sample_goal(state, split, rng)
    skills = [1.0]
    if split == "train":
        skills = rng.choice(list(SKILLS), plans, p=list(SKILLS.values())).tolist()
    taught = tuple(teach(goal, state, skill, rng) for skill in skills)
    name = f"{split}-{seed[-1]:06d}"
    return Context(name, photo.name, crop, pixels, state, goal, taught, tuple(skills))


def summary(trajectories: Sequence[Trajectory], rejects: int = 0) -> str:
    """Counts, the reward histogram in half points, and the numbers of steps, as text."""
    reward = np.array([t.reward for t in trajectories])
    counts, edges = np.histogram(reward, np.arange(0, 5.5, 0.5))
    steps = Counter(sum(s.tool not in MODIFIERS for s in t.plan.steps) for t in trajectories)
    lines = [
        f"{len(trajectories)} trajectories of {len({t.context_id for t in trajectories})} contexts "
        f"from {len({t.photo for t in trajectories})} photographs, {rejects} rejected",
        f"reward: mean {reward.mean():.2f}, standard deviation {reward.std():.2f}, "
        f"{np.mean(reward >= 4):.0%} at 4 or more, {np.mean(reward < 3):.0%} below 3",
    ]
    for low, count in zip(edges, counts, strict=False):
        bar = "#" * round(40 * count / counts.max())
        lines.append(f"  {low:.1f}-{low + 0.5:.1f} {count:6d} {bar}")
    lines.append("steps: " + ", ".join(f"{n}: {steps[n]}" for n in sorted(steps)))
    return "\n".join(lines)


def _digest(parts) -> str:
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(part)
    return sha256.hexdigest()[:16]
