"""A small model and adapters large enough to matter, for the tests of both sides of LoRA."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from agentic_styling.planner import Qwen3VLConfig
from agentic_styling.planner.checkpoints.peft import adapter_tensors
from agentic_styling.planner.checkpoints.streaming import leaf_shapes
from agentic_styling.planner.model.lora import LoraConfig
from tests.planner import oracle

# "proj" adapts the patch embedding too, so that every kind of kernel is adapted.
TARGETS = (*LoraConfig().targets, "proj")
LORA = LoraConfig(rank=3, alpha=6.0, dropout=0.25, targets=TARGETS, vision=True)


def small_config() -> Qwen3VLConfig:
    """Fewer stacks than the oracle's, for quick compiling."""
    whole = Qwen3VLConfig.from_hf(oracle.HF_CONFIG)
    vision = dataclasses.replace(whole.vision, depth=2, deepstack_visual_indexes=(1,))
    return dataclasses.replace(whole, vision=vision)


def random_adapters(config, lora):
    """Large enough to matter, and no zeros."""
    shapes = leaf_shapes(adapter_tensors(config, lora))
    leaves = {p: 0.1 * oracle.draw("/".join(p), shape) for p, shape in shapes.items()}
    return traverse_util.unflatten_dict({p: jnp.float32(leaf) for p, leaf in leaves.items()})


def assert_equal(tree, other):
    assert jax.tree.structure(tree) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, tree, other)
