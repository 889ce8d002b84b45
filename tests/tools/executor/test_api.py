"""How the executor runs plans: identities, stages, rows and chunks, devices, gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType

from agentic_styling.tools import DIMENSIONS, Plan, encode_plans, execute, execute_steps
from agentic_styling.tools.executor import api, dispatch, stages
from agentic_styling.utils.errors import InputError
from tests.tools.light_executor import (
    HEIGHT,
    IMAGES,
    KEY,
    PHOTOGRAPH,
    QUICK,
    WIDTH,
    light_kernels,
    run,
)
from tests.tools.planned import ROWS, encoded, step
from tests.tools.strategies import plans


@pytest.fixture(scope="module", autouse=True)
def light():
    with light_kernels():
        yield


SEPIA = step("color_grading", "sepia_vintage")
BLUE = step("time_of_day", "night_moonlit")
RAIN = step("weather", "light_rain")  # drawn
AUTUMN = step("season", "autumn_falling")


def frames_of(*rows):
    return np.asarray(execute_steps(IMAGES, encoded(rows), KEY))[: len(rows)]


# What a plan may hold: looks alone and with a drawing, groups, constraints, structural tools.
MANY = (
    [SEPIA, BLUE, step("location_setting", "jungle_tropical")],
    [SEPIA, RAIN, BLUE, step("artistic_medium", "oil_painting_thick", strength=0.6), AUTUMN],
    [step("preserve_attribute", "texture"), SEPIA, RAIN],
    [RAIN, SEPIA, step("preserve_attribute", "color")],
    [BLUE, RAIN, step("parallel_transform", ["time_of_day", "weather"], blend_mode="average")],
    [
        *(SEPIA, RAIN, BLUE, AUTUMN),
        step("layered_transformation", ["weather", "time_of_day"], base_layer="color_grading",
             blend_modes=["multiply", "soft_light"], layer_opacities=[0.7, 0.4]),
    ],
    [step("graduated_effect", "saturation"), step("preserve_attribute", "texture"), SEPIA],
    [step("graduated_effect", "fog", strength=0.7), BLUE],
    [AUTUMN, step("spatial_constraint", "center", transformation_type="weather"), BLUE, SEPIA],
    [SEPIA, BLUE, step("sequence_transform", ["time_of_day", "color_grading"])],
    [step("selective_blend", 0.3, blend_algorithm="smooth"), RAIN, AUTUMN],
    [],
)  # fmt: skip


# Identities


def test_strength_zero_is_the_identity_bit_for_bit():
    rows = [[step(tool, strength=0.0)] * 2 for tool in DIMENSIONS]
    layers = step("layered_transformation", ["weather", "season"], blend_modes=["multiply"] * 2)
    rows.append([step("weather", strength=0.0), step("season", strength=0.0), layers])
    parallel = step("parallel_transform", ["weather", "season"], strength=0.0)
    rows.append([RAIN, AUTUMN, parallel, step("preserve_attribute", "color")])
    assert all(np.array_equal(out, PHOTOGRAPH) for out in run(*rows))


def test_modifiers_alone_are_the_identity_bit_for_bit():
    modifiers = (
        *(step("preserve_attribute", kept) for kept in ("color", "texture", "objects")),
        step("exclude_region", "left_half"),
        step("spatial_constraint", "center"),
        step("selective_blend", 0.5),
        step("preserve_object_category", "people"),
        step("graduated_effect", "blur", strength=0.0),
    )
    rows = [[], list(modifiers), *([modifier] for modifier in modifiers)]
    assert all(np.array_equal(out, PHOTOGRAPH) for out in run(*rows))


@pytest.mark.parametrize("modifier", ["exclude_region", "preserve_attribute", "graduated_effect"])
def test_a_modifier_of_strength_zero_asks_for_nothing(modifier):
    target = {"graduated_effect": "color"}.get(modifier)
    plain, out = run([SEPIA], [step(modifier, target, strength=0.0), SEPIA])
    np.testing.assert_allclose(out, plain, atol=1e-6)


def test_a_layer_fades_in_with_its_strength():
    layers = step("layered_transformation", ["color_grading"], blend_modes=["multiply"])
    weak, half, full = run(*([step("color_grading", strength=s), layers] for s in (1e-4, 0.5, 1.0)))
    np.testing.assert_allclose(weak, PHOTOGRAPH, atol=2e-4)
    np.testing.assert_allclose(half, (PHOTOGRAPH + full) / 2, atol=1e-6)


# Any plan


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of what a random plan cannot mean
@settings(max_examples=12, deadline=None)
@given(st.lists(plans(max_steps=8), min_size=ROWS, max_size=ROWS), st.integers(0, 9))
def test_any_plan_gives_the_same_picture_in_one_run_and_step_by_step(batch, seed):
    images = np.random.default_rng(seed).random((ROWS, HEIGHT, WIDTH, 3), np.float32)
    images[0], images[1] = 0.0, 1.0
    arrays = encode_plans(batch)
    out = np.asarray(execute(images, arrays, KEY))
    frames = np.asarray(execute_steps(images, arrays, KEY))
    assert out.dtype == np.float32
    assert np.isfinite(out).all() and out.min() >= 0 and out.max() <= 1
    assert np.isfinite(frames).all() and frames.min() >= 0 and frames.max() <= 1
    # A quotient by a dark base (multiplicative) enlarges what rounding does to a run.
    np.testing.assert_allclose(frames[:, -1], out, atol=2e-4)


def test_frames_go_from_the_photograph_to_the_result():
    frames = frames_of(*MANY)
    assert frames.shape == (ROWS, 9, HEIGHT, WIDTH, 3)
    assert np.array_equal(frames[:, 0], IMAGES)
    np.testing.assert_allclose(frames[:, -1], run(*MANY), atol=1e-5)
    np.testing.assert_allclose(frames[1, 2], run([], [SEPIA, RAIN])[1], atol=1e-5)
    assert np.array_equal(frames[2, 0], frames[2, 1])  # a modifier has a frame of its own
    assert np.array_equal(frames[2, 3], frames[2, 8])
    assert np.abs(frames[1, 2] - frames[1, 1]).mean() > 0.01


# Keys, rows, chunks, devices


def test_the_key_decides_what_is_drawn_and_each_row_has_its_own():
    first, other_row = run([RAIN], [RAIN])
    assert np.array_equal(first, run([RAIN])[0])
    assert np.abs(first - other_row).mean() > 1e-3
    assert np.abs(first - run([RAIN], key=jax.random.key(8))[0]).mean() > 1e-3
    twice = run([RAIN, RAIN], [SEPIA, RAIN])
    assert np.array_equal(run([RAIN, RAIN])[0], twice[0])


def test_rows_do_not_depend_on_each_other():
    together = run(*MANY)
    for i in (1, 4, 6):
        alone = run(*[[] if j != i else row for j, row in enumerate(MANY)])
        assert np.array_equal(alone[i], together[i])


@pytest.mark.slow
def test_chunks_of_three_rows_give_what_single_rows_give(monkeypatch):
    monkeypatch.setattr(dispatch, "rows_at_once", lambda: 3)
    in_threes = jax.jit(dispatch.run_in_one, static_argnums=(3, 4), compiler_options=QUICK)
    for rows in (MANY, MANY[::-1], [row[:i] for i, row in enumerate(MANY)]):
        out = in_threes(IMAGES, encoded(rows), KEY, None, False)
        np.testing.assert_allclose(out, run(*rows), atol=1e-6)


@pytest.mark.parametrize(
    "axis", [AxisType.Explicit, pytest.param(AxisType.Auto, marks=pytest.mark.slow)]
)
def test_four_devices_give_what_one_gives(axis):
    devices = jax.devices()[:4]
    mesh = jax.make_mesh((2, 2), ("data", "fsdp"), devices=devices, axis_types=(axis, axis))
    out = execute(IMAGES, encoded(MANY), KEY, mesh=mesh)
    assert len(out.sharding.device_set) == 4
    np.testing.assert_allclose(out, run(*MANY), atol=1e-6)


def test_rows_that_do_not_divide_over_the_devices_are_named():
    mesh = jax.make_mesh((5,), ("data",), devices=jax.devices()[:5])
    with pytest.raises(InputError, match="images: 12 rows on 5 devices; pad them"):
        execute(IMAGES, encoded([]), KEY, mesh=mesh)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 8, 8, 3), "int32"),
        np.zeros((8, 8, 3), "f"),
        np.zeros((3, 8, 8, 3), "f"),
        np.zeros((2, 8, 8, 4), "f"),
        np.zeros((2, 3, 8, 8), "f"),
    ],
)
@pytest.mark.parametrize("run_plans", [execute, execute_steps])
def test_wrong_images_are_named(images, run_plans):
    with pytest.raises(InputError, match=r"images: .* for 2 plans; use float32") as error:
        run_plans(images, encode_plans([Plan({})] * 2), KEY)
    assert "\n" not in str(error.value)


def test_another_plan_another_picture_another_key_compile_nothing():
    run(*MANY)
    before = _programs()
    other = [step("weather", "hail"), step("artistic_medium", "pixel_art", strength=0.3)]
    run(other, [step("graduated_effect", "blur")], images=1 - IMAGES, key=jax.random.key(1))
    assert _programs() == before


def _programs():
    """Of each kernel, and of all in one, how many are compiled."""
    found = {name: program.result()._cache_size() for name, program in api._programs.items()}
    return found | {"all": dispatch.run_in_one._cache_size()}


def test_all_in_one_program_gives_what_kernels_one_by_one_give():
    for frames in (False, True):
        out = dispatch.run_in_one(IMAGES, encoded(MANY), KEY, None, frames)
        apart = frames_of(*MANY) if frames else run(*MANY)
        np.testing.assert_allclose(out, apart, atol=1e-6)


@pytest.mark.parametrize("slots", [6, pytest.param(11, marks=pytest.mark.slow)])
def test_fewer_and_more_slots_than_plans_have_give_the_same(slots):
    arrays = encode_plans([Plan({}, tuple(row)) for row in MANY], slots)
    np.testing.assert_allclose(execute(IMAGES, arrays, KEY), run(*MANY), atol=1e-6)
    frames = execute_steps(IMAGES, arrays, KEY)
    assert frames.shape == (ROWS, slots + 1, HEIGHT, WIDTH, 3)


@pytest.mark.slow  # every program again in another dtype
def test_bfloat16_stays_and_is_near():
    out = execute(jnp.asarray(IMAGES).astype(jnp.bfloat16), encoded(MANY), KEY)
    assert out.dtype == jnp.bfloat16
    gap = np.abs(np.asarray(out, np.float32) - run(*MANY))
    assert gap.max() < 0.06 and gap.mean() < 0.004


# Gradients


@pytest.mark.slow  # a minute of compiling
def test_the_gradient_in_strength_is_the_difference_quotient():
    arrays = encoded(MANY)
    images = IMAGES.copy()
    images[:, :2], images[:, 2:4], images[:, 4:6] = 0.0, 0.5, 1.0  # no hue, no gradient of it
    # Strengths within (0, 1), so that no maximum or clip has a corner there.
    at = jnp.where(arrays.tool >= 0, 0.3 + 0.4 * arrays.strength, 0.0)

    def brightness(strength):
        out = execute(images, arrays._replace(strength=strength), KEY)
        return jnp.mean(out, axis=(1, 2, 3))

    def with_gradient(strength):
        def total(strength):
            found = brightness(strength)
            return jnp.sum(found), found

        return jax.value_and_grad(total, has_aux=True)(strength)

    both = jax.jit(with_gradient, compiler_options=QUICK)
    gradient = np.asarray(both(at)[1])
    assert np.isfinite(gradient).all()
    assert (gradient[np.asarray(arrays.tool) < 0] == 0).all()
    for t in range(5):
        bump = jnp.zeros_like(at).at[:, t].set(jnp.where(at[:, t] > 0, 0.02, 0.0))
        slope = (both(at + bump)[0][1] - both(at - bump)[0][1]) / 0.04
        np.testing.assert_allclose(gradient[:, t], slope, rtol=0.05, atol=2e-3)


def test_in_a_callers_jit_every_argument_may_be_a_constant():
    arrays = encoded(MANY)
    assert jax.eval_shape(lambda: execute(IMAGES, arrays, KEY)).shape == IMAGES.shape
    held = jnp.asarray(IMAGES, jnp.float32)
    assert jax.eval_shape(lambda: execute(held, arrays, KEY)).shape == IMAGES.shape


# Stages


def _split(plans, fuse):
    renderers = jax.vmap(jax.vmap(stages.dimensions.renderer_of))(plans.tool, plans.options)
    return jax.vmap(functools.partial(stages.stages_of, fuse=fuse))(plans, renderers)


def _stages(rows, fuse=True):
    runs, kernels, _ = _split(encoded(rows), fuse)
    return [
        ([[int(slot) for slot in run if slot >= 0] for run in runs[i] if run[0] >= 0], kernels[i])
        for i in range(len(rows))
    ]


def test_adjacent_looks_are_one_stage_up_to_what_draws():
    four = [SEPIA, BLUE, step("season", strength=0.0), SEPIA, BLUE]
    drawn = [SEPIA, RAIN, SEPIA, BLUE, RAIN, RAIN]
    stages = _stages([four, drawn])
    assert stages[0][0] == [[0, 1, 3, 4]]
    assert stages[1][0] == [[0, 1], [2, 3, 4], [5]]
    kernels = np.asarray(stages[1][1])
    assert kernels[0] == kernels[1] == kernels[2] > 0 == kernels[3]


def test_what_is_constrained_grouped_or_graduated_is_a_stage_of_its_own():
    rows = [
        [SEPIA, step("exclude_region", "center"), BLUE],
        [SEPIA, BLUE, SEPIA, step("parallel_transform", ["time_of_day"])],
        [SEPIA, step("graduated_effect", "blur"), BLUE, SEPIA],
        [SEPIA, step("exclude_region", "center", strength=0.0), BLUE],
    ]
    found = [stages for stages, _ in _stages(rows)]
    assert found == [[[0], [2]], [[0, 1], [2]], [[0], [1], [2, 3]], [[0, 2]]]


def test_without_fusion_every_step_is_a_stage_at_its_own_slot():
    runs, *_ = _split(encoded([[SEPIA, RAIN, BLUE]]), False)
    assert runs[0, :, 0].tolist() == [0, 1, 2, -1, -1, -1, -1, -1]
    assert (runs[0, :, 1:] == -1).all()


def test_only_what_is_constrained_grouped_or_graduated_is_finished():
    rows = [
        [SEPIA, step("exclude_region", "center"), BLUE],
        [RAIN, BLUE, SEPIA, step("parallel_transform", ["time_of_day"])],
        [SEPIA, step("graduated_effect", "blur"), BLUE],
        [SEPIA, RAIN, BLUE],
    ]
    *_, finished = _split(encoded(rows), False)
    assert finished[:4, :3].tolist() == [[1, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_no_pictures_give_none():
    arrays = encode_plans([], 5)
    assert execute(IMAGES[:0], arrays, KEY).shape == (0, HEIGHT, WIDTH, 3)
    assert execute_steps(IMAGES[:0], arrays, KEY).shape == (0, 6, HEIGHT, WIDTH, 3)
