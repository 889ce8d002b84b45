"""Mixture of experts against a plain loop over experts, and its program's size."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.planner import Qwen3VLConfig
from agentic_styling.planner.checkpoints.tensor_names import tensors
from agentic_styling.planner.model import moe
from agentic_styling.planner.model.config import TextConfig
from agentic_styling.planner.model.linear import Compute
from tests.planner import ours
from tests.planner.oracle import HF_CONFIG
from tests.slow import slow

CONFIG = TextConfig(
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    num_experts=6,
    num_experts_per_tok=2,
    moe_intermediate_size=8,
)


@pytest.fixture(scope="module")
def params():
    init = jax.jit(moe.SparseMLP(CONFIG).init)
    return init(jax.random.key(0), jnp.zeros((1, 1, 16)))["params"]


@jax.jit
def dense(params, x):
    """Every expert computes every token; most of it is multiplied by zero."""
    x = x.reshape(-1, 16)
    probabilities = jax.nn.softmax(x @ params["gate"]["kernel"])
    chosen = jnp.argsort(-probabilities, axis=-1)[:, :2]
    weights = jnp.zeros_like(probabilities)
    rows = jnp.arange(len(x))[:, None]
    weights = weights.at[rows, chosen].set(probabilities[rows, chosen])
    weights = weights / weights.sum(-1, keepdims=True)
    out = 0
    for expert in range(6):
        gate_up = x @ params["experts"]["gate_up_proj"][expert]
        hidden = jax.nn.silu(gate_up[:, :8]) * gate_up[:, 8:]
        hidden = hidden @ params["experts"]["down_proj"][expert]
        out += weights[:, expert, None] * hidden
    return out


@pytest.mark.parametrize("shape", [(3, 17), slow(((2, 1),))], ids=["prefill", "decode"])
def test_values_and_gradients_equal_a_loop_over_experts(shape, params):
    x = jax.random.normal(jax.random.key(1), (*shape, 16))
    weight = jax.random.normal(jax.random.key(2), (np.prod(shape), 16))

    def sparse(params, x):
        return moe.SparseMLP(CONFIG).apply({"params": params}, x).reshape(-1, 16)

    @functools.partial(jax.jit, static_argnums=0)
    def run(function, params, x):
        out, pullback = jax.vjp(function, params, x)
        return out, pullback(weight)

    found, expected = run(sparse, params, x), run(dense, params, x)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), found, expected)


@settings(deadline=None, max_examples=25)
@given(choices=st.lists(st.integers(0, 5), min_size=24, max_size=24))
def test_every_row_lies_in_a_block_of_its_expert(choices):
    slots, blocks, size, total = moe.layout(jnp.array(choices).reshape(12, 2), 6)
    expert_of_row = np.repeat(np.repeat(np.arange(6), blocks), size)
    assert len(expert_of_row) == total * size
    assert len(set(slots.tolist())) == 24
    assert expert_of_row[slots].tolist() == choices


def test_one_instruction_and_blocks_agree():
    x = jax.random.normal(jax.random.key(0), (5, 4, 8))
    weights = jax.random.normal(jax.random.key(1), (3, 8, 6))
    blocks = jnp.array([2, 0, 3])

    weight = jax.random.normal(jax.random.key(2), (5, 4, 6))

    @jax.jit
    def both(x, weights):
        looped = functools.partial(moe.blockwise_matmul, experts=jnp.array([0, 0, 2, 2, 2]))
        ragged = functools.partial(moe.ragged_matmul, blocks=blocks)
        return [
            (out, pullback(weight))
            for out, pullback in (jax.vjp(function, x, weights) for function in (looped, ragged))
        ]

    looped, ragged = both(x, weights)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), looped, ragged)


def test_memory_does_not_grow_with_the_number_of_experts():
    """128 experts: the largest temporary is that of the tokens of a few, not of every expert."""
    tokens, hidden, taken = 256, 64, 8
    x = jax.ShapeDtypeStruct((tokens, hidden), jnp.float32)
    chosen = jax.ShapeDtypeStruct((tokens, taken), jnp.int32)
    weights = jax.ShapeDtypeStruct((128, hidden, 32), jnp.float32)

    def program(x, weights, chosen):
        slots, blocks, size, total = moe.layout(chosen, 128)
        rows = jnp.zeros((total * size, hidden)).at[slots].set(jnp.repeat(x, taken, axis=0))
        return moe.grouped_matmul(rows.reshape(total, size, hidden), weights, blocks)

    memory = jax.jit(program).lower(x, weights, chosen).compile().memory_analysis()
    every_expert = 128 * tokens * taken * hidden * 4
    assert memory.temp_size_in_bytes < every_expert / 20


def test_routing_is_in_float32_under_bfloat16(params):
    x = jax.random.normal(jax.random.key(3), (1, 9, 16), jnp.bfloat16)
    model = moe.SparseMLP(CONFIG, Compute(dtype=jnp.bfloat16))
    out = jax.jit(model.apply)({"params": params}, x)
    assert out.dtype == jnp.bfloat16
    exact = dense(params, x.astype(jnp.float32))
    assert np.linalg.norm(out[0] - exact) < 0.02 * np.linalg.norm(exact)


def test_names_and_layout_of_a_checkpoint():
    text = HF_CONFIG["text_config"] | {"model_type": "qwen3_vl_moe_text", "num_experts": 6}
    text |= {"num_experts_per_tok": 2, "moe_intermediate_size": 48}
    config = Qwen3VLConfig.from_hf(HF_CONFIG | {"model_type": "qwen3_vl_moe", "text_config": text})
    table = {tensor.name: tensor for tensor in tensors(config)}
    prefix = "model.language_model.layers.2.mlp"
    assert table[f"{prefix}.gate.weight"].shape == (6, 64)
    assert table[f"{prefix}.experts.gate_up_proj"].shape == (6, 64, 96)
    assert table[f"{prefix}.experts.down_proj"].shape == (6, 48, 64)
    stack = np.random.default_rng(0).standard_normal((1, 6, 48, 64))
    down = table[f"{prefix}.experts.down_proj"]
    np.testing.assert_array_equal(down.pack(stack), stack[0])
    np.testing.assert_array_equal(ours.unpack(down, stack[0]), stack[0])


@pytest.mark.slow
def test_published_mixture_has_882_tensors():
    assert len(tensors(Qwen3VLConfig.preset("30b-a3b"))) == 882
