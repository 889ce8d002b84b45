"""The scene estimate: right on photographs whose parts are known, and the same at all sizes."""

from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
import skimage.measure
from PIL import Image
from sklearn.datasets import load_sample_image

from agentic_styling.tools.executor.scene_estimate import classify, estimate_scene, squash
from agentic_styling.tools.transforms.filters.fields import enlarge, resample, shrink
from tests.slow import slow

ROOT = Path(__file__).parents[3]
QUICKLY = {"xla_backend_optimization_level": 0}
SCENE, QUICK = jax.jit(estimate_scene), jax.jit(estimate_scene, compiler_options=QUICKLY)
CLASSES = jax.jit(lambda x: classify(*squash(x)), compiler_options=QUICKLY)
GRADIENT = jax.jit(
    jax.grad(lambda x: sum(jnp.sum(m * m) for m in estimate_scene(x))),
    compiler_options=QUICKLY,
)


def _planes(photograph, size=128):
    side = min(photograph.shape[:2])
    top, left = ((n - side) // 2 for n in photograph.shape[:2])
    square = photograph[top : top + side, left : left + side].astype(np.float32) / 255
    small = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return np.moveaxis(small, -1, 0).copy()


CHINA = _planes(load_sample_image("china.jpg"))  # a pagoda at the left, hazy sky, trees below
FLOWER = _planes(load_sample_image("flower.jpg"))  # a dahlia in the middle of a dark garden
COFFEE = _planes(skimage.data.coffee())


def test_the_sky_is_found_and_the_pagoda_is_not_sky():
    sky = np.asarray(SCENE(CHINA).sky)
    assert sky[5:50, 70:].mean() > 0.9
    assert sky[60:, :35].mean() < 0.1
    assert sky[110:].mean() < 0.05


def test_no_sky_on_a_table():
    assert np.asarray(SCENE(COFFEE).sky).mean() < 0.03


def test_depth_runs_from_the_ground_to_the_sky():
    depth = np.asarray(SCENE(CHINA).depth)
    assert depth[5:50, 70:].min() > 0.85
    assert depth[115:].mean() < 0.35


def test_the_subject_is_the_flower():
    subject = np.asarray(SCENE(FLOWER).subject)
    assert subject[40:80, 40:80].mean() > 0.8
    assert max(subject[:20, :20].max(), subject[:20, -20:].max()) < 0.15


def test_the_ground_lies_below():
    photograph, _, disparity = skimage.data.stereo_motorcycle()
    scene = SCENE(_planes(photograph))
    ground = np.asarray(scene.ground)
    assert ground[118:].mean() > 0.8
    assert ground[:50].mean() < 0.02 and ground[:50].max() < 0.5
    depth = np.asarray(scene.depth)
    known = cv2.resize(_square(disparity), (128, 128), interpolation=cv2.INTER_NEAREST)
    seen = np.isfinite(known) & (known > 0)
    assert np.corrcoef(depth[seen], 1 / known[seen])[0, 1] > 0.5


def _square(field):
    left = (field.shape[1] - field.shape[0]) // 2
    return field[:, left : left + field.shape[0]]


def test_a_larger_version_has_the_same_scene():
    large = SCENE(_planes(load_sample_image("china.jpg"), 256))
    small = SCENE(CHINA)
    for a, b in zip(small[:4], large[:4], strict=True):
        halved = np.asarray(b).reshape(128, 2, 128, 2).mean((1, 3))
        assert np.abs(np.asarray(a) - halved).mean() < 0.03
    np.testing.assert_allclose(small[4:], large[4:], atol=0.1)


def test_sky_ground_and_subject_lie_where_a_person_drew_them():
    photograph = Image.open(ROOT / "docs/images/eiffel.jpg").resize((128, 128))
    mask = Image.open(ROOT / "tests/tools/executor/scene_masks/mvtb_eiffel-1.png")
    mask = np.asarray(mask.resize((128, 128), Image.NEAREST))
    scene = SCENE(_planes(np.asarray(photograph)))
    for found, number, least in ((scene.sky, 1, 0.9), (scene.ground, 2, 0.6)):
        found, drawn = (np.asarray(found) > 0.5) & (mask != 4), mask == number
        assert (found & drawn).sum() > least * (found | drawn).sum()


def test_in_or_out_near_or_far():
    china, flower, coffee = map(SCENE, (CHINA, FLOWER, COFFEE))
    assert china.outdoors > 0.8 and coffee.outdoors < 0.5
    assert china.closeup < 0.3 and flower.closeup > 0.7


@pytest.mark.parametrize("image", [CHINA, 0 * CHINA, 0 * CHINA + 1, 0 * CHINA + 0.5])
def test_in_range_with_finite_gradients(image):
    assert np.isfinite(GRADIENT(image)).all()
    _check_range(SCENE(image), 128, 128)


def _check_range(scene, *shape):
    for field, size in zip(scene, (*[shape] * 4, (), ()), strict=True):
        assert field.shape == size and field.dtype == jnp.float32
        assert np.min(field) >= 0 and np.max(field) <= 1


@pytest.mark.parametrize("shape", [(16, 16), slow(((20, 300),))])
def test_small_and_narrow_pictures_have_a_scene(shape):
    _check_range(QUICK(np.repeat(CHINA, 3, axis=2)[:, : shape[0], : shape[1]]), *shape)


def test_a_mirrored_picture_has_mirrored_classes():
    """As the network by itself has not; left and right of CHINA are unlike."""
    shares, kind = CLASSES(CHINA)
    mirrored, same_kind = CLASSES(CHINA[..., ::-1])
    np.testing.assert_allclose(mirrored, shares[..., ::-1], atol=1e-4)
    np.testing.assert_allclose(same_kind, kind, atol=1e-4)
    assert np.abs(shares - shares[..., ::-1]).max() > 0.5


@pytest.mark.slow
def test_a_batch_has_the_scenes_of_its_pictures():
    pictures = np.stack([CHINA, FLOWER, 0 * CHINA])
    batch = jax.jit(jax.vmap(estimate_scene), compiler_options=QUICKLY)(pictures)
    for i, picture in enumerate(pictures):
        for one, many in zip(SCENE(picture), batch, strict=True):
            np.testing.assert_allclose(one, many[i], atol=1e-3)


def test_shrink_is_the_mean_of_blocks_and_enlarge_is_linear():
    image = CHINA[:, :96, :120]
    blocks = skimage.measure.block_reduce(image, (1, 4, 4), np.mean)
    np.testing.assert_allclose(shrink(image, 4), blocks, atol=1e-5)
    assert shrink(image[:, :95, :118], 4).shape == (3, 24, 30)
    expected = cv2.resize(np.moveaxis(blocks, 0, -1), (120, 96), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(enlarge(blocks, 4, 96, 120), np.moveaxis(expected, -1, 0), atol=1e-5)


@pytest.mark.parametrize("size", [(70, 100), (200, 300)])
def test_resample_is_antialiased_linear_interpolation(size):
    wanted = jax.image.resize(CHINA, (3, *size), "linear", antialias=True)
    np.testing.assert_allclose(resample(CHINA, *size), wanted, atol=1e-5)


def test_resample_takes_means_first_where_a_side_is_at_least_halved():
    wanted = jax.image.resize(shrink(CHINA, 2), (3, 50, 60), "linear", antialias=True)
    np.testing.assert_allclose(resample(CHINA, 50, 60), wanted, atol=1e-5)
