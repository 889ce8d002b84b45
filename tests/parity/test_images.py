"""On-device preprocessing against the image processor of transformers."""

import numpy as np
import pytest
from PIL import Image

from agentic_styling.planner import ImageSettings, image_to_patches

pytestmark = pytest.mark.parity

SIZE = {"shortest_edge": 65536, "longest_edge": 524288}
SETTINGS = ImageSettings(min_pixels=65536, max_pixels=524288)


@pytest.fixture(scope="module")
def processor():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    return Qwen2VLImageProcessorPil(
        patch_size=16, size=SIZE, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


def check(processor, image):
    theirs = processor(Image.fromarray(image), return_tensors="np")
    patches, grids = image_to_patches(image[None], SETTINGS)
    assert grids[0].tolist() == theirs["image_grid_thw"].tolist()
    levels, expected = (
        np.round((np.asarray(x) * 0.5 + 0.5) * 255) for x in (patches[0, 0], theirs["pixel_values"])
    )
    np.testing.assert_array_equal(levels, expected)
    np.testing.assert_allclose(patches[0, 0], theirs["pixel_values"], atol=1e-6)


def sizes():
    """Log-uniform sides, shape by shape from thin strips to squares."""
    rng = np.random.default_rng(0)
    return [tuple(int(side) for side in np.exp(rng.uniform(2.5, 7.5, 2))) for _ in range(20)]


@pytest.mark.parametrize("size", [*sizes(), (200, 300), (224, 224), (333, 1001), (1500, 400)])
def test_noise_of_any_size(processor, size):
    height, width = size
    rng = np.random.default_rng(height * width)
    check(processor, rng.integers(0, 256, (height, width, 3)).astype(np.uint8))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_photographs(processor, name):
    data = pytest.importorskip("skimage.data")
    image = getattr(data, name)()
    check(processor, image)
    check(processor, np.ascontiguousarray(image.swapaxes(0, 1)[: len(image) // 2]))
