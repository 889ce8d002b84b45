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

_REGION = {
    "indoor_only": "indoor",
    "outdoor_only": "outdoor",
    "global": "everywhere",
    "foreground_only": "foreground",
    "background_only": "background",
    "specific_object": "subject",
    "architecture_only": "buildings",
    "objects_only": "subject",
    "lighting_only": "everywhere",
    "plants": "greens",
    "lighting_fixtures": "lights",
}
# The parameter of each modifier that names a region. Categories other than plants and lamps, people
# and animals alike, are approximated by the main subject.
_REGION_PARAMETER = {
    "preserve_attribute": "scope",
    "exclude_region": "region_type",
    "spatial_constraint": "apply_to",
    "selective_blend": "blend_regions",
    "preserve_object_category": "category",
}
# What is restored from the source, in this order.
_KEEPS = {"texture": (1, 0, 0), "color": (0, 1, 0), "lighting": (0, 0, 1)}
# The tools that would change the attribute.
_CHANGERS = {
    "style": ("artistic_medium",),
    "architecture": ("architecture_style", "location_setting"),
    "mood": ("mood_lighting",),
    "weather": ("weather", "atmospheric_effects"),
    "technology": ("time_period",),
}


def _regions() -> np.ndarray:
    """int32 [tools, values]: index into REGIONS of each value of a modifier's region parameter."""
    table = np.zeros((len(VOCABULARY), 16), np.int32)
    for tool, parameter in _REGION_PARAMETER.items():
        values = VOCABULARY[tool].parameters[parameter].values
        other = "subject" if parameter == "category" else None
        names = tuple(_REGION.get(value, other or value) for value in values)
        table[TOOL_INDEX[tool], : len(values)] = region_index(names)
    return table


def _at(tool: str, parameter: str) -> int:
    return SLOTS[tool].index(parameter)


def _option(tool: str, parameter: str, value: object) -> int:
    return VOCABULARY[tool].parameters[parameter].values.index(value)


_REGIONS = _regions()
_REGION_SLOT = np.zeros(len(VOCABULARY), np.int32)
for _tool, _parameter in _REGION_PARAMETER.items():
    _REGION_SLOT[TOOL_INDEX[_tool]] = _at(_tool, _parameter)
_KEEP = by_option("preserve_attribute", "attribute_type", _KEEPS, (0, 0, 0))
_BLOCK = by_option(
    "preserve_attribute",
    "attribute_type",
    {name: [d in tools for d in DIMENSIONS] for name, tools in _CHANGERS.items()},
    [False] * len(DIMENSIONS),
)
_ATTRIBUTE = _at("preserve_attribute", "attribute_type")
_OBJECTS = _option("preserve_attribute", "attribute_type", "objects")
_FULLY = _at("exclude_region", "preserve_fully")
_SOFT = _at("spatial_constraint", "blend_edges")
_LEVEL = _at("preserve_object_category", "preservation_level")
_DIRECTION = _at("graduated_effect", "gradient_direction")
_ALGORITHM = _at("selective_blend", "blend_algorithm")
_BLEND_REGION = _at("selective_blend", "blend_regions")
_LIGHT_ONLY = _option("selective_blend", "blend_regions", "lighting_only")


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
    hard = (modifier == TOOL_INDEX["spatial_constraint"]) & (options[_SOFT] == 0)
    return region_mask(region, hard, image, scene)


def _excluded(m: _Modifier) -> Constraint:
    return _weighted(1 - m.strength * m.mask * jnp.where(m.options[_FULLY] > 0, 1.0, 0.5))


def _confined(m: _Modifier) -> Constraint:
    return _weighted(1 - m.strength * (1 - m.mask))


def _graduated(m: _Modifier) -> Constraint:
    start, end = m.numbers[0], m.numbers[1]
    ramp_ = ramp(m.options[_DIRECTION], *m.image.shape[1:])
    return _weighted(1 - m.strength * (1 - jnp.clip(start + (end - start) * ramp_, 0, 1)))


def _weighted(weight) -> Constraint:
    return Constraint(weight, jnp.zeros((3, *weight.shape)))


def _blended(m: _Modifier) -> Constraint:
    weight = 1 - m.strength * (1 - _share(m.options, m.numbers, m.mask, m.image))
    lit = m.options[_BLEND_REGION] == _LIGHT_ONLY
    lighting = jnp.where(lit, m.strength * (1 - _apply_share(m.numbers)), 0.0)
    kept = lighting * jnp.array(_KEEPS["lighting"])[:, None, None]
    return Constraint(weight, jnp.broadcast_to(kept, (3, *m.mask.shape)))


def _category_kept(m: _Modifier) -> Constraint:
    barred, level = m.strength * m.mask, m.options[_LEVEL]
    # position_only keeps the texture, which shows where an object is; appearance_only its colours.
    shown = jnp.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]], jnp.float32)[level % 3]
    return Constraint(1 - barred * (level == 0), shown[:, None, None] * barred)


def _attribute_kept(m: _Modifier) -> Constraint:
    barred, attribute = m.strength * m.mask, m.options[_ATTRIBUTE] % len(_KEEP)
    blocked = jnp.asarray(_BLOCK)[attribute, jnp.minimum(m.tool, len(DIMENSIONS) - 1)]
    blocked = jnp.where(m.tool < len(DIMENSIONS), blocked, 0.0)
    blocked = jnp.where(attribute == _OBJECTS, m.scene.subject, blocked)
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


def _apply_share(numbers):
    """The target's share of a selective blend's two ratios; 1 if both are 0."""
    preserve, apply = jnp.maximum(numbers[0], 0), jnp.maximum(numbers[1], 0)
    total = preserve + apply
    return jnp.where(total > 0, apply / jnp.where(total > 0, total, 1.0), 1.0)


def _share(options, numbers, mask, image):
    """The share of an edit that a selective blend lets through, [H, W]; 1 outside its region.

    linear is the same everywhere; smooth gives more to light tones and less to dark ones;
    sharp_transition passes the edit only in the lightest share of the picture; artistic only in
    random patches.
    """
    share = _apply_share(numbers)
    light = luma_of(image.astype(jnp.float32))

    def patches():
        y, x = pixel_grid(*image.shape[1:])
        noise = cloud_noise(y * 7, x * 7, jnp.uint32(11))
        return jnp.clip((0.2 + 0.6 * share - noise) / 0.06 + 0.5, 0.0, 1.0)

    shares = (
        lambda: jnp.broadcast_to(share, light.shape),
        lambda: jnp.clip(share + (light - 0.5) * 4 * share * (1 - share), 0.0, 1.0),
        lambda: jnp.clip((light - (1 - share)) / 0.04 + 0.5, 0.0, 1.0),
        patches,
    )
    through = jax.lax.switch(options[_ALGORITHM], shares)
    lit = options[_BLEND_REGION] == _LIGHT_ONLY
    return jnp.where(lit, 1.0, 1 - mask * (1 - through))


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
