"""Modifiers keep what they promise, wherever in the plan they stand."""

import jax
import numpy as np
import pytest

from agentic_styling.tools.blur import gaussian_blur
from agentic_styling.tools.modifiers import REGION, region_mask, with_luma
from agentic_styling.tools.vocabulary import VOCABULARY

from .test_execute import HEIGHT, SCENE, WIDTH, _run, _step

GRADE = _step("color_grading", "sepia_vintage")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        ("left_half", np.s_[:, : WIDTH // 2 - 3], np.s_[:, WIDTH // 2 + 3 :]),
        ("right_half", np.s_[:, WIDTH // 2 + 3 :], np.s_[:, : WIDTH // 2 - 3]),
        ("top_half", np.s_[: HEIGHT // 2 - 2], np.s_[HEIGHT // 2 + 2 :]),
        ("bottom_half", np.s_[HEIGHT // 2 + 2 :], np.s_[: HEIGHT // 2 - 2]),
        ("center", np.s_[10:22, 15:33], np.s_[:6]),
        ("edges", np.s_[:6], np.s_[10:22, 15:33]),
    ],
)
def test_an_excluded_region_is_the_source_exactly(region, inside, outside):
    exclude = _step("exclude_region", region)
    edit, before, after = _run([GRADE], [exclude, GRADE], [GRADE, exclude])
    assert np.array_equal(before, after)
    assert np.array_equal(before[inside], SCENE[inside])
    np.testing.assert_allclose(before[outside], edit[outside], atol=1e-6)


def test_half_excluded_is_half_way():
    half = _step("exclude_region", "left_half", preserve_fully=False)
    quarter = _step("exclude_region", "left_half", strength=0.25)
    edit, out, weak = _run([GRADE], [GRADE, half], [GRADE, quarter])
    left = np.s_[:, : WIDTH // 2 - 3]
    np.testing.assert_allclose(out[left], (0.5 * edit + 0.5 * SCENE)[left], atol=1e-6)
    np.testing.assert_allclose(weak[left], (0.75 * edit + 0.25 * SCENE)[left], atol=1e-6)


@pytest.mark.parametrize("region", ["indoor", "outdoor"])
def test_indoor_and_outdoor_exclude_nothing(region):
    edit, out = _run([GRADE], [GRADE, _step("exclude_region", region)])
    np.testing.assert_allclose(out, edit, atol=1e-6)


def test_color_is_kept():
    edit, out = _run([GRADE], [GRADE, _step("preserve_attribute", "color")])
    np.testing.assert_allclose(out @ LUMA, edit @ LUMA, atol=1e-5)
    chroma, wanted = (v - (v @ LUMA)[..., None] for v in (out, SCENE))
    inside = np.all((out > 0.01) & (out < 0.99), axis=-1)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(chroma[inside], wanted[inside], atol=1e-5)


def test_lighting_is_kept():
    edit, out = _run([GRADE], [GRADE, _step("preserve_attribute", "lighting")])
    assert np.abs((edit - SCENE) @ LUMA).max() > 0.03
    np.testing.assert_allclose(out @ LUMA, SCENE @ LUMA, atol=1e-5)


def test_texture_is_kept():
    paint = _step("artistic_medium", "oil_painting_smooth", texture_visibility="none")
    edit, out = _run([paint], [paint, _step("preserve_attribute", "texture")])

    def detail(image):
        planes = np.moveaxis(image, -1, 0)
        return planes - np.asarray(gaussian_blur(planes, 1.0))

    meadow = np.s_[:, 26:]
    gaps = [np.mean(np.abs(detail(v)[meadow] - detail(SCENE)[meadow])) for v in (out, edit)]
    assert gaps[0] < 0.5 * gaps[1]


def test_scope_limits_what_is_kept():
    keep = _step("preserve_attribute", "lighting", scope="foreground_only")
    edit, out = _run([GRADE], [keep, GRADE])
    np.testing.assert_allclose((out @ LUMA)[20:, 10:38], (SCENE @ LUMA)[20:, 10:38], atol=1e-5)
    np.testing.assert_allclose(out[:8], edit[:8], atol=1e-6)


@pytest.mark.parametrize("attribute", ["objects", "style", "mood"])
def test_other_attributes_change_nothing(attribute):
    edit, out = _run([GRADE], [GRADE, _step("preserve_attribute", attribute)])
    np.testing.assert_allclose(out, edit, atol=1e-6)


def test_complementary_regions_add_up():
    values = VOCABULARY["exclude_region"].parameters["region_type"].values
    mask = {v: np.asarray(region_mask(REGION[i], 20, 30)) for i, v in enumerate(values)}
    for one, two in [
        ("center", "edges"),
        ("foreground", "background"),
        ("top_half", "bottom_half"),
    ]:
        np.testing.assert_allclose(mask[one] + mask[two], 1.0, atol=1e-6)
    assert mask["indoor"].max() == 0


def test_with_luma_keeps_luma_in_range():
    rng = np.random.default_rng(0)
    image = rng.random((3, 8, 8), np.float32)
    luma = rng.random((1, 8, 8), np.float32)
    out = np.asarray(jax.jit(with_luma)(image - np.tensordot(LUMA, image, 1)[None], luma))
    assert out.min() >= 0
    assert out.max() <= 1
    np.testing.assert_allclose(np.tensordot(LUMA, out, 1), luma[0], atol=1e-5)
