"""The executor: plans applied to photographs on the device.

A plan runs in stages (stage.py). Under jit, over a mesh and on accelerators all rows run in one
program, in which each row's stage runs the kernels that it needs and no other (buckets.py). On a
CPU that program would take a minute to compile for every shape, so there kernels are called one
by one (by_kernel.py).
"""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.tools.executor.added import added_tools
from agentic_styling.tools.executor.cpu import run_by_kernel
from agentic_styling.tools.executor.dispatch import map_buckets, rows_at_once
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.executor.stages import Rows, begin, finish, kernels, stages_of
from agentic_styling.tools.plans.encode import PlanArrays
from agentic_styling.utils.errors import InputError


def execute(
    images: jax.Array, plans: PlanArrays, key: jax.Array, *, mesh: Mesh | None = None
) -> jax.Array:
    """Apply each row's plan to its photograph.

    images: float32 or bfloat16 [B, H, W, 3] in [0, 1]; plans: rows [B, T, ...]; key: one PRNG key,
    row b uses fold_in(key, b); mesh: the rows are split over all its devices, B divisible by them.
    Returns [B, H, W, 3] of images' dtype in [0, 1]. Differentiable in the plans' strength; strength
    0 is the identity. Another plan does not recompile; another shape does. Raises InputError for
    uint8 images or a batch that does not match.
    """
    return _execute(images, plans, key, mesh, keep_frames=False)


def execute_steps(
    images: jax.Array, plans: PlanArrays, key: jax.Array, *, mesh: Mesh | None = None
) -> jax.Array:
    """Every frame of `execute`: [B, T + 1, H, W, 3], frame 0 the source, the last its result."""
    return _execute(images, plans, key, mesh, keep_frames=True)


def _execute(images, plans, key, mesh, keep_frames):
    floating = images.dtype in (jnp.float32, jnp.bfloat16)
    fits = images.ndim == 4 and images.shape[-1] == 3 and len(images) == len(plans.tool)
    if not (floating and fits):
        raise InputError(
            f"images: {images.dtype} {list(images.shape)} for {len(plans.tool)} plans; "
            "use float32 [B, H, W, 3] in [0, 1], one for each plan"
        )
    if mesh is not None and len(images) % mesh.size:
        raise InputError(
            f"images: {len(images)} rows on {mesh.size} devices; pad them to a multiple"
        )
    traced = any(isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((images, plans, key)))
    if traced or mesh is not None or jax.default_backend() != "cpu":
        return run_in_one(images, plans, key, mesh, keep_frames, added_tools())
    return run_by_kernel(images, plans, seeds_of(key, *plans.tool.shape), keep_frames)


@functools.partial(jax.jit, static_argnums=(1, 2))
def seeds_of(key: jax.Array, batch: int, steps: int) -> jax.Array:
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
    """`execute`, or with keep_frames `execute_steps`, as one program for the tools there are.

    added: `added_tools()`, so that the program is made anew for another set of them.
    """
    seeds = seeds_of(key, *plans.tool.shape)
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

    def alone(row):
        """A picture stays in the cache from one stage to the next."""
        return run(*jax.tree.map(lambda x: x[None], row))[0]

    return jax.lax.map(alone, (images, plans, seeds))


def _run_rows(images, plans, seeds, keep_frames):
    """The rows in planes [B, 3, H, W], which vectorise, stage by stage."""
    source = jnp.moveaxis(images, -1, 1)
    size = rows_at_once()
    scenes = jax.lax.map(estimate_scene, source, batch_size=size)
    stages = jax.vmap(functools.partial(stages_of, fuse=not keep_frames))(plans)

    def stage(pictures, j):
        runs, draws = stages[0][:, j], stages[1][:, j]

        def some():
            rows = Rows(*pictures, source, scenes, plans, seeds, runs)
            # Rematerialised in the gradient: a switch saves what all its branches would need.
            return map_buckets(jax.checkpoint(_stage), draws, rows, size)

        pictures = jax.lax.cond(jnp.any(runs[:, 0] >= 0), some, lambda: pictures)
        return pictures, pictures[0] if keep_frames else None

    (last, _), frames = jax.lax.scan(stage, (source, source), jnp.arange(plans.tool.shape[1]))
    if keep_frames:
        frames = jnp.concatenate([source[None], frames])
        return jnp.moveaxis(frames, (0, 2), (1, -1))
    return jnp.moveaxis(last, 1, -1)


def _stage(kernel, rows):
    return finish(rows, jax.lax.switch(kernel, kernels(), rows, begin(rows)))
