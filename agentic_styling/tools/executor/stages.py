"""Stages of plans: the steps between two pictures that must be materialised.

A stage is a run of adjacent point-wise steps, applied in one pass, up to and including the first
that draws something; then its constraints and its group. It has three parts, `begin`, one of
`kernels()` and `finish`, on a chunk of rows [C, ...] that all need the same kernel. The steps of a
group are blended: layer modes, and sums of changes.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.tools import dimensions
from agentic_styling.tools.executor import modifiers
from agentic_styling.tools.plans.encode import (
    COMBINE,
    PlanArrays,
    is_graduated_picture,
    is_modifier,
)
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, MODIFIERS
from agentic_styling.tools.transforms.color.color_transform import color_transform_rows
from agentic_styling.tools.transforms.conventions import Scene

RENDERERS = (*dimensions.RENDERERS, modifiers.draw_graduated)
ADDED: dict[str, Callable] = {}  # what each added tool draws, on planes as the dimensions do


class Rows(NamedTuple):
    """Rows before a stage, all [C, ...].

    current, base, source: [C, 3, H, W], the pictures, those that their groups start from, and the
        photographs.
    scenes, plans: of the photographs. seeds: uint32 [C, T].
    runs: int32 [C, T], the stage's slots, -1 where there is none.
    """

    current: jax.Array
    base: jax.Array
    source: jax.Array
    scenes: Scene
    plans: PlanArrays
    seeds: jax.Array
    runs: jax.Array


@functools.partial(jax.jit, static_argnums=(1, 2))
def step_seeds(key: jax.Array, batch: int, steps: int) -> jax.Array:
    """uint32 [B, T]: of row b's steps, drawn from fold_in(key, b)."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(batch))
    return jax.vmap(lambda k: jax.random.bits(k, (steps,)))(keys)


def stages_of(
    plan: PlanArrays, renderers: jax.Array, fuse: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The stages of one plan.

    Args:
      plan: one row, [T, ...].
      renderers: int32 [T], `dimensions.renderer_of` each slot that holds one of their tools.
      fuse: whether point-wise steps share a stage; without it, stage t is slot t.

    Returns:
      The slots of each stage, int32 [T, T], -1 where there is none; its kernel, int32 [T]: 0 draws
      nothing, 1 + r is renderer r; and whether `finish` changes it, bool [T].
    """
    steps = plan.tool.shape[0]
    graduated = is_graduated_picture(plan.tool, plan.options)
    active = (plan.tool >= 0) & (~is_modifier(plan.tool) | graduated) & (plan.strength > 0)
    added = plan.tool - len(DIMENSIONS) - len(MODIFIERS)
    own = jnp.where(added < 0, renderers, len(RENDERERS) + added)
    draws = 1 + jnp.where(graduated, len(RENDERERS) - 1, own)
    alone = (plan.group > 0) | _is_touched(plan) | graduated

    def place(carry, t):
        number, length, open_ = carry
        joins = open_ & ~alone[t] & fuse
        new = (jnp.where(joins, number, number + 1), jnp.where(joins, length + 1, 1))
        new = (*new, (draws[t] == 0) & ~alone[t])
        carry = jax.tree.map(lambda a, b: jnp.where(active[t], a, b), new, carry)
        row = jnp.where(active[t], carry[0] if fuse else t, steps)
        return carry, (row, carry[1] - 1)

    start = (jnp.int32(-1), jnp.int32(0), jnp.bool_(False))
    _, (row, position) = jax.lax.scan(place, start, jnp.arange(steps))
    runs = jnp.full((steps, steps), -1, jnp.int32)
    slots = jnp.arange(steps, dtype=jnp.int32)
    runs = runs.at[row, position if fuse else 0].set(slots, mode="drop")
    stage_kernels = jnp.zeros(steps, jnp.int32).at[row].max(draws, mode="drop")
    return runs, stage_kernels, jnp.zeros(steps, bool).at[row].max(alone, mode="drop")


def _is_touched(plan):
    """[T]: whether a modifier in force constrains the step."""
    touches = plan.touches & (is_modifier(plan.tool) & (plan.strength > 0))[:, None]
    return jnp.any(touches, axis=0)


def _is_confined(plan, t):
    """Whether step t is constrained, by a modifier or because it is a graduated effect."""
    return _is_touched(plan)[t] | is_graduated_picture(plan.tool[t], plan.options[t])


def added_tools() -> tuple:
    """The added tools and what they draw, to tell programs for different sets of tools apart."""
    return tuple(ADDED.items())


def kernels(branch: int | None = None) -> tuple:
    """The kernels, `(rows, edit) -> edit`: 0 draws nothing, 1 + r is renderer r.

    branch: `dimensions.branch_of` the step that draws, where it is known and the same for all rows.
    """
    draws = [_over_rows(draw, branch) for draw in (*RENDERERS, *ADDED.values())]
    return (lambda rows, edit: edit, *draws)


def begin(rows: Rows) -> jax.Array:
    """Applies the run's point-wise steps to the pictures, or to the base of their group."""
    _, _, member = _last(rows)
    start = jnp.where(_each(member[:, 1], rows.current), rows.base, rows.current)
    return color_transform_rows(start, rows.scenes, *jax.vmap(_looks)(rows.plans, rows.runs))


def finish(rows: Rows, edit: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Combines edits with their groups and applies constraints; returns pictures and bases."""
    plans, current, base = rows.plans, rows.current, rows.base
    last, active, member = _last(rows)
    grouped, confined = jnp.any(member[:, 0]), jax.vmap(_is_confined)(plans, last) & active

    def joined():
        start = jnp.where(_each(member[:, 1], current), base, current)
        return _rows(_join, current, start, edit, plans, last, member)

    edit = jax.lax.cond(grouped, joined, lambda: edit)

    def confine():
        within = _rows(_confine, current, edit, rows.source, rows.scenes, plans, last)
        return jnp.where(_each(confined, edit), within, edit)

    edit = jax.lax.cond(jnp.any(confined), confine, lambda: edit)

    def based():
        """The base of a group from its first member on."""
        layered = jax.vmap(lambda p, t: p.combine[t] == COMBINE.index("replace"))(plans, last)
        first = jnp.where(_each(layered, edit), edit, current)
        return jnp.where(_each(member[:, 0] & ~member[:, 1], edit), first, base)

    return edit, jax.lax.cond(grouped, based, lambda: base)


def _last(rows):
    """The slot that ends each run [C], whether there is one, and its `_member` [C, 2]."""
    last = jnp.maximum(jnp.max(rows.runs, axis=1), 0)
    active = rows.runs[:, 0] >= 0
    return last, active, jax.vmap(_member)(rows.plans, last) & active[:, None]


def _each(flags, pictures):
    return flags.reshape(-1, *[1] * (pictures.ndim - 1))


def _rows(function, *rows):
    """Maps over the rows of a chunk; not by vmap for a single row, where conds stay conds."""
    if jax.tree.leaves(rows)[0].shape[0] == 1:
        out = function(*jax.tree.map(lambda x: x[0], rows))
        return jax.tree.map(lambda x: x[None], out)
    return jax.vmap(function)(*rows)


def _looks(plan, run):
    """The source look and target look (look_params.py) of each step of a run [T], its strength."""
    slots = jnp.maximum(run, 0)
    tool = jnp.minimum(plan.tool[slots], len(DIMENSIONS) - 1)
    source_looks, target_looks = jax.vmap(dimensions.looks_of)(tool, plan.options[slots])
    has_look = (run >= 0) & (plan.tool[slots] < len(DIMENSIONS))
    return source_looks, target_looks, jnp.where(has_look, _amount(plan, slots), 0.0)


def _amount(plan, t):
    """The strength with which a step acts; 1 for a layer, whose strength scales its opacity."""
    layer = is_layer(plan.combine[t]) & (plan.strength[t] > 0)
    return jnp.where(layer, 1.0, plan.strength[t])


def _over_rows(renderer, branch):
    """Maps a renderer over a chunk, at the slots that end the runs, strength as its opacity."""
    known = {} if branch is None else {"branch": branch}

    def one(image, scene, plan, seeds, t):
        args = (scene, plan.options[t], seeds[t])
        edit = renderer(image.astype(jnp.float32), *args, channel_axis=0, **known)
        edit = jnp.clip(image + _amount(plan, t) * (edit - image), 0.0, 1.0)
        return edit.astype(image.dtype)

    def draw(rows, edit):
        last = jnp.maximum(jnp.max(rows.runs, axis=1), 0)
        return _rows(one, edit, rows.scenes, rows.plans, rows.seeds, last)

    return draw


def _confine(before, edit, source, scene: Scene, plan, t):
    constraint = modifiers.constrain(plan, t, source, scene)
    return modifiers.confine(before, edit, source, constraint).astype(edit.dtype)


def _member(plan, t):
    """Whether step t is in a group, and whether an earlier member has set the group's base."""
    grouped = plan.group[t] > 0
    earlier = (plan.group == plan.group[t]) & (jnp.arange(len(plan.group)) < t)
    return jnp.stack([grouped, grouped & jnp.any(earlier & (plan.strength > 0))])


def _join(current, base, edit, plan, t, member):
    """The picture after step t; `edit` is the step's result on the base of its group."""
    members = jnp.sum(plan.group == plan.group[t])
    opacity = plan.numbers[t, 0] * plan.strength[t]
    joined = combine(current, base, edit, plan.combine[t], opacity, members).astype(edit.dtype)
    return jnp.where(member[0], joined, edit)


_DARKEST = 0.02  # added to both sides of a quotient, so that a change of black has one


def blend(lower: jax.Array, upper: jax.Array, mode: jax.Array) -> jax.Array:
    """`upper` over `lower`, both [3, H, W] in [0, 1]; mode: index into COMBINE of a layer mode.

    Source: W3C Compositing and Blending Level 1, section 10.1, separable blend modes, on display
    values; but soft_light is Pegtop's formula, which is smooth.
    """
    multiply, screen = lower * upper, lower + upper - lower * upper
    modes = {
        "normal": upper,
        "multiply": multiply,
        "screen": screen,
        "overlay": jnp.where(lower <= 0.5, 2 * multiply, 2 * screen - 1),
        "soft_light": (1 - 2 * upper) * lower * lower + 2 * upper * lower,
        "hard_light": jnp.where(upper <= 0.5, 2 * multiply, 2 * screen - 1),
        "add": jnp.minimum(lower + upper, 1.0),
    }
    return sum(jnp.where(mode == COMBINE.index(name), out, 0.0) for name, out in modes.items())


def is_layer(mode: jax.Array) -> jax.Array:
    """Whether a step is combined as a layer; mode: index into COMBINE."""
    return (mode >= COMBINE.index("normal")) & (mode <= COMBINE.index("add"))


def combine(
    current: jax.Array,
    base: jax.Array,
    result: jax.Array,
    mode: jax.Array,
    opacity: jax.Array,
    members: jax.Array,
) -> jax.Array:
    """The picture after a member of a group; pictures are [3, H, W] in [0, 1].

    Args:
      current: the picture so far.
      base: what the member was applied to.
      result: what the member made of `base`.
      mode: index into COMBINE.
      opacity: of a layer, times its strength.
      members: how many members the group has.
    """
    change = result - base
    parallel = {
        "replace": result,
        "additive": current + change,
        "multiplicative": (current + _DARKEST) * (result + _DARKEST) / (base + _DARKEST) - _DARKEST,
        "average": current + change / members,
        "max_effect": jnp.where(_size(change) >= _size(current - base), result, current),
    }
    out = sum(jnp.where(mode == COMBINE.index(name), p, 0.0) for name, p in parallel.items())
    layer = current + opacity * (blend(current, result, mode) - current)
    return jnp.clip(jnp.where(is_layer(mode), layer, out), 0.0, 1.0)


def _size(change):
    return jnp.sum(change * change, axis=0, keepdims=True)
