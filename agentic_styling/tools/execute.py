"""The executor: plans applied to photographs on the device.

A plan runs in stages. A stage is a run of adjacent point-wise steps, applied in one pass, up to
and with the first that draws something; then its constraints and the group it belongs to. Each
row's stage runs the kernels that it needs and no other (buckets.py).
"""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.errors import InputError
from agentic_styling.tools import dimensions, modifiers
from agentic_styling.tools.blend import combine, is_layer
from agentic_styling.tools.buckets import map_buckets, rows_at_once
from agentic_styling.tools.encode import COMBINE, PlanArrays, is_modifier
from agentic_styling.tools.grade import grade_rows
from agentic_styling.tools.scene import Scene, estimate_scene

_RENDERERS = (*dimensions.RENDERERS, modifiers.draw_graduated)


@functools.partial(jax.jit, static_argnames="mesh")
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
    return _run(images, plans, key, mesh, keep_frames=False)


@functools.partial(jax.jit, static_argnames="mesh")
def execute_steps(
    images: jax.Array, plans: PlanArrays, key: jax.Array, *, mesh: Mesh | None = None
) -> jax.Array:
    """Every frame of `execute`: [B, T + 1, H, W, 3], frame 0 the source, the last its result."""
    return _run(images, plans, key, mesh, keep_frames=True)


def _run(images, plans, key, mesh, keep_frames):
    floating = images.dtype in (jnp.float32, jnp.bfloat16)
    fits = images.ndim == 4 and images.shape[-1] == 3 and len(images) == len(plans.tool)
    if not (floating and fits):
        raise InputError(
            f"images: {images.dtype} {list(images.shape)} for {len(plans.tool)} plans; "
            "use float32 [B, H, W, 3] in [0, 1], one for each plan"
        )
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(len(images)))
    seeds = jax.vmap(lambda k: jax.random.bits(k, plans.tool.shape[1:]))(keys)
    run = functools.partial(_run_batch, keep_frames=keep_frames)
    if mesh is not None:
        if len(images) % mesh.size:
            raise InputError(
                f"images: {len(images)} rows on {mesh.size} devices; pad them to a multiple"
            )
        rows = PartitionSpec(mesh.axis_names)
        run = jax.shard_map(run, mesh=mesh, in_specs=rows, out_specs=rows, check_vma=False)
        # A mesh of explicit axes wants its inputs where they are used.
        split = jax.device_put((images, plans, seeds), NamedSharding(mesh, rows))
        return run(*split)
    return run(images, plans, seeds)


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
    stages = jax.vmap(functools.partial(_stages, fuse=not keep_frames))(plans)

    def stage(pictures, j):
        runs, draws = stages[0][:, j], stages[1][:, j]

        def some():
            # Rematerialised in the gradient: a switch saves what all its branches would need.
            run = jax.checkpoint(functools.partial(_stage, plans.tool.shape[1]))
            rows = (*pictures, source, scenes, plans, seeds, runs)
            return map_buckets(run, draws, rows, size)

        pictures = jax.lax.cond(jnp.any(runs[:, 0] >= 0), some, lambda: pictures)
        return pictures, pictures[0] if keep_frames else None

    (last, _), frames = jax.lax.scan(stage, (source, source), jnp.arange(plans.tool.shape[1]))
    if keep_frames:
        frames = jnp.concatenate([source[None], frames])
        return jnp.moveaxis(frames, (0, 2), (1, -1))
    return jnp.moveaxis(last, 1, -1)


def _stages(plan: PlanArrays, fuse: bool):
    """One plan's stages: the slots of each [T, T], -1 where none, and its kernel [T].

    Kernel 0 draws nothing, 1 + r is renderer r. Without `fuse`, stage t is slot t.
    """
    steps = plan.tool.shape[0]
    graduated = modifiers.is_graduated_picture(plan.tool, plan.options)
    active = (plan.tool >= 0) & (~is_modifier(plan.tool) | graduated) & (plan.strength > 0)
    own = jax.vmap(dimensions.renderer_of)(plan.tool, plan.options)
    kernels = 1 + jnp.where(graduated, len(_RENDERERS) - 1, own)
    alone = (plan.group > 0) | _is_touched(plan) | graduated

    def place(carry, t):
        number, length, goes_on = carry
        joins = goes_on & ~alone[t] & fuse
        new = (jnp.where(joins, number, number + 1), jnp.where(joins, length + 1, 1))
        new = (*new, (kernels[t] == 0) & ~alone[t])
        carry = jax.tree.map(lambda a, b: jnp.where(active[t], a, b), new, carry)
        row = jnp.where(active[t], carry[0] if fuse else t, steps)
        return carry, (row, carry[1] - 1)

    start = (jnp.int32(-1), jnp.int32(0), jnp.bool_(False))
    _, (row, position) = jax.lax.scan(place, start, jnp.arange(steps))
    runs = jnp.full((steps, steps), -1, jnp.int32)
    slots = jnp.arange(steps, dtype=jnp.int32)
    runs = runs.at[row, position if fuse else 0].set(slots, mode="drop")
    stage_kernels = jnp.zeros(steps, jnp.int32).at[row].max(kernels, mode="drop")
    return runs, stage_kernels


def _is_touched(plan):
    """[T]: whether a modifier in force constrains the step."""
    touches = plan.touches & (is_modifier(plan.tool) & (plan.strength > 0))[:, None]
    return jnp.any(touches, axis=0)


def _is_confined(plan, t):
    """Whether step t is constrained, by a modifier or as a graduated effect by itself."""
    return _is_touched(plan)[t] | modifiers.is_graduated_picture(plan.tool[t], plan.options[t])


def _stage(steps, kernel, rows):
    """One stage of a chunk of rows [C, ...] that all need one kernel: pictures and group bases."""
    current, base, source, scenes, plans, seeds, runs = rows
    length = jnp.sum(runs >= 0, axis=1)
    last = jnp.maximum(jnp.max(runs, axis=1), 0)
    member = jax.vmap(_member)(plans, last) & (length > 0)[:, None]
    start = jnp.where(_each(member[:, 1], current), base, current)
    edit = grade_rows(start, scenes, *jax.vmap(_recipes)(plans, runs))
    draws = [lambda image, *_: image, *(_over_rows(r) for r in _RENDERERS)]
    edit = jax.lax.switch(kernel, draws, edit, scenes, plans, seeds, last)
    grouped, confined = jnp.any(member[:, 0]), jax.vmap(_is_confined)(plans, last) & (length > 0)
    edit = jax.lax.cond(
        grouped, lambda: _rows(_join, current, start, edit, plans, last, member), lambda: edit
    )

    def confine():
        within = _rows(_confine, current, edit, source, scenes, plans, last)
        return jnp.where(_each(confined, edit), within, edit)

    edit = jax.lax.cond(jnp.any(confined), confine, lambda: edit)

    def based():
        """The base of a group from its first member on."""
        layered = jax.vmap(lambda p, t: p.combine[t] == COMBINE.index("replace"))(plans, last)
        first = jnp.where(_each(layered, edit), edit, current)
        return jnp.where(_each(member[:, 0] & ~member[:, 1], edit), first, base)

    return edit, jax.lax.cond(grouped, based, lambda: base)


def _each(flags, pictures):
    return flags.reshape(-1, *[1] * (pictures.ndim - 1))


def _rows(function, *rows):
    """`function` over the rows of a chunk; a chunk of one row is not vmapped: conds stay conds."""
    if jax.tree.leaves(rows)[0].shape[0] == 1:
        out = function(*jax.tree.map(lambda x: x[0], rows))
        return jax.tree.map(lambda x: x[None], out)
    return jax.vmap(function)(*rows)


def _recipes(plan, run):
    """Of each step of a run [T]: the recipes taken off and put on, and its strength."""
    slots = jnp.maximum(run, 0)
    tool = jnp.minimum(plan.tool[slots], len(dimensions.MODULES) - 1)
    takes, puts = jax.vmap(dimensions.recipes_of)(tool, plan.options[slots])
    looks = (run >= 0) & ~is_modifier(plan.tool[slots])
    return takes, puts, jnp.where(looks, _amount(plan, slots), 0.0)


def _amount(plan, t):
    """How far a step goes: a layer all the way, as its strength is its opacity's."""
    layer = is_layer(plan.combine[t]) & (plan.strength[t] > 0)
    return jnp.where(layer, 1.0, plan.strength[t])


def _over_rows(renderer):
    """A renderer over a chunk, with strength as its opacity."""

    def one(image, scene, plan, seeds, t):
        edit = renderer(image.astype(jnp.float32), scene, plan.options[t], seeds[t])
        edit = jnp.clip(image + _amount(plan, t) * (edit - image), 0.0, 1.0)
        return edit.astype(image.dtype)

    return functools.partial(_rows, one)


def _confine(before, edit, source, scene: Scene, plan, t):
    constraint = modifiers.constrain(plan, t, source, scene)
    return modifiers.confine(before, edit, source, constraint).astype(edit.dtype)


def _member(plan, t):
    """Whether step t is in a group, and whether a member before it has set the group's base."""
    grouped = plan.group[t] > 0
    earlier = (plan.group == plan.group[t]) & (jnp.arange(len(plan.group)) < t)
    return jnp.stack([grouped, grouped & jnp.any(earlier & (plan.strength > 0))])


def _join(current, base, edit, plan, t, member):
    """The picture after step t, which made `edit` of the base, if it is in a group."""
    members = jnp.sum(plan.group == plan.group[t])
    opacity = plan.numbers[t, 0] * plan.strength[t]
    joined = combine(current, base, edit, plan.combine[t], opacity, members).astype(edit.dtype)
    return jnp.where(member[0], joined, edit)
