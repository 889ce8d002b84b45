"""What a plan leaves alone: preserved attributes and excluded regions, through all its steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from agentic_styling.tools.blur import gaussian_blur
from agentic_styling.tools.encode import TOOL_INDEX
from agentic_styling.tools.grade import luma_of
from agentic_styling.tools.looks import by_option

_EDGE = 0.06  # width of a region's soft edge, in parts of the picture

# left, right, top, bottom in parts of the picture; 1 = all but that box. Indoor and outdoor cannot
# be told from pixels alone: they exclude nothing.
_NOTHING = (2.0, 2.0, 2.0, 2.0, 0.0)
_REGIONS = {
    "foreground": (0.1, 0.9, 0.4, 2.0, 0.0),
    "background": (0.1, 0.9, 0.4, 2.0, 1.0),
    "left_half": (-1.0, 0.5, -1.0, 2.0, 0.0),
    "right_half": (0.5, 2.0, -1.0, 2.0, 0.0),
    "top_half": (-1.0, 2.0, -1.0, 0.5, 0.0),
    "bottom_half": (-1.0, 2.0, 0.5, 2.0, 0.0),
    "center": (0.25, 0.75, 0.25, 0.75, 0.0),
    "edges": (0.25, 0.75, 0.25, 0.75, 1.0),
}
_EVERYWHERE = (-1.0, 2.0, -1.0, 2.0, 0.0)
_SCOPES = {
    "foreground_only": _REGIONS["foreground"],
    "background_only": _REGIONS["background"],
}
_ATTRIBUTES = {"color": (1, 0, 0), "lighting": (0, 1, 0), "texture": (0, 0, 1)}

REGION = by_option("exclude_region", "region_type", _REGIONS, _NOTHING)
SCOPE = by_option("preserve_attribute", "scope", _SCOPES, _EVERYWHERE)
ATTRIBUTE = by_option("preserve_attribute", "attribute_type", _ATTRIBUTES, (0, 0, 0))


class Kept(NamedTuple):
    """How much of the source photograph stays, [H, W] each, in [0, 1]."""

    color: jax.Array
    lighting: jax.Array
    texture: jax.Array
    region: jax.Array


def region_mask(box: jax.Array, height: int, width: int) -> jax.Array:
    """[H, W]: 1 inside a box (left, right, top, bottom, invert), with a soft edge."""
    y = ((jnp.arange(height) + 0.5) / height)[:, None]
    x = ((jnp.arange(width) + 0.5) / width)[None, :]
    sides = (x - box[0], box[1] - x, y - box[2], box[3] - y)
    inside = 1.0
    for side in sides:
        inside = inside * jnp.clip(side / _EDGE + 0.5, 0.0, 1.0)
    return jnp.where(box[4] > 0, 1 - inside, inside)


def what_is_kept(tool, options, strength, height: int, width: int) -> Kept:
    """What the modifiers among a plan's steps (tool [T], options [T, P], strength [T]) keep."""
    mask = jax.vmap(lambda box: region_mask(box, height, width))
    preserve = jnp.where(tool == TOOL_INDEX["preserve_attribute"], strength, 0.0)
    scopes = mask(jnp.asarray(SCOPE)[options[:, 2] % len(SCOPE)])
    weights = preserve[:, None] * jnp.asarray(ATTRIBUTE)[options[:, 1] % len(ATTRIBUTE)]
    kept = [jnp.max(scopes * weights[:, k, None, None], axis=0) for k in range(3)]
    exclude = jnp.where(tool == TOOL_INDEX["exclude_region"], strength, 0.0)
    fully = jnp.where(options[:, 2] > 0, 1.0, 0.5)
    regions = mask(jnp.asarray(REGION)[options[:, 1] % len(REGION)])
    return Kept(*kept, jnp.max(regions * (exclude * fully)[:, None, None], axis=0))


def restore(edit: jax.Array, source: jax.Array, kept: Kept) -> jax.Array:
    """The edit with what is kept put back from the source photograph, both [3, H, W]."""
    sigma = max(min(edit.shape[1:]) / 64, 1.0)
    detail = source - gaussian_blur(source, sigma) - (edit - gaussian_blur(edit, sigma))
    out = jnp.clip(edit + kept.texture * detail, 0.0, 1.0)
    source_luma = luma_of(source)
    out = out + kept.color * (with_luma(source - source_luma, luma_of(out)) - out)
    out = out + kept.lighting * (with_luma(out - luma_of(out), source_luma) - out)
    return jnp.where(kept.region >= 1.0, source, out + kept.region * (source - out))


def with_luma(chroma: jax.Array, luma: jax.Array) -> jax.Array:
    """luma + chroma, the chroma drawn in as far as needed to stay in [0, 1]; luma is kept."""
    room = jnp.where(chroma > 0, 1 - luma, luma) / jnp.maximum(jnp.abs(chroma), 1e-6)
    fits = jnp.clip(jnp.min(room, axis=0, keepdims=True), 0.0, 1.0)
    return jnp.clip(luma + fits * chroma, 0.0, 1.0)
