"""Media, techniques, movements and textures: each its own, and what its name says."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import binary_erosion
from skimage.filters import sobel

from agentic_styling.tools.dimensions import artistic_medium as medium
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.media.medium import FAMILIES
from agentic_styling.tools.transforms.media.strokes import structure
from tests.tools.dimensions.styled import (
    SIDE,
    drawn,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

TOOL = "artistic_medium"
PARAMETERS = VOCABULARY[TOOL].parameters
MEDIA = PARAMETERS["target_medium"].values
MOVEMENTS = PARAMETERS["art_movement"].values
TECHNIQUES = PARAMETERS["technique"].values
TEXTURES = PARAMETERS["texture_visibility"].values


@functools.cache
def _sloped():
    """Edit and gradient of the renderer: every medium is in one program."""

    def total(image, scene, options, seed):
        edit = medium.draw_medium(image, scene, options, seed, channel_axis=0)
        return jnp.sum(edit), edit

    quick = {"xla_backend_optimization_level": 0}
    return jax.jit(jax.grad(total, has_aux=True), compiler_options=quick)


def made(target, name="astronaut", seed=3, **given):
    """A photograph after one step, [3, SIDE, SIDE]."""
    return styled(TOOL, name, seed, target_medium=target, **given)


@functools.cache
def every_medium():
    return {target: made(target) for target in MEDIA}


@pytest.mark.slow
def test_media_are_finite_and_all_different():
    for picture in every_medium().values():
        assert np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1
    distance, *names = nearest_pair(every_medium())
    assert distance > 2.5, names


@pytest.mark.slow
def test_movements_are_all_different():
    pictures = {m: made("photorealistic", art_movement=m) for m in MOVEMENTS}
    distance, *names = nearest_pair(pictures)
    assert distance > 5, names


@pytest.mark.slow
@pytest.mark.parametrize("target", ["oil_painting_thick", "photorealistic", "pencil_sketch"])
def test_techniques_and_textures_are_all_different(target):
    distance, *names = nearest_pair({t: made(target, technique=t) for t in TECHNIQUES})
    assert distance > 1.5, names
    pictures = {t: made(target, texture_visibility=t) for t in TEXTURES}
    distance, *names = nearest_pair(pictures)
    assert distance > 0.4, names
    # More texture, more fine detail.
    rough = [sobel(pictures[t].mean(0)).mean() for t in TEXTURES]
    assert rough == sorted(rough)


def test_media_are_what_their_names_say():
    drawings = ("ink_brush", "pen_ink_lines", "pencil_sketch", "charcoal_sketch")
    others = (
        "watercolor_flowing",
        "hyperrealistic",
        "photorealistic",
        "3d_rendered",
        "anime_cel_shaded",
    )
    pictures = {target: made(target) for target in (*drawings, *others)}
    photo = np.asarray(photograph("astronaut"))
    chroma = {k: np.hypot(*lab(v)[1:]).mean() for k, v in pictures.items()}
    for name in drawings:
        assert chroma[name] < 0.5 * np.hypot(*lab(photo)[1:]).mean()
    light = {k: lab(v)[0] for k, v in pictures.items()}
    # Watercolour leaves the rim of its paper white; ink is black; hyperrealism is crisp.
    assert light["watercolor_flowing"][:2].mean() > 88
    assert (light["ink_brush"] < 20).mean() > 0.1 and (light["ink_brush"] > 85).mean() > 0.2
    # Anime has black lines, but no black areas as the photograph has.
    assert (lab(photo)[0] < 8).mean() > 0.1 > 3 * (light["anime_cel_shaded"] < 8).mean()
    detail = {k: sobel(v.mean(0)).mean() for k, v in pictures.items()}
    assert detail["hyperrealistic"] > 1.15 * detail["photorealistic"]
    assert detail["3d_rendered"] < 0.9 * detail["photorealistic"]


def test_pixel_art_is_square_pixels_of_few_colors():
    picture = made("pixel_art")
    side = max(2, round(SIDE / 72))
    blocks = picture[:, : SIDE // side * side, : SIDE // side * side]
    blocks = blocks.reshape(3, SIDE // side, side, SIDE // side, side)
    assert np.ptp(blocks, axis=(2, 4)).max() < 1e-6
    colors = np.unique(np.round(picture.reshape(3, -1).T, 2), axis=0)
    assert len(colors) < 60  # sixteen, and the few where two are as near


def test_vector_art_has_few_colors():
    colors = np.round(made("vector_art") * 12).reshape(3, -1).T
    _, counts = np.unique(colors, axis=0, return_counts=True)
    assert np.sort(counts)[::-1][:24].sum() > 0.6 * SIDE * SIDE


def test_pastel_has_no_white_grain_in_the_dark():
    dark = binary_erosion(lab(photograph("astronaut"))[0] < 8, iterations=4)
    light = lab(made("pastel_drawing"))[0][dark]
    assert np.percentile(light, 99) < 40 and np.ptp(light) > 5


@pytest.mark.slow
def test_strokes_follow_edges():
    y, x = jnp.mgrid[:96, :96] / 96
    for angle in (0.0, 0.5, 1.2):
        across = y * jnp.cos(angle) - x * jnp.sin(angle)
        stripes = jnp.broadcast_to(0.5 + 0.4 * jnp.sin(40 * across), (3, 96, 96))
        cos, sin = np.asarray(structure(stripes))[:, 20:-20, 20:-20]
        found = 0.5 * np.arctan2(sin.mean(), cos.mean())
        assert np.cos(2 * (found - angle)) > 0.99


def test_nothing_is_drawn_where_nothing_is_new():
    for target in MEDIA:
        same = options_of(TOOL, target_medium=target, source_medium=target)
        assert int(medium.renderer_of(same)) == -1
        assert int(medium.renderer_of(options_of(TOOL, target_medium=target))) == 0
        moved = options_of(TOOL, target_medium=target, art_movement="cubism", source_medium=target)
        assert int(medium.renderer_of(moved)) == 0


def test_a_movement_is_drawn_upon_the_medium_that_is_there(monkeypatch):
    monkeypatch.setattr(medium, "in_medium", lambda image, *rest, **axis: 0 * image)
    monkeypatch.setattr(medium, "in_movement", lambda image, *rest, **axis: 0.5 * image)
    draw = functools.partial(medium.draw_medium, channel_axis=0)
    image, scene = jnp.full((3, 8, 8), 0.6), scene_of("astronaut")
    given = {"target_medium": "pencil_sketch", "art_movement": "baroque"}
    coats = {"pencil_sketch": 0.3, "gouache": 0.0}  # no second coat of what is there
    for source, expected in coats.items():
        options = options_of(TOOL, source_medium=source, **given)
        np.testing.assert_allclose(draw(image, scene, options, jnp.uint32(0)), expected, rtol=1e-6)


@pytest.mark.slow
def test_a_movement_keeps_the_colors_of_the_medium_that_is_there():
    given = {"source_medium": "pencil_sketch", "art_movement": "baroque"}
    assert np.hypot(*lab(made("pencil_sketch", **given))[1:]).mean() > 10


def test_another_seed_moves_the_strokes_and_not_the_picture():
    first, other = (made("oil_painting_thick", seed=s) for s in (1, 2))
    np.testing.assert_array_equal(first, made("oil_painting_thick", seed=1))
    assert np.abs(first - other).mean() > 0.01
    assert np.abs(first.mean((1, 2)) - other.mean((1, 2))).max() < 0.02


@pytest.mark.slow  # more than a minute of compiling all media with their gradients
@pytest.mark.parametrize("index", range(len(MEDIA)))
def test_gradients_are_finite_on_black_grey_and_white(index):
    bars = jnp.round(2 * jnp.linspace(0, 1, SIDE)) / 2
    image = jnp.broadcast_to(bars[None, :, None], (3, SIDE, SIDE))
    given = {
        "art_movement": MOVEMENTS[index % len(MOVEMENTS)],
        "technique": TECHNIQUES[index % len(TECHNIQUES)],
    }
    options = options_of(TOOL, target_medium=MEDIA[index], **given)
    slope, edit = _sloped()(image, scene_of("astronaut"), options, jnp.uint32(0))
    assert np.isfinite(edit).all() and np.isfinite(slope).all()
    assert edit.min() >= 0 and edit.max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("target", [media[-1] for media, _ in FAMILIES])
def test_a_family_alone_draws_what_the_switch_over_all_draws(target):
    options = options_of(TOOL, target_medium=target)
    given = photograph("astronaut"), scene_of("astronaut"), options, jnp.uint32(3)
    draw = functools.partial(medium.draw_medium, branch=medium.branch_of(options), channel_axis=0)
    _, edit = _sloped()(*given)
    assert np.abs(edit - drawn(draw, *given)).max() < 0.5 / 255


def test_the_branch_is_the_family_of_a_medium_without_a_movement():
    for number, (media, _) in enumerate(FAMILIES):
        for target in media:
            assert medium.branch_of(options_of(TOOL, target_medium=target)) == number
            moved = options_of(TOOL, target_medium=target, art_movement="cubism")
            assert medium.branch_of(moved) is None


def test_the_dtype_stays():
    options, scene = options_of(TOOL, target_medium="gouache"), scene_of("astronaut")
    for dtype in (jnp.float32, jnp.bfloat16):
        image = jax.ShapeDtypeStruct((3, SIDE, SIDE), dtype)
        made = jax.eval_shape(
            functools.partial(medium.draw_medium, channel_axis=0),
            image,
            scene,
            options,
            jnp.uint32(0),
        )
        assert made.dtype == dtype and made.shape == image.shape
