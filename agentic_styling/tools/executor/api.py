"""The executor: plans applied to photographs on the device.

A plan runs in stages (stages.py). Under jit, over a mesh and on accelerators all rows run in one
program (dispatch.py). On a CPU that program would take a minute to compile for every shape, so
there pictures run one by one, and in each stage only the kernel that it needs. Each kernel, or
branch of one, is a program of its own, compiled when a plan first needs it and shared by all
batches, plans and numbers of steps for pictures of one size. Each core runs one picture at a time.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from agentic_styling.tools import dimensions
from agentic_styling.tools.executor import stages
from agentic_styling.tools.executor.dispatch import run_in_one
from agentic_styling.tools.executor.scene_estimate import classify, scene_of, squash
from agentic_styling.tools.plans.encode import PlanArrays
from agentic_styling.tools.plans.steps import MAX_STEPS
from agentic_styling.tools.plans.vocabulary import DIMENSIONS
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

_QUICK = ContextVar("quick", default=False)
_QUICKLY = {"xla_backend_optimization_level": 0}


@contextlib.contextmanager
def compiled_quickly() -> Iterator[None]:
    """Within it, a CPU's programs take two thirds of the time to compile, and run a third as fast.

    That pays for a few small pictures.
    """
    token = _QUICK.set(True)
    try:
        yield
    finally:
        _QUICK.reset(token)


@in_32_bits
def execute(
    images: jax.Array | Sequence, plans: PlanArrays, key: jax.Array, *, mesh: Mesh | None = None
) -> jax.Array:
    """Applies each row's plan to its photograph.

    Differentiable in the images and the plans' strength. Another plan does not recompile; another
    shape of images does.

    Args:
      images: float [B, H, W, 3] in [0, 1] or uint8, or B such pictures [H, W, 3] of one size.
      plans: rows [B, T, ...]. Strength 0 is the identity.
      key: one PRNG key; row b uses fold_in(key, b).
      mesh: splits the rows over all its devices, which must divide B.

    Returns:
      [B, H, W, 3] in [0, 1], bfloat16 if the images are, else float32.

    Raises:
      InputError: images of several sizes or another shape or dtype, or not one for each plan.
    """
    return _execute(images, plans, key, mesh, keep_frames=False)


@in_32_bits
def execute_steps(
    images: jax.Array | Sequence, plans: PlanArrays, key: jax.Array, *, mesh: Mesh | None = None
) -> jax.Array:
    """Every frame of `execute`, whose arguments it takes.

    Returns:
      [B, T + 1, H, W, 3], frame 0 the source, the last the result; frame t is the picture after
      step t of `Plan.resolved_steps`.
    """
    return _execute(images, plans, key, mesh, keep_frames=True)


def _as_batch(images, count: int) -> jax.Array | np.ndarray:
    """Pictures as one floating batch [B, H, W, 3]; the arguments of `execute` are checked."""
    # Those of the host stay there: each operation on them would be one more program to compile.
    if not hasattr(images, "dtype"):
        images = [x if hasattr(x, "dtype") else np.asarray(x) for x in images]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise InputError(
                f"images: of several shapes, such as {list(shapes[0])} and {list(shapes[1])}; "
                "call execute once for each"
            )
        stack = (jnp if any(isinstance(image, jax.Array) for image in images) else np).stack
        images = stack(list(map(_as_float, images))) if images else np.zeros(0)
    known = images.dtype == jnp.uint8 or jnp.issubdtype(images.dtype, jnp.floating)
    fits = images.ndim == 4 and images.shape[-1] == 3 and len(images) == count
    if not (known and fits):
        raise InputError(
            f"images: {images.dtype} {list(images.shape)} for {count} plans; "
            "use float32 [B, H, W, 3] in [0, 1] or uint8, one for each plan"
        )
    return _as_float(images)


def _as_float(image):
    """uint8 pixels as float32 in [0, 1]; floats stay, but float16 and float64 become float32."""
    if image.dtype == jnp.uint8:
        return image.astype(np.float32) / 255
    floating = jnp.issubdtype(image.dtype, jnp.floating) and image.dtype != jnp.bfloat16
    return image.astype(np.float32) if floating else image


def _execute(images, plans, key, mesh, keep_frames):
    images = _as_batch(images, len(plans.tool))
    if mesh is not None and len(images) % mesh.size:
        raise InputError(
            f"images: {len(images)} rows on {mesh.size} devices; pad them to a multiple"
        )
    seeds = stages.step_seeds(key, *plans.tool.shape)  # traced in a caller's jit, whatever the rest
    traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((images, plans, seeds)))
    if traced or mesh is not None or jax.default_backend() != "cpu":
        return run_in_one(images, plans, key, mesh, keep_frames, stages.added_tools())
    return run_on_cpu(images, plans, seeds, keep_frames)


def run_on_cpu(
    images: jax.Array, plans: PlanArrays, seeds: jax.Array, keep_frames: bool
) -> jax.Array:
    """What `execute` returns, or with keep_frames `execute_steps`; nothing may be traced.

    seeds: uint32 [B, T].
    """
    images, steps = np.asarray(images), plans.tool.shape[1]
    kept = range(steps + 1) if keep_frames else [-1]
    out = np.empty((len(images), len(kept), *images.shape[1:]), images.dtype)
    rows = _split_rows(images, *_pad_steps(plans, seeds))
    options = _QUICKLY if _QUICK.get() else {}

    @in_32_bits  # the caller's settings do not reach other threads
    def run(b):
        frames = _run(*rows[b], keep_frames, options)
        for i, frame in enumerate(kept):
            out[b, i] = np.moveaxis(np.asarray(frames[frame])[0], 0, -1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, range(len(images))))
    return jax.device_put(out if keep_frames else out[:, 0])


def _pad_steps(plans, seeds):
    """Plans and their seeds padded to MAX_STEPS, so that plans of any length share programs."""
    more = max(MAX_STEPS - seeds.shape[1], 0)

    def pad(array, axes, value=0):
        widths = [(0, more if 1 <= axis <= axes else 0) for axis in range(array.ndim)]
        return np.pad(np.asarray(array), widths, constant_values=value)

    padded = {name: pad(x, 2 if name == "touches" else 1) for name, x in plans._asdict().items()}
    return PlanArrays(**padded | {"tool": pad(plans.tool, 1, -1)}), pad(seeds, 1)


def _split_rows(*arrays):
    """Rows [1, ...] of every array, put on the device in one call, as each call has a cost."""
    rows = [jax.tree.map(lambda x, b=b: x[b : b + 1], arrays) for b in range(len(arrays[0]))]
    return jax.device_put(rows)


def _run(image, plan, seeds, keep_frames, options):
    """One plan on one picture [1, H, W, 3]: its planes [1, 3, H, W] before and after each step."""
    shapes = image.shape, image.dtype, plan.tool.shape, *stages.added_tools()
    call = functools.partial(_call, options, shapes)
    source, square = call("prepare", _prepare, image)
    # Of its own shape, so that the network is not compiled again for another size.
    shown = _call(options, (), "classify", _over(classify), *square)
    scene = call("scene", _over(scene_of), source, *shown)
    split = jax.vmap(functools.partial(stages.stages_of, fuse=not keep_frames))
    split = call(f"stages, frames {keep_frames}", split, plan, _renderers(plan, call))
    current = base = source
    frames = [source]
    for run, kernel, finished in zip(*(np.asarray(x)[0] for x in split), strict=True):
        if run[0] >= 0:
            rows = stages.Rows(current, base, source, scene, plan, seeds, run[None])
            edit = call("begin", stages.begin, rows)
            if kernel > 0:
                branch = _branch(plan, run.max())
                draw = stages.kernels(branch)[kernel]
                edit = call(f"kernel {kernel}, branch {branch}", draw, rows, edit)
            # Most plans have no modifier, and need not wait for what none asks for to compile.
            current, base = call("finish", stages.finish, rows, edit) if finished else (edit, base)
        frames.append(current)
    return frames


def _renderers(plan, call) -> np.ndarray:
    """int32 [1, T]: the renderer of each step; only the dimensions of its tools are asked."""
    renderers = np.full(plan.tool.shape, -1, np.int32)
    for t, tool in enumerate(np.asarray(plan.tool)[0].tolist()):
        if 0 <= tool < len(DIMENSIONS):
            of_tool = functools.partial(dimensions.renderer_of, tool)
            renderers[0, t] = call(f"renderer of {tool}", of_tool, plan.options[0, t])
    return renderers


def _branch(plan, t) -> int | None:
    """`dimensions.branch_of` step t."""
    tool, options = np.asarray(plan.tool)[0, t], np.asarray(plan.options)[0, t]
    return dimensions.branch_of(int(tool), options)


def _prepare(image):
    """The picture's planes [1, 3, H, W], and what `classify` reads of them."""
    planes = jnp.moveaxis(image, -1, 1)
    return planes, jax.lax.map(squash, planes)


def _over(function):
    """A function of rows, one by one."""
    return lambda *rows: jax.lax.map(lambda row: function(*row), rows)


_programs: dict[tuple, Future] = {}
_lock = threading.Lock()


def _call(options: dict, shapes: tuple, name: str, function, *args):
    """function(*args), compiled once for these shapes, by the thread that comes first."""
    key = (name, *shapes, *options)
    with _lock:
        first = key not in _programs
        program = _programs.setdefault(key, Future())
    if not first:
        return program.result()(*args)
    try:
        compiled = jax.jit(function, compiler_options=options)
        out = compiled(*args)
    except BaseException as error:
        with _lock:
            del _programs[key]
        program.set_exception(error)
        raise
    program.set_result(compiled)
    return out
