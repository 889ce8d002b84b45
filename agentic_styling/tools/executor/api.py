"""The executor: plans applied to photographs on the device.

A plan runs in stages (stages.py). Under jit, over a mesh and on accelerators all rows run in one
program. Under vmap a `lax.switch` over rows would run every branch, so rows are sorted by kernel
into chunks of one kernel each, as a mixture of experts sorts tokens; a chunk's kernel is then a
scalar. On a CPU that program would take a minute to compile for every shape, so each kernel is
compiled and called by itself (cpu.py).
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.tools import dimensions
from agentic_styling.tools.executor.cpu import run_on_cpu
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.executor.stages import (
    Rows,
    added_tools,
    begin,
    finish,
    kernels,
    stages_of,
)
from agentic_styling.tools.plans.encode import PlanArrays
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits


@in_32_bits
def execute(
    images: jax.Array | Sequence,
    plans: PlanArrays,
    key: jax.Array,
    *,
    mesh: Mesh | None = None,
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
    images: jax.Array | Sequence,
    plans: PlanArrays,
    key: jax.Array,
    *,
    mesh: Mesh | None = None,
) -> jax.Array:
    """Every frame of `execute`, whose arguments it takes.

    Returns:
      [B, T + 1, H, W, 3], frame 0 the source, the last the result; frame t is the picture after
      step t of `Plan.resolved_steps`.
    """
    return _execute(images, plans, key, mesh, keep_frames=True)


def _as_batch(images, count: int) -> jax.Array:
    """Pictures as one floating batch [B, H, W, 3]; the arguments of `execute` are checked."""
    if not hasattr(images, "dtype"):
        images = [x if hasattr(x, "dtype") else np.asarray(x) for x in images]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise InputError(
                f"images: of several shapes, such as {list(shapes[0])} and {list(shapes[1])}; "
                "call execute once for each"
            )
        images = jnp.stack(list(map(_as_float, images))) if images else np.zeros(0)
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
        return jnp.asarray(image, jnp.float32) / 255
    floating = jnp.issubdtype(image.dtype, jnp.floating) and image.dtype != jnp.bfloat16
    return jnp.asarray(image, jnp.float32) if floating else image


def _execute(images, plans, key, mesh, keep_frames):
    images = _as_batch(images, len(plans.tool))
    if mesh is not None and len(images) % mesh.size:
        raise InputError(
            f"images: {len(images)} rows on {mesh.size} devices; pad them to a multiple"
        )
    traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((images, plans, key)))
    if traced or mesh is not None or jax.default_backend() != "cpu":
        return run_in_one(images, plans, key, mesh, keep_frames, added_tools())
    return run_on_cpu(images, plans, _seeds(key, *plans.tool.shape), keep_frames)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _seeds(key: jax.Array, batch: int, steps: int) -> jax.Array:
    """uint32 [B, T]: of row b's steps, drawn from fold_in(key, b)."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(batch))
    return jax.vmap(lambda k: jax.random.bits(k, (steps,)))(keys)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def run_in_one(
    images: jax.Array,
    plans: PlanArrays,
    key: jax.Array,
    mesh: Mesh | None,
    keep_frames: bool,
    added: tuple = (),
) -> jax.Array:
    """`execute`, or with keep_frames `execute_steps`, as one program.

    added: `added_tools()`, so that another set of tools is another program.
    """
    seeds = _seeds(key, *plans.tool.shape)
    run = functools.partial(_run_batch, keep_frames=keep_frames)
    if mesh is None:
        return run(images, plans, seeds)
    rows = PartitionSpec(mesh.axis_names)
    run = jax.shard_map(run, mesh=mesh, in_specs=rows, out_specs=rows, check_vma=False)
    # A mesh of explicit axes wants its inputs where they are used.
    split = jax.device_put((images, plans, seeds), NamedSharding(mesh, rows))
    return run(*split)


def _run_batch(images, plans, seeds, keep_frames):
    run = functools.partial(_run_rows, keep_frames=keep_frames)
    if rows_at_once() > 1:
        return run(images, plans, seeds)

    def run_one(row):
        return run(*jax.tree.map(lambda x: x[None], row))[0]

    # Row by row, so that a picture stays in the cache from one stage to the next.
    return jax.lax.map(run_one, (images, plans, seeds))


def _run_rows(images, plans, seeds, keep_frames):
    """All rows, stage by stage, as planes [B, 3, H, W], which vectorise."""
    source = jnp.moveaxis(images, -1, 1)
    size = rows_at_once()
    scenes = jax.lax.map(estimate_scene, source, batch_size=size)
    renderers = jax.vmap(jax.vmap(dimensions.renderer_of))(plans.tool, plans.options)
    stages = jax.vmap(functools.partial(stages_of, fuse=not keep_frames))(plans, renderers)

    def stage(pictures, j):
        runs, needed = stages[0][:, j], stages[1][:, j]

        def run_stage():
            rows = Rows(*pictures, source, scenes, plans, seeds, runs)
            # Rematerialised in the gradient: a switch saves what all its branches would need.
            return map_by_kernel(jax.checkpoint(_stage), needed, rows, size)

        pictures = jax.lax.cond(jnp.any(runs[:, 0] >= 0), run_stage, lambda: pictures)
        return pictures, pictures[0] if keep_frames else None

    (last, _), frames = jax.lax.scan(stage, (source, source), jnp.arange(plans.tool.shape[1]))
    if keep_frames:
        frames = jnp.concatenate([source[None], frames])
        return jnp.moveaxis(frames, (0, 2), (1, -1))
    return jnp.moveaxis(last, 1, -1)


def _stage(kernel, rows):
    return finish(rows, jax.lax.switch(kernel, kernels(), rows, begin(rows)))


def rows_at_once() -> int:
    """Rows of a chunk: one on a CPU, which a row keeps busy, several where launches cost."""
    return 1 if jax.default_backend() == "cpu" else 4


def map_by_kernel(run, kernels: jax.Array, rows, size: int):
    """Maps `run(kernel, rows) -> rows` over chunks of rows that need the same kernel.

    Args:
      run: gets a scalar kernel and rows [size, ...], some of which may be copies.
      kernels: int32 [B], the kernel of each row.
      rows: a pytree of [B, ...].
      size: rows of a chunk.

    Returns:
      A pytree of [B, ...], in the order of `rows`.
    """
    batch = kernels.shape[0]
    if batch == 1:
        return run(kernels[0], rows)
    chunk_kernels, index = _schedule(kernels, size)
    out = jax.lax.map(
        lambda c: run(c[0], jax.tree.map(lambda x: x[jnp.minimum(c[1], batch - 1)], rows)),
        (chunk_kernels, index),
    )
    # The inverse permutation: every row is in exactly one chunk.
    slots = jnp.arange(index.size, dtype=jnp.int32)
    places = jnp.zeros(batch, jnp.int32).at[index.ravel()].set(slots, mode="drop")
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[places], out)


def _schedule(kernels, size):
    """The kernel [B] of each chunk and its rows [B, size], `batch` where there is none.

    There are never more chunks than rows; the last ones may be empty.
    """
    batch = kernels.shape[0]
    order = jnp.argsort(kernels, stable=True)
    ordered = kernels[order]
    first = jnp.concatenate([jnp.ones(1, bool), ordered[1:] != ordered[:-1]])
    rank = jnp.arange(batch) - jax.lax.cummax(jnp.where(first, jnp.arange(batch), 0))
    opens = rank % size == 0
    chunk = jnp.cumsum(opens) - 1
    index = jnp.full((batch, size), batch, jnp.int32)
    index = index.at[chunk, rank % size].set(order.astype(jnp.int32))
    chunk_kernels = jnp.zeros(batch, kernels.dtype).at[chunk].set(ordered)
    return chunk_kernels, index
