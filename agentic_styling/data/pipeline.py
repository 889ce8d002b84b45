"""Executes and scores plans, in batches on the device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.data.goals.goals import Goal
from agentic_styling.data.photos.states import state_plan
from agentic_styling.data.teachers.scripted import MAX_TEACHER_STEPS
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.rewards import PARTS, render_reference, score_against
from agentic_styling.tools import Plan, encode_plans, execute

BATCH = 32  # contexts
NO_PLAN = Plan({}, ())


@dataclass(frozen=True)
class Context:
    """A picture and its goal, with the plans of a teacher.

    pixels: uint8 [H, W, 3], a crop that is not yet in its state. skills: of each plan, the skill or
    the temperature of its teacher.
    """

    id: str
    photo: str
    crop: dict
    pixels: np.ndarray
    state: dict[str, str]
    goal: Goal
    plans: tuple[Plan, ...]
    skills: tuple[float, ...]
    teacher: str = "procedural"


def render_sources(drawn: Sequence[Context], key) -> np.ndarray:
    """Puts N crops into their states, uint8 [N, H, W, 3]; key: of the edits' random numbers.

    They are rounded here, so that what is stored is exactly what is scored.
    """
    crops = np.stack([c.pixels for c in drawn])
    states = [state_plan(c.state) for c in drawn]
    out = []
    for rows, real, batch_key in _batches(len(drawn), key, 0):
        plans = _encode([states[i] for i in rows])
        pixels = execute(np.float32(crops[rows]) / 255, plans, batch_key)
        out.append(as_bytes(pixels)[:real])
    return np.concatenate(out)


def run_plans(
    drawn: Sequence[Context], sources: np.ndarray, key, split: str, seed: int
) -> list[Trajectory]:
    """Executes and scores the plans of N contexts; a goal's reference is rendered once for all.

    sources: of `render_sources`. split, seed: written into the trajectories, which are in order
    and without those whose scores are not finite.
    """
    trajectories = [[] for _ in drawn]
    most = max((len(c.plans) for c in drawn), default=0)
    requests = [Plan(c.state, c.goal.request) for c in drawn]
    for rows, real, batch_key in _batches(len(drawn), key, 1):
        source = jnp.asarray(sources[rows], jnp.float32) / 255
        reference = render_reference(source, _encode([requests[i] for i in rows]))
        for k in range(most):
            plans = [drawn[i].plans[k] if k < len(drawn[i].plans) else NO_PLAN for i in rows]
            result = execute(source, _encode(plans), jax.random.fold_in(batch_key, k))
            table, edited = _table(score_against(reference, result)), as_bytes(result)
            for place, i in enumerate(rows[:real]):
                if k < len(drawn[i].plans) and np.isfinite(table[place]).all():
                    pictures = sources[i], edited[place]
                    made = _trajectory(drawn[i], k, pictures, table[place], split, seed)
                    trajectories[i].append(made)
    return [trajectory for own in trajectories for trajectory in own]


def batch_size(count: int) -> int:
    """Rows of a batch for `count` rows: BATCH, or for fewer the power of two that holds them.

    So there are few shapes to compile, and little padding.
    """
    return min(BATCH, 1 << (count - 1).bit_length())


def as_bytes(pixels: jax.Array) -> np.ndarray:
    """Pictures in [0, 1] as uint8."""
    return np.asarray(jnp.round(pixels * 255).astype(jnp.uint8))


def _trajectory(context: Context, k: int, pictures, values, split, seed) -> Trajectory:
    *scores, reward = values.astype(float).round(3).tolist()
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
        reward=reward,
        scores=dict(zip((*PARTS, "overall"), scores, strict=True)),
        provenance={
            "seed": seed,
            "skill": context.skills[k],
            "teacher": context.teacher,
            "level": context.goal.level,
            "held_out": context.goal.held_out,
            "crop": context.crop,
        },
    )


def _batches(count: int, key, stage: int) -> Iterator[tuple]:
    """Row numbers in batches of one size (the last wraps around), how many are real, and a key."""
    key, size = jax.random.fold_in(key, stage), batch_size(count)
    for start in range(0, count, size):
        real = min(size, count - start)
        yield np.arange(start, start + size) % count, real, jax.random.fold_in(key, start)


def _encode(plans: Sequence[Plan]):
    return encode_plans(plans, MAX_TEACHER_STEPS)


def _table(scores) -> np.ndarray:
    """The six parts, overall and reward of each row, [B, 8]."""
    names = (*PARTS, "overall", "reward")
    return np.stack(jax.device_get([getattr(scores, name) for name in names]), 1)
