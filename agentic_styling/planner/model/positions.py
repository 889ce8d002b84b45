"""M-RoPE positions of tokens, their visual features, and coordinates of patches.

Everything is computed on the device from traced values, so images of other sizes within the same
padded shapes run the same compiled program.
"""

import jax
import jax.numpy as jnp
import numpy as np


def token_positions(tokens, mask, grids, config, segments=None):
    """M-RoPE positions of a padded batch (Qwen3-VL; reference: Qwen2-VL, section 2.1).

    tokens int [B, S]; mask bool [B, S]; grids int [B, I, 3] (frames, rows, columns in patches);
    segments int [B, S] of packed rows, in each of which positions restart, or None.
    Returns positions int32 [B, S, 3] (time, height, width; 0 at padding) and the position
    int32 [B] of the token that would follow. A visual run starting at p has time p, height
    p + row and width p + column on the merged grid; the next position is p + the longer side.
    """
    segments = mask.astype(jnp.int32) if segments is None else segments
    new = mask & (segments != _before(segments))
    if grids is None or grids.shape[1] == 0:
        advance, length, within = mask.astype(jnp.int32), 1, 0
    else:
        visual = visual_mask(tokens, mask, config)
        start = visual & ~_before(visual)
        sides, within = _places(visual, start, grids, config)
        length = jnp.where(visual, sides.max(-1), 1)
        advance = jnp.where(visual & ~start, 0, length) * mask
    after = jnp.cumsum(advance, axis=1)
    origin = jax.lax.cummax(jnp.where(new, after - advance, 0), axis=1)
    position = (after - length - origin)[..., None] + within
    position = jnp.where(mask[..., None], jnp.broadcast_to(position, (*mask.shape, 3)), 0)
    return position, after[:, -1] - origin[:, -1]


def _places(visual, start, grids, config):
    """The merged rows and columns [B, S, 2] of each visual token's grid, and its place there.

    start: where a run of placeholders begins, an image or one frame of a video. The place is
    int [B, S, 3]: 0, row, column; 0 for text.
    """
    run = jnp.cumsum(start, axis=1) - 1
    image = jnp.sum(run[..., None] >= jnp.cumsum(grids[..., 0], axis=1)[:, None], axis=-1)
    image = jnp.clip(image, 0, grids.shape[1] - 1)
    sides = grids[..., 1:] // config.vision.spatial_merge_size
    sides = jnp.take_along_axis(sides, image[..., None], axis=1)
    rank = jnp.cumsum(visual, axis=1) - 1
    offset = rank - jax.lax.cummax(jnp.where(start, rank, -1), axis=1)
    width = jnp.maximum(sides[..., 1], 1)
    within = jnp.stack([jnp.zeros_like(offset), offset // width, offset % width], axis=-1)
    return sides, jnp.where(visual[..., None], within, 0)


def _before(x):
    """Each entry's predecessor along the row; 0 or False at the first."""
    return jnp.pad(x[:, :-1], ((0, 0), (1, 0)))


def visual_mask(tokens, mask, config):
    """Which tokens are image or video placeholders: bool [B, S]."""
    return mask & ((tokens == config.image_token_id) | (tokens == config.video_token_id))


def feature_index(tokens, mask, grids, features_per_image: int, config):
    """The merged feature that each visual token takes, as an index into [I * features_per_image].

    The k-th visual token of a row takes the k-th feature of the row's images in their order;
    images may have different numbers of features. Elsewhere the index is undefined.
    """
    rank = jnp.cumsum(visual_mask(tokens, mask, config), axis=1) - 1
    counts = jnp.prod(grids, axis=-1) // config.vision.spatial_merge_size**2
    ends = jnp.cumsum(counts, axis=1)
    image = jnp.sum(rank[..., None] >= ends[:, None], axis=-1)
    image = jnp.clip(image, 0, grids.shape[1] - 1)
    begin = jnp.take_along_axis(ends - counts, image, axis=1)
    return jnp.clip(image * features_per_image + rank - begin, 0)


def mrope_axes(config) -> np.ndarray:
    """Which of time, height, width rotates each frequency (interleaved M-RoPE): [head_dim / 2]."""
    axes = np.zeros(config.text.head_dim // 2, np.int32)
    for axis in (1, 2):
        axes[axis : 3 * config.text.mrope_section[axis] : 3] = axis
    return axes


def patch_coordinates(grids, patches: int, merge: int):
    """Frame, row and column of each patch in merge-block order.

    grids int [N, 3] -> (frame, row, column), each int32 [N, patches]; frame is -1 at padding.
    """
    frames, rows, columns = (grids[:, i, None] for i in range(3))
    index = jnp.arange(patches)[None]
    frame, index_in_frame = jnp.divmod(index, jnp.maximum(rows * columns, 1))
    block, in_block = jnp.divmod(index_in_frame, merge**2)
    block_row, block_column = jnp.divmod(block, jnp.maximum(columns // merge, 1))
    row = block_row * merge + in_block // merge
    column = block_column * merge + in_block % merge
    return jnp.where(frame < frames, frame, -1), row, column
