"""The weathers, by number: sky, air, ground, and what falls."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.dimensions import weather
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.air import sky
from agentic_styling.tools.transforms.ground import ground
from tests.tools.dimensions.styled import (
    SIDE,
    a_scene,
    drawn,
    drawn_with_slope,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

PARAMETERS = VOCABULARY["weather"].parameters
TYPES = PARAMETERS["weather_type"].values
FALLING = [
    "light_rain",
    "heavy_rain",
    "thunderstorm",
    "light_snow",
    "heavy_snow_blizzard",
    "sandstorm",
    "hail",
]


def at(kind, name="china", **given):
    return styled("weather", name, weather_type=kind, **given)


def _sharpness(image):
    luma = lab(image)[0]
    return np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["china", "astronaut"])
def test_no_two_weathers_look_alike(name):
    pictures = {kind: at(kind, name) for kind in TYPES}
    pictures["the photograph"] = np.asarray(photograph(name))
    difference, *pair = nearest_pair(pictures)
    assert difference > 3, pair


@pytest.mark.slow
def test_the_sky_is_blue_then_grey_then_dark():
    place = np.asarray(scene_of("china").sky) > 0.95
    blue = lab(at("clear_sunny"))[:, place].mean(1)
    grey = lab(at("overcast_gray"))[:, place].mean(1)
    storm = lab(at("thunderstorm"))[:, place].mean(1)
    assert blue[2] < -15
    assert np.hypot(grey[1], grey[2]) < 5
    assert storm[0] < grey[0] - 20


def test_clouds_cover_what_they_are_asked_to():
    shares = [
        np.asarray(drawn(sky.clouds, a_scene(), cover, jnp.uint32(4))[0])[:50].mean()
        for cover in (0.0, 0.5, 1.0)
    ]
    assert shares[0] < 0.05 and 0.2 < shares[1] < 0.8 and shares[2] > 0.95


@pytest.mark.parametrize("kind", FALLING)
def test_what_falls_can_be_stopped_and_the_ground_stays(kind):
    falls, still = at(kind), at(kind, active_precipitation=False)
    assert _sharpness(falls) > _sharpness(still)
    assert np.abs(falls - still).mean() > 0.004
    difference, *_ = nearest_pair({"still": still, "photograph": np.asarray(photograph("china"))})
    assert difference > 5


@pytest.mark.parametrize("kind", ["clear_sunny", "heavy_rain", "light_snow", "fog_dense"])
def test_intensity_goes_on_and_on(kind):
    plain = np.asarray(photograph("china"))
    moved = [np.abs(at(kind, intensity=i) - plain).mean() for i in PARAMETERS["intensity"].values]
    assert (np.diff(moved) > 0.003).all(), moved


def test_visibility_hides_what_is_far_and_less_what_is_near():
    values = PARAMETERS["visibility"].values
    depth = np.asarray(scene_of("china").depth)
    far, near = depth > np.quantile(depth, 0.6), depth < np.quantile(depth, 0.2)
    light = [lab(at("overcast_gray", visibility=value))[0] for value in values]
    assert (np.diff([step[far].std() for step in light]) < -0.5).all()
    kept = light[-1][near].std() / light[0][near].std()
    assert kept > 1.2 * light[-1][far].std() / light[0][far].std()


def test_rain_darkens_the_ground_and_its_water_mirrors():
    image = jnp.full((3, SIDE, SIDE), 0.4).at[:, : SIDE // 2].set(0.9)
    edit = np.asarray(drawn(ground.wet, image, a_scene(), 1.0, jnp.uint32(2)))
    assert np.abs(edit[:, : SIDE // 2] - 0.9).max() < 1e-6
    below = edit[0, 70:]
    assert np.quantile(below, 0.3) < 0.32  # wet
    assert below.max() > 0.5  # a puddle


def test_snow_lies_closer_in_a_blizzard():
    lying = np.asarray(scene_of("china").ground) > 0.8
    gentle, wild = (
        lab(at(kind, active_precipitation=False))[0][lying].mean()
        for kind in ("light_snow", "heavy_snow_blizzard")
    )
    assert wild > gentle + 5 > lab(photograph("china"))[0][lying].mean() + 10


def test_lightning_strikes_in_the_sky_alone_and_elsewhere_with_another_seed():
    image = jnp.full((3, SIDE, SIDE), 0.2)
    flashes = [
        np.asarray(drawn(sky.lightning, image, a_scene(), 1.0, jnp.uint32(s))) for s in (1, 2)
    ]
    assert flashes[0].max() > 0.8
    assert (flashes[0] > 0.7).mean() < 0.02
    assert np.abs(flashes[0] - 0.2)[:, 52:].max() < 1e-6
    assert np.abs(flashes[0] - flashes[1]).max() > 0.3


def test_where_the_weather_is_there_already_nothing_is_drawn():
    options = options_of("weather", source_weather="hail", weather_type="hail")
    assert int(weather.renderer_of(options)) == -1
    assert all(int(weather.renderer_of(options_of("weather", weather_type=k))) >= 0 for k in TYPES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["thunderstorm", "hail"])
def test_gradients_are_finite(kind):
    """Of all stages but the snow, which is the season's, and the fog of the haze."""
    options = options_of("weather", weather_type=kind, visibility="poor")
    scene = jax.tree.map(lambda m: m[::4, ::4] if m.ndim else m, a_scene())
    edit, slope = drawn_with_slope(weather.draw_wet, scene, options)
    assert np.isfinite(edit.astype(jnp.float32)).all()
    assert np.isfinite(slope.astype(jnp.float32)).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, pytest.param(jnp.float32, marks=pytest.mark.slow)])
def test_the_dtype_is_kept(dtype):
    image, options = jnp.zeros((3, SIDE, SIDE), dtype), jnp.zeros(5, jnp.int32)
    for renderer in weather.RENDERERS:
        edit = jax.eval_shape(
            functools.partial(renderer, channel_axis=0), image, a_scene(), options, jnp.uint32(0)
        )
        assert (edit.shape, edit.dtype) == (image.shape, dtype)
