"""Modifiers keep what they promise: regions, colour, lighting, texture, and shares of an edit."""

import functools

import jax
import numpy as np
import pytest

from agentic_styling.tools.executor.modifiers import with_luma
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from tests.tools.light_executor import HEIGHT, PHOTOGRAPH, SUBJECT, WIDTH, light_kernels, run
from tests.tools.planned import step

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SEPIA = step("color_grading", "sepia_vintage")
RAIN = step("weather", "light_rain")  # drawn
LEFT = np.s_[:, : WIDTH // 2 - 2]
INSIDE = SUBJECT > 0


@pytest.fixture(scope="module", autouse=True)
def light():
    with light_kernels():
        yield


def detail(image):
    planes = np.moveaxis(image, -1, 0)
    blur = jax.jit(functools.partial(gaussian_blur, channel_axis=0))
    return planes - np.asarray(blur(planes, 1.0))


def test_half_excluded_is_half_way():
    half = step("exclude_region", "left_half", preserve_fully=False)
    quarter = step("exclude_region", "left_half", strength=0.25)
    edit, out, weak = run([SEPIA], [SEPIA, half], [SEPIA, quarter])
    np.testing.assert_allclose(out[LEFT], (0.5 * edit + 0.5 * PHOTOGRAPH)[LEFT], atol=1e-6)
    np.testing.assert_allclose(weak[LEFT], (0.75 * edit + 0.25 * PHOTOGRAPH)[LEFT], atol=1e-6)


def test_color_is_kept():
    edit, out = run([SEPIA], [SEPIA, step("preserve_attribute", "color")])
    np.testing.assert_allclose(out @ LUMA, edit @ LUMA, atol=1e-5)
    chroma, wanted = (v - (v @ LUMA)[..., None] for v in (out, PHOTOGRAPH))
    inside = np.all((out > 0.01) & (out < 0.99), axis=-1)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(chroma[inside], wanted[inside], atol=1e-5)


def test_lighting_is_kept():
    edit, out = run([RAIN], [RAIN, step("preserve_attribute", "lighting")])
    assert np.abs((edit - PHOTOGRAPH) @ LUMA).max() > 0.03
    np.testing.assert_allclose(out @ LUMA, PHOTOGRAPH @ LUMA, atol=1e-5)


def test_texture_is_kept():
    flat = step("weather", "fog_dense")
    edit, out = run([flat], [flat, step("preserve_attribute", "texture")])
    gaps = [np.mean(np.abs(detail(v) - detail(PHOTOGRAPH))) for v in (out, edit)]
    assert gaps[1] > 0.003
    assert gaps[0] < 0.5 * gaps[1]


def test_scope_limits_what_is_kept():
    keep = step("preserve_attribute", "lighting", scope="specific_object")
    edit, out = run([SEPIA], [keep, SEPIA])
    np.testing.assert_allclose((out @ LUMA)[INSIDE], (PHOTOGRAPH @ LUMA)[INSIDE], atol=1e-5)
    np.testing.assert_allclose(out[~INSIDE], edit[~INSIDE], atol=1e-6)


def test_what_is_kept_is_restored_only_where_a_step_acts():
    """Rain on the left half leaves the right one as the step before left it."""
    keep = step("preserve_attribute", "color", strength=0.5)
    only = step("spatial_constraint", "left_half", transformation_type="weather", blend_edges=False)
    one, both = run([SEPIA, keep], [SEPIA, RAIN, only, keep])
    right = np.s_[:, WIDTH // 2 + 2 :]
    np.testing.assert_allclose(both[right], one[right], atol=1e-6)
    assert np.abs(both[LEFT] - one[LEFT]).max() > 0.03


@pytest.mark.parametrize(
    ("attribute", "barred", "free"),
    [
        ("style", "artistic_medium", "season"),
        ("weather", "atmospheric_effects", "time_of_day"),
        ("mood", "mood_lighting", "time_of_day"),
        ("architecture", "location_setting", "season"),
        ("technology", "time_period", "season"),
    ],
)
def test_an_attribute_bars_the_tools_that_would_change_it(attribute, barred, free):
    keep = step("preserve_attribute", attribute)
    out, edit, same = run([keep, step(barred)], [keep, step(free)], [step(free)])
    assert np.array_equal(out, PHOTOGRAPH)
    np.testing.assert_allclose(edit, same, atol=1e-6)


def test_levels_of_a_kept_subject():
    """appearance_only keeps its colours and light, position_only its detail."""
    rows = [
        [step("preserve_object_category", "people", preservation_level=level), SEPIA]
        for level in ("full", "position_only", "appearance_only")
    ]
    edit, full, position, appearance = run([SEPIA], *rows)
    assert np.array_equal(full[INSIDE], PHOTOGRAPH[INSIDE])
    np.testing.assert_allclose((appearance @ LUMA)[INSIDE], (PHOTOGRAPH @ LUMA)[INSIDE], atol=1e-5)
    assert np.abs(position - edit)[INSIDE].max() > 1e-3
    for out in (full, position, appearance):
        np.testing.assert_allclose(out[~INSIDE], edit[~INSIDE], atol=1e-6)


def _blend(preserve, apply, **parameters):
    numbers = {"source_preserve_ratio": preserve, "target_apply_ratio": apply}
    return [step("selective_blend", **numbers, **parameters), SEPIA]


def test_a_linear_blend_takes_its_share():
    edit, out, all_of_it = run([SEPIA], _blend(0.3, 0.9), _blend(0.0, 0.0))
    np.testing.assert_allclose(out, PHOTOGRAPH + 0.75 * (edit - PHOTOGRAPH), atol=1e-6)
    np.testing.assert_allclose(all_of_it, edit, atol=1e-6)


def test_other_blends_choose_by_light_and_place():
    edit, *outs = run(
        [SEPIA],
        *(_blend(0.5, 0.5, blend_algorithm=a) for a in ("smooth", "sharp_transition", "artistic")),
    )
    light = PHOTOGRAPH @ LUMA
    size = np.abs(edit - PHOTOGRAPH).sum(-1)
    shares = [np.abs(out - PHOTOGRAPH).sum(-1) / np.maximum(size, 1e-6) for out in outs]
    seen = size > 0.02
    smooth, sharp, patches = (share[seen] for share in shares)
    np.testing.assert_allclose(smooth, np.clip(light, 0, 1)[seen], atol=1e-3)
    assert (sharp[light[seen] > 0.53] > 0.99).all()
    assert (sharp[light[seen] < 0.47] < 0.01).all()
    assert 0.2 < patches.mean() < 0.8 and np.mean((patches > 0.05) & (patches < 0.95)) < 0.5


def test_constraints_multiply():
    half = step("exclude_region", "left_half", preserve_fully=False)
    edit, out = run([SEPIA], [half, *_blend(0.5, 0.5)])
    np.testing.assert_allclose(
        out[LEFT], (PHOTOGRAPH + 0.25 * (edit - PHOTOGRAPH))[LEFT], atol=1e-6
    )


def test_with_luma_keeps_luma_in_range():
    rng = np.random.default_rng(0)
    image = rng.random((3, HEIGHT, WIDTH), np.float32)
    luma = rng.random((1, HEIGHT, WIDTH), np.float32)
    out = np.asarray(jax.jit(with_luma)(image - np.tensordot(LUMA, image, 1)[None], luma))
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_allclose(np.tensordot(LUMA, out, 1), luma[0], atol=1e-5)
