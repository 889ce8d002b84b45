"""The executor: what every plan keeps to, and that every option does something of its own.

One shape for all: a batch of 12 pictures of 32 x 48 and plans of 8 steps compile once.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.errors import InputError
from agentic_styling.tools import (
    DIMENSIONS,
    VOCABULARY,
    Plan,
    Step,
    encode_plans,
    execute,
    execute_steps,
)

from .strategies import plans

BATCH, HEIGHT, WIDTH = 12, 32, 48
KEY = jax.random.key(7)


def _scene():
    """A sky over a meadow with a house: smooth and textured parts, [H, W, 3] in [0, 1]."""
    rng = np.random.default_rng(3)
    y = np.linspace(0, 1, HEIGHT)[:, None, None]
    sky, meadow = np.array([0.45, 0.65, 0.9]), np.array([0.35, 0.55, 0.2])
    image = np.where(y < 0.5, sky + 0.2 * y, meadow + rng.normal(0, 0.06, (HEIGHT, WIDTH, 3)))
    image[10:24, 14:30] = (0.75, 0.5, 0.4)
    image[14:20, 18:24] = (0.15, 0.13, 0.12)
    return np.clip(image, 0, 1).astype(np.float32)


SCENE = _scene()


def _step(tool, target=None, **parameters):
    tool = VOCABULARY[tool]
    target = target or tool.parameters[tool.target].values[0]
    return Step("", tool.name, {tool.target: target, **parameters})


def _run(*rows, images=None, key=KEY):
    """Rows of steps (12 at most) on the scene, by the one compiled executor."""
    filled = [Plan({}, tuple(row)) for row in rows] + [Plan({})] * (BATCH - len(rows))
    arrays = encode_plans(filled)
    images = np.broadcast_to(SCENE, (BATCH, *SCENE.shape)) if images is None else images
    return np.asarray(execute(images, arrays, key))[: len(rows)]


def _run_many(rows):
    parts = [_run(*rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)]
    return np.concatenate(parts)


@settings(max_examples=12, deadline=None)
@given(st.lists(plans(max_steps=4), min_size=BATCH, max_size=BATCH), st.integers(0, 9))
def test_any_plan_gives_a_picture(batch, seed):
    rng = np.random.default_rng(seed)
    images = rng.random((BATCH, HEIGHT, WIDTH, 3), np.float32)
    images[0], images[1] = 0.0, 1.0
    out = _run(*(plan.steps for plan in batch), images=images)
    assert out.shape == images.shape
    assert out.dtype == np.float32
    assert np.all(np.isfinite(out))
    assert out.min() >= 0
    assert out.max() <= 1


def test_strength_zero_is_the_identity_bit_for_bit():
    rows = [[_step(tool, strength=0.0)] * 2 for tool in DIMENSIONS]
    rows.append([_step("preserve_attribute"), _step("season", strength=0.0)])
    assert all(np.array_equal(out, SCENE) for out in _run(*rows))


def test_no_steps_is_the_identity_bit_for_bit():
    assert np.array_equal(_run([])[0], SCENE)


def test_same_key_same_picture_and_another_key_another():
    steps = [_step("weather", "light_snow"), _step("atmospheric_effects", "film_grain")]
    first, again = _run(steps), _run(steps)
    assert np.array_equal(first, again)
    assert np.mean(np.abs(first - _run(steps, key=jax.random.key(8)))) > 1e-3


def _everything():
    for tool in VOCABULARY.values():
        if tool.source:
            for value in tool.parameters[tool.target].values:
                yield tool.name, value


@pytest.fixture(scope="module")
def targets():
    """The scene under every target option: (tool, option) -> picture."""
    names = list(_everything())
    return dict(zip(names, _run_many([[_step(*name)] for name in names]), strict=True))


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_every_option_changes_the_picture_and_differs_from_the_others(targets, tool):
    outs = {option: out for (name, option), out in targets.items() if name == tool}
    for option, out in outs.items():
        assert np.mean(np.abs(out - SCENE)) > 0.003, option
    options = list(outs)
    for i, one in enumerate(options):
        for two in options[:i]:
            assert np.mean(np.abs(outs[one] - outs[two])) > 0.005, (one, two)


@pytest.mark.parametrize("tool", ["time_of_day", "season", "mood_lighting", "color_grading"])
def test_colour_statistics_tell_options_apart(targets, tool):
    """Mean and spread per channel of top and bottom, as a small vision model could read them."""

    def statistics(image):
        halves = image.reshape(2, HEIGHT // 2, WIDTH, 3)
        return np.concatenate([halves.mean((1, 2)).ravel(), halves.std((1, 2)).ravel()])

    found = [statistics(out) for (name, _), out in targets.items() if name == tool]
    gaps = [np.abs(a - b).max() for i, a in enumerate(found) for b in found[:i]]
    assert min(gaps) > 0.02


def _secondary():
    for tool in VOCABULARY.values():
        for parameter in tool.parameters.values():
            if tool.source and parameter.name not in (tool.source, tool.target, "strength"):
                yield tool.name, parameter.name


@pytest.mark.parametrize(("tool", "parameter"), _secondary())
def test_every_value_of_the_other_parameters_differs(tool, parameter):
    # A target that shows the parameter: precipitation, particles, a drawn medium.
    target = {"weather": "light_rain", "atmospheric_effects": "snow_falling"}.get(tool)
    target = "oil_painting_thick" if tool == "artistic_medium" else target
    values = VOCABULARY[tool].parameters[parameter].values
    outs = _run_many([[_step(tool, target, **{parameter: value})] for value in values])
    for i in range(len(values)):
        for j in range(i):
            gap = np.max(np.abs(outs[i] - outs[j]))
            same_by_design = {values[i], values[j]} in ({"auto", "white"},)
            assert gap > 0.003 or same_by_design, (values[i], values[j])


@pytest.mark.parametrize("tool", DIMENSIONS)
def test_source_equal_to_target_changes_nothing(tool):
    name = VOCABULARY[tool].source
    images = np.broadcast_to(0.25 + 0.5 * SCENE, (BATCH, *SCENE.shape))
    values = VOCABULARY[tool].parameters[VOCABULARY[tool].target].values
    for start in range(0, len(values), BATCH):
        part = values[start : start + BATCH]
        worn = _run(*[[_step(tool, v)] for v in part], images=images)
        worn = np.concatenate([worn, images[: BATCH - len(part)]])
        again = _run(*[[_step(tool, v, **{name: v})] for v in part], images=worn)
        close = np.abs(again - worn[: len(part)])
        # Particles, grain and ink may leave the look's range, where taking it off must clip.
        assert np.quantile(close, 0.5) < 1e-5
        if tool in DIMENSIONS[:5] + DIMENSIONS[6:8]:
            assert close.max() < 1e-5


def test_night_is_undone_from_eight_bits():
    night = _run([_step("time_of_day", "night_moonlit")])
    saved = np.round(night * 255).astype(np.uint8).astype(np.float32) / 255
    saved = np.broadcast_to(saved, (BATCH, *SCENE.shape))
    day = [_step("time_of_day", "morning_bright", source_time="night_moonlit")]
    wanted = _run([_step("time_of_day", "morning_bright")])
    assert np.mean(np.abs(night - SCENE)) > 0.2
    assert np.mean(np.abs(_run(day, images=saved) - wanted)) < 0.015


def test_stronger_is_further():
    rows = [[_step("mood_lighting", "ominous_dark", strength=s)] for s in (0.25, 0.5, 1.0)]
    gaps = [np.mean(np.abs(out - SCENE)) for out in _run(*rows)]
    np.testing.assert_allclose(gaps, np.array([0.25, 0.5, 1.0]) * gaps[2], rtol=1e-4)


KERNELS = [
    *(("artistic_medium", m) for m in ("film_photography", "anime_cel_shaded", "pencil_sketch")),
    *(("artistic_medium", m) for m in ("pixel_art", "collage_mixed_media")),
    *(("atmospheric_effects", e) for e in ("fog_volumetric", "glowing_aura", "lens_distortion")),
    *(("atmospheric_effects", e) for e in ("holographic_glitch", "cracks_damage", "speed_lines")),
]


def test_gradient_in_strength_is_finite_and_the_difference_quotient():
    first = [_step("season", "autumn_falling"), _step("weather", "light_snow")]
    rows = [first, *([_step("season"), _step(*kernel)] for kernel in KERNELS)]
    arrays = encode_plans([Plan({}, tuple(row)) for row in rows])
    images = np.broadcast_to(SCENE, (BATCH, *SCENE.shape)).copy()
    images[1:, :4] = 0.5  # grey and black, where hue has no gradient
    images[1:, 4:8] = 0.0
    at = jnp.zeros((BATCH, 8)).at[:, :2].set(jnp.array([0.5, 0.6]))

    def brightness(strength):
        return jnp.mean(execute(images, arrays._replace(strength=strength), KEY), axis=(1, 2, 3))

    gradient = jax.grad(lambda strength: jnp.sum(brightness(strength)))(at)
    assert np.all(np.isfinite(gradient))
    assert np.all(gradient[:, 2:] == 0)
    for t in range(2):
        bump = jnp.zeros((BATCH, 8)).at[0, t].set(0.05)
        slope = (brightness(at + bump) - brightness(at - bump))[0] / 0.1
        np.testing.assert_allclose(gradient[0, t], slope, rtol=0.03, atol=1e-4)


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 8, 8, 3), "uint8"), np.zeros((8, 8, 3), "f"), np.zeros((3, 8, 8, 3), "f")],
)
def test_wrong_images_are_named(images):
    with pytest.raises(InputError, match=r"images: .* for 2 plans; use float32"):
        execute(images, encode_plans([Plan({})] * 2), KEY)


def test_rows_do_not_depend_on_each_other():
    rows = [[_step(tool)] for tool in DIMENSIONS]
    together = _run(*rows)
    for i in (5, 9):
        alone = _run(*[[] if j != i else row for j, row in enumerate(rows)])
        assert np.array_equal(alone[i], together[i])


def test_frames_are_the_executor_step_by_step():
    steps = [_step("time_of_day", "dusk_twilight"), _step("weather", "light_rain"),
             _step("preserve_attribute", "color")]  # fmt: skip
    arrays = encode_plans([Plan({}, tuple(steps))] * BATCH)
    images = np.broadcast_to(SCENE, (BATCH, *SCENE.shape))
    frames = np.asarray(execute_steps(images, arrays, KEY))
    assert frames.shape == (BATCH, 9, HEIGHT, WIDTH, 3)
    assert np.array_equal(frames[:, 0], images)
    np.testing.assert_allclose(frames[:, -1], np.asarray(execute(images, arrays, KEY)), atol=1e-6)
    assert np.mean(np.abs(frames[0, 1] - frames[0, 2])) > 0.003
    assert np.array_equal(frames[0, 2], frames[0, 3])


def test_another_plan_does_not_recompile():
    _run([_step("season")])
    before = execute._cache_size()
    _run([_step("weather", "hail")], [_step("artistic_medium", "pixel_art")], key=jax.random.key(1))
    assert execute._cache_size() == before
