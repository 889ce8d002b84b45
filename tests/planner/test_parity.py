"""Against torch and transformers, through committed goldens of a perturbed model."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from agentic_styling.planner import (
    hf_inputs,
    hf_logits,
    model,
    output_embedding,
    positions,
    text,
    vision,
)
from agentic_styling.planner.compute import Compute
from agentic_styling.planner.weights import tensors

from . import oracle

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def goldens():
    return dict(np.load(oracle.GOLDENS))


def compiled(function, *arguments):
    """Compiled quickly rather than well, and afresh, so that patched functions take effect."""
    options = {"xla_backend_optimization_level": 0}
    return jax.jit(lambda *a: function(*a)).lower(*arguments).compile(options)


def logits(config, params, inputs):
    hidden = model.Qwen3VL(config).apply({"params": params}, inputs)
    return (hidden @ output_embedding(config, params).T) * inputs.mask[..., None]


def padded(inputs):
    """Every case in the shapes of the largest: rows to 44 tokens, two images of 48 patches."""
    tokens, mask = inputs.tokens, inputs.mask
    left = ((0, 0), (44 - tokens.shape[1], 0))
    if inputs.patches is None:
        inputs = inputs.replace(patches=jnp.zeros((2, 0, 0, 1536)), grids=jnp.zeros((2, 0, 3), int))
    _, images, patches, _ = inputs.patches.shape
    missing = [(0, 2 - images), (0, 48 - patches)]
    return model.Inputs(
        jnp.pad(tokens, left),
        jnp.pad(mask, left),
        jnp.pad(inputs.patches, ((0, 0), *missing, (0, 0))),
        jnp.pad(inputs.grids, ((0, 0), missing[0], (0, 0))),
    )


def error(ours, reference):
    return np.linalg.norm(np.asarray(ours) - reference) / np.linalg.norm(reference)


@pytest.fixture(scope="module")
def loss_gradient(config, params):
    """One program for every case: grids are data."""

    def loss(params, inputs, cotangent):
        out = logits(config, params, inputs)
        return jnp.sum(out * cotangent), out

    inputs = padded(hf_inputs(config, oracle.batch("images")))
    cotangent = oracle.cotangent("images", np.asarray(inputs.mask))
    return compiled(jax.value_and_grad(loss, has_aux=True), params, inputs, cotangent)


@pytest.mark.parametrize("case", oracle.CASES)
def test_logits_and_gradients_equal_torch(case, config, params, goldens, loss_gradient):
    inputs = hf_inputs(config, oracle.batch(case))
    length = inputs.mask.shape[1]
    cotangent = oracle.cotangent(case, np.asarray(inputs.mask))
    cotangent = np.pad(cotangent, ((0, 0), (44 - length, 0), (0, 0)))
    (_, out), gradients = loss_gradient(params, padded(inputs), cotangent)
    kept = out[:, -length:, :: oracle.VOCABULARY_STEP]
    assert error(kept, goldens[f"{case}/logits"]) < TOLERANCE

    gradients = traverse_util.flatten_dict(gradients)
    prefix, compared = f"{case}/gradient/", 0
    for tensor in tensors(config):
        ours = oracle.project(tensor.name, tensor.pack(np.asarray(gradients[tensor.path])))
        if prefix + tensor.name in goldens:
            assert error(ours, goldens[prefix + tensor.name]) < 1e-4, tensor.name
            compared += 1
        else:
            assert not ours.any(), f"{tensor.name} has a gradient only here"
    assert compared == sum(name.startswith(prefix) for name in goldens)


def test_hf_logits_of_text_alone(config, params, goldens):
    batch = oracle.batch("text")
    out = hf_logits(config, params, batch) * batch["attention_mask"][..., None]
    assert error(out[..., :: oracle.VOCABULARY_STEP], goldens["text/logits"]) < TOLERANCE


def logits_error(config, params, goldens):
    inputs = hf_inputs(config, oracle.batch("images"))

    def kept(params, inputs):
        return logits(config, params, inputs)[..., :: oracle.VOCABULARY_STEP]

    return error(compiled(kept, params, inputs)(params, inputs), goldens["images/logits"])


def half_pixel(index, length, side):
    at = jnp.clip((index + 0.5) * side / length - 0.5, 0, side - 1)
    low = jnp.floor(at).astype(jnp.int32)
    return (low, 1 - (at - low)), (jnp.minimum(low + 1, side - 1), at - low)


def one_dimensional(tokens, mask, grids, config):
    return positions.token_positions(tokens, mask, None, config)


def one_frame(grids, patches, merge):
    frame, row, column = positions.patch_coordinates(grids, patches, merge)
    return frame * 0, row, column


def without_deepstack(original):
    def visual_features(self, inputs, dtype):
        features, deepstack = original(self, inputs, dtype)
        return features, 0 * deepstack

    return visual_features


MUTATIONS = {
    "block GELU by erf": (vision, "gelu_tanh", vision.gelu_erf),
    "merger GELU by tanh": (vision, "gelu_erf", vision.gelu_tanh),
    "align_corners off": (vision, "interpolation", half_pixel),
    "attention beyond the image": (vision, "patch_coordinates", one_frame),
    "chunked M-RoPE": (text, "mrope_axes", lambda config: np.repeat([0, 1, 2], [6, 5, 5])),
    "1-D positions": (model, "token_positions", one_dimensional),
    "no deepstack": (
        model.Qwen3VL,
        "visual_features",
        without_deepstack(model.Qwen3VL.visual_features),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_goldens_catch(name, config, params, goldens, monkeypatch):
    owner, attribute, mutant = MUTATIONS[name]
    monkeypatch.setattr(owner, attribute, mutant)
    assert logits_error(config, params, goldens) > 2 * TOLERANCE


def test_goldens_catch_a_dropped_qkv_bias(config, params, goldens):
    flat = traverse_util.flatten_dict(params)
    flat = {p: a * 0 if p[-2:] == ("qkv", "bias") else a for p, a in flat.items()}
    assert logits_error(config, traverse_util.unflatten_dict(flat), goldens) > 2 * TOLERANCE


def test_layer_norm_epsilon():
    x = 1e-3 * np.random.default_rng(0).standard_normal((4, 32)).astype(np.float32)
    norm = nn.Sequential([vision.layer_norm("norm", Compute())])
    out = norm.apply(norm.init(jax.random.key(0), x), x)
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_rms_norm_casts_before_the_weight():
    x = jnp.array([[1.0, 2.0, 3.0, 5.0]], jnp.bfloat16)
    scale = jnp.array([1.01, 0.3, 0.77, 1.3], jnp.float32)
    out = text.RMSNorm(1e-6).apply({"params": {"scale": scale}}, x)
    y = np.asarray(x, np.float32)
    y = jnp.asarray(y / np.sqrt((y**2).mean() + 1e-6)).astype(jnp.bfloat16)
    assert out.dtype == jnp.bfloat16
    np.testing.assert_array_equal(out, y * scale.astype(jnp.bfloat16))
