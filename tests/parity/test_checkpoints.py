"""Directories both ways: what one side saves, the other loads."""

import jax
import numpy as np
import pytest

from agentic_styling.planner import Qwen3VLConfig, hf_logits, load_pretrained, save_pretrained
from tests.parity.shapes import hf_config
from tests.planner import oracle, ours, reference

pytestmark = pytest.mark.parity
NAMES = ["grouped and tied", "ungrouped and untied, late deepstack", "experts"]


@pytest.fixture(scope="module", params=NAMES)
def hf(request):
    return hf_config(request.param)


def torch_logits(model):
    import torch

    with torch.no_grad():
        return model(**reference.torch_batch(oracle.batch("images"))).logits.numpy()


@pytest.mark.parametrize("several", [False, True])
def test_transformers_loads_what_we_save(several, hf, tmp_path):
    import transformers

    size = {"max_shard_bytes": 300_000} if several else {}
    config = Qwen3VLConfig.from_hf(hf)
    save_pretrained(tmp_path, config, ours.perturbed_params(config), **size)
    files = list(tmp_path.glob("*.safetensors"))
    assert (len(files) > 2) == several
    model, report = transformers.AutoModelForImageTextToText.from_pretrained(
        tmp_path, output_loading_info=True, experts_implementation="eager"
    )
    assert not any(report.values()), report
    expected = reference.reference_model(hf)
    given = dict(expected.named_parameters())
    loaded = dict(model.named_parameters())
    assert loaded.keys() == given.keys()
    assert all(parameter.equal(given[name]) for name, parameter in loaded.items())
    # Torch may choose its kernels by how a file's arrays lie in memory.
    np.testing.assert_allclose(torch_logits(model), torch_logits(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("several", [False, True])
def test_we_load_what_transformers_saves(several, hf, tmp_path):
    size = {"max_shard_size": "300KB"} if several else {}
    reference.reference_model(hf).save_pretrained(tmp_path, **size)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 2) == several
    config, params = load_pretrained(tmp_path)
    assert config == Qwen3VLConfig.from_hf(hf)
    expected = ours.perturbed_params(config)
    assert jax.tree.structure(params) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, params, expected)


@pytest.mark.parametrize("unlike", [False, True])
def test_a_tied_config_with_a_head(unlike, tmp_path):
    """Equal to the embedding it is dropped, else it is used, by both."""
    import transformers
    from safetensors.numpy import load_file, save_file

    hf, file = hf_config("grouped and tied"), tmp_path / "model.safetensors"
    reference.reference_model(hf).save_pretrained(tmp_path)
    tensors = load_file(file)
    head = tensors["model.language_model.embed_tokens.weight"].copy()
    head[7] += unlike
    save_file(tensors | {"lm_head.weight": head}, file, {"format": "pt"})
    config, params = load_pretrained(tmp_path)
    assert config.tie_word_embeddings is not unlike
    save_pretrained(tmp_path / "ours", config, params)
    batch = oracle.batch("images")
    real = batch["attention_mask"] == 1
    found = np.asarray(hf_logits(config, params, batch))[real]
    for directory in (tmp_path, tmp_path / "ours"):
        model = transformers.AutoModelForImageTextToText.from_pretrained(directory)
        assert ours.error(found, torch_logits(model)[real]) < 1e-5
