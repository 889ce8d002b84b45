import json

import numpy as np
import pytest
from PIL import Image

from agentic_styling.errors import InputError
from agentic_styling.planner import TINY_IMAGES, ImageSettings, image_to_patches, image_tokens
from agentic_styling.planner.images import resize, smart_resize

SHIPPED = ImageSettings()


@pytest.mark.parametrize(
    ("size", "resized", "tokens"),
    [
        ((300, 200), (320, 224), 70),
        ((224, 224), (256, 256), 64),
        ((1001, 333), (992, 320), 310),
        ((5000, 4000), (4576, 3648), 16302),
    ],
)
def test_smart_resize(size, resized, tokens):
    width, height = size
    assert smart_resize(height, width, SHIPPED) == resized[::-1]
    assert image_tokens(height, width, SHIPPED) == tokens


def test_tiny_pictures_are_sixteen_tokens():
    assert image_tokens(128, 128, TINY_IMAGES) == 16
    assert smart_resize(1024, 1024, TINY_IMAGES) == (128, 128)


def test_aspect_ratio():
    with pytest.raises(InputError, match="2010 x 10"):
        smart_resize(10, 2010, SHIPPED)


@pytest.mark.parametrize("size", [(48, 96), (96, 64), (128, 224)])
def test_resize_is_pillows_within_one_level(size):
    image = np.random.default_rng(0).integers(0, 256, (80, 120, 3)).astype(np.uint8)
    expected = Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC)
    ours = np.asarray(resize(image[None].astype(np.float32), *size))[0]
    difference = np.abs(ours - np.asarray(expected, np.float32))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_patch_order():
    height, width = 64, 96
    image = np.random.default_rng(1).integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    settings = ImageSettings(min_pixels=1, max_pixels=10**6)
    patches, grids = image_to_patches(image, settings)
    assert grids.tolist() == [[[1, 4, 6]]] * 2
    assert patches.shape == (2, 1, 24, 1536)
    # Patch 13 is the second block of the second block row, in its upper right: row 2, column 1 is
    # patch 12 + 1.
    patch = image[1, 32:48, 16:32].astype(np.float32) / 255 * 2 - 1
    expected = np.repeat(patch.transpose(2, 0, 1)[:, None], 2, axis=1).ravel()
    np.testing.assert_allclose(patches[1, 0, 13], expected, atol=1e-6)


def test_equal_to_the_hugging_face_processor():
    pytest.importorskip("transformers")
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    image = np.random.default_rng(2).integers(0, 256, (100, 150, 3)).astype(np.uint8)
    size = {"shortest_edge": 65536, "longest_edge": 16777216}
    processor = Qwen2VLImageProcessorPil(
        patch_size=16, size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    theirs = processor(Image.fromarray(image), return_tensors="np")
    patches, grids = image_to_patches(image[None])
    assert grids[0].tolist() == theirs["image_grid_thw"].tolist()
    difference = np.abs(np.asarray(patches[0, 0]) - theirs["pixel_values"]) * 127.5
    assert difference.max() < 1.01


def test_floats_are_taken_to_the_nearest_level():
    image = np.random.default_rng(3).integers(0, 256, (1, 128, 128, 3)).astype(np.uint8)
    near = image / np.float32(255) + np.float32(0.001)
    ours, _ = image_to_patches(near.astype(np.float32), TINY_IMAGES)
    np.testing.assert_array_equal(ours, image_to_patches(image, TINY_IMAGES)[0])


def test_settings_round_trip(tmp_path):
    assert ImageSettings.load(tmp_path) == SHIPPED
    TINY_IMAGES.save(tmp_path)
    assert ImageSettings.load(tmp_path) == TINY_IMAGES
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"image_mean": [0.1, 0.2, 0.3]}))
    with pytest.raises(InputError, match="image_mean"):
        ImageSettings.load(tmp_path)
