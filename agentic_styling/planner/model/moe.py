"""Mixture of experts: the router, and a matrix product of each token with its experts' weights."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from agentic_styling.planner.model.config import TextConfig
from agentic_styling.planner.model.linear import Compute, linear

LARGEST_BLOCK = 256


class SparseMLP(nn.Module):
    """SwiGLU experts, of which each token takes the likeliest few (Qwen3, section 2)."""

    config: TextConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, x):
        """x [B, S, D] -> [B, S, D]. The router's softmax is in float32, over every expert."""
        config = self.config
        tokens = x.reshape(-1, x.shape[-1])
        logits = linear(config.num_experts, "gate", self.compute)(tokens)
        weights = jax.nn.softmax(logits.astype(jnp.float32), axis=-1)
        weights, experts = jax.lax.top_k(weights, config.num_experts_per_tok)
        weights = (weights / weights.sum(-1, keepdims=True)).astype(x.dtype)
        return Experts(config, self.compute, name="experts")(tokens, weights, experts).reshape(
            x.shape
        )


class Experts(nn.Module):
    """The experts' weights, stacked; gate and up projection are one array, gate first."""

    config: TextConfig
    compute: Compute = Compute()

    @nn.compact
    def __call__(self, tokens, weights, experts):
        """tokens [T, D]; weights [T, k] and experts int [T, k] -> [T, D]."""
        config = self.config
        count, hidden, width = config.num_experts, config.hidden_size, config.moe_intermediate_size
        fan_in = nn.initializers.variance_scaling(1, "fan_in", "truncated_normal", batch_axis=0)
        residual = nn.initializers.variance_scaling(
            0.5 / config.num_hidden_layers, "fan_in", "truncated_normal", batch_axis=0
        )
        gate_up_proj = self.param("gate_up_proj", fan_in, (count, hidden, 2 * width))
        down_proj = self.param("down_proj", residual, (count, width, hidden))
        gate_up_proj, down_proj = (
            w.astype(self.compute.dtype or w.dtype) for w in (gate_up_proj, down_proj)
        )
        slots, blocks, size, total = layout(experts, count)
        # Every token is copied into a block of each of its experts; unused rows stay zero.
        x = jnp.zeros((total * size, hidden), tokens.dtype)
        x = x.at[slots].set(jnp.repeat(tokens, experts.shape[1], axis=0), unique_indices=True)
        x = grouped_matmul(x.reshape(total, size, hidden), gate_up_proj, blocks)
        gate, up = jnp.split(x, 2, axis=-1)
        x = grouped_matmul(nn.silu(gate) * up, down_proj, blocks)
        x = x.reshape(-1, hidden).at[slots].get(unique_indices=True)
        x = x.reshape(*experts.shape, hidden) * weights[..., None]
        return x.sum(1, dtype=jnp.float32).astype(tokens.dtype)


def layout(experts, count: int):
    """The place of each token when tokens are sorted by expert and padded to whole blocks.

    experts int [T, k]. Returns slots int32 [T * k], rows of the sorted array; blocks int32
    [count], how many blocks each expert has; and two ints, the rows of a block and the number of
    blocks, enough for any choice of experts.
    """
    experts = experts.reshape(-1)
    rows = len(experts)
    # At most half of an even share, so that partly filled blocks waste little.
    size = min(LARGEST_BLOCK, 1 << max((rows // (2 * count)).bit_length() - 1, 0))
    total = (rows + min(count, rows) * (size - 1)) // size
    counts = jnp.bincount(experts, length=count)
    blocks = -(-counts // size)
    order = jnp.argsort(experts)
    rank = jnp.arange(rows) - (jnp.cumsum(counts) - counts)[experts[order]]
    rank = jnp.zeros(rows, jnp.int32).at[order].set(rank, unique_indices=True)
    slots = (jnp.cumsum(blocks) - blocks)[experts] * size + rank
    # Unused blocks hold zeros and go to the last expert.
    return slots, blocks.at[-1].add(total - blocks.sum()), size, total


def grouped_matmul(x, weights, blocks):
    """Each block of rows times its expert's matrix: x [N, R, D], weights [E, D, F] -> [N, R, F].

    blocks int [E]: the first blocks[0] of the N blocks are of expert 0, and so on; sum N.
    """
    if jax.default_backend() == "tpu":
        return ragged_matmul(x, weights, blocks)
    experts = jnp.repeat(jnp.arange(len(weights)), blocks, total_repeat_length=len(x))
    return blockwise_matmul(x, weights, experts)


def ragged_matmul(x, weights, blocks):
    """`grouped_matmul` by `ragged_dot`, which backends other than TPU expand to [E, N * R, D]."""
    rows = x.reshape(-1, x.shape[-1])
    out = jax.lax.ragged_dot(rows, weights, (blocks * x.shape[1]).astype(jnp.int32))
    return out.reshape(*x.shape[:2], -1)


@jax.custom_vjp
def blockwise_matmul(x, weights, experts):
    """`grouped_matmul` by a loop over the blocks, whose experts are int [N].

    The custom gradient accumulates into the weights' in place; autodiff would add whole arrays.
    """
    return jax.lax.map(lambda block: block[0] @ weights[block[1]], (x, experts))


def _forward(x, weights, experts):
    return blockwise_matmul(x, weights, experts), (x, weights, experts)


def _backward(saved, gradient):
    x, weights, experts = saved

    def step(total, block):
        rows, expert, gradient = block
        product = jnp.matmul(rows.T, gradient, preferred_element_type=jnp.float32)
        return total.at[expert].add(product), gradient @ weights[expert].T

    total = jnp.zeros(weights.shape, jnp.float32)
    total, x_gradient = jax.lax.scan(step, total, (x, experts, gradient))
    return x_gradient, total.astype(weights.dtype), None


blockwise_matmul.defvjp(_forward, _backward)
