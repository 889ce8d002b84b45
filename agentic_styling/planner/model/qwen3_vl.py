"""Qwen3-VL: the whole model, its inputs, the positions of their tokens, and its parameters.

Positions are computed on the device from traced values, so images of other sizes within the same
padded shapes run the same compiled program.
"""

import functools

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.linear import Compute
from agentic_styling.planner.model.text import Decoder, Embedding
from agentic_styling.planner.model.vision import VisionTower
from agentic_styling.utils.precision import in_32_bits


@flax.struct.dataclass
class Inputs:
    """A padded batch. Grids and masks are data: other images or lengths do not recompile.

    tokens int32 [B, S]; mask bool [B, S], True = a real token, padding left or right;
    patches float [B, I, P, 1536], normalised, in merge-block order, P a multiple of 4;
    grids int32 [B, I, 3], frames, rows, columns in patches, zeros = no image. Both may be None.
    segments int32 [B, S]: where rows are packed, 1, 2, .. = the examples of a row one after the
    other (their images in the same order), 0 = padding; None = one example a row.
    """

    tokens: jax.Array
    mask: jax.Array
    patches: jax.Array | None = None
    grids: jax.Array | None = None
    segments: jax.Array | None = None


class Qwen3VL(nn.Module):
    """Inputs to hidden states float [B, S, D], after the final norm.

    compute: precision, rematerialisation, kernels. keep_cache: return (hidden, caches) for
    decoding; see `text.Decoder`.
    """

    config: Qwen3VLConfig
    compute: Compute = Compute()
    keep_cache: bool = False

    def setup(self):
        config = self.config
        self.visual = VisionTower(config.vision, self.compute)
        self.language_model = Decoder(config, self.compute, self.keep_cache)
        if not config.tie_word_embeddings:
            self.lm_head = Embedding(config.text, self.compute)  # only its table is used

    def __call__(self, inputs: Inputs):
        """Hidden states [B, S, D]; with keep_cache also the keys and values of each stack."""
        tokens, mask, grids = inputs.tokens, inputs.mask, inputs.grids
        x = self.language_model.embed_tokens(tokens)
        segments = inputs.segments
        if segments is not None:
            segments = jnp.where(mask, segments, 0).astype(jnp.int32)
        positions, _ = token_positions(tokens, mask, grids, self.config, segments)
        deepstack = None
        if inputs.patches is not None:
            features, deepstack = self.visual_features(inputs, x.dtype)
            visual = visual_mask(tokens, mask, self.config)[..., None]
            x = jnp.where(visual, features, x)
            deepstack = jnp.where(visual, deepstack, 0)
        hidden, caches = self.language_model(x, positions, mask, deepstack, segments)
        if self.is_initializing() and not self.config.tie_word_embeddings:
            self.lm_head(tokens)
        return (hidden, caches) if self.keep_cache else hidden

    def visual_features(self, inputs: Inputs, dtype):
        """The feature of each token [B, S, D] and its deepstack features [K, B, S, D].

        Features of other tokens are undefined.
        """
        batch, images, patches, dim = inputs.patches.shape
        features, deepstack = self.visual(
            inputs.patches.reshape(batch * images, patches, dim).astype(dtype),
            inputs.grids.reshape(-1, 3),
        )
        stacked = jnp.stack([features, *deepstack]).astype(dtype)
        stacked = stacked.reshape(len(stacked), batch, -1, stacked.shape[-1])
        per_image = stacked.shape[2] // images
        index = feature_index(inputs.tokens, inputs.mask, inputs.grids, per_image, self.config)
        stacked = jnp.take_along_axis(stacked, index[None, ..., None], axis=2)
        return stacked[0], stacked[1:]


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


def output_embedding(config: Qwen3VLConfig, params) -> jax.Array:
    """The matrix [V, D] that turns hidden states into logits: the tied embedding or the head."""
    if config.tie_word_embeddings:
        return params["language_model"]["embed_tokens"]["embedding"]
    return params["lm_head"]["embedding"]


@in_32_bits
@functools.partial(jax.jit, static_argnums=0)
def init_params(config: Qwen3VLConfig, key):
    """Randomly initialised float32 parameters, from one PRNG key."""
    merge = config.vision.spatial_merge_size
    inputs = Inputs(
        tokens=jnp.full((1, 1), config.image_token_id, jnp.int32),
        mask=jnp.ones((1, 1), bool),
        patches=jnp.zeros((1, 1, merge**2, config.vision.patch_dim)),
        grids=jnp.array([[[1, merge, merge]]], jnp.int32),
    )
    # Under jit only the parameters are computed, not the forward pass that declares them.
    return Qwen3VL(config).init(key, inputs)["params"]
