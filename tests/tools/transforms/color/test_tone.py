"""Tone and chroma against SciPy, scikit-image, hand-computed constants and properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.exposure
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from agentic_styling.tools.transforms.color import tone
from agentic_styling.tools.transforms.color.spaces import luma, luminance, srgb_to_linear
from tests.tools.transforms.color.photographs import NAMES, photograph

curve = jax.jit(tone.tone_curve)
split = jax.jit(tone.split_tone)
TEAL, ORANGE = np.float32([0.35, 0.5, 0.56]), np.float32([0.66, 0.5, 0.38])
GREY = np.full(3, 0.5, np.float32)
ORDINARY = {
    "exposure": (tone.exposure, 0.7),
    "lift_gamma_gain": (tone.lift_gamma_gain, np.float32([0.02, 0, -0.02]), 1.4, 0.9),
    "levels": (tone.levels, 0.05, 0.9, 1.6),
    "contrast": (tone.contrast, 0.6, 0.4),
    "saturation": (tone.saturation, 0.8),
    "vibrance": (tone.vibrance, 0.9),
    "split_tone": (tone.split_tone, TEAL, ORANGE, 0.3),
    "tone_curve": (tone.tone_curve, np.float32([0, 0.3, 1]), np.float32([0, 0.2, 1])),
}
NEUTRAL = {
    "exposure": (0.0,),
    "lift_gamma_gain": (0.0, 1.0, 1.0),
    "levels": (0.0, 1.0, 1.0),
    "contrast": (0.0, 0.4),
    "saturation": (0.0,),
    "vibrance": (0.0,),
    "split_tone": (GREY, 0.7 * GREY, 0.3),
    "tone_curve": (np.float32([0, 0.3, 1]), np.float32([0, 0.3, 1])),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_neutral_numbers_change_nothing(name):
    image = photograph("astronaut")
    out = ORDINARY[name][0](image, *NEUTRAL[name])
    np.testing.assert_allclose(out, image, atol=1e-6)


@pytest.mark.parametrize("name", ORDINARY)
def test_range_dtype_and_slopes(name):
    """On corners of the cube, greys and noise; slopes by image and by every number."""
    transform, *numbers = ORDINARY[name]
    transform = jax.jit(transform)
    numbers = [jnp.asarray(x, jnp.float32) for x in numbers]
    corners = np.stack(np.meshgrid([0, 0.5, 1], [0, 0.5, 1], [0, 0.5, 1])).reshape(3, 3, 9)
    noise = np.random.default_rng(1).random((3, 3, 9))
    image = jnp.asarray(np.concatenate([corners, noise], axis=2), jnp.float32)

    def total(image, *numbers):
        return jnp.sum(transform(image, *numbers) ** 2)

    slopes = jax.jit(jax.grad(total, tuple(range(1 + len(numbers)))))
    for slope in slopes(image, *numbers):
        assert np.all(np.isfinite(slope))
    out = transform(image, *numbers)
    assert np.all(np.isfinite(out)) and out.min() >= 0 and out.max() <= 1
    assert np.abs(out - image).max() > 0.02
    half = transform(image.astype(jnp.bfloat16), *numbers)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float32(half), out, atol=0.02)


def test_exposure_is_in_linear_light():
    image = photograph("chelsea") * 0.5
    out = tone.exposure(image, 1.0)
    np.testing.assert_allclose(srgb_to_linear(out), 2 * srgb_to_linear(image), atol=2e-6)
    assert float(tone.exposure(jnp.full((3, 1, 1), 0.9), 2.0).max()) == 1.0


def test_lift_gamma_gain_by_hand():
    """0.5 with lift 0.1 and gain 0.8: 0.8 * (0.5 + 0.05) = 0.44, and 0.44 ** (1/2) = 0.66332."""
    out = tone.lift_gamma_gain(jnp.full((3, 1, 1), 0.5), 0.1, jnp.array([1.0, 2, 0.5]), 0.8)
    np.testing.assert_allclose(out[:, 0, 0], [0.44, 0.663325, 0.1936], atol=2e-6)
    ends = jnp.array([0.0, 1.0]) * jnp.ones((3, 1, 1))
    lifted = tone.lift_gamma_gain(ends, 0.1, 1.0, 1.0)[0, 0]
    np.testing.assert_allclose(lifted, [0.1, 1.0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_levels_against_scikit_image(name):
    image = photograph(name)
    stretched = skimage.exposure.rescale_intensity(image, (0.1, 0.8), (0.0, 1.0))
    theirs = skimage.exposure.adjust_gamma(stretched, 1 / 1.7)
    np.testing.assert_allclose(tone.levels(image, 0.1, 0.8, 1.7), theirs, atol=2e-4)


def test_contrast_by_hand():
    """Slope 2 about 0.5: 0.25 goes to 0.25 * 0.5 / (0.25 + 0.25 * 2) = 1/6, 0.75 to 5/6."""
    image = jnp.array([0.0, 0.25, 0.5, 0.75, 1.0]) * jnp.ones((3, 1, 1))
    out = tone.contrast(image, 1.0)[0, 0]
    np.testing.assert_allclose(out, [0, 1 / 6, 0.5, 5 / 6, 1], atol=1e-6)
    slope = jax.grad(lambda x: tone.contrast(x, 0.7, 0.3).sum())(jnp.full((3, 1, 1), 0.3 + 1e-6))
    np.testing.assert_allclose(slope, 2**0.7, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_contrast_is_undone_by_its_negative(name):
    image = photograph(name)
    back = tone.contrast(tone.contrast(image, 0.9, 0.35), -0.9, 0.35)
    np.testing.assert_allclose(back, image, atol=2e-6)


def test_curve_is_scipys_pchip():
    """200 random curves through 6 knots, steep and flat, rising or not."""
    rng = np.random.default_rng(0)
    image = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 8, 8)
    compiled = []
    for _ in range(200):
        xs = np.sort(rng.random(6)).astype(np.float32)
        xs = xs + np.float32(0.02) * np.arange(6, dtype=np.float32)
        ys = rng.random(6).astype(np.float32)
        ys[rng.integers(6)] = ys[rng.integers(6)]
        ys = np.sort(ys) if rng.random() < 0.5 else ys
        theirs = PchipInterpolator(xs, ys)(np.clip(image, xs[0], xs[-1]))
        np.testing.assert_allclose(curve(image, xs, ys), theirs, atol=1e-5)
        compiled.append(curve._cache_size())
    assert compiled[0] == compiled[-1], "other knots compile nothing"


def test_curve_of_two_knots_is_a_line_and_each_channel_may_have_its_own():
    image = photograph("coffee")
    line = tone.tone_curve(image, jnp.array([0.0, 1.0]), jnp.array([0.2, 0.7]))
    np.testing.assert_allclose(line, 0.2 + 0.5 * image, atol=1e-6)
    xs, ys = np.float32([0, 0.4, 1]), np.float32([[0, 0.5, 1], [0.1, 0.3, 0.9], [1, 0.5, 0]])
    out = curve(image, xs, ys)
    for k in range(3):
        np.testing.assert_allclose(out[k], PchipInterpolator(xs, ys[k])(image[k]), atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=5, max_size=5))
def test_rising_knots_give_a_rising_curve(ys):
    ys = np.sort(np.float32(ys))
    image = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 8, 8)
    out = np.asarray(curve(image, np.float32([0, 0.1, 0.5, 0.55, 1]), ys)).ravel()
    assert np.all(np.diff(out) > -2e-6)
    assert out.min() >= ys[0] - 2e-6 and out.max() <= ys[-1] + 2e-6


def test_coincident_knots_stay_finite():
    xs = jnp.array([0.0, 0.5, 0.5, 1.0])
    slope = jax.jit(jax.grad(lambda ys: jnp.sum(curve(photograph("coffee"), xs, ys))))(xs)
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("transform", [jax.jit(tone.saturation), jax.jit(tone.vibrance)])
def test_chroma_keeps_luma_and_hue(name, transform):
    image = photograph(name)
    for amount in (-0.7, 0.8):
        out = np.asarray(transform(image, amount))
        np.testing.assert_allclose(luma(out), luma(image), atol=5e-6)
        before, after = image - luma(image), out - np.asarray(luma(out))
        turned = before[0] * after[2] - before[2] * after[0]
        assert np.abs(turned).max() < 2e-6
        assert (np.abs(after).mean() > np.abs(before).mean()) == (amount > 0)


def test_no_saturation_is_grey():
    image = photograph("astronaut")
    out = tone.saturation(image, -1.0)
    np.testing.assert_allclose(out, np.broadcast_to(luma(image), image.shape), atol=1e-6)


def _gain(color, amount=0.5):
    color = np.float32(color).reshape(3, 1, 1)
    out = tone.vibrance(color, amount)
    return float(np.linalg.norm(out - luma(out)) / np.linalg.norm(color - luma(color)))


def test_vibrance_spares_the_vivid_and_the_skin():
    dull_blue, vivid_blue = _gain([0.4, 0.45, 0.55]), _gain([0.1, 0.3, 0.9])
    assert dull_blue > 1.4 and vivid_blue < 1.15
    for skin in ([0.93, 0.77, 0.68], [0.72, 0.53, 0.42], [0.40, 0.26, 0.19]):
        shade = float(np.mean(skin))
        assert _gain(skin) - 1 < 0.5 * (_gain([shade - 0.1, shade, shade + 0.1]) - 1), skin


@pytest.mark.parametrize("name", NAMES)
def test_split_tone_keeps_luma_exactly_and_luminance_nearly(name):
    image = photograph(name)
    out = split(image, TEAL, ORANGE, 0.0)
    np.testing.assert_allclose(luma(out), luma(image), atol=5e-6)
    np.testing.assert_allclose(luminance(out), luminance(image), atol=0.03)


def test_split_tone_leans_where_it_should():
    ramp = jnp.broadcast_to(jnp.linspace(0, 1, 101), (3, 1, 101))
    out = np.asarray(split(ramp, TEAL, ORANGE, 0.0))[:, 0]
    lean = out[0] - out[2]
    assert lean[20] < -0.05 and lean[80] > 0.05
    np.testing.assert_allclose(out[:, [0, -1]], [[0, 1]] * 3, atol=1e-6)
    assert np.all(np.abs(np.diff(out)) < 0.05), "no band"
    assert np.all(np.diff(out, axis=1) > -1e-3), "no tone turns over"
    toward = np.asarray(split(ramp, TEAL, ORANGE, 0.6))[:, 0]
    assert np.all(toward[0, 5:95] - toward[2, 5:95] > lean[5:95])
