"""A process of the tools' benchmark that executes random plans, a batch for every line read.

    python -m tool_peers.plan_worker ours|hand COUNT SIZE

Every line read is the number of a batch of 16 plans; the answer gives the seconds it took. Plans
are encoded, and looked up by the hand-written side, beforehand.
"""

import functools
import multiprocessing
import os
import sys

import numpy as np
import timing

from tool_peers.random_plans import random_plans
from tool_peers.work import BATCH, photographs

_SEED = 4


def pictures(size: int) -> np.ndarray:
    """float32 [BATCH, size, size, 3] in [0, 1]."""
    import cv2

    found = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in photographs()]
    return np.stack(found).astype(np.float32) / 255


def ours(count: int, size: int):
    """A call of `execute` for each batch, shared out to the devices; a CPU has one a core.

    The last batch is filled up with plans of no step.
    """
    import jax

    from agentic_styling.tools import Plan, encode_plans, execute

    jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    plans = random_plans(count, _SEED)
    plans += [Plan({})] * (-count % BATCH)
    steps = max(len(plan.steps) for plan in plans)
    batches = [encode_plans(plans[i : i + BATCH], steps) for i in range(0, len(plans), BATCH)]
    images, key = jax.numpy.asarray(pictures(size)), jax.random.key(0)
    mesh = jax.make_mesh((jax.device_count(),), ("rows",))
    images, *batches = jax.device_put((images, *batches), jax.NamedSharding(mesh, jax.P("rows")))
    return lambda batch: jax.block_until_ready(execute(images, batches[batch], key, mesh=mesh))


def hand(count: int, size: int):
    """The same by hand: a photograph after the other, shared out to a process a core."""
    cores = len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    pool = context.Pool(cores, _prepare_hand, (count, size))
    return lambda batch: pool.map(
        _by_hand, range(batch * BATCH, min((batch + 1) * BATCH, count)), chunksize=1
    )


def _prepare_hand(count, size):
    import cv2
    from hand_written.plans import prepare

    cv2.setNumThreads(1)
    _prepare_hand.state = prepare(random_plans(count, _SEED)), pictures(size)


def _by_hand(index: int) -> None:
    """The picture stays where it was made: only that it is ready goes back."""
    from hand_written.plans import style

    plans, images = _prepare_hand.state
    style(images[index % BATCH], plans[index], index)


def main() -> None:
    """Serve batches until the input ends."""
    side, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    call = {"ours": ours, "hand": hand}[side](count, size)
    for line in sys.stdin:
        timing.answer(seconds=timing.seconds(functools.partial(call, int(line))))


if __name__ == "__main__":
    main()
