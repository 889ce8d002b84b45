"""The pipeline: crops, states and goals, the teacher's plans, execution, scores, disk."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from tqdm import tqdm

from agentic_styling.data.goals import Goal, sample_goal
from agentic_styling.data.photos import Photo, random_crop, split_photos
from agentic_styling.data.states import sample_state, state_plan
from agentic_styling.data.teacher import MAX_TEACHER_STEPS, teach
from agentic_styling.data.themes import themes_text
from agentic_styling.data.trajectories import is_written, read_trajectories, write_trajectories
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.errors import InputError
from agentic_styling.rewards import PARTS, score
from agentic_styling.tools import MODIFIERS, Plan, encode_plans, execute

GENERATOR_VERSION = 2  # another number for other trajectories from the same settings
BATCH = 32
SPLIT_SEED = 0  # not the run's seed: a photograph is a test photograph in every run
SPLITS = ("train", "test")
# Skills of the training plans and their shares: most plans are good, some are poor.
SKILLS = {1.0: 0.40, 0.7: 0.25, 0.4: 0.22, 0.0: 0.13}


@dataclass(frozen=True)
class Context:
    """A crop (uint8 [H, W, 3], not yet in its state), the state, and the goal."""

    id: str
    photo: str
    crop: dict
    pixels: np.ndarray
    state: dict[str, str]
    goal: Goal
    plans: tuple[Plan, ...]
    skills: tuple[float, ...]
    teacher: str = "procedural"


def generate(
    directory,
    photos: Sequence[Photo],
    *,
    seed: int,
    split: str,
    contexts: int,
    plans_per_context: int = 3,
    size: int = 128,
    score_fn: Callable = score,
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
    trajectories = run_plans(
        drawn, sources, key, split, seed, score_fn, f"{split}: execute and score"
    )
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


def render_sources(drawn: Sequence[Context], key, label: str | None = None) -> np.ndarray:
    """The crops in their states, uint8 [N, H, W, 3]: what is stored is what is scored.

    label: of the progress line; None for none.
    """
    crops = np.stack([c.pixels for c in drawn])
    states = [state_plan(c.state) for c in drawn]
    out = []
    for rows, real, batch_key in _batches(len(drawn), key, 0, label):
        plans = encode_plans([states[i] for i in rows], MAX_TEACHER_STEPS)
        pixels = execute(np.float32(crops[rows]) / 255, plans, batch_key)
        out.append(np.asarray((pixels * 255).round().astype(np.uint8))[:real])
    return np.concatenate(out)


def run_plans(
    drawn: Sequence[Context], sources, key, split, seed, score_fn, label: str | None = None
) -> list[Trajectory]:
    """Execute and score every plan; a plan whose scores are not finite is left out."""
    jobs = [(c, k) for c in range(len(drawn)) for k in range(len(drawn[c].plans))]
    requests = [Plan(c.state, c.goal.request) for c in drawn]
    trajectories = []
    for rows, real, batch_key in _batches(len(jobs), key, 1, label):
        which = [jobs[i][0] for i in rows]
        source = jax.numpy.asarray(np.float32(sources[which]) / 255)
        plans = encode_plans(
            [drawn[c].plans[k] for c, k in (jobs[i] for i in rows)], MAX_TEACHER_STEPS
        )
        result = execute(source, plans, batch_key)
        asked = encode_plans([requests[c] for c in which], MAX_TEACHER_STEPS)
        scores = score_fn(source, result, asked)
        names = (*PARTS, "overall", "reward")
        table = np.stack(jax.device_get([getattr(scores, name) for name in names]), 1)
        edited = np.asarray((result * 255).round().astype(np.uint8))
        for i, values, after in zip(rows[:real], table, edited, strict=False):
            if np.isfinite(values).all():
                c, k = jobs[i]
                values = dict(zip(names, values.astype(float).round(3).tolist(), strict=True))
                pictures = sources[c], after
                trajectories.append(_trajectory(drawn[c], k, pictures, values, split, seed))
    return trajectories


def _trajectory(context: Context, k: int, pictures, scores: dict, split, seed) -> Trajectory:
    return Trajectory(
        id=f"{context.id}-{k}",
        context_id=context.id,
        split=split,
        photo=context.photo,
        image=pictures[0],
        edited=pictures[1],
        state=context.state,
        goal=context.goal.text,
        theme=context.goal.theme,
        explicit=context.goal.explicit,
        request=context.goal.request,
        plan=context.plans[k],
        reward=scores.pop("reward"),
        scores=scores,
        provenance={
            "seed": seed,
            "skill": context.skills[k],
            "teacher": context.teacher,
            "crop": context.crop,
        },
    )


def _batches(count: int, key, stage: int, description: str | None):
    """Row numbers in batches of one size (the last wraps round), how many are real, and a key."""
    key = jax.random.fold_in(key, stage)
    with tqdm(total=count, desc=description, unit="row", disable=not description) as progress:
        for start in range(0, count, BATCH):
            real = min(BATCH, count - start)
            yield np.arange(start, start + BATCH) % count, real, jax.random.fold_in(key, start)
            progress.update(real)


def _digest(parts) -> str:
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(part)
    return sha256.hexdigest()[:16]
