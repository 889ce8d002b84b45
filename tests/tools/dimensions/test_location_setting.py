"""Places by number: their light, air and ground on real photographs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.transform import resize
from sklearn.datasets import load_sample_image

from agentic_styling.tools.dimensions import location_setting
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.air.sky import sky_by_color
from agentic_styling.tools.transforms.conventions import Scene
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

TOOL = "location_setting"
LAVA = int(location_setting.renderer_of(options_of(TOOL, target_location="volcano_lava")))
LOCATIONS = VOCABULARY[TOOL].parameters["target_location"].values


def at(location, name="china", **given):
    return styled(TOOL, name, target_location=location, **given)


def mean(values, weights):
    return float((np.asarray(values) * weights).sum() / weights.sum())


@pytest.mark.slow
def test_no_two_places_look_alike():
    pictures = {location: at(location) for location in LOCATIONS}
    pictures["the photograph"] = np.asarray(photograph("china"))
    difference, *pair = nearest_pair(pictures)
    assert difference > 2.5, pair


def test_under_water_red_is_lost_first():
    before, after = photograph("astronaut").mean((1, 2)), at("underwater_reef", "astronaut")
    lost = after.mean((1, 2)) / before
    assert lost[0] < 0.75 * lost[1] and lost[0] < 0.6 * lost[2]


def test_ice_covers_the_ground_and_a_sea_darkens_it():
    ground = np.asarray(scene_of("china").ground)
    lightness = {
        place: mean(lab(at(place))[0], ground) for place in ("arctic_ice", "ocean_open_water")
    }
    before = mean(lab(photograph("china"))[0], ground)
    assert lightness["arctic_ice"] > before + 15 > lightness["ocean_open_water"] + 10


def test_a_cave_is_dark_but_for_its_lamp():
    light = lab(at("cave_underground", "astronaut"))[0]
    corners = np.mean([light[:20, :20], light[:20, -20:]])
    assert corners < 12 and light[40:90, 40:90].mean() > 2 * corners


def test_stars_stand_in_the_dark_sky_of_space_and_nowhere_else():
    options = options_of(TOOL, target_location="space_station")
    draw = location_setting.RENDERERS[int(location_setting.renderer_of(options))]
    above = jnp.zeros((128, 128)).at[:64].set(1.0)
    nothing = jnp.zeros((128, 128))
    dark = jnp.full((3, 128, 128), 0.05)
    scene = Scene(nothing, above, nothing, nothing)
    new = np.asarray(drawn(draw, dark, scene, options, jnp.uint32(3)))
    assert np.abs(new[:, 64:] - 0.05).max() < 1e-6
    lit = new[:, :64].max(0) > 0.3
    assert 20 < lit.sum() < 0.05 * lit.size


def test_a_tower_that_the_map_takes_for_sky_stays_and_a_rim_that_it_misses_is_filled():
    image = np.full((3, 128, 128), 0.8, np.float32)
    image[:, 20:80, 30:36] = image[:, 20:80, 100:] = 0.2  # a tower and a house
    image[:, 80:] = 0.3
    map_ = np.zeros((128, 128), np.float32)
    map_[:80, :92], map_[:80, 92:100] = 1.0, 0.15
    nothing = jnp.zeros((128, 128))
    share = np.asarray(
        drawn(sky_by_color, image, Scene(nothing, jnp.asarray(map_), nothing, nothing))
    )
    assert share[30:70, 31:35].max() < 0.05
    assert share[30:70, 92:95].min() > 0.8
    assert share[30:70, 60:80].min() > 0.95 and share[30:70, 102:].max() < 0.05
    assert share[90:].max() < 0.05


def test_lava_glows_red_in_the_ground():
    ground = np.asarray(scene_of("china").ground) > 0.8
    new = at("volcano_lava")[:, ground]
    glowing = new[0] > 0.75
    assert 0.02 < glowing.mean() < 0.6
    assert new[0][glowing].mean() > new[2][glowing].mean() + 0.35


def test_a_forest_is_greener_than_a_desert():
    green = np.asarray(photograph("china"))
    leaves = green[1] > green[2] + 0.08
    forest, desert = (
        lab(at(place))[1][leaves].mean() for place in ("forest_temperate", "desert_sand")
    )
    assert forest < desert - 8


def test_a_partial_replacement_changes_less():
    before = np.asarray(photograph("china"))
    modes = {mode: at("volcano_lava", replace_mode=mode) for mode in ("partial", "complete")}
    change = {mode: np.abs(picture - before).mean() for mode, picture in modes.items()}
    assert 0.4 < change["partial"] / change["complete"] < 0.8


def test_a_foreground_is_held_back_and_the_rest_is_not():
    before, subject = np.asarray(photograph("china")), np.asarray(scene_of("china").subject)
    kept, whole = (
        np.abs(at("cyberpunk_city", preserve_foreground=keep) - before) for keep in (True, False)
    )
    assert kept[:, subject > 0.9].mean() < 0.85 * whole[:, subject > 0.9].mean()
    # A glow may reach over from the subject.
    assert abs(kept - whole)[:, subject < 0.01].mean() < 0.02


def test_nothing_changes_where_the_place_is_there_already():
    given = {"source_location": "desert_sand", "target_location": "desert_sand"}
    options = options_of(TOOL, **given)
    assert location_setting.renderer_of(options) == -1
    image = photograph("china")
    same = graded(image, scene_of("china"), 0, options)
    assert np.abs(np.asarray(same - image)).max() < 2e-3


@pytest.mark.slow
def test_a_larger_copy_looks_the_same():
    image = load_sample_image("china.jpg")[:, :427] / 255
    options = options_of(TOOL, target_location="volcano_lava")
    draw = location_setting.RENDERERS[int(location_setting.renderer_of(options))]
    new = []
    for side in (128, 256):
        planes = resize(image, (side, side), anti_aliasing=True).transpose(2, 0, 1)
        planes = jnp.asarray(planes, jnp.float32)
        scene = jax.jit(estimate_scene)(planes)
        new.append(np.asarray(drawn(draw, planes, scene, options, jnp.uint32(1))))
    smaller = new[1].reshape(3, 128, 2, 128, 2).mean((2, 4))
    assert np.abs(smaller - new[0]).mean() < 0.02


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(i, marks=() if i == LAVA else pytest.mark.slow)
        for i in range(len(location_setting.RENDERERS))
    ],
)
def test_gradients_are_finite_on_black_grey_and_white(index):
    """Of every renderer for a place that is not its own, too: all run where rows are vectorised."""
    scene = jax.tree.map(lambda m: m[:24, :32] if m.ndim else m, scene_of("china"))
    options = options_of(TOOL, target_location="volcano_lava")

    @jax.jit
    @jax.grad
    def gradient(image):
        draw = location_setting.RENDERERS[index]
        return jnp.sum(draw(image, scene, options, jnp.uint32(1), channel_axis=0))

    for value in (0.0, 0.5, 1.0):
        assert np.isfinite(gradient(jnp.full((3, 24, 32), value))).all()
