"""A plan's steps in the order in which they run, with the compositional modifiers resolved.

conditional_transform becomes the step it decides on, or none. sequence_transform,
parallel_transform and layered_transformation are replaced by the steps that they name, taken from
wherever they stand in the plan; a name with an option that no step has becomes a new step with
defaults. Their strength multiplies that of their members. sequence_transform only orders steps:
as named, or with order_matters=false as in the plan. A graduated_effect of fog, lighting, color or
particles without such a step in the plan brings one. New steps come as long as slots are free.
What cannot be done is left out with a warning.
"""

import warnings
from typing import NamedTuple

from agentic_styling.tools.plans.conditions import holds
from agentic_styling.tools.plans.names import read_name
from agentic_styling.tools.plans.plan import (
    MAX_STEPS,
    STRUCTURAL,
    Plan,
    PlanError,
    Step,
    branch_step,
    check_step,
)
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, MODIFIERS, VOCABULARY

_NAMES_IN = {"sequence_transform": "steps", "parallel_transform": "actions"}
# Of transformation_type and effect_type: the tools, and the weathers and effects that belong.
_LIGHTS = "glowing_aura light_beams_godrays lens_flare bokeh_lights"
_FOGS = "fog_dense mist_light smoke_haze fog_volumetric mist_ground steam_rising"
_FALLS = """
    light_rain heavy_rain thunderstorm light_snow heavy_snow_blizzard sandstorm hail dust_particles
    rain_falling snow_falling leaves_falling petals_floating ash_embers sparkles_magical
    energy_particles debris_floating bioluminescence
"""
_TOOLS_OF = {
    "weather": ("weather", "season"),
    "lighting": ("time_of_day", "mood_lighting"),
    "color": ("color_grading", "location_setting", "architecture_style", "time_period"),
}
_OPTIONS_OF = {
    "lighting": _LIGHTS.split(),
    "fog": _FOGS.split(),
    "particles": _FALLS.split(),
}
# What a graduated effect draws by itself, and the kind of change it is.
_OWN_EFFECTS = {"saturation": "color", "brightness": "lighting", "blur": "any"}
_GRADUATED_STEPS = {
    "fog": ("weather", "fog_dense"),
    "lighting": ("mood_lighting", "hopeful_uplifting"),
    "color": ("color_grading", "warm_sunset"),
    "particles": ("atmospheric_effects", "snow_falling"),
}


class Placed(NamedTuple):
    """A step that takes a slot of PlanArrays; combine, group and numbers are explained there."""

    step: Step
    strength: float
    combine: str = "replace"
    group: int = 0
    numbers: tuple[float, float] = (0.0, 0.0)


def compose(plan: Plan, max_steps: int = MAX_STEPS) -> tuple[Placed, ...]:
    """The steps of a plan as they run, at most max_steps. Raises PlanError if it has more."""
    steps = [step for step in map(_decided, plan.steps, [plan.context] * len(plan.steps)) if step]
    groups = _Groups(steps, max_steps)
    structural = {i: groups.members(step) for i, step in enumerate(steps) if _is_structural(step)}
    placed = []
    for i, step in enumerate(steps):
        if i in structural:
            placed += structural[i]
        elif i in groups.loose:
            placed.append(_place(step))
    return tuple(_with_graduated_steps(placed, groups))


def composed_steps(plan: Plan, max_steps: int = MAX_STEPS) -> tuple[Step, ...]:
    """The steps behind the frames of `execute_steps`, in order."""
    return tuple(placed.step for placed in compose(plan, max_steps))


def touches(modifier: Step, step: Step) -> bool:
    """Whether a modifier constrains a step: of its kind, or of any.

    Steps are those of the ten dimensions and graduated effects that draw by themselves.
    spatial_constraint touches those of its transformation_type, graduated_effect those of its
    effect_type, the other modifiers all.
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
    option = step.parameters[VOCABULARY[step.tool].target]
    return step.tool in _TOOLS_OF.get(kind, ()) or option in _OPTIONS_OF.get(kind, ())


def _is_structural(step: Step) -> bool:
    return step.tool in STRUCTURAL


def _decided(step: Step, context: dict) -> Step | None:
    """The step, or what a condition makes of it: its strength multiplies the branch's."""
    if step.tool != "conditional_transform":
        return step
    condition = step.parameters.get("condition", "")
    truth = holds(condition, context)
    if truth is None:
        _warn(f"condition {condition!r} cannot be told from the context and counts as false")
    branch = branch_step(step, "then" if truth else "else")
    if branch is None:
        return None
    strength = _strength(step) * _strength(branch)
    parameters = branch.parameters | ({} if strength == 1 else {"strength": strength})
    return check_step(Step(step.reasoning, branch.tool, parameters), "conditional_transform")


def _place(step: Step) -> Placed:
    given = step.parameters
    numbers = (0.0, 0.0)
    if step.tool == "graduated_effect":
        numbers = (given.get("intensity_start", 0.0), given.get("intensity_end", 1.0))
    elif step.tool == "selective_blend":
        apply = given["target_apply_ratio"]
        numbers = (given.get("source_preserve_ratio", 1.0 - apply), apply)
    return Placed(step, _strength(step), numbers=numbers)


class _Groups:
    """The steps of a plan, and how those that name others take them.

    loose: the steps by place that no group has taken; free: slots left for new ones.
    """

    def __init__(self, steps: list[Step], max_steps: int):
        self.loose = {i: step for i, step in enumerate(steps) if not _is_structural(step)}
        self.free = max_steps - len(self.loose)
        self._grouped: list[Step] = []
        self._count = 0
        if self.free < 0:
            raise PlanError(f"{len(self.loose)} steps; raise max_steps={max_steps}")

    def members(self, group: Step) -> list[Placed]:
        """The steps that a sequence, parallel or layered step names, in their order."""
        if group.tool == "layered_transformation":
            return self._layers(group)
        names = group.parameters[_NAMES_IN[group.tool]]
        found = [taken for name in names if (taken := self._take(name, group))]
        if group.tool == "sequence_transform":
            if not group.parameters.get("order_matters", True):
                found.sort(key=lambda taken: taken[0])
            return [self._member(step, group) for _, step in found]
        self._count += 1
        mode = group.parameters.get("blend_mode", "additive")
        return [self._member(step, group, mode, self._count) for _, step in found]

    def _layers(self, group: Step) -> list[Placed]:
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

    def _member(self, step, group, mode="replace", number=0, opacity=0.0) -> Placed:
        return Placed(step, _strength(group) * _strength(step), mode, number, (opacity, 0.0))

    def _take(self, name: str, group: Step) -> tuple[int, Step] | None:
        """The place and step that a name stands for, out of the plan's order, or a new one."""
        tool, option = read_name(name) or (None, None)
        if tool not in DIMENSIONS:
            return _warn(f"{group.tool}: {name!r} names no step of the ten dimensions; left out")
        for place, step in self.loose.items():
            if _is_named(step, tool, option):
                self._grouped.append(self.loose.pop(place))
                return place, step
        if any(_is_named(step, tool, option) for step in self._grouped):
            return _warn(f"{group.tool}: {name!r} is in a group already; left out")
        if option is None:
            return _warn(f"{group.tool}: the plan has no step {name!r}; add it or name its option")
        step = self.new_step(tool, option, group)
        self._grouped += [step] if step else []
        return (MAX_STEPS, step) if step else None

    def new_step(self, tool: str, option: str, by: Step) -> Step | None:
        """A step with defaults if a slot is free, with the reasons of the step that brings it."""
        if self.free == 0:
            return _warn(f"{by.tool}: no slot is left for {tool}:{option}; left out")
        self.free -= 1
        return Step(by.reasoning, tool, {VOCABULARY[tool].target: option})


def _is_named(step: Step, tool: str, option: str | None) -> bool:
    return step.tool == tool and option in (None, step.parameters[VOCABULARY[tool].target])


def _with_graduated_steps(placed: list[Placed], groups: _Groups) -> list[Placed]:
    """The steps, and after each graduated effect without a step to act on a new one."""
    found = []
    for one in placed:
        found.append(one)
        if one.step.tool != "graduated_effect":
            continue
        new = _GRADUATED_STEPS.get(one.step.parameters["effect_type"])
        if new and not any(touches(one.step, other.step) for other in (*placed, *found)):
            step = groups.new_step(*new, one.step)
            found += [_place(step)] if step else []
    return found


def _strength(step: Step) -> float:
    return step.parameters.get("strength", 1.0)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)
