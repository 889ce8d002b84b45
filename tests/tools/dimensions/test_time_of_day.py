"""The hours of the day, by number: the sky, the light's side, stars, lamps, shadows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.dimensions import time_of_day
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.air import sky
from agentic_styling.tools.transforms.conventions import Scene
from agentic_styling.tools.transforms.filters import blur
from agentic_styling.tools.transforms.light.lamps import lamps
from tests.tools.dimensions.styled import (
    SIDE,
    drawn,
    drawn_with_slope,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

TIMES = VOCABULARY["time_of_day"].parameters["target_time"].values
AMBER = jnp.array([1.0, 0.7, 0.4])


def at(target_time, name="china", **given):
    return styled("time_of_day", name, target_time=target_time, **given)


def a_scene():
    """Sky above, a field below, and a post that stands in it."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
    sky = (y < 0.4).astype(np.float32)
    subject = ((np.abs(x - 0.5) < 0.06) & (y > 0.35) & (y < 0.75)).astype(np.float32)
    ground = ((y > 0.55) & (subject == 0)).astype(np.float32)
    depth = (1 - y).astype(np.float32)
    return Scene(*(jnp.asarray(m) for m in (depth, sky * (1 - subject), ground, subject)))


@pytest.mark.parametrize("name", ["china", pytest.param("astronaut", marks=pytest.mark.slow)])
def test_no_two_times_look_alike(name):
    pictures = {time: at(time, name) for time in TIMES}
    pictures["the photograph"] = np.asarray(photograph(name))
    difference, *pair = nearest_pair(pictures)
    assert difference > 4, pair


def test_it_grows_dark_from_noon_to_midnight():
    order = "midday_overhead golden_hour_sunset dusk_twilight night_moonlit midnight_dark"
    light = [lab(at(time))[0].mean() for time in order.split()]
    assert max(np.diff(light)) < -4, light


def test_night_is_blue_and_less_colourful_and_keeps_its_tones():
    day, night = lab(photograph("china")), lab(at("night_moonlit"))
    assert night[2].mean() < day[2].mean() - 3
    assert np.hypot(*night[1:]).mean() < np.hypot(*day[1:]).mean()
    assert np.quantile(night[0], 0.99) - np.quantile(night[0], 0.02) > 35


def test_the_golden_hour_is_warm_in_its_lights_and_cooler_in_its_shadows():
    day = lab(photograph("coffee"))
    change = lab(at("golden_hour_sunset", "coffee")) - day
    dark, bright = day[0] < np.quantile(day[0], 0.2), day[0] > np.quantile(day[0], 0.8)
    assert change[2][bright].mean() > 10
    assert change[2][dark].mean() < 0.6 * change[2][bright].mean()


def test_the_sky_goes_from_the_zenith_to_the_horizon_and_nothing_else_is_painted():
    image, scene = jnp.full((3, SIDE, SIDE), 0.6), a_scene()
    zenith, horizon = jnp.array([0.1, 0.2, 0.6]), jnp.array([1.0, 0.6, 0.3])
    edit = np.asarray(drawn(sky.paint_sky, image, scene, zenith, horizon, 1.0))
    np.testing.assert_allclose(edit[:, 0, 5], zenith, atol=0.01)
    np.testing.assert_allclose(edit[:, 50, 5], horizon, atol=0.06)
    assert (np.diff(edit[0, :50, 5]) >= 0).all()
    np.testing.assert_array_equal(edit[:, 70:], image[:, 70:])
    cloud = image.at[:, 10:20, 20:40].set(0.8)
    relief = drawn(sky.paint_sky, cloud, scene, zenith, horizon, 1.0)
    assert relief[2, 15, 30] > 1.2 * relief[2, 15, 60]


@pytest.mark.parametrize("hour", ["midday_overhead", "golden_hour_sunset", "night_moonlit"])
def test_a_sky_of_a_named_colour(hour):
    sky = np.asarray(scene_of("china").sky) > 0.8
    assert sky.mean() > 0.03
    red, teal = (lab(at(hour, sky_color=color)) for color in ("red", "teal"))
    assert red[1][sky].mean() > teal[1][sky].mean() + 25
    ground = np.asarray(scene_of("china").sky) < 0.01
    assert np.abs(red - teal)[:, ground].mean() < 1


def test_shadows_fall_away_from_the_light():
    scene = a_scene()
    east, west, south = (
        np.asarray(drawn(sky.cast_shadow, scene, *fall))
        for fall in ((0.3, 1.0), (0.3, -1.0), (0.7, 0.0))
    )
    assert east[96:112, 72:].mean() > 20 * east[96:112, :56].mean()
    np.testing.assert_allclose(west, east[:, ::-1], atol=1e-3)
    # The post is 0.4 high: its shadow ends 0.28 below its foot.
    assert south[100:125, 62:66].min() > 0.5
    assert south[:, :48].max() < 0.02
    assert max(shade[: int(0.55 * SIDE)].max() for shade in (east, west, south)) == 0


def test_the_light_comes_from_where_the_shadows_do_not_fall():
    light = {
        to: lab(at("afternoon_warm", "chelsea", shadow_direction=to))[0] for to in ("east", "west")
    }
    change = light["east"] - light["west"]
    assert change[:, :40].mean() > 8
    assert change[:, -40:].mean() < -8


def test_every_shadow_direction_looks_different():
    names = VOCABULARY["time_of_day"].parameters["shadow_direction"].values
    pictures = {to: at("morning_bright", "coffee", shadow_direction=to) for to in names}
    difference, *pair = nearest_pair(pictures)
    assert difference > 1.5, pair


def test_a_form_is_lit_on_the_side_of_the_light():
    turned = np.asarray(drawn(sky.facing, a_scene(), 0.0, -1.0))
    assert turned[60:90, 57:60].min() > 0.1
    assert turned[60:90, 69:71].max() < -0.1
    assert turned[a_scene().subject == 0].max() == 0


def test_stars_stand_in_the_sky_alone_and_change_with_the_seed():
    stars = [np.asarray(drawn(sky.starlight, a_scene(), jnp.uint32(seed))) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(stars[0], stars[1])
    assert np.abs(stars[0] - stars[2]).max() > 0.1
    assert (stars[0][:50] > 0.1).mean() < 0.05
    assert stars[0].max() > 0.15
    assert stars[0][52:].max() == 0


def test_the_sky_ends_where_the_colours_change():
    scene = a_scene()
    image = jnp.stack([0.3 + 0.5 * scene.sky, 0.3 + 0.5 * scene.sky, 0.2 + 0.7 * scene.sky])
    unsure = scene._replace(sky=blur.spread(scene.sky[None], 0.03)[0])
    matte = drawn(sky.sky_matte, image, unsure)
    before, after = (np.abs(sky - scene.sky)[:80].mean() for sky in (unsure.sky, matte))
    assert after < 0.5 * before
    same = drawn(sky.sky_matte, image, scene)
    np.testing.assert_array_equal(same, scene.sky)


def test_the_moon_needs_a_confident_sky():
    def moon(scene):
        return drawn(sky.moonlight, jnp.zeros((3, SIDE, SIDE)), scene, 1.0, jnp.ones(3))

    scene = a_scene()
    assert moon(scene).max() > 0.8
    np.testing.assert_array_equal(moon(scene._replace(sky=0.6 * scene.sky)), 0.0)


def test_lamps_shine_warm_and_glow():
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    spot = np.clip(4 - np.hypot(y - 90, x - 40), 0, 1)
    image = jnp.asarray(0.06 + spot * np.array([0.7, 0.6, 0.4])[:, None, None], jnp.float32)
    scene = a_scene()._replace(subject=jnp.zeros((SIDE, SIDE)))
    edit = np.asarray(drawn(lamps, image, scene, 1.0, AMBER))
    assert edit[0, 90, 40] > edit[2, 90, 40] + 0.25
    around = edit[:, 90, 48] - 0.06
    assert around[0] > 0.03 > around[2] / 1.2
    assert np.abs(edit[:, :, 120:] - 0.06).max() < 0.02


def test_by_day_and_where_nothing_changes_nothing_is_drawn():
    def kernel(**given):
        return int(time_of_day.renderer_of(options_of("time_of_day", **given)))

    assert kernel(target_time="midday_overhead") == -1
    assert kernel(source_time="night_moonlit", target_time="night_moonlit") == -1
    assert kernel(target_time="midday_overhead", shadow_direction="east") == 0
    assert kernel(target_time="midday_overhead", sky_color="pink") == 0
    assert kernel(target_time="golden_hour_sunset") == 1
    assert kernel(target_time="blue_hour") == 2


@pytest.mark.parametrize(
    "renderer",
    [
        pytest.param(time_of_day.draw_day, marks=pytest.mark.slow),
        pytest.param(time_of_day.draw_low_sun, marks=pytest.mark.slow),
        time_of_day.draw_after_dark,
    ],
)
def test_gradients_are_finite_and_the_dtype_is_kept(renderer):
    options = options_of(
        "time_of_day", target_time="night_moonlit", shadow_direction="east", sky_color="blue"
    )
    scene = jax.tree.map(lambda m: m[::4, ::4] if m.ndim else m, a_scene())
    edit, slope = drawn_with_slope(renderer, scene, options)
    assert edit.dtype == jnp.bfloat16
    assert np.isfinite(edit.astype(jnp.float32)).all()
    assert np.isfinite(slope.astype(jnp.float32)).all()
