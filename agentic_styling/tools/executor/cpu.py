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

from agentic_styling.tools.executor import stages as stage
from agentic_styling.tools.executor.added import added_tools
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.plans.encode import PlanArrays
from agentic_styling.tools.plans.plan import MAX_STEPS


def run_by_kernel(
    images: jax.Array, plans: PlanArrays, seeds: jax.Array, keep_frames: bool
) -> jax.Array:
    """What `execute` returns, or with keep_frames `execute_steps`; nothing may be traced.

    seeds: uint32 [B, T].
    """
    images, steps = np.asarray(images), plans.tool.shape[1]
    frames = range(steps + 1) if keep_frames else [-1]
    out = np.empty((len(images), len(frames), *images.shape[1:]), images.dtype)
    rows = _one_by_one(images, *_to_most_steps(plans, seeds))

    def run(b):
        shown = _run(*rows[b], keep_frames)
        for place, frame in enumerate(frames):
            out[b, place] = np.moveaxis(np.asarray(shown[frame])[0], 0, -1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, range(len(images))))
    return jnp.asarray(out if keep_frames else out[:, 0])


def _to_most_steps(plans, seeds):
    """Plans and their seeds, with more steps that are none, for all plans to share programs."""
    more = max(MAX_STEPS - seeds.shape[1], 0)

    def pad(array, axes, value=0):
        widths = [(0, more if 1 <= axis <= axes else 0) for axis in range(array.ndim)]
        return np.pad(np.asarray(array), widths, constant_values=value)

    rest = {name: pad(x, 2 if name == "touches" else 1) for name, x in plans._asdict().items()}
    return PlanArrays(**rest | {"tool": pad(plans.tool, 1, -1)}), pad(seeds, 1)


def _one_by_one(*arrays):
    """Rows [1, ...] of every array, put on the device in one call: calls are what is slow."""
    rows = [jax.tree.map(lambda x, b=b: x[b : b + 1], arrays) for b in range(len(arrays[0]))]
    return jax.device_put(rows)


def _run(image, plan, seeds, keep_frames):
    """One plan on one picture [1, H, W, 3]: its planes [1, 3, H, W] before and after each step."""
    call = functools.partial(_call, (image.shape, image.dtype, plan.tool.shape, *added_tools()))
    source, scene = call("open", _open, image)
    stages = jax.vmap(functools.partial(stage.stages_of, fuse=not keep_frames))
    runs, kernels = map(np.asarray, call(f"stages, frames {keep_frames}", stages, plan))
    current = base = source
    frames = [source]
    for run, kernel in zip(runs[0], kernels[0], strict=True):
        if run[0] >= 0:
            rows = stage.Rows(current, base, source, scene, plan, seeds, run[None])
            edit = call("begin", stage.begin, rows)
            if kernel > 0:
                edit = call(f"kernel {kernel}", stage.kernels()[kernel], rows, edit)
            current, base = call("finish", stage.finish, rows, edit)
        frames.append(current)
    return frames


def _open(image):
    """The picture's planes [1, 3, H, W], and its scene."""
    planes = jnp.moveaxis(image, -1, 1)
    return planes, jax.lax.map(estimate_scene, planes)


_programs: dict[tuple, Future] = {}
_lock = threading.Lock()


def _call(shapes: tuple, name: str, function, *args):
    """function(*args), compiled once for these shapes, by whichever thread comes first."""
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
