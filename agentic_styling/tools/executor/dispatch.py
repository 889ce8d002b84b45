"""Plans of many rows in one program, for accelerators, meshes and callers' own jit.

Under vmap a `lax.switch` over rows would run every branch, so rows are sorted by kernel into chunks
of one kernel each, as a mixture of experts sorts tokens; a chunk's kernel is then a scalar.
"""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.tools import dimensions
from agentic_styling.tools.executor import stages
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.plans.encode import PlanArrays


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
    seeds = stages.step_seeds(key, *plans.tool.shape)
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
    split = jax.vmap(functools.partial(stages.stages_of, fuse=not keep_frames))(plans, renderers)

    def stage(pictures, j):
        runs, needed = split[0][:, j], split[1][:, j]

        def run_stage():
            rows = stages.Rows(*pictures, source, scenes, plans, seeds, runs)
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
    return stages.finish(rows, jax.lax.switch(kernel, stages.kernels(), rows, stages.begin(rows)))


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
    """The kernel [B] of each of at most B chunks and its rows [B, size], `batch` where none is."""
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
