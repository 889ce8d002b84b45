"""Palettes, saturation, contrast and temperature, by number."""

import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools import dimensions
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from agentic_styling.tools.transforms.color.look_params import FIELDS
from tests.tools.dimensions.styled import (
    graded,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

PALETTES = VOCABULARY["color_grading"].parameters["target_palette"].values


def graded_with(name="astronaut", target_palette="neutral_balanced", **given):
    return styled("color_grading", name, target_palette=target_palette, **given)


def chroma(image):
    return np.hypot(*lab(image)[1:])


@pytest.mark.parametrize("name", ["astronaut", "china"])
def test_no_two_palettes_look_alike(name):
    pictures = {palette: graded_with(name, palette) for palette in PALETTES}
    pictures["the photograph"] = np.asarray(photograph(name))
    difference, *pair = nearest_pair(pictures)
    assert difference > 2.5, pair


@pytest.mark.parametrize(
    ("parameter", "ascending", "measure"),
    [
        (
            "saturation",
            "desaturated neutral enhanced hyper_saturated",
            lambda image: chroma(image).mean(),
        ),
        ("contrast", "low normal high dramatic", lambda image: lab(image)[0].std()),
        (
            "temperature",
            "extreme_cool cool neutral warm extreme_warm",
            lambda image: lab(image)[2].mean(),
        ),
    ],
)
def test_every_value_of_a_parameter_is_a_visible_step(parameter, ascending, measure):
    steps = [measure(graded_with(**{parameter: value})) for value in ascending.split()]
    assert min(np.diff(steps)) > 1.5, steps


def test_black_and_white_is_grey_and_a_sky_is_darker_than_in_plain_grey():
    edit = graded_with("china", "monochrome_bw")
    assert chroma(edit).mean() < 0.15 * chroma(photograph("china")).mean()
    blue = np.full((3, 128, 128), np.array([0.45, 0.62, 0.85])[:, None, None], np.float32)
    options = options_of("color_grading", target_palette="monochrome_bw")
    edit = graded(jnp.asarray(blue), scene_of("china"), DIMENSIONS.index("color_grading"), options)
    luma = np.array([0.299, 0.587, 0.114]) @ blue.reshape(3, -1)
    assert np.asarray(edit).mean() < luma.mean() - 0.02


@pytest.mark.parametrize(
    "palette", ["orange_teal", "earth_natural", "jewel_rich", "high_contrast", "neutral_balanced"]
)
def test_skin_stays_skin(palette):
    # The astronaut's cheeks: between red and yellow, neither grey nor burnt out.
    face = lab(graded_with("astronaut", palette))[:, 24:34, 52:62].mean((1, 2))
    hue = np.degrees(np.arctan2(face[2], face[1]))
    assert 25 < hue < 80
    assert np.hypot(face[1], face[2]) > 8
    assert 45 < face[0] < 93


def test_teal_lies_in_the_shadows_and_orange_in_the_lights():
    image = lab(photograph("coffee"))
    change = lab(graded_with("coffee", "orange_teal")) - image
    dark, bright = image[0] < np.quantile(image[0], 0.2), image[0] > np.quantile(image[0], 0.8)
    assert change[1][dark].mean() < change[1][bright].mean() - 2
    assert change[2][dark].mean() < change[2][bright].mean() - 2


def test_pastel_is_light_and_soft():
    before, after = lab(photograph("coffee")), lab(graded_with("coffee", "pastel_soft"))
    assert after[0].mean() > before[0].mean() + 15
    assert after[0].std() < 0.75 * before[0].std()
    assert np.quantile(after[0], 0.02) > 25


@pytest.mark.parametrize("palette", ["warm_sunset", "cool_blue", "jewel_rich", "purple_pink"])
def test_a_palette_can_be_taken_off_again(palette):
    image, scene = photograph("chelsea"), scene_of("chelsea")
    tool = DIMENSIONS.index("color_grading")
    once = graded(image, scene, tool, options_of("color_grading", target_palette=palette))
    options = options_of("color_grading", source_palette=palette, target_palette="neutral_balanced")
    back = graded(once, scene, tool, options)
    plain = graded_with("chelsea", "neutral_balanced")
    assert np.abs(np.asarray(back) - plain).mean() < 0.015
    assert np.abs(np.asarray(once) - plain).mean() > 0.04


def test_colour_grading_depends_on_no_place_and_draws_nothing():
    names = list(FIELDS)
    by_place = sum(FIELDS[name] for name in names[: names.index("haze")])
    for rows in dimensions.color_grading.LOOKS.values():
        assert not np.stack(list(rows.values()))[:, by_place:].any()
    assert not hasattr(dimensions.color_grading, "RENDERERS")
