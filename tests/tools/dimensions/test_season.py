"""The seasons, by number: leaves turn and nothing else does, snow lies where it can lie."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.dimensions import season
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.ground import foliage, ground
from tests.slow import slow
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

PARAMETERS = VOCABULARY["season"].parameters
SEASONS = PARAMETERS["target_season"].values


def at(target, name="china", **given):
    return styled("season", name, target_season=target, **given)


@pytest.mark.parametrize("name", ["china", pytest.param("coffee", marks=pytest.mark.slow)])
def test_no_two_seasons_look_alike(name):
    pictures = {target: at(target, name) for target in SEASONS}
    pictures["the photograph"] = np.asarray(photograph(name))
    difference, *pair = nearest_pair(pictures)
    assert difference > 2.5, pair


LEAST = [("vegetation_state", 0.6), slow(("ground_cover", 1.0))]


@pytest.mark.parametrize(("parameter", "least"), LEAST)
def test_no_two_plants_or_covers_look_alike(parameter, least):
    values = PARAMETERS[parameter].values[1:]
    pictures = {value: at("summer_lush", **{parameter: value}) for value in values}
    difference, *pair = nearest_pair(pictures)
    assert difference > least, pair


def test_greens_turn_orange_in_autumn_and_skin_does_not():
    green = jnp.array([0.30, 0.45, 0.18])[:, None, None] * jnp.ones((3, 8, 8))
    skin = jnp.array([0.85, 0.65, 0.55])[:, None, None] * jnp.ones((3, 8, 8))
    new = jnp.array([1.5, -0.05, -0.5])[:, None, None] * jnp.ones((3, 8, 8))
    turned, leaves = drawn(foliage.turn, green, jnp.zeros(3), new, jnp.ones((8, 8)))
    assert turned[0, 0, 0] > turned[1, 0, 0] > turned[2, 0, 0]
    assert leaves.min() > 0.5
    kept, leaves = drawn(foliage.turn, skin, jnp.zeros(3), new, jnp.ones((8, 8)))
    np.testing.assert_allclose(kept, skin, atol=0.02)
    assert leaves.max() < 0.02


def test_leaves_that_have_turned_turn_back():
    green = jnp.array([0.30, 0.45, 0.18])[:, None, None] * jnp.ones((3, 8, 8))
    old = jnp.array([0.8, 0.0, -0.4])
    changed, _ = drawn(foliage.turn, green, jnp.zeros(3), old[:, None, None], jnp.ones((8, 8)))
    back, leaves = drawn(foliage.turn, changed, old, 0 * green, jnp.ones((8, 8)))
    assert leaves.min() > 0.3
    assert jnp.abs(back - green).max() < jnp.abs(changed - green).max() / 2


def test_snow_whitens_the_ground_and_not_the_sky():
    before, after = lab(at("summer_lush")), lab(at("summer_lush", ground_cover="snow_covered"))
    scene = scene_of("china")
    lying, sky = np.asarray(scene.ground) > 0.8, np.asarray(scene.sky) > 0.95
    assert after[0][lying].mean() > before[0][lying].mean() + 15
    assert np.abs(after[2][lying]).mean() < 12
    assert np.abs(after - before)[:, sky].mean() < 1


def test_snow_in_shade_is_blue_and_snow_keeps_the_shadows():
    x = np.arange(SIDE) / SIDE
    image = jnp.asarray(np.broadcast_to(np.where(x < 0.5, 0.15, 0.5), (3, SIDE, SIDE)), jnp.float32)
    bare = jnp.zeros((SIDE, SIDE))
    edit = np.asarray(drawn(ground.snow, image, a_scene(), bare, 1.0, jnp.uint32(1)))
    shade, light = edit[:, 100:, 10:50].mean((1, 2)), edit[:, 100:, 80:120].mean((1, 2))
    assert light.min() > 0.7 and shade.mean() < light.mean() - 0.1
    assert shade[2] - shade[0] > light[2] - light[0] + 0.03


def test_strewn_things_are_smaller_far_away():
    """Along a row near the horizon the colour changes oftener than along the lowest."""
    image, colors = jnp.full((3, SIDE, SIDE), 0.3), jnp.eye(3)
    arguments = (a_scene(), colors, 0.1, 0.6, 1.0, jnp.uint32(3))
    edit = np.asarray(drawn(ground.strewn, image, *arguments))[0]
    rate = np.abs(np.diff(edit, axis=1)).mean(1) / (edit.std(1) + 1e-3)
    assert rate[80:90].mean() > 1.3 * rate[115:].mean()


@pytest.mark.parametrize("cover", PARAMETERS["ground_cover"].values[1:])
def test_a_cover_lies_on_the_ground_alone(cover):
    sky = np.asarray(scene_of("china").sky) > 0.95
    difference = np.abs(at("summer_lush", ground_cover=cover) - at("summer_lush"))
    assert difference[:, sky].max() < 0.02
    assert difference[:, np.asarray(scene_of("china").ground) > 0.8].mean() > 0.02


@jax.jit
def everything_on_the_ground(image, scene):
    seed, leaves = jnp.uint32(1), jnp.zeros(image.shape[1:])
    return (
        ground.snow(image, scene, leaves, 1.0, seed, channel_axis=0),
        ground.strewn(image, scene, jnp.eye(3), 0.05, 0.7, 0.0, seed, channel_axis=0),
        ground.grass(image, scene, jnp.zeros(3), jnp.ones(3), seed, channel_axis=0),
        ground.mud(image, scene, seed, channel_axis=0),
        ground.wet(image, scene, 1.0, seed, channel_axis=0),
    )


def test_nothing_lies_on_the_subject_nor_in_a_room():
    image = jnp.full((3, SIDE, SIDE), 0.4)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[70:110, 40:80] = True
    scene = a_scene()._replace(subject=jnp.asarray(inside, jnp.float32))
    for edit in everything_on_the_ground(image, scene):
        change = np.abs(np.asarray(edit) - 0.4)
        np.testing.assert_allclose(change[:, inside], 0, atol=1e-6)
        assert change[:, 90:][:, ~inside[90:]].mean() > 0.02
    for edit in everything_on_the_ground(image, scene._replace(outdoors=jnp.float32(0))):
        np.testing.assert_allclose(np.asarray(edit)[:, 60:], 0.4, atol=1e-6)


def test_blossoms_and_bare_twigs_stay_among_the_leaves():
    image = jnp.asarray([0.35, 0.5, 0.2])[:, None, None] * jnp.ones((1, SIDE, SIDE))
    leaves = jnp.zeros((SIDE, SIDE)).at[:, :64].set(0.9)
    scene = a_scene()._replace(sky=jnp.zeros((SIDE, SIDE)), ground=jnp.zeros((SIDE, SIDE)))
    bloom = np.asarray(drawn(foliage.blossoms, image, scene, leaves, 1.0, jnp.uint32(2)))
    bare = np.asarray(drawn(foliage.thinned, image, scene, leaves, 1.0, jnp.uint32(2)))
    for edit in (bloom, bare):
        np.testing.assert_allclose(edit[:, :, 64:], image[:, :, 64:], atol=1e-6)
    assert (bloom[0] > bloom[1] + 0.05)[:, :64].mean() > 0.1  # pink
    assert np.ptp(bare[:, :, :64], axis=0).mean() < 0.12  # grey


def test_where_the_season_is_there_already_nothing_is_drawn():
    def kernel(**given):
        return int(season.renderer_of(options_of("season", **given)))

    assert kernel(target_season="winter_bare") == 1
    assert kernel(target_season="summer_lush") == 0
    assert kernel(source_season="winter_bare", target_season="winter_bare") == -1
    same = {"source_season": "winter_bare", "target_season": "winter_bare"}
    assert kernel(**same, ground_cover="mud_wet") == 4
    assert kernel(**same, vegetation_state="evergreen") == 0


def every_cover(image, scene, options, seed):
    """Flowering plants, and all that may lie on the ground, one upon the other."""
    image = season.draw_plants(image, scene, options, seed, channel_axis=0).astype(jnp.float32)
    image = ground.snow(image, scene, image[0], 0.5, seed, channel_axis=0)
    image = ground.grass(image, scene, jnp.zeros(3), jnp.ones(3), seed, channel_axis=0)
    image = ground.mud(image, scene, seed, channel_axis=0)
    return ground.strewn(image, scene, jnp.eye(3), 0.05, 0.7, 0.0, seed, channel_axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("plants", ["blooming_flowers", "bare_branches"])
def test_gradients_are_finite(plants):
    options = options_of("season", target_season="spring_blooming", vegetation_state=plants)
    scene = jax.tree.map(lambda m: m[::4, ::4] if m.ndim else m, a_scene())
    edit, slope = drawn_with_slope(every_cover, scene, options)
    assert np.isfinite(edit).all()
    assert np.isfinite(slope.astype(jnp.float32)).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, pytest.param(jnp.float32, marks=pytest.mark.slow)])
def test_the_dtype_is_kept(dtype):
    image, options = jnp.zeros((3, SIDE, SIDE), dtype), jnp.zeros(5, jnp.int32)
    for renderer in season.RENDERERS:
        edit = jax.eval_shape(
            functools.partial(renderer, channel_axis=0), image, a_scene(), options, jnp.uint32(0)
        )
        assert (edit.shape, edit.dtype) == (image.shape, dtype)
