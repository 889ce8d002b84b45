"""How steps of a plan meet: order, conditions, parallel steps, layers, and constraints on them."""

import numpy as np
import pytest
from PIL import Image, ImageChops

from agentic_styling.tools import Plan
from tests.tools.light_executor import PHOTOGRAPH, SUBJECT, WIDTH, light_kernels, run
from tests.tools.planned import step

LEFT, RIGHT = np.s_[:, : WIDTH // 2 - 2], np.s_[:, WIDTH // 2 + 2 :]
SEPIA = step("color_grading", "sepia_vintage")
BLUE = step("time_of_day", "night_moonlit")
AUTUMN = step("season", "autumn_falling")
RAIN = step("weather", "light_rain")  # drawn, by the row's and the slot's seed; the others not
ONE, TWO = step("color_grading", "earth_natural"), AUTUMN


@pytest.fixture(scope="module", autouse=True)
def light():
    with light_kernels():
        yield


def test_a_sequence_runs_as_named():
    sequence = step("sequence_transform", ["time_of_day", "color_grading"])
    named, loose, ordered, unordered = run(
        [SEPIA, BLUE, sequence],
        [SEPIA, BLUE],
        [BLUE, SEPIA],
        [SEPIA, BLUE, step("sequence_transform", ["time_of_day", "color_grading"],
                           order_matters=False)],
    )  # fmt: skip
    np.testing.assert_allclose(named, ordered, atol=1e-6)
    np.testing.assert_allclose(unordered, loose, atol=1e-6)
    assert np.abs(named - loose).max() > 0.01


def test_a_condition_decides_between_two_steps():
    choice = step("conditional_transform", "color_grading:sepia_vintage",
                  condition="if weather is fog_dense", else_action="time_of_day:night_moonlit",
                  else_parameters={"strength": 0.5})  # fmt: skip
    foggy, dry = (Plan({"weather": w}, (choice,)) for w in ("fog_dense", "clear_sunny"))
    then, otherwise, sepia, blue = run(
        foggy, dry, [SEPIA], [step("time_of_day", "night_moonlit", strength=0.5)]
    )
    np.testing.assert_allclose(then, sepia, atol=1e-6)
    np.testing.assert_allclose(otherwise, blue, atol=1e-6)


@pytest.mark.parametrize("mode", ["additive", "multiplicative", "average", "max_effect"])
def test_parallel_steps_meet_as_their_mode_says(mode):
    names = ["color_grading", "season"]
    out, one, two = run(
        [ONE, TWO, step("parallel_transform", names, blend_mode=mode)], [ONE], [TWO]
    )
    b = PHOTOGRAPH
    farther = ((two - b) ** 2).sum(-1, keepdims=True) >= ((one - b) ** 2).sum(-1, keepdims=True)
    wanted = {
        "additive": np.clip(one + (two - b), 0, 1),
        "multiplicative": np.clip((one + 0.02) * (two + 0.02) / (b + 0.02) - 0.02, 0, 1),
        "average": b + (one - b + two - b) / 2,
        "max_effect": np.where(farther, two, one),
    }
    np.testing.assert_allclose(out, wanted[mode], atol=2e-6)


def test_parallel_steps_start_where_the_plan_has_come_to():
    first = step("location_setting", "jungle_tropical")
    parallel = step("parallel_transform", ["color_grading", "season"], blend_mode="average")
    out, b, one, two = run([first, ONE, TWO, parallel], [first], [first, ONE],
                           [first, TWO])  # fmt: skip
    np.testing.assert_allclose(out, b + (one - b + two - b) / 2, atol=1e-5)


def _pillow(mode, lower, upper):
    """The layer mode by Pillow, in steps of 1/255."""
    if mode == "normal":
        return upper
    functions = {"add": "add", "multiply": "multiply", "screen": "screen", "overlay": "overlay"}
    functions |= {"soft_light": "soft_light", "hard_light": "hard_light"}
    as_image = [Image.fromarray(np.round(x * 255).astype(np.uint8)) for x in (lower, upper)]
    return np.asarray(getattr(ImageChops, functions[mode])(*as_image)) / 255


@pytest.mark.parametrize(
    "mode", ["normal", "multiply", "screen", "overlay", "soft_light", "hard_light", "add"]
)
def test_layers_lie_on_their_base_as_pillow_has_them(mode):
    layers = step("layered_transformation", ["season"], base_layer="color_grading",
                  blend_modes=[mode], layer_opacities=[0.6])  # fmt: skip
    out, base, upper = run([TWO, ONE, layers], [ONE], [ONE, TWO])
    wanted = base + 0.6 * (_pillow(mode, base, upper) - base)
    assert np.abs(out - wanted).max() < 3 / 255  # Pillow rounds its inputs and every product
    assert np.abs(out - wanted).mean() < 0.003


def test_layers_are_all_made_from_the_base():
    layers = step("layered_transformation", ["season", "time_of_day"], base_layer="color_grading",
                  blend_modes=["normal", "multiply"], layer_opacities=[0.5, 1.0])  # fmt: skip
    out, base, two, blue = run([SEPIA, TWO, BLUE, layers], [SEPIA], [SEPIA, TWO], [SEPIA, BLUE])
    np.testing.assert_allclose(out, (base + two) / 2 * blue, atol=1e-5)


def test_without_a_base_layers_lie_on_the_picture_as_it_stood():
    layers = step("layered_transformation", ["season"], blend_modes=["screen"])
    out, before, upper = run([SEPIA, TWO, layers], [SEPIA], [SEPIA, TWO])
    np.testing.assert_allclose(out, before + upper - before * upper, atol=1e-5)


# Constraints in a plan


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_excluded_region_is_the_photograph_wherever_the_modifier_stands(place):
    steps = [SEPIA, RAIN]
    edit, out = run(steps, [*steps[:place], step("exclude_region", "left_half"), *steps[place:]])
    assert np.array_equal(out[LEFT], PHOTOGRAPH[LEFT])
    assert np.abs(edit[LEFT] - PHOTOGRAPH[LEFT]).mean() > 0.02


@pytest.mark.parametrize(
    "group",
    [
        step("layered_transformation", ["season", "weather"], blend_modes=["multiply", "add"]),
        *(
            step("parallel_transform", ["season", "weather"], blend_mode=mode)
            for mode in ("additive", "multiplicative", "average", "max_effect")
        ),
    ],
)
def test_groups_keep_to_the_region_and_the_colours(group):
    kept, edit, lit = run(
        [AUTUMN, RAIN, group, step("exclude_region", "left_half")],
        [AUTUMN, RAIN, group],
        [AUTUMN, RAIN, group, step("preserve_attribute", "lighting")],
    )
    np.testing.assert_allclose(kept[LEFT], PHOTOGRAPH[LEFT], atol=1e-7)
    assert np.abs(edit[LEFT] - PHOTOGRAPH[LEFT]).mean() > 0.02
    luma = np.array([0.299, 0.587, 0.114], np.float32)
    np.testing.assert_allclose(lit @ luma, PHOTOGRAPH @ luma, atol=1e-5)


def test_a_graduated_effect_of_its_own_draws_along_its_ramp():
    along = {"gradient_direction": "left_to_right"}
    half = along | {"intensity_start": 0.2, "intensity_end": 0.8}
    full = along | {"intensity_start": 1.0, "intensity_end": 1.0}
    whole, ramped, weak = run(
        [step("graduated_effect", "brightness", **full)],
        [step("graduated_effect", "brightness", **half)],
        [step("graduated_effect", "brightness", strength=0.5, **half)],
    )
    bright = 1 - (1 - PHOTOGRAPH) * (1 - 0.55 * PHOTOGRAPH)
    ramp = np.linspace(0.2, 0.8, WIDTH)[None, :, None]
    np.testing.assert_allclose(whole, bright, atol=1e-6)
    np.testing.assert_allclose(ramped, PHOTOGRAPH + ramp * (bright - PHOTOGRAPH), atol=1e-6)
    np.testing.assert_allclose(weak, PHOTOGRAPH + ramp / 2 * (bright - PHOTOGRAPH), atol=1e-6)


def test_a_graduated_effect_fades_the_steps_of_its_kind_alone():
    fade = step("graduated_effect", "color", gradient_direction="left_to_right")
    edit, faded, other = run([SEPIA], [fade, SEPIA], [BLUE, fade, SEPIA])
    ramp = np.linspace(0, 1, WIDTH)[None, :, None]
    np.testing.assert_allclose(faded, PHOTOGRAPH + ramp * (edit - PHOTOGRAPH), atol=1e-6)
    night = run([BLUE])[0]
    np.testing.assert_allclose(other[:, 0], night[:, 0], atol=1e-5)


def test_a_constraint_is_for_the_steps_of_its_kind():
    """Weather outside the centre, colours everywhere."""
    inside = step("spatial_constraint", "left_half", transformation_type="weather")
    out, sepia, both = run([SEPIA, AUTUMN, inside], [SEPIA], [SEPIA, AUTUMN])
    np.testing.assert_allclose(out[LEFT], both[LEFT], atol=1e-5)
    np.testing.assert_allclose(out[RIGHT], sepia[RIGHT], atol=1e-5)


def test_the_subject_of_the_scene_is_held():
    keep = step("preserve_object_category", "people")
    edit, out = run([SEPIA], [keep, SEPIA])
    subject = SUBJECT > 0
    assert np.array_equal(out[subject], PHOTOGRAPH[subject])
    np.testing.assert_allclose(out[~subject], edit[~subject], atol=1e-6)
