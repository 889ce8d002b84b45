"""Regions as masks, on a known scene and on photographs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools import VOCABULARY
from agentic_styling.tools.executor.masks import REGIONS, SOFT_EDGE, ramp, region_index, region_mask
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.transforms.conventions import Scene
from tests.tools.planned import planes

HEIGHT, WIDTH = 40, 60
IMAGE = planes(HEIGHT, WIDTH)
MASK, RAMP = jax.jit(region_mask), jax.jit(ramp, static_argnums=(1, 2))
DIRECTIONS = VOCABULARY["graduated_effect"].parameters["gradient_direction"].values


@functools.cache
def _scene():
    return jax.jit(estimate_scene)(IMAGE)


def mask_of(name, hard=False, image=IMAGE, scene=None):
    index = jnp.asarray(region_index((name,)))[0]
    return np.asarray(MASK(index, jnp.bool_(hard), image, _scene() if scene is None else scene))


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("hard", [False, True])
def test_masks_are_between_nothing_and_all(name, hard):
    mask = mask_of(name, hard)
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask.min() >= 0 and mask.max() <= 1
    if hard:
        assert np.mean((mask > 0.01) & (mask < 0.99)) < 0.03


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        ("left_half", np.s_[:, :27], np.s_[:, 33:]),
        ("right_half", np.s_[:, 33:], np.s_[:, :27]),
        ("top_half", np.s_[:18], np.s_[22:]),
        ("bottom_half", np.s_[22:], np.s_[:18]),
        ("center", np.s_[12:28, 18:42], np.s_[:8]),
        ("edges", np.s_[:8], np.s_[12:28, 18:42]),
        ("everywhere", np.s_[:], np.s_[:0]),
    ],
)
def test_boxes_lie_where_they_say(region, inside, outside):
    for hard in (False, True):
        mask = mask_of(region, hard)
        assert (mask[inside] == 1).all()
        assert (mask[outside] == 0).all()


def test_a_soft_edge_rises_evenly_over_its_width():
    at = (np.arange(WIDTH) + 0.5) / WIDTH
    wanted = np.clip((at - 0.5) / SOFT_EDGE + 0.5, 0, 1)
    np.testing.assert_allclose(mask_of("right_half")[0], wanted, atol=1e-5)
    assert set(mask_of("right_half", hard=True)[0].tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    "pair",
    [
        ("left_half", "right_half"),
        ("top_half", "bottom_half"),
        ("center", "edges"),
        ("foreground", "background"),
        ("indoor", "outdoor"),
    ],
)
def test_pairs_add_up_to_all(pair):
    one, two = map(mask_of, pair)
    np.testing.assert_allclose(one + two, 1.0, atol=1e-6)


def _known_scene(**kind):
    depth = jnp.linspace(0, 1, 8)[:, None] * jnp.ones((1, 8))
    sky = jnp.zeros((8, 8)).at[:2].set(1.0)
    ground = jnp.zeros((8, 8)).at[6:].set(1.0)
    subject = jnp.zeros((8, 8)).at[4:6, 2:6].set(1.0)
    return Scene(depth, sky, ground, subject, **{k: np.float32(v) for k, v in kind.items()})


def _known_mask(name, **kind):
    return mask_of(name, image=jnp.full((3, 8, 8), 0.5), scene=_known_scene(**kind))


def test_estimated_regions_follow_the_scene():
    depth, sky, ground, subject, *_ = _known_scene()
    near = np.clip((0.55 - np.asarray(depth)) / 0.24 + 0.5, 0, 1)
    near = np.maximum(near, subject)
    np.testing.assert_allclose(_known_mask("foreground"), near, atol=1e-6)
    assert np.array_equal(_known_mask("sky"), sky)
    assert np.array_equal(_known_mask("ground"), ground)
    assert np.array_equal(_known_mask("subject"), subject)
    assert _known_mask("greens").max() == 0 and _known_mask("lights").max() == 0
    assert np.array_equal(_known_mask("buildings"), (1 - sky) * (1 - ground) * (1 - subject))


def test_outdoors_is_everything_out_of_doors_and_only_the_windows_sky_within():
    assert _known_mask("outdoor", outdoors=1).min() == 1
    assert np.array_equal(_known_mask("outdoor", outdoors=0), _known_scene().sky)


def test_all_but_the_subject_of_a_closeup_is_its_background():
    mask = _known_mask("background", closeup=1)
    np.testing.assert_allclose(mask, 1 - _known_scene().subject, atol=1e-6)


def test_greens_are_plants_and_lights_are_lamps_but_not_the_sky():
    colors = jnp.array([[0.3, 0.5, 0.2], [0.5, 0.5, 0.5], [0.2, 0.4, 0.7], [1, 0.95, 0.9]])
    image = jnp.broadcast_to(colors.T[:, :, None], (3, 4, 2))
    none = jnp.zeros((4, 2))
    scene = Scene(none, none.at[3, 1].set(1.0), none, none)
    assert mask_of("greens", image=image, scene=scene).tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]
    assert mask_of("lights", image=image, scene=scene).tolist() == [[0, 0], [0, 0], [0, 0], [1, 0]]


def test_ramps_by_hand():
    corners = {
        "top_to_bottom": (0, 0, 1, 1),
        "bottom_to_top": (1, 1, 0, 0),
        "left_to_right": (0, 1, 0, 1),
        "right_to_left": (1, 0, 1, 0),
        "center_out": (1, 1, 1, 1),
        "edges_in": (0, 0, 0, 0),
    }
    assert tuple(corners) == DIRECTIONS
    for i, (name, wanted) in enumerate(corners.items()):
        mask = np.asarray(RAMP(jnp.int32(i), 5, 9))
        found = (mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1])
        np.testing.assert_allclose(found, wanted, atol=1e-6, err_msg=name)
    steps = np.asarray(RAMP(jnp.int32(0), 5, 9))[:, 3]
    np.testing.assert_allclose(steps, [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    out = np.asarray(RAMP(jnp.int32(DIRECTIONS.index("center_out")), 5, 9))
    assert out[2, 4] == 0
    np.testing.assert_allclose([out[0, 4], out[2, 0], out[2, 2]], [1, 1, 0.4], atol=1e-6)


def test_every_region_that_a_plan_may_name_has_its_mask():
    with pytest.raises(ValueError):
        region_index(("nowhere",))
    assert region_index(("center", "lights")).tolist() == [
        REGIONS.index("center"),
        REGIONS.index("lights"),
    ]
