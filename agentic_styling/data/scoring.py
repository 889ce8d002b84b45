"""Plans executed and scored by both rewards on the device, in batches of one shape."""

import itertools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from agentic_styling.data.pipeline import as_bytes, batch_size
from agentic_styling.data.teachers.scripted import MAX_TEACHER_STEPS
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.rewards import PARTS, asks, render_reference, score_against
from agentic_styling.rewards.held_out import held_out_reward, measure_reference
from agentic_styling.tools import Plan, Step, encode_plans, execute_steps

MOST_KEPT = 16  # batches, of 20 MB each


def execute_and_score(
    images: np.ndarray,
    plans: list[Plan],
    requests: list[tuple[Step, ...]],
    *,
    seed: int,
    label: str,
    film: list[int] = (),
    held_out: bool = True,
    rendered: dict | None = None,
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Execute plan i on picture i and score the result against request i.

    A case gets the same random numbers for every method, so that differences are paired.

    Args:
      images: uint8 [N, H, W, 3].
      plans, requests: N each.
      seed: of the executor's random numbers.
      label: of the progress bar.
      film: increasing row numbers of which every frame is returned.
      held_out: whether to compute the held-out reward too, which takes most of the time on a CPU.
      rendered: is filled with the first requests as rendered, twice the work of executing a plan.
        Given again with the same pictures, requests and seed, it spares that.

    Returns:
      Scores, float64 [N] each: the six parts, `overall`, `reward` and `held_out_reward`, which no
      method is trained on; and for each row of `film` its frames, uint8 [T + 1, H, W, 3], the
      source first.
    """
    scores, held_out_rewards, frames = [], [], []
    batches = _batches(images, requests, seed, label, held_out, rendered)
    for rows, source, key, reference, measured in batches:
        steps = execute_steps(source, encode_plans([plans[row] for row in rows]), key)
        scores.append(score_against(reference, steps[:, -1]))
        if held_out:
            held_out_rewards.append(held_out_reward(measured, steps[:, -1]))
        kept = [row - rows[0] for row in film if rows[0] <= row <= rows[-1]]
        frames += [as_bytes(steps[i]) for i in kept]
    scores, held_out_rewards = jax.device_get((scores, held_out_rewards))
    names = (*PARTS, "overall", "reward")
    joined = {name: np.concatenate([getattr(batch, name) for batch in scores]) for name in names}
    if held_out:
        joined["held_out_reward"] = np.concatenate(held_out_rewards)
    return {name: values[: len(plans)].astype(float) for name, values in joined.items()}, frames


def score_samples(
    images: np.ndarray,
    plans: Sequence[Sequence[Plan]],
    requests: list[tuple[Step, ...]],
    *,
    seed: int,
    label: str,
    held_out: bool = True,
    rendered: dict | None = None,
) -> dict[str, np.ndarray]:
    """The rewards of several plans of each case, whose request is rendered once for all of them.

    plans: N times K; the other arguments are as in `execute_and_score`. Returns `reward` and, with
    held_out, `held_out_reward`, float64 [N, K].
    """
    found = []
    batches = _batches(images, requests, seed, label, held_out, rendered)
    for rows, source, key, reference, measured in batches:
        for own in zip(*(plans[row] for row in rows), strict=True):
            result = execute_steps(source, encode_plans(list(own)), key)[:, -1]
            rewards = [score_against(reference, result).reward]
            if held_out:
                rewards.append(held_out_reward(measured, result))
            found.append(jnp.stack(rewards))
    count = len(plans[0])
    found = np.array(jax.device_get(found), float)  # [batches * K, rewards, size]
    found = found.reshape(-1, count, *found.shape[1:]).transpose(2, 0, 3, 1)
    found = found.reshape(len(found), -1, count)[:, : len(plans)]
    return dict(zip(("reward", "held_out_reward"), found, strict=False))


def _batches(images, requests, seed, label, held_out, rendered) -> Iterator[tuple]:
    """Rows of a batch, pictures, key of random numbers, and requests rendered for both rewards."""
    # As long as where the cases were made, when they fit: the reward is then compiled already.
    asked_plans = [Plan({}, request) for request in requests]
    asked_steps = max(MAX_TEACHER_STEPS, *(len(plan.resolved) for plan in asked_plans))
    size = batch_size(len(requests))
    starts = range(0, len(requests), size)
    for number, start in enumerate(tqdm(starts, desc=label, unit="batch", leave=False)):
        # All are of one size; the last is padded with its last case.
        rows = np.minimum(np.arange(start, start + size), len(requests) - 1)
        source = jnp.asarray(np.float32(images[rows]) / 255)
        key = jax.random.fold_in(jax.random.key(seed), number)
        reference, measured = (rendered or {}).get(number, (None, None))
        if reference is None:
            asked = encode_plans([asked_plans[row] for row in rows], asked_steps)
            reference = render_reference(source, asked)
        if held_out and measured is None:
            measured = measure_reference(reference)
        if rendered is not None and number < MOST_KEPT:
            rendered[number] = reference, measured
        yield rows, source, key, reference, measured


def that_ask(cases: Sequence[Trajectory]) -> list[Trajectory]:
    """The cases against whose requests plans can be scored.

    Doing nothing would answer a request that asks for no edit.
    """
    asking = asks(encode_plans([Plan({}, case.request) for case in cases]))
    return list(itertools.compress(cases, np.asarray(asking)))
