"""Periods by number: the tones, grain and sharpness of what pictures were made with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from agentic_styling.tools.dimensions import time_period
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from tests.tools.dimensions.styled import (
    drawn,
    graded,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

TOOL = "time_period"
ERAS = VOCABULARY[TOOL].parameters["target_era"].values
LEVELS = VOCABULARY[TOOL].parameters["technology_level"].values
DRAW = time_period.RENDERERS[0]


def of(era, name="astronaut", **given):
    return styled(TOOL, name, target_era=era, **given)


def flat(color, era, **given):
    """An even colour, as a picture of the era."""
    image = jnp.broadcast_to(jnp.asarray(color, jnp.float32)[:, None, None], (3, 128, 128))
    options = options_of(TOOL, target_era=era, **given)
    image = graded(image, scene_of("astronaut"), DIMENSIONS.index(TOOL), options)
    return np.asarray(drawn(DRAW, image, scene_of("astronaut"), options, jnp.uint32(3)))


def fine(image):
    """Standard deviation of the finest detail of L*."""
    light = lab(image)[0]
    return (light - gaussian_filter(light, 1.5)).std()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut", "china"])
def test_no_two_eras_look_alike(name):
    pictures = {era: of(era, name) for era in ERAS}
    pictures["the photograph"] = np.asarray(photograph(name))
    difference, *pair = nearest_pair(pictures)
    assert difference > 3, pair


def test_levels_of_technology_and_accuracy_are_visible():
    pictures = {level: of("mid_century_1950s", technology_level=level) for level in LEVELS}
    pictures["accurate"] = of("mid_century_1950s", period_accuracy="historically_accurate")
    difference, *pair = nearest_pair(pictures)
    assert difference > 1, pair


def test_better_technology_has_less_grain():
    noise = [fine(flat((0.5, 0.5, 0.5), "steampunk_alternate", technology_level=v)) for v in LEVELS]
    assert (np.diff(noise) < 0).all(), noise
    assert noise[0] > 2 * noise[-1]


def test_better_technology_is_sharper():
    # A look without grain.
    edges = [fine(of("contemporary_2000s", technology_level=level)) for level in LEVELS]
    assert (np.diff(edges) > 0).all(), edges
    assert edges[2] > 1.1 * fine(photograph("astronaut"))


def test_an_accurate_print_has_more_of_its_faults():
    noise = [
        fine(flat((0.5, 0.5, 0.5), "art_deco_1920s", period_accuracy=value))
        for value in ("stylized", "historically_accurate")
    ]
    assert noise[1] > 1.4 * noise[0]


def test_a_silver_print_has_no_colour_and_an_albumen_print_one():
    silver, albumen = of("art_deco_1920s"), of("victorian_1800s")
    assert np.hypot(*lab(silver)[1:]).mean() < 5
    hue = np.arctan2(*lab(albumen)[:0:-1])
    assert 4 < np.hypot(*lab(albumen)[1:]).mean() < 25
    assert hue.std() < 0.15


def test_wet_plates_see_blue_light_and_hardly_red():
    blue, red = (flat(c, "victorian_1800s").mean() for c in ((0.4, 0.5, 0.8), (0.7, 0.45, 0.3)))
    assert blue > red + 0.08  # the same luma


def test_autochromes_have_coloured_grains():
    def color_noise(era):
        l, a, b = lab(flat((0.5, 0.5, 0.5), era))
        return np.hypot(a.std(), b.std()) / l.std()

    assert color_noise("art_nouveau_1900s") > 3 * color_noise("art_deco_1920s")


def test_a_picture_of_the_era_stays():
    options = options_of(TOOL, source_era="baroque_1700s", target_era="baroque_1700s")
    assert time_period.renderer_of(options) == -1


def test_gradients_are_finite_on_black_grey_and_white():
    options = jnp.asarray(options_of(TOOL, target_era="cyberpunk_dystopia"))

    @jax.jit
    @jax.grad
    def gradient(image):
        return jnp.sum(DRAW(image, None, options, jnp.uint32(1), channel_axis=0))

    for value in (0.0, 0.5, 1.0):
        assert np.isfinite(gradient(jnp.full((3, 24, 32), value))).all()
