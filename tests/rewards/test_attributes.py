"""Each attribute answers to what it names, and to little else: edits by OpenCV and NumPy."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import color, data, morphology
from sklearn.datasets import load_sample_image

from agentic_styling.rewards.attributes import (
    ATTRIBUTES,
    SIZE,
    _line_openings,
    attributes,
    thumbnails,
)
from agentic_styling.utils.errors import InputError
from tests.slow import slow_but

NAMES = list(ATTRIBUTES)
STEPS = np.array([attribute.step for attribute in ATTRIBUTES.values()])
Y, X = (axis[..., None] / SIZE for axis in np.mgrid[0:SIZE, 0:SIZE] + 0.5)


def square(pixels, size=SIZE):
    side = min(pixels.shape[:2])
    cut = np.ascontiguousarray(pixels[:side, :side, :3])
    return cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


@pytest.fixture(scope="module")
def photos():
    pixels = [data.astronaut(), data.chelsea(), data.coffee(), load_sample_image("china.jpg")]
    return np.stack([square(p) for p in pixels])


@pytest.fixture(scope="module")
def before(photos):
    return np.asarray(attributes(photos))


def of(picture):
    """Attributes of one picture by name; a number is a grey."""
    picture = np.broadcast_to(np.asarray(picture, np.float32), (SIZE, SIZE, 3))
    return dict(zip(NAMES, measured(picture), strict=True))


def measured(picture):
    """Attributes [K] of one picture, in a batch as large as the others: one program for all."""
    return np.asarray(attributes(np.broadcast_to(picture, (4, *picture.shape))))[0]


def noise(picture, sigma):
    return picture + np.random.default_rng(0).normal(0, sigma, picture.shape[:2] + (1,))


def saturate(picture, factor):
    lab = color.rgb2lab(picture)
    return color.lab2rgb(lab * [1, factor, factor])


def in_lab(picture, *added):
    return color.lab2rgb(color.rgb2lab(picture) + added)


def dots(picture, value):
    spots = np.random.default_rng(0).random(picture.shape[:2]) < 0.008
    return np.where(spots[..., None], value, picture)


def streaks(picture, value):
    """Long thin slanting lines over the picture."""
    out = picture.copy()
    for x in range(4, SIZE, 14):
        cv2.line(out, (x, (7 * x) % 200), (x, (7 * x) % 200 + 40), (value,) * 3, 1)
    return out


def bloom(picture):
    light = cv2.GaussianBlur((picture > 0.75).astype(np.float32), (0, 0), 10)
    return 1 - (1 - picture) * (1 - 0.6 * light)


def gray_ground(picture):
    return np.where((Y > 0.6) & np.ones(3, bool), np.maximum(picture, 0.93), picture)


COLORS = "temperature tint chroma hue_spread green_cover autumn_cover snow_cover "
SPLIT = "shadow_temperature shadow_tint highlight_temperature highlight_tint "
LEVELS = "contrast black_level white_level tones midtones "
CLIPS = "bright_clipping dark_clipping "
SPECKS = "bright_specks dark_specks bright_lines dark_lines "
FINE = SPECKS + "sharpness grain flatness strokes color_detail edge_density "

# edit: (how, what must move by at least so many steps, what else may).
EDITS = {
    "lighter": (
        lambda p: in_lab(p, 12, 0, 0),
        {"luminance": 2, "black_level": 1, "white_level": 1},
        COLORS + LEVELS + CLIPS + "haze flatness glow",
    ),
    "more contrast": (
        lambda p: (p - 0.5) * 1.3 + 0.5,
        {"contrast": 1.5},
        COLORS + SPLIT + LEVELS + CLIPS + "haze haze_height glow radial_falloff top_light "
        "side_light luminance flatness strokes",
    ),
    "yellower": (
        lambda p: in_lab(p, 0, 0, 10),
        {"temperature": 1.5},
        COLORS + SPLIT + CLIPS + "haze",
    ),
    "more magenta": (lambda p: in_lab(p, 0, 9, 0), {"tint": 2}, COLORS + SPLIT + CLIPS),
    "more saturated": (
        lambda p: saturate(p, 1.4),
        {"chroma": 0.8},
        COLORS + SPLIT + CLIPS + "haze haze_height color_detail",
    ),
    "grey": (
        lambda p: saturate(p, 0),
        {"chroma": -2, "hue_spread": -0.5, "color_detail": -1},
        COLORS + SPLIT + "haze haze_height",
    ),
    "blue shadows": (
        lambda p: in_lab(p, 0, 0, 0) - (1 - p.mean(-1, keepdims=True)) ** 4 * [0.12, 0.05, -0.12],
        {"shadow_temperature": -0.8},
        COLORS + SPLIT + LEVELS + CLIPS + "haze haze_height luminance",
    ),
    "fog": (
        lambda p: 0.55 * p + 0.45 * 0.85,
        {"haze": 4, "contrast": -2, "luminance": 2, "black_level": 4},
        COLORS + SPLIT + LEVELS + CLIPS + "glow radial_falloff side_light top_light flatness "
        "haze_height strokes",
    ),
    "fog above": (
        lambda p: p + (0.85 - p) * np.clip(1 - 2 * Y, 0, 1) * 0.7,
        {"haze_height": 1.5, "haze": 1, "top_light": 1},
        COLORS
        + SPLIT
        + LEVELS
        + CLIPS
        + "glow radial_falloff luminance flatness edge_density "
        + SPECKS
        + "strokes",
    ),
    "blurred": (
        lambda p: cv2.GaussianBlur(p, (0, 0), 1.2),
        {"sharpness": -2.5},
        FINE + LEVELS + CLIPS + "haze glow hue_spread",
    ),
    "sharpened": (
        lambda p: 1.6 * p - 0.6 * cv2.GaussianBlur(p, (0, 0), 1),
        {"sharpness": 1.5},
        FINE + LEVELS + CLIPS + "haze glow hue_spread",
    ),
    "grainy": (
        lambda p: noise(p, 0.04),
        {"grain": 2.5, "flatness": -0.5},
        FINE + CLIPS + "haze",
    ),
    "posterised": (
        lambda p: np.round(p * 6) / 6,
        {"flatness": 4, "tones": -1},
        FINE + LEVELS + CLIPS + COLORS + SPLIT + "haze glow",
    ),
    "painted": (
        lambda p: cv2.medianBlur(np.uint8(p * 255), 9) / 255,
        {"flatness": 1, "edge_density": -0.5, "bright_specks": -0.5},
        FINE + LEVELS + CLIPS + "haze glow hue_spread",
    ),
    "vignette": (
        lambda p: p * (1 - 0.45 * (((X - 0.5) ** 2 + (Y - 0.5) ** 2) * 2)),
        {"radial_falloff": 2.5},
        COLORS + LEVELS + CLIPS + "luminance haze glow edge_density flatness",
    ),
    "lit from the right": (
        lambda p: p * (0.7 + 0.3 * X),
        {"side_light": 1.5},
        COLORS + SPLIT + LEVELS + CLIPS + "luminance haze glow flatness",
    ),
    "lit from above": (
        lambda p: p * (1 - 0.3 * Y),
        {"top_light": 1},
        COLORS + SPLIT + LEVELS + CLIPS + "luminance haze glow haze_height edge_density flatness",
    ),
    "white dots": (lambda p: dots(p, 0.95), {"bright_specks": 0.4}, FINE),
    "black dots": (lambda p: dots(p, 0.02), {"dark_specks": 0.4}, FINE + "haze"),
    "light streaks": (
        lambda p: streaks(p, 0.95),
        {"bright_lines": 0.4, "direction": 0.5},
        FINE + LEVELS + "luminance",
    ),
    "dark streaks": (
        lambda p: streaks(p, 0.02),
        {"dark_lines": 0.4, "direction": 0.5},
        FINE + LEVELS + "haze luminance",
    ),
    "bloom": (
        bloom,
        {"glow": 0.7},
        LEVELS
        + COLORS
        + CLIPS
        + "luminance haze haze_height edge_density radial_falloff top_light side_light "
        "sharpness",
    ),
    "white ground": (
        gray_ground,
        {"snow_cover": 3, "top_light": -2},
        " ".join(NAMES),
    ),
}


@pytest.mark.parametrize("edit", slow_but(EDITS, *list(EDITS)[::2]))
def test_an_edit_moves_what_it_is_named_for_and_little_else(edit, photos, before):
    how, moved, others = EDITS[edit]
    edited = np.stack([np.clip(how(p), 0, 1) for p in photos]).astype(np.float32)
    change = ((np.asarray(attributes(edited)) - before) / STEPS).mean(0)
    for name, least in moved.items():
        found = change[NAMES.index(name)]
        assert found / least >= 1, f"{name} moved {found:.2f} steps"
    for name, found in zip(NAMES, change, strict=True):
        if name not in moved and name not in others.split():
            assert abs(found) < 0.8, f"{name} moved {found:.2f} steps"


def test_thumbnails_are_scikit_images_lab(photos):
    small = photos.reshape(4, 64, 4, 64, 4, 3).mean((2, 4))
    np.testing.assert_allclose(thumbnails(small), color.rgb2lab(small), atol=0.05)


def test_mean_lab_is_scikit_images(photos, before):
    lab = color.rgb2lab(photos)
    for name, expected in {
        "luminance": lab[..., 0].mean((1, 2)),
        "contrast": lab[..., 0].std((1, 2)),
        "tint": lab[..., 1].mean((1, 2)),
        "temperature": lab[..., 2].mean((1, 2)),
        "chroma": np.hypot(lab[..., 1], lab[..., 2]).mean((1, 2)),
    }.items():
        np.testing.assert_allclose(before[:, NAMES.index(name)], expected, atol=0.05)


def test_haze_is_opencvs_erosion(photos, before):
    small = [cv2.resize(p.min(-1), (64, 64), interpolation=cv2.INTER_AREA) for p in photos]
    dark = [cv2.erode(s, np.ones((5, 5))).mean() for s in small]
    np.testing.assert_allclose(before[:, NAMES.index("haze")], dark, atol=1e-5)


def test_openings_by_lines_are_scikit_images(photos):
    plane = photos[0, ..., 1]
    across, slanted = np.ones((1, 11)), np.eye(11)
    lines = [across, across.T, slanted, slanted[::-1]]
    expected = np.max([morphology.opening(plane, line, mode="ignore") for line in lines], axis=0)
    inside = (slice(12, -12),) * 2
    found = np.asarray(_line_openings(jnp.asarray(plane)[None]))[0]
    np.testing.assert_allclose(found[inside], expected[inside], atol=1e-6)


def test_half_black_half_white_by_hand():
    found = of(np.where(X < 0.5, 0.0, 1.0))
    expected = {"luminance": 50, "contrast": 50, "side_light": 100, "top_light": 0, "tones": 1}
    expected |= {"dark_clipping": 0.5, "bright_clipping": 0.5, "snow_cover": 0.5, "chroma": 0}
    expected |= {"black_level": 0, "white_level": 100, "haze_height": 0, "radial_falloff": 0}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=0.1), name


def test_covers_by_hand():
    assert of([0.25, 0.5, 0.15])["green_cover"] == 1
    assert of([0.8, 0.4, 0.1])["autumn_cover"] == 1
    assert of([0.9, 0.9, 0.92])["snow_cover"] == 1
    grey = of(0.5)
    assert grey["green_cover"] == grey["autumn_cover"] == grey["snow_cover"] == 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, (1.0, 0.0, 0.0)])
def test_one_colour_is_finite_and_in_range(value):
    for name, found in of(value).items():
        assert ATTRIBUTES[name].low - 0.1 <= found <= ATTRIBUTES[name].high + 0.1, name


def test_photographs_are_in_range(before):
    low, high = np.array([(a.low, a.high) for a in ATTRIBUTES.values()]).T
    assert ((low - 1e-4 <= before) & (before <= high + 1e-4)).all()


def test_a_larger_copy_reads_alike():
    pixels = data.astronaut()
    larger, large = (measured(square(pixels, size)) for size in (512, 384))
    assert np.abs((larger - large) / STEPS).max() < 0.7


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((8, 8, 3))])
def test_other_arrays_are_refused_in_one_line(images):
    with pytest.raises(InputError, match=r"attributes: images are .*; give float"):
        attributes(jnp.asarray(images))
