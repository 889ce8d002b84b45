import jax
import numpy as np
import pytest
from jax.sharding import AxisType
from safetensors.numpy import load_file, save_file

from agentic_styling.planner import Qwen3VLConfig, load_pretrained, save_pretrained
from agentic_styling.utils.errors import InputError
from tests.planner import oracle, ours

EXPERT = "model.language_model.layers.1.mlp.experts.gate_up_proj"


@pytest.fixture(scope="module")
def params():
    return ours.perturbed_params(Qwen3VLConfig.from_hf(oracle.MOE_CONFIG))


@pytest.fixture
def published(params, tmp_path):
    save_pretrained(tmp_path, Qwen3VLConfig.from_hf(oracle.MOE_CONFIG), params)
    return tmp_path


def rewrite(directory, change):
    arrays = load_file(directory / "model.safetensors")
    arrays = {n: np.ascontiguousarray(change(n, a)) for n, a in arrays.items()}
    save_file(arrays, directory / "model.safetensors")


def output_first(name, array):
    return array.swapaxes(1, 2) if ".experts." in name else array


def test_published_files_hold_experts_input_first(published):
    assert load_file(published / "model.safetensors")[EXPERT].shape == (6, 64, 96)


@pytest.mark.parametrize("sharded", [False, True])
def test_both_layouts_give_the_same_parameters(sharded, published, params):
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)
    rewrite(published, output_first)
    assert load_file(published / "model.safetensors")[EXPERT].shape == (6, 96, 64)
    _, loaded = load_pretrained(published, mesh=mesh if sharded else None)
    assert jax.tree.structure(loaded) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, loaded, params)


def test_other_shapes_are_refused(published):
    rewrite(published, lambda name, array: array[:, 1:] if name == EXPERT else array)
    with pytest.raises(InputError, match=r"misshapen: \S+gate_up_proj \(6, 63, 96\) is to be"):
        load_pretrained(published)


@pytest.mark.slow
def test_square_experts_are_refused(tmp_path):
    hf = oracle.with_experts(oracle.MOE_CONFIG, moe_intermediate_size=32)
    config = Qwen3VLConfig.from_hf(hf)
    with pytest.raises(InputError, match=r"gate_up_proj: \(6, 64, 64\) is square"):
        save_pretrained(tmp_path, config, ours.perturbed_params(config))
