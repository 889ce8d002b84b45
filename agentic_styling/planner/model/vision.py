"""The vision tower of Qwen3-VL, on padded images whose grids are data."""

import flax.linen as nn
import jax.numpy as jnp

from agentic_styling.planner.model.attention import SegmentMask, attend, choose, frequencies, rotate
from agentic_styling.planner.model.config import VisionConfig
from agentic_styling.planner.model.linear import Compute, linear

LAYER_NORM_EPS = 1e-6
ROPE_THETA = 10000.0


class PositionEmbedding(nn.Module):
    """A learned square table, read bilinearly with its corners on the image's corner patches."""

    config: VisionConfig

    @nn.compact
    def __call__(self, grids, row, column):
        """grids [N, 3]; row and column [N, P] -> [N, P, D]."""
        side = int(self.config.num_position_embeddings**0.5)
        shape = (self.config.num_position_embeddings, self.config.hidden_size)
        table = self.param("embedding", nn.initializers.normal(0.02), shape)
        row = interpolation(row, grids[:, 1, None], side)
        column = interpolation(column, grids[:, 2, None], side)
        return sum(
            table[row_index * side + column_index] * (row_weight * column_weight)[..., None]
            for row_index, row_weight in row
            for column_index, column_weight in column
        )


def interpolation(index, length, side: int):
    """The two table rows (and weights) that patch `index` of `length` reads: align_corners."""
    at = index.astype(jnp.float32) * (side - 1) / jnp.maximum(length - 1, 1)
    # Patches of padding must not read outside the table.
    at = jnp.clip(at, 0, side - 1)
    low = jnp.floor(at).astype(jnp.int32)
    weight = at - low
    return (low, 1 - weight), (jnp.minimum(low + 1, side - 1), weight)


class Attention(nn.Module):
    """Full attention within a frame, from one fused qkv projection with bias."""

    config: VisionConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x, rope, mask):
        batch, length, dim = x.shape
        heads = self.config.num_heads
        qkv = linear(3 * dim, "qkv", self.compute, bias=True)(x)
        query, key, value = jnp.unstack(qkv.reshape(batch, length, 3, heads, -1), axis=2)
        query, key = (rotate(y.astype(jnp.float32), *rope).astype(x.dtype) for y in (query, key))
        key, value = jnp.swapaxes(key, 1, 2), jnp.swapaxes(value, 1, 2)
        out = attend(query, key, value, mask).reshape(batch, length, dim)
        return linear(dim, "proj", self.compute, bias=True)(out)


class Block(nn.Module):
    """One pre-norm block. Returns (x, None), as a scan wants it."""

    config: VisionConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x, rope, mask):
        attention = Attention(self.config, self.compute, name="attn")
        x = x + attention(layer_norm("norm1", self.compute)(x), rope, mask)
        mlp = MLP(self.config, self.compute, name="mlp")
        return x + mlp(layer_norm("norm2", self.compute)(x)), None


class MLP(nn.Module):
    """Two projections with bias and a tanh GELU between them."""

    config: VisionConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x):
        hidden = linear(self.config.intermediate_size, "linear_fc1", self.compute, bias=True)(x)
        return linear(x.shape[-1], "linear_fc2", self.compute, bias=True)(gelu_tanh(hidden))


class Merger(nn.Module):
    """Merges 2x2 neighbouring patches into one feature of the decoder's width.

    The final merger norms single patches, those of deepstack norm the merged vector.
    """

    config: VisionConfig
    norm_after_merge: bool
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x):
        merged = x.shape[-1] * self.config.spatial_merge_size**2
        norm = layer_norm("norm", self.compute)
        if self.norm_after_merge:
            x = norm(x.reshape(x.shape[0], -1, merged))
        else:
            x = norm(x).reshape(x.shape[0], -1, merged)
        x = linear(merged, "linear_fc1", self.compute, bias=True)(x)
        out = self.config.out_hidden_size
        return linear(out, "linear_fc2", self.compute, bias=True)(gelu_erf(x))


class VisionTower(nn.Module):
    """Patches to features of the decoder's width, and the deepstack features.

    The blocks form stacks that end at the deepstack blocks.
    """

    config: VisionConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, patches, grids):
        """patches [N, P, patch_dim], P a multiple of 4; grids int [N, 3] in patches, 0 = empty.

        Returns features [N, P / 4, D] and a tuple of as many deepstack features [N, P / 4, D].
        """
        config = self.config
        frame, row, column = patch_coordinates(grids, patches.shape[1], config.spatial_merge_size)
        head_dim = config.hidden_size // config.num_heads
        rope = axial_rope(row, column, head_dim)
        x = linear(config.hidden_size, "patch_embed", self.compute, bias=True)(patches)
        implementation = choose(self.compute.attention, x.dtype, head_dim)
        mask = SegmentMask(frame, causal=False, implementation=implementation)
        position = PositionEmbedding(config, name="pos_embed")(grids, row, column)
        x = x + position.astype(x.dtype)

        deepstack = []
        for name, start, stop in vision_stacks(config):
            stack = self.compute.stack(Block, stop - start, (nn.broadcast, nn.broadcast))
            x, _ = stack(config, self.compute, name=name)(x, rope, mask)
            if stop - 1 in config.deepstack_visual_indexes:
                index = config.deepstack_visual_indexes.index(stop - 1)
                merger = Merger(config, True, self.compute, name=f"deepstack_merger_{index}")
                deepstack.append(merger(x))
        return Merger(config, False, self.compute, name="merger")(x), tuple(deepstack)


def vision_stacks(config: VisionConfig) -> list[tuple[str, int, int]]:
    """The stacks of blocks: (name, first block, end)."""
    ends = [index + 1 for index in config.deepstack_visual_indexes]
    bounds = sorted({0, *ends, config.depth})
    return [
        (f"blocks_{i}", start, stop)
        for i, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True))
    ]


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


def axial_rope(row, column, head_dim: int):
    """Cosine and sine [N, P, head_dim / 2]: a quarter of the head rotates by row, one by column."""
    inverse = frequencies(ROPE_THETA, head_dim // 2)
    angles = jnp.stack([row, column], axis=-1)[..., None].astype(jnp.float32) * inverse
    angles = angles.reshape(*row.shape, -1)
    return jnp.cos(angles), jnp.sin(angles)


def layer_norm(name: str, compute: Compute) -> nn.LayerNorm:
    """The tower's LayerNorm; the two-pass variance is the exact one."""
    return nn.LayerNorm(LAYER_NORM_EPS, dtype=compute.dtype, use_fast_variance=False, name=name)


def gelu_tanh(x):
    """GELU by its tanh approximation (blocks)."""
    return nn.gelu(x, approximate=True)


def gelu_erf(x):
    """Exact GELU (mergers)."""
    return nn.gelu(x, approximate=False)
