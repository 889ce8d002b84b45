"""Constraints of modifiers: where a step may act, and what it keeps of the photograph.

Each modifier that touches a step contributes a weight in [0, 1] for each pixel, multiplied with
those of the others, or keeps colour, lighting or texture of the source photograph.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.executor.masks import ramp, region_index, region_mask
from agentic_styling.tools.plans.encode import DRAWN_EFFECTS, EFFECT, SLOTS, TOOL_INDEX
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from agentic_styling.tools.transforms.color.look_params import by_option
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene, renderer
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import cloud_noise, pixel_grid
from agentic_styling.utils.package_data import read_beside

_TABLES = read_beside(__file__, "modifiers.json")
# What is restored from the source, in this order.
_KEEPS = {"texture": (1, 0, 0), "color": (0, 1, 0), "lighting": (0, 0, 1)}


def _slot(tool: str, parameter: str) -> int:
    return SLOTS[tool].index(parameter)


def _option(tool: str, parameter: str, value: object) -> int:
    return VOCABULARY[tool].parameters[parameter].values.index(value)


# By tool: the slot of its region parameter, and the index into REGIONS of each of its values, whose
# names are those of regions if the table has no other. Most categories, people and animals alike,
# are approximated by the main subject.
_REGION_SLOT = np.zeros(len(VOCABULARY), np.int32)
_REGIONS = np.zeros((len(VOCABULARY), 16), np.int32)
for _tool, _names in _TABLES["regions"].items():
    _values = VOCABULARY[_tool].parameters[_names["parameter"]].values
    _REGION_SLOT[TOOL_INDEX[_tool]] = _slot(_tool, _names["parameter"])
    _found = region_index(tuple(_names.get(value, value) for value in _values))
    _REGIONS[TOOL_INDEX[_tool], : len(_values)] = _found
_KEEP = by_option("preserve_attribute", "attribute_type", _KEEPS, (0, 0, 0))
# The dimensions whose steps would change the attribute.
_BLOCK = by_option(
    "preserve_attribute",
    "attribute_type",
    {name: [d in tools for d in DIMENSIONS] for name, tools in _TABLES["changers"].items()},
    [False] * len(DIMENSIONS),
)


class Constraint(NamedTuple):
    """weight: [H, W], of a step's change. kept: [3, H, W], how much of the source's texture, colour
    and lighting is restored."""

    weight: jax.Array
    kept: jax.Array


@renderer
def draw_graduated(image, scene, options, seed):
    """The full effect of a graduated saturation, brightness or blur on [3, H, W]."""
    luma = luma_of(image)  # kept; scaling the saturation of HSV would darken
    saturated = jnp.clip(luma + 1.9 * (image - luma), 0.0, 1.0)
    bright = 1 - (1 - image) * (1 - 0.55 * image)
    sigma = min(image.shape[1:]) / 45
    blurred = gaussian_blur(image, sigma, channel_axis=0)
    drawn = zip(DRAWN_EFFECTS, (saturated, bright, blurred), strict=True)
    return sum(jnp.where(options[EFFECT] == index, out, 0.0) for index, out in drawn)


def constrain(plan, t, image: jax.Array, scene: Scene) -> Constraint:
    """The constraint of a plan's modifiers on its step t.

    Args:
      plan: PlanArrays of one row, [T, ...].
      t: the step's slot.
      image: the photograph [3, H, W].
      scene: its estimated scene.
    """
    height, width = image.shape[1:]
    free = Constraint(jnp.ones((height, width)), jnp.zeros((3, height, width)))
    graduates = plan.tool == TOOL_INDEX["graduated_effect"]
    own = graduates & (jnp.arange(len(plan.tool)) == t)
    touches = plan.touches[:, t] | own

    def add(so_far, row):
        index, options, strength, numbers, touched = row

        def constrained():
            mask = _region(index, options, image, scene)
            modifier = _Modifier(options, strength, numbers, plan.tool[t], mask, image, scene)
            kind = jnp.asarray(_KIND)[index]
            new = jax.lax.switch(kind, list(_CONSTRAIN.values()), modifier)
            return Constraint(so_far.weight * new.weight, jnp.maximum(so_far.kept, new.kept))

        return jax.lax.cond(touched & (strength > 0), constrained, lambda: so_far), None

    # The strength of a graduated effect that draws is applied already, as its opacity.
    strengths = jnp.where(own, 1.0, plan.strength)
    rows = (plan.tool, plan.options, strengths, plan.numbers, touches)
    return jax.lax.scan(add, free, rows)[0]


class _Modifier(NamedTuple):
    """A modifier's row of PlanArrays, and the step's tool, the modifier's region, the source."""

    options: jax.Array
    strength: jax.Array
    numbers: jax.Array
    tool: jax.Array
    mask: jax.Array
    image: jax.Array
    scene: Scene


def _region(modifier, options, image, scene):
    region = jnp.asarray(_REGIONS)[modifier, options[jnp.asarray(_REGION_SLOT)[modifier]]]
    hard = (modifier == TOOL_INDEX["spatial_constraint"]) & (
        options[_slot("spatial_constraint", "blend_edges")] == 0
    )
    return region_mask(region, hard, image, scene)


def _weighted(weight) -> Constraint:
    return Constraint(weight, jnp.zeros((3, *weight.shape)))


def _excluded(m: _Modifier) -> Constraint:
    fully = m.options[_slot("exclude_region", "preserve_fully")] > 0
    return _weighted(1 - m.strength * m.mask * jnp.where(fully, 1.0, 0.5))


def _confined(m: _Modifier) -> Constraint:
    return _weighted(1 - m.strength * (1 - m.mask))


def _graduated(m: _Modifier) -> Constraint:
    start, end = m.numbers[0], m.numbers[1]
    direction = m.options[_slot("graduated_effect", "gradient_direction")]
    share = start + (end - start) * ramp(direction, *m.image.shape[1:])
    return _weighted(1 - m.strength * (1 - jnp.clip(share, 0, 1)))


def _blended(m: _Modifier) -> Constraint:
    """The edit outside the blend's region, and within it the share that the algorithm gives."""
    preserve, apply = jnp.maximum(m.numbers[0], 0), jnp.maximum(m.numbers[1], 0)
    total = preserve + apply
    share = jnp.where(total > 0, apply / jnp.where(total > 0, total, 1.0), 1.0)
    light = luma_of(m.image.astype(jnp.float32))

    def patches():
        y, x = pixel_grid(*m.image.shape[1:])
        noise = cloud_noise(y * 7, x * 7, jnp.uint32(11))
        return jnp.clip((0.2 + 0.6 * share - noise) / 0.06 + 0.5, 0.0, 1.0)

    # linear, everywhere the same; smooth, more in light tones; sharp_transition, only in the
    # lightest share of the picture; artistic, in random patches
    algorithms = (
        lambda: jnp.broadcast_to(share, light.shape),
        lambda: jnp.clip(share + (light - 0.5) * 4 * share * (1 - share), 0.0, 1.0),
        lambda: jnp.clip((light - (1 - share)) / 0.04 + 0.5, 0.0, 1.0),
        patches,
    )
    through = jax.lax.switch(m.options[_slot("selective_blend", "blend_algorithm")], algorithms)
    light_only = _option("selective_blend", "blend_regions", "lighting_only")
    lit = m.options[_slot("selective_blend", "blend_regions")] == light_only
    weight = 1 - m.strength * (1 - jnp.where(lit, 1.0, 1 - m.mask * (1 - through)))
    lighting = jnp.where(lit, m.strength * (1 - share), 0.0)
    kept = lighting * jnp.array(_KEEPS["lighting"])[:, None, None]
    return Constraint(weight, jnp.broadcast_to(kept, (3, *m.mask.shape)))


def _category_kept(m: _Modifier) -> Constraint:
    level = m.options[_slot("preserve_object_category", "preservation_level")]
    barred = m.strength * m.mask
    # position_only keeps the texture, which shows where an object is; appearance_only its colours.
    shown = jnp.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]], jnp.float32)[level % 3]
    return Constraint(1 - barred * (level == 0), shown[:, None, None] * barred)


def _attribute_kept(m: _Modifier) -> Constraint:
    attribute = m.options[_slot("preserve_attribute", "attribute_type")] % len(_KEEP)
    barred = m.strength * m.mask
    blocked = jnp.asarray(_BLOCK)[attribute, jnp.minimum(m.tool, len(DIMENSIONS) - 1)]
    blocked = jnp.where(m.tool < len(DIMENSIONS), blocked, 0.0)
    objects = _option("preserve_attribute", "attribute_type", "objects")
    blocked = jnp.where(attribute == objects, m.scene.subject, blocked)
    kept = jnp.asarray(_KEEP)[attribute][:, None, None] * barred
    return Constraint(1 - barred * blocked, kept)


_CONSTRAIN = {
    "exclude_region": _excluded,
    "spatial_constraint": _confined,
    "graduated_effect": _graduated,
    "selective_blend": _blended,
    "preserve_object_category": _category_kept,
    "preserve_attribute": _attribute_kept,
}
_KIND = np.zeros(len(VOCABULARY), np.int32)
_KIND[[TOOL_INDEX[name] for name in _CONSTRAIN]] = np.arange(len(_CONSTRAIN))


def confine(before, edit, source, constraint: Constraint):
    """The edit with what is kept restored from the source, where it may act; all [3, H, W]."""
    weight, out = constraint.weight, edit.astype(jnp.float32)
    for kept, restore in zip(constraint.kept, _RESTORE, strict=True):
        keep = jnp.any(kept > 0)
        out = jax.lax.cond(keep, restore, lambda out, *_: out, out, source, kept)
    return jnp.where(weight <= 0, before, before + weight * (out - before))


def _texture(edit, source, kept):
    sigma = max(min(edit.shape[1:]) / 64, 1.0)
    detail = source - edit
    return jnp.clip(edit + kept * (detail - gaussian_blur(detail, sigma, channel_axis=0)), 0.0, 1.0)


def _color(edit, source, kept):
    return edit + kept * (with_luma(source - luma_of(source), luma_of(edit)) - edit)


def _lighting(edit, source, kept):
    return edit + kept * (with_luma(edit - luma_of(edit), luma_of(source)) - edit)


_RESTORE = (_texture, _color, _lighting)


def with_luma(chroma: jax.Array, luma: jax.Array) -> jax.Array:
    """luma + chroma, the chroma reduced as far as needed to stay in [0, 1]; luma is kept."""
    room = jnp.where(chroma > 0, 1 - luma, luma) / jnp.maximum(jnp.abs(chroma), 1e-6)
    fits = jnp.clip(jnp.minimum(jnp.minimum(room[:1], room[1:2]), room[2:]), 0.0, 1.0)
    return jnp.clip(luma + fits * chroma, 0.0, 1.0)
