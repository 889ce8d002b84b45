"""A plan's steps in the order in which they run, with the compositional modifiers resolved.

A conditional_transform becomes the step of the branch taken, or none. A sequence_transform,
parallel_transform or layered_transformation is replaced by the steps it names, taken from anywhere
in the plan; a name with an option that no step has becomes a new step with defaults. Its strength
multiplies that of its members. sequence_transform only orders steps: as named, or with
order_matters=false as in the plan. A graduated_effect of fog, lighting, color or particles adds
such a step if the plan has none. Steps are added while the plan has fewer than MAX_STEPS. What
cannot be resolved is left out with a warning.
"""

import warnings
from collections.abc import Mapping
from typing import NamedTuple

from agentic_styling.tools.plans.steps import MAX_STEPS, STRUCTURAL, Step, branch_step, check_step
from agentic_styling.tools.plans.vocabulary import (
    DIMENSIONS,
    MODIFIERS,
    VOCABULARY,
    holds,
    read_name,
)

# The tools and options of each transformation_type and of each effect_type that is no picture.
_ACTS_ON = {
    "weather": "weather season",
    "lighting": """
        time_of_day mood_lighting glowing_aura light_beams_godrays lens_flare bokeh_lights
    """,
    "color": "color_grading location_setting architecture_style time_period",
    "fog": "fog_dense mist_light smoke_haze fog_volumetric mist_ground steam_rising",
    "particles": """
        light_rain heavy_rain thunderstorm light_snow heavy_snow_blizzard sandstorm hail
        dust_particles rain_falling snow_falling leaves_falling petals_floating ash_embers
        sparkles_magical energy_particles debris_floating bioluminescence
    """,
}
# Graduated effects that draw by themselves, and the transformation_type they count as.
_OWN_EFFECTS = {"saturation": "color", "brightness": "lighting", "blur": "any"}
_GRADUATED_STEPS = {
    "fog": ("weather", "fog_dense"),
    "lighting": ("mood_lighting", "hopeful_uplifting"),
    "color": ("color_grading", "warm_sunset"),
    "particles": ("atmospheric_effects", "snow_falling"),
}


class ResolvedStep(NamedTuple):
    """A step in one slot of PlanArrays, which explains combine, group and numbers."""

    step: Step
    strength: float
    combine: str = "replace"
    group: int = 0
    numbers: tuple[float, float] = (0.0, 0.0)


def resolve(steps: tuple[Step, ...], context: Mapping[str, str]) -> tuple[ResolvedStep, ...]:
    """The steps of a plan as they run; `Plan.resolved` keeps the result.

    Args:
      steps: at most MAX_STEPS, checked.
      context: maps dimensions to the options that the photograph shows.

    Returns:
      At most MAX_STEPS steps, none of them STRUCTURAL.
    """
    decided = [step for step in (_decide(step, context) for step in steps) if step]
    groups = _Groups(decided)
    members = {i: groups.members(s) for i, s in enumerate(decided) if s.tool in STRUCTURAL}
    resolved = []
    for i, step in enumerate(decided):
        if i in members:
            resolved += members[i]
        elif i in groups.loose:
            resolved.append(_resolve_loose(step))
    return tuple(_with_graduated_steps(resolved, groups))


def touches(modifier: Step, step: Step) -> bool:
    """Whether a modifier constrains a step of the ten dimensions or a self-drawn graduated effect.

    A spatial_constraint touches the steps of its transformation_type, a graduated_effect those of
    its effect_type, the other modifiers all.
    """
    kind = step.parameters.get("effect_type") if step.tool == "graduated_effect" else None
    own = kind in _OWN_EFFECTS
    if modifier.tool not in MODIFIERS or not (own or step.tool not in MODIFIERS):
        return False
    if modifier.tool == "spatial_constraint":
        wanted = modifier.parameters.get("transformation_type", "any")
        return wanted == "any" or (_OWN_EFFECTS[kind] == wanted if own else _is_of(step, wanted))
    if modifier.tool == "graduated_effect":
        return _is_of(step, modifier.parameters["effect_type"])
    return True


def _is_of(step: Step, kind: str) -> bool:
    names = _ACTS_ON.get(kind, "").split()
    return step.tool in names or step.option in names


def _decide(step: Step, context) -> Step | None:
    """The step, or the branch that its condition takes; its strength multiplies the branch's."""
    if step.tool != "conditional_transform":
        return step
    condition = step.parameters.get("condition", "")
    truth = holds(condition, context)
    if truth is None:
        _warn(f"condition {condition!r} cannot be decided from the context and counts as false")
    branch = branch_step(step, "then" if truth else "else")
    if branch is None:
        return None
    strength = step.strength * branch.strength
    parameters = branch.parameters | ({} if strength == 1 else {"strength": strength})
    return check_step(Step(step.reasoning, branch.tool, parameters), "conditional_transform")


def _resolve_loose(step: Step) -> ResolvedStep:
    given = step.parameters
    numbers = (0.0, 0.0)
    if step.tool == "graduated_effect":
        numbers = (given.get("intensity_start", 0.0), given.get("intensity_end", 1.0))
    elif step.tool == "selective_blend":
        apply = given["target_apply_ratio"]
        numbers = (given.get("source_preserve_ratio", 1.0 - apply), apply)
    return ResolvedStep(step, step.strength, numbers=numbers)


class _Groups:
    """The steps of a plan, and which of them groups have taken."""

    def __init__(self, steps: list[Step]):
        # By index, the steps that no group has taken; and how many steps may still be added.
        self.loose = {i: step for i, step in enumerate(steps) if step.tool not in STRUCTURAL}
        self.free = MAX_STEPS - len(self.loose)
        self._grouped: list[Step] = []
        self._count = 0

    def members(self, group: Step) -> list[ResolvedStep]:
        """The steps that a sequence, parallel or layered step names, in their order."""
        if group.tool == "layered_transformation":
            return self._layers(group)
        taken = [named for name in group.option if (named := self._take(name, group))]
        if group.tool == "sequence_transform":
            if not group.parameters.get("order_matters", True):
                taken.sort(key=lambda named: named[0])
            return [self._member(step, group) for _, step in taken]
        self._count += 1
        mode = group.parameters.get("blend_mode", "additive")
        return [self._member(step, group, mode, self._count) for _, step in taken]

    def _layers(self, group: Step) -> list[ResolvedStep]:
        given = group.parameters
        self._count += 1
        layers = []
        base = given.get("base_layer", "")
        if base and (taken := self._take(base, group)):
            layers.append(self._member(taken[1], group, "replace", self._count, 1.0))
        modes, opacities = given.get("blend_modes", ()), given.get("layer_opacities", ())
        for i, name in enumerate(given["overlay_layers"]):
            mode = modes[i] if i < len(modes) else "normal"
            opacity = opacities[i] if i < len(opacities) else 1.0
            if taken := self._take(name, group):
                layers.append(self._member(taken[1], group, mode, self._count, opacity))
        return layers

    def _member(self, step, group, mode="replace", number=0, opacity=0.0) -> ResolvedStep:
        strength = group.strength * step.strength
        return ResolvedStep(step, strength, mode, number, (opacity, 0.0))

    def _take(self, name: str, group: Step) -> tuple[int, Step] | None:
        """The index and step that a name stands for, taken out of `loose`, or a new step."""
        tool, option = read_name(name) or (None, None)
        if tool not in DIMENSIONS:
            return _warn(f"{group.tool}: {name!r} names no step of the ten dimensions; left out")
        for index, step in self.loose.items():
            if _is_named(step, tool, option):
                self._grouped.append(self.loose.pop(index))
                return index, step
        if any(_is_named(step, tool, option) for step in self._grouped):
            return _warn(f"{group.tool}: {name!r} is in a group already; left out")
        if option is None:
            return _warn(f"{group.tool}: the plan has no step {name!r}; add it or name its option")
        step = self.new_step(tool, option, group)
        self._grouped += [step] if step else []
        return (MAX_STEPS, step) if step else None

    def new_step(self, tool: str, option: str, by: Step) -> Step | None:
        """A step with defaults and the reasoning of the step that adds it, if the plan has room."""
        if self.free == 0:
            return _warn(f"{by.tool}: no slot is left for {tool}:{option}; left out")
        self.free -= 1
        return Step(by.reasoning, tool, {VOCABULARY[tool].target: option})


def _is_named(step: Step, tool: str, option: str | None) -> bool:
    return step.tool == tool and option in (None, step.option)


def _with_graduated_steps(steps: list[ResolvedStep], groups: _Groups) -> list[ResolvedStep]:
    """The steps, and after each graduated effect without a step to act on a new one."""
    extended = []
    for resolved in steps:
        effect = resolved.step
        extended.append(resolved)
        if effect.tool != "graduated_effect":
            continue
        new = _GRADUATED_STEPS.get(effect.option)
        if new and not any(touches(effect, other.step) for other in (*steps, *extended)):
            step = groups.new_step(*new, effect)
            extended += [_resolve_loose(step)] if step else []
    return extended


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)
