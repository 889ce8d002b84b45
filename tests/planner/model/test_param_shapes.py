"""The shapes that are written down are those of the parameters that a model declares."""

import dataclasses

import jax
import pytest

from agentic_styling.planner import Qwen3VLConfig, init_params
from agentic_styling.planner.model.param_shapes import param_shapes

TINY = Qwen3VLConfig.preset("tiny")
MIXTURE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("text", [{}, {"attention_bias": True}, MIXTURE], ids=["", "bias", "moe"])
def test_shapes_are_those_of_the_model(text, tied):
    config = dataclasses.replace(
        TINY, text=dataclasses.replace(TINY.text, **text), tie_word_embeddings=tied
    )
    declared = jax.eval_shape(lambda: init_params(config, jax.random.key(0)))
    written = param_shapes(config)
    assert jax.tree.structure(written) == jax.tree.structure(declared)
    differ = jax.tree.map(lambda x, y: (x.shape, x.dtype) != (y.shape, y.dtype), written, declared)
    assert not any(jax.tree.leaves(differ))
