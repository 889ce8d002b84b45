"""FLOPs of an update, against the sizes of the kernels that a model really has."""

import functools
import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from agentic_styling.planner import LoraConfig, Qwen3VLConfig, init_params
from agentic_styling.training.monitoring.flops import peak_flops, train_flops
from tests.training.fixtures import make_model


@functools.cache
def shapes(config) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter by its path."""
    tree = jax.eval_shape(lambda: init_params(config, jax.random.key(0)))
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(p, simple=True, separator="/"): x.shape for p, x in leaves}


def kernels(config, begins: str) -> int:
    """Numbers in all matrices under a path: each is used once for a token, or a patch."""
    found = shapes(config)
    return sum(math.prod(s) for n, s in found.items() if n.startswith(begins) and "kernel" in n)


@pytest.mark.parametrize("config", [make_model(320), Qwen3VLConfig.preset("4b")])
def test_every_kernel_counts_twice_a_token_and_attention_by_pairs(config):
    lengths, completions = np.array([3, 5]), np.array([2, 4])
    pairs = sum(query + 1 for length in lengths for query in range(length))
    heads = config.text.num_attention_heads * config.text.head_dim
    forward = 2 * kernels(config, "language_model/layers") * lengths.sum()
    forward += config.text.num_hidden_layers * 2 * (2 * heads) * pairs  # scores, and their use
    forward += 2 * config.text.hidden_size * config.text.vocab_size * completions.sum()
    assert train_flops(config, None, lengths, completions, 0, 0) == 3 * forward
    assert train_flops(config, LoraConfig(), lengths, completions, 0, 0) == 2 * forward

    patches, pictures, vision = 16, 3, config.vision
    merger = kernels(config, "visual/merger") + kernels(config, "visual/deepstack")
    picture = 2 * kernels(config, "visual/patch_embed") * patches
    picture += 2 * kernels(config, "visual/blocks") * patches + 2 * merger * patches // 4
    picture += vision.depth * 2 * (2 * vision.hidden_size) * patches**2
    found = train_flops(config, None, lengths, completions, patches, pictures)
    assert found == 3 * (forward + pictures * picture)
    for lora, passes in ((LoraConfig(), 1), (LoraConfig(vision=True), 2)):
        found = train_flops(config, lora, lengths, completions, patches, pictures)
        assert found == 2 * forward + passes * pictures * picture


def test_experts_that_are_taken_count():
    config = Qwen3VLConfig.preset("30b-a3b")
    lengths = np.array([1000])
    found = train_flops(config, None, lengths, np.array([0]), 0, 0) / 3 / 2 / 1000
    assert 2.5e9 < found < 3.5e9  # "A3B"


@pytest.mark.parametrize(
    ("kind", "peak"),
    [("TPU v5 lite", 197e12), ("TPU v5p", 459e12), ("NVIDIA H200", 989e12), ("cpu", None)],
)
def test_peaks(kind, peak):
    assert peak_flops(SimpleNamespace(device_kind=kind)) == peak
