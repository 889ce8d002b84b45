"""A run's own sharding rules, as leaves are read from files."""

import dataclasses

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from agentic_styling.planner import Qwen3VLConfig, load_pretrained, save_pretrained
from agentic_styling.planner.checkpoints import streaming
from agentic_styling.planner.checkpoints.partition import shardings
from tests.planner import oracle, ours

RULES = (
    ("embed_tokens/embedding$", ("fsdp", None)),
    ("layers_1/.*q_proj/kernel$", ("fsdp", None, "tensor")),  # the layers are sharded too
)


@pytest.mark.parametrize("small_bytes", [streaming.SMALL_BYTES, 0], ids=["at once", "by layer"])
def test_own_rules_come_before_ours(tmp_path, monkeypatch, small_bytes):
    monkeypatch.setattr(streaming, "SMALL_BYTES", small_bytes)
    config = Qwen3VLConfig.from_hf(oracle.HF_CONFIG)
    # Stacks of one shape each, which share their programs.
    vision = dataclasses.replace(config.vision, depth=2, deepstack_visual_indexes=(0, 1))
    text = dataclasses.replace(config.text, num_hidden_layers=4)
    config = dataclasses.replace(config, vision=vision, text=text)
    params = ours.perturbed_params(config)
    save_pretrained(tmp_path, config, params)
    axes = {"data": 2, "fsdp": 2, "tensor": 2}
    mesh = jax.make_mesh((2, 2, 2), tuple(axes), axis_types=(AxisType.Auto,) * 3)
    _, loaded = load_pretrained(tmp_path, mesh, RULES, replicate_below=1000)
    jax.tree.map(np.testing.assert_array_equal, loaded, params)
    layout = shardings(mesh, params, RULES, replicate_below=1000)
    assert jax.tree.map(lambda x: x.sharding, loaded) == layout

    text = loaded["language_model"]
    by_hand = {
        ("fsdp", None): text["embed_tokens"]["embedding"],
        ("fsdp", None, "tensor"): text["layers_1"]["self_attn"]["q_proj"]["kernel"],
        (None, "tensor", "fsdp"): text["layers_1"]["self_attn"]["o_proj"]["kernel"],
        (None,): text["norm"]["scale"],
    }
    for spec, leaf in by_hand.items():
        assert leaf.sharding == NamedSharding(mesh, PartitionSpec(*spec))
    # Committed where they are: a state on the same layout takes the arrays as they are.
    placed = jax.device_put(loaded, layout)
    pointers = [
        [
            shard.data.unsafe_buffer_pointer()
            for x in jax.tree.leaves(t)
            for shard in x.addressable_shards
        ]
        for t in (loaded, placed)
    ]
    assert pointers[0] == pointers[1]
