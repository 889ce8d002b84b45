"""A plan's steps on one photograph, one after the other, within what constrains them."""

from typing import NamedTuple

import numpy as np

from agentic_styling.tools import DIMENSIONS, VOCABULARY, Plan, Step, dimensions, encode_plans
from agentic_styling.tools.executor.masks import SOFT_EDGE

from . import renderers
from .common import Shot, blur, luma_of
from .grade import change_look, to_image, to_logits
from .scene import shot_of

_CHANGERS = {
    "style": ("artistic_medium",),
    "architecture": ("architecture_style", "location_setting"),
    "mood": ("mood_lighting",),
    "weather": ("weather", "atmospheric_effects"),
    "technology": ("time_period",),
}
_KEPT = ("color", "lighting", "texture")
# left, right, top, bottom in parts of the picture.
_BOXES = {
    "left_half": (-1.0, 0.5, -1.0, 2.0),
    "right_half": (0.5, 2.0, -1.0, 2.0),
    "top_half": (-1.0, 2.0, -1.0, 0.5),
    "bottom_half": (-1.0, 2.0, 0.5, 2.0),
    "center": (0.25, 0.75, 0.25, 0.75),
}


class Work(NamedTuple):
    """A step made ready: every parameter with its value, the recipes, what is to be drawn."""

    tool: str
    values: dict
    source: np.ndarray
    target: np.ndarray
    draw: object  # (image, shot, values) -> image, or None


class Prepared(NamedTuple):
    """A plan made ready: its steps, and its modifiers as (tool, values)."""

    steps: list[Work]
    modifiers: list[tuple[str, dict]]


def prepare(plans: list[Plan]) -> list[Prepared]:
    """Plans with their defaults and recipes looked up, which takes no part in the timing."""
    recipes = iter(_recipes([s for p in plans for s in p.steps if s.tool in DIMENSIONS]))
    return [_prepare(plan, recipes) for plan in plans]


def _prepare(plan: Plan, recipes) -> Prepared:
    steps, modifiers = [], []
    for step in plan.steps:
        tool = VOCABULARY[step.tool]
        values = {p.name: step.parameters.get(p.name, p.default) for p in tool.parameters.values()}
        if step.tool not in DIMENSIONS:
            modifiers.append((step.tool, values))
            continue
        same = values[tool.source] == values[tool.target]
        draw = renderers.renderer_of(step.tool, values, same)
        steps.append(Work(step.tool, values, *next(recipes), draw))
    return Prepared(steps, modifiers)


def _recipes(steps: list[Step]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each step the recipes taken off and put on."""
    import jax

    arrays = encode_plans([Plan({}, (step,)) for step in steps], 1)
    found = jax.jit(jax.vmap(dimensions.looks_of))(arrays.tool[:, 0], arrays.options[:, 0])
    return list(zip(*map(np.asarray, found), strict=True))


def style(photograph: np.ndarray, plan: Prepared, seed: int) -> np.ndarray:
    """A plan on a photograph float32 [H, W, 3] in [0, 1]; as much again."""
    source = np.ascontiguousarray(np.moveaxis(photograph, -1, 0))
    shot = shot_of(source, seed)
    logits, image = None, source
    for work in plan.steps:
        before = image
        if work.source.any() or work.target.any():
            logits = to_logits(image) if logits is None else logits
            strength = work.values["strength"]
            logits = change_look(logits, shot, work.source, work.target, strength)
        if work.draw or plan.modifiers:
            if logits is not None:
                image, logits = to_image(logits), None
            image = _draw(image, shot, work)
            if plan.modifiers:
                kept = confine(before, image, source, shot, plan.modifiers, work.tool)
                image = np.asarray(kept, np.float32)  # masks of some regions are float64
    if logits is not None:
        image = to_image(logits)
    return np.moveaxis(image, 0, -1)


def _draw(image, shot, work):
    if work.draw is None:
        return image
    edit = np.asarray(work.draw(image, shot, work.values), np.float32)
    strength = np.float32(work.values["strength"])
    if strength < 1:
        edit = image + strength * (edit - image)
    return np.clip(edit, 0.0, 1.0)


def confine(before, edit, source, shot: Shot, modifiers, tool: str) -> np.ndarray:
    """An edit where the modifiers let it act, with what is kept put back from the source."""
    weight, kept = np.ones(shot.size, np.float32), {}
    for name, values in modifiers:
        strength = values["strength"]
        if name == "exclude_region":
            share = strength * (1.0 if values["preserve_fully"] else 0.5)
            weight *= 1 - share * region(values["region_type"], source, shot)
            continue
        where = {"global": "everywhere", "specific_object": "subject"}
        scope = where.get(values["scope"], values["scope"].removesuffix("_only"))
        attribute, barred = values["attribute_type"], strength * region(scope, source, shot)
        if attribute in _KEPT:
            kept[attribute] = np.maximum(kept.get(attribute, 0.0), barred)
        elif attribute == "objects":
            weight *= 1 - barred * shot.subject
        elif tool in _CHANGERS[attribute]:
            weight *= 1 - barred
    out = before + weight * (edit - before)
    return _restore(out, source, kept) if kept else out


def _restore(edit, source, kept):
    out = edit
    if "texture" in kept:
        sigma = max(min(edit.shape[1:]) / 64, 1.0)
        detail = source - blur(source, sigma) - (edit - blur(edit, sigma))
        out = np.clip(edit + kept["texture"] * detail, 0.0, 1.0)
    luma = luma_of(source)
    if "color" in kept:
        out = out + kept["color"] * (_with_luma(source - luma, luma_of(out)) - out)
    if "lighting" in kept:
        out = out + kept["lighting"] * (_with_luma(out - luma_of(out), luma) - out)
    return out


def _with_luma(chroma, luma):
    room = np.where(chroma > 0, 1 - luma, luma) / np.maximum(np.abs(chroma), 1e-6)
    return np.clip(luma + np.clip(room.min(0), 0.0, 1.0) * chroma, 0.0, 1.0)


def region(name: str, image: np.ndarray, shot: Shot) -> np.ndarray | float:
    """A region's soft mask [H, W], or 1."""
    if name == "everywhere":
        return 1.0
    if name in ("outdoor", "indoor"):
        outdoor = np.maximum(shot.sky, np.clip((shot.outdoors - 0.7) / 0.4 + 0.5, 0.0, 1.0))
        return outdoor if name == "outdoor" else 1 - outdoor
    if name in ("foreground", "background"):
        near = np.clip((0.55 - shot.depth) / 0.24 + 0.5, 0.0, 1.0)
        near = np.maximum(near * (1 - shot.closeup), shot.subject)
        return near if name == "foreground" else 1 - near
    if name in ("sky", "ground", "subject"):
        return getattr(shot, name)
    left, right, top, bottom = _BOXES["center" if name == "edges" else name]
    y, x = shot.y * shot.short / shot.size[0], shot.x * shot.short / shot.size[1]
    inside = np.float32(1.0)
    for side in (x - left, right - x, y - top, bottom - y):
        inside = inside * np.clip(side / np.float32(SOFT_EDGE) + 0.5, 0.0, 1.0)
    return 1 - inside if name == "edges" else inside
