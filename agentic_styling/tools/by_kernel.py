"""Plans run on a CPU: pictures one by one, and of each stage the kernel that it needs.

Each kernel is a program of its own, compiled when a plan first needs it and shared by all batches,
plans and numbers of steps at its picture's size. A core takes a picture at a time.
"""

import functools
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools import stage
from agentic_styling.tools.encode import PlanArrays
from agentic_styling.tools.plan import MAX_STEPS
from agentic_styling.tools.scene import estimate_scene


def run_by_kernel(
    images: jax.Array, plans: PlanArrays, seeds: jax.Array, keep_frames: bool
) -> jax.Array:
    """What `execute` returns, or with keep_frames `execute_steps`; nothing may be traced.

    seeds: uint32 [B, T].
    """
    steps = plans.tool.shape[1]
    images, seeds = np.asarray(images), np.asarray(seeds)
    plans = PlanArrays(*map(np.asarray, plans))

    def run(b):
        row = PlanArrays(*(x[b : b + 1] for x in plans))
        return np.asarray(_run(images[b], *_to_most_steps(row, seeds[b : b + 1]), keep_frames))

    if len(images) == 0:
        frames = (steps + 1,) if keep_frames else ()
        return jnp.zeros((0, *frames, *images.shape[1:]), images.dtype)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        out = np.stack(list(pool.map(run, range(len(images)))))
    return jnp.asarray(out[:, : steps + 1] if keep_frames else out)


def _to_most_steps(plan, seeds):
    """A plan and its seeds, with more steps that are none, for all plans to share programs."""
    more = max(MAX_STEPS - seeds.shape[1], 0)

    def pad(array, axes, value=0):
        widths = [(0, more if 1 <= axis <= axes else 0) for axis in range(array.ndim)]
        return jnp.asarray(np.pad(array, widths, constant_values=value))

    rest = {name: pad(x, 2 if name == "touches" else 1) for name, x in plan._asdict().items()}
    return PlanArrays(**rest | {"tool": pad(plan.tool, 1, -1)}), pad(seeds, 1)


def _run(image, plan, seeds, keep_frames):
    """One plan on one picture [H, W, 3]: the result, or the frames [T + 1, H, W, 3]."""
    source, scene = _call("open", _open, image)
    stages = jax.vmap(functools.partial(stage.stages_of, fuse=not keep_frames))
    runs, kernels = map(np.asarray, _call(f"stages, frames {keep_frames}", stages, plan))
    current = base = source
    frames = [source]
    for run, kernel in zip(runs[0], kernels[0], strict=True):
        if run[0] >= 0:
            rows = stage.Rows(current, base, source, scene, plan, seeds, jnp.asarray(run[None]))
            edit = _call("begin", stage.begin, rows)
            if kernel > 0:
                edit = _call(f"kernel {kernel}", stage.kernels()[kernel], rows, edit)
            current, base = _call("finish", stage.finish, rows, edit)
        frames.append(current)
    if keep_frames:
        return _call("close", _close, frames)
    return _call("close", _close, [current])[0]


def _open(image):
    """The picture's planes [1, 3, H, W], and its scene."""
    planes = jnp.moveaxis(image, -1, 0)[None]
    return planes, jax.lax.map(estimate_scene, planes)


def _close(frames):
    return jnp.moveaxis(jnp.concatenate(frames), 1, -1)


_programs: dict[tuple, Future] = {}
_lock = threading.Lock()


def _call(name: str, function, *args):
    """function(*args), compiled once for these shapes, by whichever thread comes first."""
    shapes = [(x.shape, x.dtype) for x in jax.tree.leaves(args)]
    key = (name, *shapes)
    with _lock:
        first = key not in _programs
        program = _programs.setdefault(key, Future())
    if not first:
        return program.result()(*args)
    try:
        compiled = jax.jit(function)
        out = compiled(*args)
    except BaseException as error:
        with _lock:
            del _programs[key]
        program.set_exception(error)
        raise
    program.set_result(compiled)
    return out
