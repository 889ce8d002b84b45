import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from agentic_styling.planner import Inputs, Qwen3VL, hf_inputs
from agentic_styling.planner.checkpoints.peft import adapter_tensors
from agentic_styling.planner.checkpoints.streaming import leaf_shapes
from agentic_styling.planner.model.linear import Compute, Linear
from agentic_styling.planner.model.lora import LoraConfig, init_lora, lora_variables, merge_lora
from agentic_styling.utils.errors import InputError
from tests.planner import oracle, ours
from tests.planner.checkpoints.adapters import LORA, assert_equal, random_adapters, small_config
from tests.slow import slow

SCALE = 2.0
COMPUTE = Compute()


@pytest.fixture(scope="module")
def config():
    return small_config()


@pytest.fixture(scope="module")
def params(config):
    return ours.perturbed_params(config)


@pytest.fixture(scope="module")
def adapters(config):
    return random_adapters(config, LORA)


@pytest.fixture(scope="module", params=["text", slow("one_image")])
def inputs(request, config):
    return hf_inputs(config, oracle.batch(request.param))


def make_loss(config, compute=COMPUTE):
    """(given, inputs, key) -> (loss, hidden), of everything that `apply` takes."""

    def loss(given, inputs, key=None):
        shape = (*inputs.tokens.shape, config.text.hidden_size)
        cotangent = oracle.draw("lora", shape) / 50
        rngs = None if key is None else {"dropout": key}
        hidden = Qwen3VL(config, compute).apply(given, inputs, rngs=rngs)
        return (hidden * cotangent * inputs.mask[..., None]).sum(), hidden

    return loss


@pytest.fixture(scope="module")
def plain(config, params, inputs):
    """A compiled (params, inputs) -> ((loss, hidden), gradient), the model without adapters."""
    loss = make_loss(config)
    function = jax.value_and_grad(lambda p, i: loss({"params": p}, i), has_aux=True)
    return ours.compiled(function, params, inputs)


def adapted_program(config, params, adapters, inputs, compute=COMPUTE):
    """A compiled (adapters, params, inputs) -> ((loss, hidden), gradient by the adapters)."""
    loss = make_loss(config, compute)
    function = jax.value_and_grad(lambda a, p, i: loss(lora_variables(p, a, LORA), i), has_aux=True)
    return ours.compiled(function, adapters, params, inputs)


@pytest.fixture(scope="module")
def adapted(config, params, adapters, inputs):
    return adapted_program(config, params, adapters, inputs)


def test_a_projection_by_hand():
    x, kernel = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    a, b = jnp.array([[1.0], [0.0], [-1.0]]), jnp.array([[5.0, 7.0]])
    given = {"params": {"kernel": kernel, "bias": jnp.array([10.0, 20.0])}}
    np.testing.assert_array_equal(Linear(2).apply(given, x), [[14, 25]])
    # x a = -2
    np.testing.assert_array_equal(
        Linear(2).apply(given | {"lora": {"a": a, "b": b}}, x), [[14 - 10, 25 - 14]]
    )


def test_the_product_of_the_matrices_is_never_made():
    given = {
        "params": {"kernel": jnp.ones((40, 50)), "bias": jnp.zeros(50)},
        "lora": {"a": jnp.ones((40, 3)), "b": jnp.ones((3, 50))},
    }
    jaxpr = jax.make_jaxpr(jax.grad(lambda lora, x: Linear(50).apply(given | lora, x).sum()))(
        {"lora": given["lora"]}, jnp.ones((7, 40))
    )
    shapes = [v.aval.shape for equation in jaxpr.eqns for v in equation.outvars]
    assert (7, 3) in shapes
    assert (40, 50) not in shapes and (50, 40) not in shapes


@pytest.mark.slow
def test_adapters_begin_as_peft_begins(config, params, adapted, plain, inputs):
    fresh = init_lora(config, LORA, jax.random.key(0))
    flat = traverse_util.flatten_dict(fresh)
    assert set(flat) == set(leaf_shapes(adapter_tensors(config, LORA)))
    for path, leaf in flat.items():
        if path[-1] == "b":
            assert not leaf.any()
        else:
            bound = leaf.shape[-2] ** -0.5
            assert 0.9 * bound < jnp.abs(leaf).max() <= bound
    up = fresh["language_model"]["layers_1"]["mlp"]["up_proj"]["a"]
    assert up.shape == (2, 64, 3) and (up[0] != up[1]).all()
    assert_equal(fresh, init_lora(config, LORA, jax.random.key(0)))
    other = init_lora(config, LORA, jax.random.key(1))
    assert (other["language_model"]["layers_1"]["mlp"]["up_proj"]["a"] != up).all()
    # So the model is what it was.
    (_, hidden), _ = adapted(fresh, params, inputs)
    (_, expected), _ = plain(params, inputs)
    assert ours.error(hidden, expected) < 1e-6  # of another program, which may sum otherwise


def test_merged_parameters_and_their_gradient(params, adapters, adapted, plain, inputs):
    """The merged kernel is W + s a b: so da = s dW b^T and db = s a^T dW, for every adapter."""
    before = jax.tree.map(np.array, params)
    (_, off), _ = plain(params, inputs)
    merged = merge_lora(params, adapters, LORA)
    (_, expected), kernels = plain(merged, inputs)
    (_, hidden), gradient = adapted(adapters, params, inputs)
    assert ours.error(hidden, expected) < 1e-5
    assert ours.error(hidden, off) > 0.1
    assert jax.tree.structure(gradient) == jax.tree.structure(adapters)
    kernels, flat = traverse_util.flatten_dict(kernels), traverse_util.flatten_dict(adapters)
    for path, found in traverse_util.flatten_dict(gradient).items():
        kernel, a, b = (
            np.asarray(x)
            for x in (
                kernels[(*path[:-1], "kernel")],
                flat[(*path[:-1], "a")],
                flat[(*path[:-1], "b")],
            )
        )
        turned = np.swapaxes(b if path[-1] == "a" else a, -1, -2)
        expected = SCALE * (kernel @ turned if path[-1] == "a" else turned @ kernel)
        # Of text alone the vision tower's are zero on both sides.
        assert np.linalg.norm(found - expected) <= 1e-4 * np.linalg.norm(expected), path
    # Merging leaves the parameters alone and shares what it does not change.
    assert_equal(params, before)
    assert merged["language_model"]["norm"]["scale"] is params["language_model"]["norm"]["scale"]


def test_merging_adds_in_float32(config, adapters, params):
    half = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, jnp.bfloat16)), params)
    merged = merge_lora(half, adapters, LORA)
    assert {x.dtype.name for x in jax.tree.leaves(merged)} == {"bfloat16"}
    path = ("language_model", "layers_1", "mlp", "up_proj")
    kernel, pair = half, adapters
    for name in path:
        kernel, pair, merged = kernel[name], pair[name], merged[name]
    exact = np.float64(kernel["kernel"]) + SCALE * np.float64(pair["a"]) @ np.float64(pair["b"])
    # At most half an ulp of bfloat16 away, as it is where one sum is rounded once; a float32 sum
    # is itself rounded, which near the middle of two numbers may turn the choice.
    half_ulp = np.exp2(np.floor(np.log2(abs(exact))) - 8)
    assert (abs(np.float64(merged["kernel"]) - exact) <= half_ulp * (1 + 1e-4)).all()


@pytest.mark.slow
def test_rematerialised_layers_have_adapters_too(config, params, adapters, inputs, adapted):
    program = adapted_program(config, params, adapters, inputs, Compute(remat="dots"))
    (_, hidden), gradient = program(adapters, params, inputs)
    (_, expected), expected_gradient = adapted(adapters, params, inputs)
    assert ours.error(hidden, expected) < 1e-6
    errors = jax.tree.map(ours.error, gradient, expected_gradient)
    assert max(jax.tree.leaves(errors)) < 1e-5


def test_dropout_follows_its_key(config, params, adapters, inputs):
    loss = make_loss(config, Compute(lora_dropout=LORA.dropout))
    given = lora_variables(params, adapters, LORA)
    inputs = Inputs(inputs.tokens, inputs.mask)
    keys = jax.random.key(0), jax.random.key(1)
    program = ours.compiled(lambda *args: loss(*args)[1], given, inputs, keys[0])
    first, again, other = (program(given, inputs, key) for key in (keys[0], keys[0], keys[1]))
    np.testing.assert_array_equal(first, again)
    assert ours.error(other, first) > 1e-2


def test_dropout_drops_inputs_of_the_adapter_alone():
    size = 1000
    given = {
        "params": {"kernel": jnp.eye(size)},
        "lora": {"a": jnp.eye(size), "b": jnp.eye(size)},
    }
    layer = Linear(size, use_bias=False, lora_dropout=0.2)
    kept = layer.apply(given, jnp.ones((1, size)), rngs={"dropout": jax.random.key(0)})
    np.testing.assert_allclose(np.unique(kept), [1, 2.25])
    # Four standard deviations of a binomial.
    assert abs((kept > 1).sum() - 800) < 4 * (size * 0.2 * 0.8) ** 0.5
    np.testing.assert_array_equal(layer.apply(given, jnp.ones((1, size))), np.full((1, size), 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ("q_porj",)}, "'q_porj' is unknown; did you mean 'q_proj'?"),
        ({"targets": ("lm_head",)}, "'lm_head' is unknown; use one of q_proj, "),
        ({"targets": ("layers.0.self_attn.q_proj",)}, "names one layer; adapters are on all"),
        ({"rank": 0}, "lora rank 0 must be at least 1"),
        ({"dropout": 1.0}, "lora dropout 1.0 must be in [0, 1)"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(InputError, match=re.escape(message)):
        LoraConfig(**change)


def test_targets_of_the_other_tower_are_refused(config):
    with pytest.raises(InputError, match="qkv name nothing in this model; .* vision=True"):
        init_lora(config, LoraConfig(targets=("qkv",)), jax.random.key(0))
