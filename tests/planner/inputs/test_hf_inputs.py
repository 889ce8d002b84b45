"""A processor's flat arrays, dealt out to rows."""

import numpy as np
import pytest

from agentic_styling.planner import hf_inputs
from agentic_styling.utils.errors import InputError
from tests.planner import oracle
from tests.planner.oracle import END, IMAGE, START, VIDEO


def frame(token, count):
    return [START, *[token] * count, END]


@pytest.fixture
def batch():
    """Row 0: text. Row 1: a video of two frames, then an image. Row 2: an image."""
    rows = [
        [5] * 14,
        [*frame(VIDEO, 2), 6, *frame(VIDEO, 2), *frame(IMAGE, 3)],
        [*frame(IMAGE, 1), 7],
    ]
    ids = np.zeros((3, 14), int)
    for row, tokens in zip(ids, rows, strict=True):
        row[-len(tokens) :] = tokens
    images, videos = np.array([[1, 2, 6], [1, 2, 2]]), np.array([[2, 4, 2]])
    # Every patch is its own number, those of videos from 100 on.
    return {
        "input_ids": ids,
        "attention_mask": (ids > 0).astype(int),
        "pixel_values": np.arange(16.0)[:, None].repeat(oracle.PATCH_DIM, 1),
        "image_grid_thw": images,
        "pixel_values_videos": 100 + np.arange(16.0)[:, None].repeat(oracle.PATCH_DIM, 1),
        "video_grid_thw": videos,
    }


def test_media_go_in_the_order_of_the_text(config, batch):
    inputs = hf_inputs(config, batch)
    assert inputs.grids.tolist() == [
        [[0, 0, 0], [0, 0, 0]],
        [[2, 4, 2], [1, 2, 6]],
        [[1, 2, 2], [0, 0, 0]],
    ]
    numbers = inputs.patches[..., 0].astype(int).tolist()
    assert numbers[0] == [[0] * 16] * 2
    assert numbers[1] == [list(range(100, 116)), [*range(12), *[0] * 4]]
    assert numbers[2] == [[*range(12, 16), *[0] * 12], [0] * 16]


def test_absent_media_are_fine(config, batch):
    batch = {name: batch[name][:1] for name in ("input_ids", "attention_mask")}
    assert hf_inputs(config, batch | {"pixel_values": None}).patches is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pixel_values": np.zeros((15, oracle.PATCH_DIM))}, "pixel_values has 15 patches.* 16"),
        ({"video_grid_thw": np.array([[1, 8, 2]])}, r"runs of \[2, 2, 3, 1\]"),
        ({"image_grid_thw": np.array([[1, 2, 2], [1, 2, 6]])}, r"image_grid_thw \[\[1, 2, 2\]"),
    ],
    ids=["patches", "frames", "order"],
)
def test_what_does_not_agree_is_named(change, words, config, batch):
    with pytest.raises(InputError, match=words):
        hf_inputs(config, batch | change)


def test_a_video_lies_in_one_row(config, batch):
    ids = batch["input_ids"]
    ids[0, -4:], ids[1, -14:-10] = ids[1, -14:-10], 5
    with pytest.raises(InputError, match="one run a frame"):
        hf_inputs(config, batch)
