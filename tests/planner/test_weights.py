import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from safetensors.numpy import load_file, save_file

from agentic_styling.errors import InputError
from agentic_styling.planner import Qwen3VLConfig, load_pretrained, save_pretrained, weights


@pytest.fixture(scope="module")
def saved(config, params, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    save_pretrained(directory, config, params)
    return directory


def assert_equal(tree, other):
    assert jax.tree.structure(tree) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, tree, other)


def test_round_trip(saved, config, params):
    loaded_config, loaded = load_pretrained(saved)
    assert loaded_config == config
    assert_equal(loaded, params)


def test_names_and_shapes_are_transformers(saved, params):
    tensors = load_file(saved / "model.safetensors")
    # 3 decoder layers of 11 tensors, 3 vision blocks of 12, 3 mergers of 6, and 5 others.
    assert len(tensors) == 3 * 11 + 3 * 12 + 3 * 6 + 5
    assert tensors["model.visual.patch_embed.proj.weight"].shape == (32, 3, 2, 16, 16)
    assert tensors["model.visual.deepstack_merger_list.1.linear_fc1.weight"].shape == (128, 128)
    # The third layer is the first of our second stack; kernels are stored output first.
    ours = params["language_model"]["layers_1"]["mlp"]["down_proj"]["kernel"][0]
    theirs = tensors["model.language_model.layers.2.mlp.down_proj.weight"]
    np.testing.assert_array_equal(ours.T, theirs)
    assert theirs.shape == (64, 128)


def test_names_are_those_of_transformers(saved):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    config = transformers.Qwen3VLConfig.from_pretrained(saved)
    with torch.device("meta"):
        model = transformers.Qwen3VLForConditionalGeneration(config)
    theirs = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert {n: a.shape for n, a in load_file(saved / "model.safetensors").items()} == theirs


def test_several_files(saved, config, params, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "SHARD_BYTES", 400_000)
    save_pretrained(tmp_path, config, params)
    files = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert len(files) > 2
    assert files[0] == f"model-00001-of-{len(files):05}.safetensors"
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == set(files)
    assert_equal(load_pretrained(tmp_path)[1], params)


def test_dtype_and_mesh(saved, config, params, tmp_path):
    mesh = jax.make_mesh((len(jax.devices()),), ("data",), axis_types=(AxisType.Auto,))
    _, loaded = load_pretrained(saved, mesh=mesh, dtype=jnp.bfloat16)
    norm = loaded["language_model"]["norm"]["scale"]
    assert norm.dtype == jnp.bfloat16
    assert norm.sharding.device_set == set(jax.devices())
    save_pretrained(tmp_path, config, loaded)
    assert_equal(load_pretrained(tmp_path)[1], jax.device_get(loaded))


def test_every_misfit_is_named(saved, tmp_path):
    tensors = load_file(saved / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.language_model.embed_tokens.weight"]
    (tmp_path / "config.json").write_text((saved / "config.json").read_text())
    save_file(tensors, tmp_path / "model.safetensors")
    load_pretrained(tmp_path)  # a tied model may repeat its embedding

    del tensors["model.visual.merger.norm.bias"]
    tensors["model.visual.extra"] = np.zeros(2, np.float32)
    tensors["model.language_model.norm.weight"] = np.zeros(3, np.float32)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(InputError) as caught:
        load_pretrained(tmp_path)
    message = str(caught.value)
    assert "missing: model.visual.merger.norm.bias;" in message
    assert "extra: model.visual.extra;" in message
    assert "misshapen: model.language_model.norm.weight (3,) is to be (64,)" in message


def test_untied_models_have_a_head():
    table = {tensor.name: tensor.shape for tensor in weights.tensors(Qwen3VLConfig.preset("8b"))}
    assert table["lm_head.weight"] == (151936, 4096)
    assert len(table) == 750


@pytest.mark.parametrize(("name", "count"), [("2b", 625), ("4b", 713), ("32b", 1058)])
def test_tensor_counts(name, count):
    assert len(weights.tensors(Qwen3VLConfig.preset(name))) == count


def test_missing_directory(tmp_path):
    with pytest.raises(InputError, match="config.json: no such file"):
        load_pretrained(tmp_path)
