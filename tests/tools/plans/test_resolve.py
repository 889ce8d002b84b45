"""Resolved plans: the steps in the order in which they run, by hand."""

import warnings

import pytest

from agentic_styling.tools import Plan, Step, encode_plans
from agentic_styling.tools.plans import plan as plan_module
from agentic_styling.tools.plans.resolve import touches
from agentic_styling.tools.plans.vocabulary import read_name


def step(tool, target=None, **parameters):
    targets = {
        "weather": "weather_type",
        "season": "target_season",
        "time_of_day": "target_time",
        "mood_lighting": "target_mood",
        "color_grading": "target_palette",
        "artistic_medium": "target_medium",
        "location_setting": "target_location",
        "atmospheric_effects": "effect_type",
        "graduated_effect": "effect_type",
        "spatial_constraint": "apply_to",
        "exclude_region": "region_type",
        "preserve_attribute": "attribute_type",
        "selective_blend": "target_apply_ratio",
        "sequence_transform": "steps",
        "parallel_transform": "actions",
        "layered_transformation": "overlay_layers",
        "conditional_transform": "then_action",
    }
    return Step("", tool, {targets[tool]: target, **parameters})


def run(*steps, context=None):
    """The options of the resolved steps, and the resolved steps; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        placed = Plan(context or {}, steps).resolved
    return [next(v for v in one.step.parameters.values()) for one in placed], placed


HAIL, WINTER = step("weather", "hail"), step("season", "winter_bare")
NIGHT, SEPIA = step("time_of_day", "night_moonlit"), step("color_grading", "sepia_vintage")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("weather", ("weather", None)),
        ("weather_conditions", ("weather", None)),
        ("Color Grading", ("color_grading", None)),
        ("season_cycle: winter-bare", ("season", "winter_bare")),
        ("sepia_vintage", ("color_grading", "sepia_vintage")),
        ("Sepia vintage", ("color_grading", "sepia_vintage")),
        ("preserve_attribute:color", ("preserve_attribute", "color")),
        ("blue_hour", None),  # a time and a palette
        ("time_of_day:blue_hour", ("time_of_day", "blue_hour")),
        ("weather:sepia_vintage", None),
        ("weather:", None),
        (":hail", None),
        ("sequence_transform:x", None),
        ("selective_blend:1.0", None),
        ("rain", None),
        ("", None),
    ],
)
def test_names(text, named):
    assert read_name(text) == named


def test_a_sequence_orders_its_steps_at_its_place():
    sequence = step("sequence_transform", ["color_grading", "season:winter_bare", "gouache"])
    options, placed = run(HAIL, SEPIA, sequence, NIGHT, WINTER)
    assert options == ["hail", "sepia_vintage", "winter_bare", "gouache", "night_moonlit"]
    assert {(p.combine, p.group) for p in placed} == {("replace", 0)}
    loose = Step("", sequence.tool, sequence.parameters | {"order_matters": False})
    assert run(loose, WINTER, HAIL, SEPIA)[0] == ["winter_bare", "sepia_vintage", "gouache", "hail"]


def test_strength_of_a_group_scales_its_steps():
    half = Step("", "weather", HAIL.parameters | {"strength": 0.5})
    for tool in ("sequence_transform", "parallel_transform", "layered_transformation"):
        _, placed = run(half, step(tool, ["weather", "gouache"], strength=0.25))
        assert [p.strength for p in placed] == [0.125, 0.25]


def test_a_parallel_group():
    parallel = step("parallel_transform", ["season", "weather:hail"], blend_mode="average")
    options, placed = run(HAIL, NIGHT, parallel, WINTER, step("parallel_transform", ["gouache"]))
    assert options == ["night_moonlit", "winter_bare", "hail", "gouache"]
    assert [(p.combine, p.group) for p in placed] == [
        ("replace", 0), ("average", 1), ("average", 1), ("additive", 2),
    ]  # fmt: skip


def test_layers_keep_their_modes_and_opacities():
    layers = step(
        "layered_transformation",
        ["moon", "gouache", "time_of_day"],
        base_layer="sepia_vintage",
        blend_modes=["add", "screen"],
        layer_opacities=[0.1, 0.2],
    )
    with pytest.warns(UserWarning, match="'moon' names no step of the ten dimensions"):
        placed = Plan({}, (NIGHT, layers)).resolved
    assert [(p.combine, p.group, p.numbers[0]) for p in placed] == [
        ("replace", 1, 1.0), ("screen", 1, 0.2), ("normal", 1, 1.0),
    ]  # fmt: skip
    assert placed[2].step == NIGHT
    bare = run(step("layered_transformation", ["weather:hail"]))[1]
    assert [(p.combine, p.group, p.numbers[0]) for p in bare] == [("normal", 1, 1.0)]


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("moon", "'moon' names no step"),
        ("preserve_attribute:color", "names no step of the ten dimensions"),
        ("blue_hour", "names no step"),
        ("artistic_medium", "the plan has no step 'artistic_medium'"),
        ("weather", "'weather' is in a group already"),
        ("weather:hail", "'weather:hail' is in a group already"),
    ],
)
def test_names_without_a_step_are_left_out(name, warning):
    sequence = step("sequence_transform", ["weather", name])
    with pytest.warns(UserWarning, match=warning):
        assert Plan({}, (HAIL, sequence)).resolved_steps == (HAIL,)


def test_new_steps_come_while_slots_are_free():
    new = [f"color_grading:{name}" for name in ("warm_sunset", "cool_blue", "sepia_vintage")]
    sequence = Step("why", "sequence_transform", {"steps": new})
    six = (HAIL, WINTER, NIGHT) * 2
    with pytest.warns(UserWarning, match="no slot is left for color_grading:sepia_vintage"):
        steps = Plan({}, (*six, sequence)).resolved_steps
    assert steps[:6] == six
    first = Step("why", "color_grading", {"target_palette": "warm_sunset"})
    assert steps[6] == first
    assert len(steps) == 8
    with pytest.warns(UserWarning, match="no slot is left"):
        seven = (*six, HAIL)
        assert Plan({}, (*seven, sequence)).resolved_steps == (*seven, first)


def test_a_condition_chooses_a_step():
    choice = step(
        "conditional_transform",
        "weather:hail",
        condition="season is winter_bare",
        then_parameters={"intensity": "heavy", "strength": 0.5},
        else_action="color_grading",
        else_parameters={"target_palette": "sepia_vintage"},
        strength=0.5,
    )
    _, (then,) = run(choice, context={"season": "winter_bare"})
    assert then.step.parameters == {"weather_type": "hail", "intensity": "heavy", "strength": 0.25}
    assert then.strength == 0.25
    _, (other,) = run(choice, context={"season": "summer_lush"})
    assert other.step.parameters == {"target_palette": "sepia_vintage", "strength": 0.5}
    with pytest.warns(UserWarning, match="cannot be decided from the context and counts as false"):
        assert Plan({}, (choice,)).resolved_steps == (other.step,)
    no_else = step("conditional_transform", "weather:hail", condition="season is winter_bare")
    assert run(no_else, context={"season": "summer_lush"}) == ([], ())
    grouped = step("sequence_transform", ["season", "weather"])
    assert run(no_else, grouped, WINTER, context={"season": "winter_bare"})[0] == [
        "winter_bare", "hail",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "present", "brought"),
    [
        ("fog", HAIL, "fog_dense"),
        ("fog", step("atmospheric_effects", "mist_ground"), None),
        ("lighting", HAIL, "hopeful_uplifting"),
        ("lighting", NIGHT, None),
        ("color", NIGHT, "warm_sunset"),
        ("color", SEPIA, None),
        ("particles", SEPIA, "snow_falling"),
        ("particles", HAIL, None),
        ("blur", SEPIA, None),
    ],
)
def test_a_graduated_effect_brings_its_step(effect, present, brought):
    graduated = step("graduated_effect", effect, intensity_end=0.5)
    options, placed = run(graduated, present)
    assert options[1:-1] == ([brought] if brought else [])
    assert placed[0].numbers == (0.0, 0.5)
    if brought:
        assert touches(graduated, placed[1].step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        full = Plan({}, (graduated, *[present] * 7)).resolved_steps
    assert full == (graduated, *[present] * 7)
    # Only these count: others may be of objects that earlier tests left to be collected.
    said = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    assert len(said) == bool(brought) and all("no slot is left" in text for text in said)


FOG, SNOW = step("weather", "fog_dense"), step("atmospheric_effects", "snow_falling")
GRAIN, BLUR = step("atmospheric_effects", "film_grain"), step("graduated_effect", "blur")
BRIGHT = step("graduated_effect", "brightness")
STEPS = (HAIL, FOG, WINTER, NIGHT, SEPIA, SNOW, GRAIN, BLUR, BRIGHT)


@pytest.mark.parametrize(
    ("kind", "touched"),
    [
        ("any", STEPS),
        ("weather", (HAIL, FOG, WINTER)),
        ("fog", (FOG,)),
        ("particles", (HAIL, SNOW)),
        ("lighting", (NIGHT, BRIGHT)),
        ("color", (SEPIA,)),
    ],
)
def test_a_spatial_constraint_touches_its_kind(kind, touched):
    constraint = step("spatial_constraint", "left_half", transformation_type=kind)
    assert [s for s in STEPS if touches(constraint, s)] == list(touched)


def test_what_touches_what():
    exclude, keep = step("exclude_region", "center"), step("preserve_attribute", "color")
    blend = step("selective_blend", 0.5)
    for modifier in (exclude, keep, blend):
        assert all(touches(modifier, s) for s in STEPS)
        assert not any(touches(modifier, other) for other in (exclude, keep, blend))
    assert not any(touches(HAIL, s) or touches(BLUR, s) for s in STEPS)
    fog = step("graduated_effect", "fog")
    assert [s for s in STEPS if touches(fog, s)] == [FOG]
    assert not touches(exclude, fog)


def test_a_plan_is_resolved_once_in_its_life(monkeypatch):
    calls = []

    def counted(*args):
        calls.append(args)
        return ()

    monkeypatch.setattr(plan_module, "resolve", counted)
    plan = Plan({"season": "winter_bare"}, (HAIL,))
    for _ in range(2):
        assert plan.resolved == plan.resolved_steps == ()
        assert encode_plans([plan, plan]).tool.tolist() == [[-1] * 8] * 2
    assert calls == [((HAIL,), {"season": "winter_bare"})]
    assert plan == Plan({"season": "winter_bare"}, (HAIL,))  # what is cached is not compared
