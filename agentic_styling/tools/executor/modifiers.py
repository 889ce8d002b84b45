"""What constrains a step on the device: where it may act, and what of the photograph it must keep.

Each modifier of a plan that touches a step gives a weight by place, in [0, 1], that multiplies
with the others', or keeps colour, lighting or texture of the source photograph.
"""

from typing import NamedTuple

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.executor.masks import ramp, region_index, region_mask
from agentic_styling.tools.plans.encode import SLOTS, TOOL_INDEX
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from agentic_styling.tools.transforms.color.look_params import by_option
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import renderer
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.noise import cloud_noise, pixel_grid
from agentic_styling.tools.transforms.scene import Scene

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
# The parameter of each modifier that names a region; a category but plants and lamps can only be
# taken for the subject.
_REGION_PARAMETER = {
    "preserve_attribute": "scope",
    "exclude_region": "region_type",
    "spatial_constraint": "apply_to",
    "selective_blend": "blend_regions",
    "preserve_object_category": "category",
}
# What can be put back from the source, in the order in which it is.
_KEEPS = {"texture": (1, 0, 0), "color": (0, 1, 0), "lighting": (0, 0, 1)}
# A step of these tools is what would change the attribute.
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
_EFFECT = _at("graduated_effect", "effect_type")
_ALGORITHM = _at("selective_blend", "blend_algorithm")
_BLEND_REGION = _at("selective_blend", "blend_regions")
_LIGHT_ONLY = _option("selective_blend", "blend_regions", "lighting_only")
# Effects that a graduated_effect brings itself; the others fade a step of the plan.
GRADUATED = ("saturation", "brightness", "blur")
_OWN = [_option("graduated_effect", "effect_type", name) for name in GRADUATED]


class Constraint(NamedTuple):
    """weight [H, W] of a step's change; kept [3, H, W]: how much of the source's
    texture, color and lighting stays."""

    weight: jax.Array
    kept: jax.Array


def is_graduated_picture(tool: jax.Array, options: jax.Array) -> jax.Array:
    """Whether a step is a graduated saturation, brightness or blur, which draws by itself."""
    own = sum(options[..., _EFFECT] == index for index in _OWN) > 0
    return (tool == TOOL_INDEX["graduated_effect"]) & own


@renderer
def draw_graduated(image, scene, options, seed):
    """The whole effect of a graduated saturation, brightness or blur on [3, H, W]."""
    saturated = dm_pix.adjust_saturation(image, 1.9, channel_axis=0)
    bright = 1 - (1 - image) * (1 - 0.55 * image)
    sigma = min(image.shape[1:]) / 45
    blurred = gaussian_blur(image, sigma, channel_axis=0)
    drawn = zip(_OWN, (saturated, bright, blurred), strict=True)
    return sum(jnp.where(options[_EFFECT] == index, out, 0.0) for index, out in drawn)


def constrain(plan, t, image: jax.Array, scene: Scene) -> Constraint:
    """What a plan's modifiers (PlanArrays of one row) ask of its step t. image: the source."""
    height, width = image.shape[1:]
    free = Constraint(jnp.ones((height, width)), jnp.zeros((3, height, width)))
    graduates = plan.tool == TOOL_INDEX["graduated_effect"]
    own = graduates & (jnp.arange(len(plan.tool)) == t)
    touches = plan.touches[:, t] | own
    tool = plan.tool[t]

    def add(so_far, modifier):
        index, options, strength, numbers, touched = modifier

        def found():
            one = _constraint(index, options, strength, numbers, tool, image, scene)
            return Constraint(so_far.weight * one.weight, jnp.maximum(so_far.kept, one.kept))

        return jax.lax.cond(touched & (strength > 0), found, lambda: so_far), None

    # What a graduated effect draws itself has its strength as opacity already.
    strengths = jnp.where(own, 1.0, plan.strength)
    rows = (plan.tool, plan.options, strengths, plan.numbers, touches)
    return jax.lax.scan(add, free, rows)[0]


def _constraint(modifier, options, strength, numbers, tool, image, scene) -> Constraint:
    region = jnp.asarray(_REGIONS)[modifier, options[jnp.asarray(_REGION_SLOT)[modifier]]]
    hard = (modifier == TOOL_INDEX["spatial_constraint"]) & (options[_SOFT] == 0)
    mask = region_mask(region, hard, image, scene)
    kind = jnp.asarray(_KIND)[modifier]
    kinds = list(_CONSTRAIN.values())
    return jax.lax.switch(kind, kinds, options, strength, numbers, tool, mask, image, scene)


def _only_weight(weigh):
    def constrain_(options, strength, numbers, tool, mask, image, scene):
        weight = weigh(options, strength, numbers, mask, image)
        return Constraint(weight, jnp.zeros((3, *mask.shape)))

    return constrain_


def _excluded(options, strength, numbers, mask, image):
    return 1 - strength * mask * jnp.where(options[_FULLY] > 0, 1.0, 0.5)


def _confined(options, strength, numbers, mask, image):
    return 1 - strength * (1 - mask)


def _graduated(options, strength, numbers, mask, image):
    return 1 - strength * (1 - _graduation(options, numbers, image))


def _blended(options, strength, numbers, tool, mask, image, scene):
    weight = 1 - strength * (1 - _share(options, numbers, mask, image))
    lit = options[_BLEND_REGION] == _LIGHT_ONLY
    lighting = jnp.where(lit, strength * (1 - _apply_share(numbers)), 0.0)
    return Constraint(weight, _everywhere(_KEEPS["lighting"], lighting, mask))


def _category_kept(options, strength, numbers, tool, mask, image, scene):
    barred, level = strength * mask, options[_LEVEL]
    # position_only keeps the detail that shows where a thing is; appearance_only its colours.
    shown = jnp.array([[0, 0, 0], [1, 0, 0], [0, 1, 1]], jnp.float32)[level % 3]
    return Constraint(1 - barred * (level == 0), shown[:, None, None] * barred)


def _attribute_kept(options, strength, numbers, tool, mask, image, scene):
    barred, attribute = strength * mask, options[_ATTRIBUTE] % len(_KEEP)
    blocked = jnp.asarray(_BLOCK)[attribute, jnp.minimum(tool, len(DIMENSIONS) - 1)]
    blocked = jnp.where(tool < len(DIMENSIONS), blocked, 0.0)
    blocked = jnp.where(attribute == _OBJECTS, scene.subject, blocked)
    kept = jnp.asarray(_KEEP)[attribute][:, None, None] * barred
    return Constraint(1 - barred * blocked, kept)


def _everywhere(keeps, amount, mask):
    return jnp.broadcast_to(amount * jnp.array(keeps)[:, None, None], (3, *mask.shape))


_CONSTRAIN = {
    "exclude_region": _only_weight(_excluded),
    "spatial_constraint": _only_weight(_confined),
    "graduated_effect": _only_weight(_graduated),
    "selective_blend": _blended,
    "preserve_object_category": _category_kept,
    "preserve_attribute": _attribute_kept,
}
_KIND = np.zeros(len(VOCABULARY), np.int32)
_KIND[[TOOL_INDEX[name] for name in _CONSTRAIN]] = np.arange(len(_CONSTRAIN))


def _graduation(options, numbers, image):
    start, end = numbers[0], numbers[1]
    return jnp.clip(start + (end - start) * ramp(options[_DIRECTION], *image.shape[1:]), 0, 1)


def _apply_share(numbers):
    """The target's share of a selective blend: its ratio against both; all of it if both are 0."""
    preserve, apply = jnp.maximum(numbers[0], 0), jnp.maximum(numbers[1], 0)
    total = preserve + apply
    return jnp.where(total > 0, apply / jnp.where(total > 0, total, 1.0), 1.0)


def _share(options, numbers, mask, image):
    """How much of an edit a selective blend lets through, [H, W]; outside its region all.

    linear is the same everywhere; smooth gives more to the light tones and less to the dark;
    sharp_transition takes the lightest share of the picture whole; artistic takes it in patches.
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
    """The edit where it may act, with what is kept put back from the source, all [3, H, W]."""
    weight = constraint.weight
    out = jnp.where(weight <= 0, before, before + weight * (edit - before))
    for kept, restore in zip(constraint.kept, _RESTORE, strict=True):
        keep = jnp.any(kept > 0)
        out = jax.lax.cond(keep, restore, lambda out, *_: out, out, source, kept)
    return out


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
    """luma + chroma, the chroma drawn in as far as needed to stay in [0, 1]; luma is kept."""
    room = jnp.where(chroma > 0, 1 - luma, luma) / jnp.maximum(jnp.abs(chroma), 1e-6)
    fits = jnp.clip(jnp.minimum(jnp.minimum(room[:1], room[1:2]), room[2:]), 0.0, 1.0)
    return jnp.clip(luma + fits * chroma, 0.0, 1.0)
