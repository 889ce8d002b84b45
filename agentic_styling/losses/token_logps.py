"""Log-probabilities of tokens from hidden states, without an array over the whole vocabulary.

A loop over blocks of the vocabulary keeps a running maximum and sum for every token, as
FlashAttention does over keys (arXiv 2205.14135). Each block of the embedding's gradient is written
once; a loop over chunks of tokens would read and write the whole gradient for every chunk.

Products of bfloat16 arrays are accumulated in float32, forward and backward. The arrays may be
sharded over a mesh: rows over data and fsdp, their tokens over context, the embedding [V, D] over
tensor and fsdp as in planner/checkpoints/partition.py.
"""

import functools
import math
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

# A logit. It is finite as 0 times infinity is not 0; what a block without an allowed token adds is
# multiplied by exp(_NEVER) = 0 as soon as there is one.
_NEVER = -1e30


class TokenStatistics(NamedTuple):
    """Statistics of every token, float [B, S] each, 0 where the mask is False.

    logps: log-probability of the label. entropy: of the prediction, in nats. correct: 1 where no
    token is more likely than the label. The last two have no gradient.
    """

    logps: jax.Array
    entropy: jax.Array
    correct: jax.Array


class AllowedTokens(NamedTuple):
    """Which tokens each place could hold; the probabilities of the others are 0.

    index: int [B, S], the place's row of the table. table: uint8 [K, ceil(V / 8)], a bit a token,
    `np.packbits(mask, axis=1, bitorder="little")`; every row allows a token.
    """

    index: jax.Array
    table: jax.Array


def token_logps(
    hidden: jax.Array,
    embedding: jax.Array,
    labels: jax.Array,
    mask: jax.Array,
    *,
    block: int = 8192,
    mesh: Mesh | None = None,
) -> jax.Array:
    """log softmax(hidden @ embedding.T) at the labels, [B, S], 0 where mask is False.

    Without differentiation it takes one matrix product. If only hidden needs a gradient, the
    forward pass computes it up to a factor per token, in two products. If the embedding does too,
    the backward pass recomputes the logits, four products in all. Reverse mode only.

    Args:
      hidden: float [B, S, D].
      embedding: float [V, D]. Cast it to the dtype of hidden: mixed types are multiplied in the
        wider one.
      labels: int [B, S], the token that the hidden state of the same position predicts.
      mask: bool [B, S].
      block: the most rows of the embedding at a time; at most [B, S, block] logits exist.
      mesh: with the axes data, fsdp, tensor and optionally context, under jit. Each device computes
        the logits of its tokens and its part of the vocabulary. A vocabulary or width that does not
        divide is not sharded.

    Returns:
      float32 [B, S]; float64 if an input is.

    Raises:
      ValueError: rows or tokens do not divide over the mesh.
    """
    return token_statistics(hidden, embedding, labels, mask, block=block, mesh=mesh).logps


def token_statistics(
    hidden: jax.Array,
    embedding: jax.Array,
    labels: jax.Array,
    mask: jax.Array,
    *,
    block: int = 8192,
    mesh: Mesh | None = None,
    allowed: AllowedTokens | None = None,
) -> TokenStatistics:
    """`token_logps` with entropy and accuracy; the arguments are the same.

    Under jit only those of the three that are used are computed. With `allowed` they are those of
    the distribution over the allowed tokens, which constrained decoding samples from; a label has
    to be one of them.
    """
    chex.assert_rank([hidden, embedding, labels, mask], [3, 2, 2, 2])
    chex.assert_equal_shape([labels, mask])
    chex.assert_equal_shape_prefix([hidden, labels], 2)
    chex.assert_equal(hidden.shape[-1], embedding.shape[-1])
    chex.assert_type([labels, mask], [int, bool])
    split = _split(hidden.shape[:2], embedding.shape, block, mesh)
    index, table = map(jnp.asarray, allowed) if allowed else (None, None)
    if allowed:
        chex.assert_equal_shape([index, labels])
        chex.assert_shape(table, (None, -(-len(embedding) // 8)))
    logps, entropy, correct = _statistics(split, hidden, embedding, labels, index, table)
    statistics = logps, lax.stop_gradient(entropy), lax.stop_gradient(correct)
    return TokenStatistics(*(jnp.where(mask, x, 0) for x in statistics))


class _Split(NamedTuple):
    """The block of the embedding's rows, and the mesh axes over which dimensions are sharded."""

    block: int
    mesh: Mesh | None = None
    batch: tuple[str, ...] = ()
    length: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    width: tuple[str, ...] = ()

    def over_mesh(self, function, inputs: str, outputs: str):
        """The per-device function over the mesh.

        t marks arrays by token, e embeddings, r what every device has; an array may be None.
        """
        if self.mesh is None:
            return function
        spec = {"t": P(self.batch, self.length), "e": P(self.vocabulary, self.width), "r": P()}
        return jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=tuple(spec[name] for name in inputs),
            out_specs=tuple(spec[name] for name in outputs),
            check_vma=False,
        )


def _split(tokens: tuple[int, int], shape: tuple[int, int], block: int, mesh) -> _Split:
    if mesh is None:
        return _Split(block)
    batch = ("data", "fsdp")
    length = tuple(axis for axis in ("context",) if axis in mesh.shape)
    for name, size, axes in (("rows", tokens[0], batch), ("tokens", tokens[1], length)):
        devices = math.prod(mesh.shape[axis] for axis in axes)
        if size % devices:
            raise ValueError(
                f"{size} {name} do not divide over {' x '.join(axes)} = {devices} of the mesh"
            )
    vocabulary, width = (
        (axis,) if size % mesh.shape[axis] == 0 else ()
        for size, axis in zip(shape, ("tensor", "fsdp"), strict=True)
    )
    return _Split(block, mesh, batch, length, vocabulary, width)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _statistics(split: _Split, hidden, embedding, labels, index, table):
    """logps, entropy, correct, [B, S] each. index, table: of AllowedTokens, or None."""
    return _walked(split, hidden, embedding, labels, index, table)[:3]


def _walked(split, *arrays):
    walk = functools.partial(_forward_walk, split)
    return split.over_mesh(walk, "tettr", "ttttt")(*arrays)


def _forward(split, *arrays):
    perturbed = arrays[1].perturbed
    arrays = jax.tree.map(lambda x: x.value, arrays)
    *statistics, normalizer, direction = _walked(split, *arrays)
    if perturbed:
        return tuple(statistics), (arrays, normalizer, None)
    return tuple(statistics), (None, None, direction)


def _backward(split, kept, cotangents):
    arrays, normalizer, direction = kept
    of_logps, none = cotangents[0], (None,) * 3
    if isinstance(of_logps, jax.custom_derivatives.SymbolicZero):
        return None, None, *none
    if direction is not None:
        return (of_logps[..., None] * direction).astype(direction.dtype), None, *none
    walk = functools.partial(_backward_walk, split)
    gradients = split.over_mesh(walk, "tettrtt", "te")(*arrays, normalizer, of_logps)
    return *gradients, *none


_statistics.defvjp(_forward, _backward, symbolic_zeros=True)


def _forward_walk(split: _Split, hidden, embedding, labels, index, table):
    """logps, entropy, correct, log of softmax's denominator, [B, S] each, and d logps / d hidden.

    The last, [B, S, D], is E[label] - softmax @ E. XLA removes unused results.
    """
    shape, low, dtype = labels.shape, *_dtypes(hidden, embedding)
    states, labels = hidden.reshape(-1, hidden.shape[-1]), _local_labels(split, embedding, labels)
    zero = jnp.zeros(labels.shape, dtype)

    def step(carry, start, size):
        top, total, spread, picked, mean = carry
        part = _rows(split, embedding, start, size)
        logits = _among(split, embedding, _product(states, part.T), start, index, table)
        old, top = top, jnp.maximum(top, logits.max(axis=1))
        shifted = logits - top[:, None]
        weights, scale = jnp.exp(shifted), jnp.exp(old - top)
        spread = scale * (spread + (old - top) * total) + (weights * shifted).sum(axis=1)
        total = scale * total + weights.sum(axis=1)
        place = labels - start
        at_label = logits[jnp.arange(len(labels)), jnp.clip(place, 0, size - 1)]
        picked = jnp.where((place >= 0) & (place < size), at_label, picked)
        mean = scale[:, None] * mean + _product(weights.astype(low), part)
        return top, total, spread, picked, mean

    start = (zero + jnp.finfo(dtype).min, zero, zero, zero, jnp.zeros(states.shape, dtype))
    own, total, spread, picked, mean = _over_blocks(step, start, len(embedding), split.block)

    top = lax.pmax(own, split.vocabulary)
    scale = jnp.exp(own - top)
    spread = lax.psum(scale * (spread + (own - top) * total), split.vocabulary)
    total = lax.psum(scale * total, split.vocabulary)
    picked = lax.psum(picked, split.vocabulary)
    normalizer = top + jnp.log(total)
    entropy = jnp.log(total) - spread / total
    direction = _rows_at(split, embedding, labels) - (scale / total)[:, None] * mean
    direction = lax.psum(direction, split.vocabulary).astype(hidden.dtype)
    statistics = picked - normalizer, entropy, (picked >= top).astype(dtype), normalizer
    return *(x.reshape(shape) for x in statistics), direction.reshape(hidden.shape)


def _backward_walk(split: _Split, hidden, embedding, labels, index, table, normalizer, of_logps):
    """The gradients of hidden and of the embedding, in their dtypes."""
    low, dtype = _dtypes(hidden, embedding)
    states, labels = hidden.reshape(-1, hidden.shape[-1]), _local_labels(split, embedding, labels)
    normalizer, of_logps = normalizer.reshape(-1, 1), of_logps.reshape(-1, 1)
    others = tuple(axis for axis in split.batch + split.length if axis not in split.width)

    def step(carry, start, size):
        d_states, d_embedding = carry
        part = _rows(split, embedding, start, size)
        logits = _among(split, embedding, _product(states, part.T), start, index, table)
        probs = jnp.exp(logits - normalizer)
        at_label = labels[:, None] == start + jnp.arange(size)
        d_logits = (of_logps * (at_label - probs)).astype(low)
        d_part = _product(d_logits.T, states)
        d_part = lax.psum_scatter(d_part, split.width, scatter_dimension=1, tiled=True)
        d_part = lax.psum(d_part, others).astype(embedding.dtype)
        d_embedding = lax.dynamic_update_slice_in_dim(d_embedding, d_part, start, axis=0)
        return d_states + _product(d_logits, part), d_embedding

    start = jnp.zeros(states.shape, dtype), jnp.zeros_like(embedding)
    d_states, d_embedding = _over_blocks(step, start, len(embedding), split.block)
    d_states = lax.psum(d_states, split.vocabulary).astype(hidden.dtype)
    return d_states.reshape(hidden.shape), d_embedding


def _over_blocks(step, carry, rows: int, block: int):
    """Folds step(carry, start, size) over the blocks of the rows.

    Blocks have the same size, a multiple of 128 for the matrix units, chosen so that the last,
    shorter one is small: it needs memory of its own.
    """
    block = rows // -(-rows // block)
    block = block // 128 * 128 or block
    carry = lax.fori_loop(0, rows // block, lambda i, c: step(c, i * block, block), carry)
    rest = rows % block
    return step(carry, rows - rest, rest) if rest else carry


def _among(split: _Split, embedding, logits, start, index, table) -> jax.Array:
    """The logits [N, size] of the tokens from `start` on, _NEVER where they are not allowed."""
    if index is None:
        return logits
    first = lax.axis_index(split.vocabulary) * len(embedding) + start
    tokens = first + jnp.arange(logits.shape[1])
    rows = (table[:, tokens // 8] >> (tokens % 8).astype(table.dtype)) & 1
    return jnp.where(rows[index.reshape(-1)] > 0, logits, _NEVER)


def _dtypes(hidden, embedding):
    """The dtypes of products and of their sums."""
    low = jnp.result_type(hidden, embedding)
    return low, jnp.result_type(jnp.float32, low)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    low, dtype = _dtypes(a, b)
    # By default GPUs and TPUs round float32 factors.
    precision = None if low.itemsize == 2 else lax.Precision.HIGHEST
    return jnp.matmul(a, b, preferred_element_type=dtype, precision=precision)


def _rows(split: _Split, embedding, start, size: int) -> jax.Array:
    """Rows of this device's part of the vocabulary, gathered over the width."""
    part = lax.dynamic_slice_in_dim(embedding, start, size)
    return lax.all_gather(part, split.width, axis=1, tiled=True)


def _local_labels(split: _Split, embedding, labels) -> jax.Array:
    """Flat labels, relative to the first row of this device's part of the vocabulary."""
    return labels.reshape(-1) - lax.axis_index(split.vocabulary) * len(embedding)


def _rows_at(split: _Split, embedding, labels) -> jax.Array:
    """The labels' rows of the embedding, gathered over the width; 0 for rows of other devices."""
    # Devices along the width hold other columns and other tokens: each looks up its columns for all
    # tokens, then they exchange.
    all_labels = lax.all_gather(labels, split.width, axis=0, tiled=True)
    rows = embedding[jnp.clip(all_labels, 0, len(embedding) - 1)]
    if split.width:
        rows = lax.all_to_all(rows, split.width, split_axis=0, concat_axis=1, tiled=True)
    return jnp.where(((labels >= 0) & (labels < len(embedding)))[:, None], rows, 0)
