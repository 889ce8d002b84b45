import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from agentic_styling.planner import TINY_IMAGES, ImageSettings, image_to_patches, image_tokens
from agentic_styling.planner.inputs.images import (
    PRECISION,
    bucket,
    images_to_patches,
    resize,
    smart_resize,
    taps,
)
from agentic_styling.utils.errors import InputError
from tests.slow import slow_but

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


# From and to (height, width). Where the height loses much more, Pillow takes it first.
RESIZES = [
    ((80, 120), (48, 96)),
    ((80, 120), (96, 64)),
    ((80, 120), (128, 224)),
    ((333, 101), (32, 96)),
    ((120, 80), (96, 128)),
    ((97, 65), (64, 64)),
    ((97, 65), (32, 32)),
    ((96, 300), (96, 32)),
    ((7, 5), (64, 32)),
    ((64, 96), (64, 96)),
]


@pytest.mark.parametrize(("old", "new"), slow_but(RESIZES, *RESIZES[:6:5], RESIZES[7]))
def test_resize_is_pillows_in_every_level(old, new):
    image = np.random.default_rng(0).integers(0, 256, (*old, 3)).astype(np.uint8)
    image[: old[0] // 3] = np.where(image[: old[0] // 3] > 127, 255, 0)  # beyond the range, too
    expected = Image.fromarray(image).resize(new[::-1], Image.Resampling.BICUBIC)
    ours = jax.jit(resize, static_argnums=(1, 2))(image[None], *new)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours[0], expected)


def test_the_weights_by_hand():
    """Doubled: a pixel stands a quarter from its neighbours: 0.8671875, 0.2265625, -0.0703125
    and -0.0234375 of Keys's cubic; at the border two of them, over their sum 0.796875."""
    places, weights = taps(8, 16)
    assert places[:, 8].tolist() == [2, 3, 4, 5]
    exact = np.array([-0.0703125, 0.8671875, 0.2265625, -0.0234375]) * 2**PRECISION
    assert weights[:, 7].tolist() == exact.tolist()
    assert weights[:, 8].tolist() == exact[::-1].tolist()
    assert (weights[:, 0] / 2**PRECISION).round(6).tolist() == [1.088235, -0.088235, 0, 0]


def test_patch_order():
    height, width = 64, 96
    image = np.random.default_rng(1).integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    settings = ImageSettings(min_pixels=1, max_pixels=10**6)
    patches, grids = image_to_patches(image, settings)
    assert grids.tolist() == [[[1, 4, 6]]] * 2
    assert patches.shape == (2, 1, 24, 1536)
    # Blocks of 2 x 2 patches, row by row, and the same within a block.
    blocks = [(row, column) for row in (0, 2) for column in (0, 2, 4)]
    places = [(row + i, column + j) for row, column in blocks for i in (0, 1) for j in (0, 1)]
    assert places[13] == (2, 1) and places[2] == (1, 0)
    for place, (row, column) in enumerate(places):
        patch = image[1, row * 16 :, column * 16 :][:16, :16].astype(np.float32) / 255 * 2 - 1
        expected = np.repeat(patch.transpose(2, 0, 1)[:, None], 2, axis=1).ravel()
        np.testing.assert_allclose(patches[1, 0, place], expected, atol=1e-6)


def test_floats_are_taken_to_the_nearest_level():
    image = np.random.default_rng(3).integers(0, 256, (1, 128, 128, 3)).astype(np.uint8)
    near = image / np.float32(255) + np.float32(0.001)
    ours, _ = image_to_patches(near.astype(np.float32), TINY_IMAGES)
    np.testing.assert_allclose(ours, image_to_patches(image, TINY_IMAGES)[0], atol=1e-6)


def test_pictures_of_different_sizes_stand_in_their_rows():
    """Two sizes, taken in turn, and floats among bytes."""
    rng = np.random.default_rng(4)
    sizes = [(64, 96), (64, 64), (64, 96), (32, 32), (64, 64), (64, 96)]
    images = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes]
    images[4] = (images[4] / 255).astype(np.float32)
    settings = ImageSettings(min_pixels=1024, max_pixels=16384)
    patches, grids = images_to_patches(images, settings, 64)
    assert patches.shape == (6, 1, 64, 1536)
    assert grids[:, 0].tolist() == [[1, h // 16, w // 16] for h, w in sizes]
    for row, image in enumerate(images):
        alone, _ = image_to_patches(image[None], settings)
        # Programs of other shapes may round otherwise: an ulp of 1.
        np.testing.assert_allclose(patches[row, 0, : alone.shape[2]], alone[0, 0], atol=1.2e-7)
        assert not np.asarray(patches[row, 0, alone.shape[2] :]).any()
    stacked, _ = images_to_patches(np.stack(images[::2][:2]), settings, 32)
    np.testing.assert_allclose(stacked, patches[np.array([0, 2]), :, :32], atol=1.2e-7)


def test_pictures_of_the_host_and_of_the_device_are_resized_alike():
    rng = np.random.default_rng(5)
    levels = rng.integers(0, 256, (150, 230, 3)).astype(np.uint8)
    for image in (levels, (levels / 255).astype(np.float32)):
        host, _ = images_to_patches([image], TINY_IMAGES, 64)
        device, _ = images_to_patches([jnp.asarray(image)], TINY_IMAGES, 64)
        np.testing.assert_allclose(host, device, atol=1.2e-7)


def test_buckets():
    counts = [1, 64, 65, 96, 97, 128, 129, 192, 193, 16384, 16385]
    expected = [64, 64, 96, 96, 128, 128, 192, 192, 256, 16384, 24576]
    assert [bucket(count) for count in counts] == expected


def test_settings_round_trip(tmp_path):
    assert ImageSettings.load(tmp_path) == SHIPPED
    TINY_IMAGES.save(tmp_path)
    assert ImageSettings.load(tmp_path) == TINY_IMAGES
    # Of a directory that they came from, the files are kept as they are.
    (tmp_path / "video_preprocessor_config.json").write_text('{"fps": 2}')
    TINY_IMAGES.save(tmp_path / "copy", tmp_path)
    for name in ("preprocessor_config.json", "video_preprocessor_config.json"):
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert len(list((tmp_path / "copy").iterdir())) == 2
    # Changed settings are written, and files stay where they are already.
    SHIPPED.save(tmp_path / "changed", tmp_path)
    assert ImageSettings.load(tmp_path / "changed") == SHIPPED
    TINY_IMAGES.save(tmp_path, tmp_path)
    assert ImageSettings.load(tmp_path) == TINY_IMAGES


def test_settings_that_transformers_wrote(tmp_path):
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    size = {"shortest_edge": 2048, "longest_edge": 8192}
    processor = Qwen2VLImageProcessorPil(
        patch_size=16, size=size, image_mean=[0.25] * 3, image_std=[0.5] * 3
    )
    processor.save_pretrained(tmp_path)
    expected = ImageSettings(min_pixels=2048, max_pixels=8192, mean=0.25)
    assert ImageSettings.load(tmp_path) == expected
    # Version 5 puts it into the processor's own file, which goes before.
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "Qwen3VL"}))
    assert ImageSettings.load(tmp_path) == expected
    nested = {"image_processor": {"size": {"shortest_edge": 4096, "longest_edge": 4096}}}
    (tmp_path / "processor_config.json").write_text(json.dumps(nested))
    assert ImageSettings.load(tmp_path) == ImageSettings(min_pixels=4096, max_pixels=4096)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_mean": [0.1, 0.2, 0.3]}, "image_mean .* differs by channel"),
        ({"resample": 2}, "resample 2 is not supported; use 3"),
        ({"do_resize": False}, "do_resize False"),
        ({"rescale_factor": 1.0}, "rescale_factor 1.0"),
        ([], "not a JSON object"),
    ],
)
def test_settings_that_would_make_other_patches(tmp_path, values, message):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=message) as caught:
        ImageSettings.load(tmp_path)
    assert str(path) in str(caught.value)
