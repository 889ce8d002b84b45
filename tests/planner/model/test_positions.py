import dataclasses

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.planner.model.qwen3_vl import feature_index, token_positions
from agentic_styling.planner.model.text import mrope_axes
from agentic_styling.planner.model.vision import patch_coordinates
from tests.planner.oracle import END, IMAGE, START, VIDEO

SLOTS, IMAGES = 72, 3


def expected_positions(segments):
    """M-RoPE by hand: a list of text lengths and (rows, columns) of merged grids."""
    positions, at = [], 0
    for segment in segments:
        if isinstance(segment, int):
            positions += [[at + i] * 3 for i in range(segment)]
            at += segment
        else:
            rows, columns = segment
            positions += [[at, at + r, at + c] for r in range(rows) for c in range(columns)]
            at += max(rows, columns)
    return positions, at


side = st.integers(1, 4)
row = st.tuples(st.integers(1, 5), st.lists(st.tuples(side, side), max_size=IMAGES))


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(row, min_size=2, max_size=2), left=st.booleans())
def test_positions_and_features(config, rows, left):
    tokens = np.full((2, SLOTS), IMAGE)  # what stands in the padding must not matter
    mask = np.zeros((2, SLOTS), bool)
    grids = np.zeros((2, IMAGES, 3), int)
    expected, following, visual = [], [], []
    for b, (text, images) in enumerate(rows):
        segments, ids = [text], [7] * text
        for i, (height, width) in enumerate(images):
            segments += [1, (height, width), 1]
            ids += [START, *[IMAGE] * (height * width), END]
            grids[b, i] = 1, 2 * height, 2 * width
        at = SLOTS - len(ids) if left else 0
        tokens[b, at : at + len(ids)], mask[b, at : at + len(ids)] = ids, True
        positions, after = expected_positions(segments)
        expected.append(positions)
        following.append(after)
        visual.append([i * 16 + k for i, (h, w) in enumerate(images) for k in range(h * w)])
    arguments = jnp.asarray(tokens), jnp.asarray(mask), jnp.asarray(grids)
    positions, after = token_positions(*arguments, config)
    index = np.asarray(feature_index(*arguments, 16, config))
    assert after.tolist() == following
    assert not np.asarray(positions)[~mask].any()
    for b in range(2):
        assert np.asarray(positions)[b, mask[b]].tolist() == expected[b]
        assert index[b, mask[b] & (tokens[b] == IMAGE)].tolist() == visual[b]


def test_video_frames_are_segments_of_one_grid(config):
    frame = [START, *[VIDEO] * 2, END]
    tokens = np.array([[7, *frame, 8, *frame, 9]])
    grids = np.array([[[2, 2, 4]]])
    positions, after = token_positions(tokens, np.ones(tokens.shape, bool), grids, config)
    expected, following = expected_positions([2, (1, 2), 3, (1, 2), 2])
    assert np.asarray(positions)[0].tolist() == expected
    assert after.tolist() == [following]


def test_text_positions_count_real_tokens(config):
    mask = np.array([[0, 0, 1, 1], [1, 1, 1, 0]], bool)
    positions, after = token_positions(np.zeros((2, 4), int), mask, None, config)
    assert np.asarray(positions)[..., 1].tolist() == [[0, 0, 0, 1], [0, 1, 2, 0]]
    assert after.tolist() == [2, 3]


def test_patches_are_in_merge_blocks():
    frame, row, column = patch_coordinates(np.array([[2, 2, 4]]), 20, 2)
    blocks = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert list(zip(row[0].tolist()[:16], column[0].tolist()[:16], strict=True)) == 2 * blocks
    assert frame[0].tolist() == [0] * 8 + [1] * 8 + [-1] * 4


def test_interleaved_axes(config):
    assert mrope_axes(config).tolist() == [0, 1, 2] * 5 + [0]
    text = dataclasses.replace(config.text, head_dim=128, mrope_section=(24, 20, 20))
    axes = mrope_axes(dataclasses.replace(config, text=text))
    assert axes.tolist() == [0, 1, 2] * 20 + [0] * 4
