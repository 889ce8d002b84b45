"""Mistakes that ports of Qwen3-VL make, put into our code: the goldens must catch each."""

import contextlib

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from agentic_styling.planner import Qwen3VLConfig, hf_inputs
from agentic_styling.planner.model import attention, moe, qwen3_vl, text, vision
from tests.planner import oracle, ours
from tests.planner.model.test_parity import GRADIENT_TOLERANCE, TOLERANCE
from tests.slow import slow, slow_but

# As they are before a mutation.
TOKEN_POSITIONS, PATCH_COORDINATES = qwen3_vl.token_positions, vision.patch_coordinates


def half_pixel(index, length, side):
    at = jnp.clip((index + 0.5) * side / length - 0.5, 0, side - 1)
    low = jnp.floor(at).astype(jnp.int32)
    return (low, 1 - (at - low)), (jnp.minimum(low + 1, side - 1), at - low)


def one_dimensional(tokens, mask, grids, *rest):
    return TOKEN_POSITIONS(tokens, mask, None, *rest)


def one_frame(grids, patches, merge):
    frame, row, column = PATCH_COORDINATES(grids, patches, merge)
    return jnp.minimum(frame, 0), row, column


def to_padding(grids, patches, merge):
    frame, row, column = PATCH_COORDINATES(grids, patches, merge)
    return frame * 0, row, column


def across_images(attend):
    def attend_to_all(query, key, value, frames):
        images, length = query.shape[:2]
        key, value = (jnp.concatenate(list(x), axis=1)[None] for x in (key, value))
        mask = attention.SegmentMask((frames >= 0).reshape(1, -1), causal=False)
        query = query.reshape(1, images * length, *query.shape[2:])
        return attend(query, key, value, mask).reshape(images, length, *query.shape[2:])

    return attend_to_all


def changed_features(change):
    original = qwen3_vl.Qwen3VL.visual_features

    def visual_features(self, inputs, dtype):
        features, deepstack = original(self, inputs, dtype)
        return features, change(deepstack)

    return visual_features


class Unnormalised(moe.SparseMLP):
    @nn.compact
    def __call__(self, x):
        tokens = x.reshape(-1, x.shape[-1])
        weights = jax.nn.softmax(
            moe.linear(self.config.num_experts, "gate", self.compute)(tokens), axis=-1
        )
        weights, chosen = jax.lax.top_k(weights, self.config.num_experts_per_tok)
        experts = moe.Experts(self.config, self.compute, name="experts")
        return experts(tokens, weights, chosen).reshape(x.shape)


# name: model, case, and what is replaced by what.
MUTATIONS = {
    "block GELU by erf": ("dense", "images", [(vision, "gelu_tanh", vision.gelu_erf)]),
    "merger GELU by tanh": ("dense", "images", [(vision, "gelu_erf", vision.gelu_tanh)]),
    "align_corners off": ("dense", "images", [(vision, "interpolation", half_pixel)]),
    "attention to padding": ("dense", "images", [(vision, "patch_coordinates", to_padding)]),
    "attention across images": (
        "dense",
        "images",
        [
            (vision, "SegmentMask", lambda frames, **_: frames),
            (vision, "attend", across_images(vision.attend)),
        ],
    ),
    "attention across frames": ("dense", "video", [(vision, "patch_coordinates", one_frame)]),
    "chunked M-RoPE": (
        "dense",
        "images",
        [(text, "mrope_axes", lambda config: np.repeat([0, 1, 2], [6, 5, 5]))],
    ),
    "1-D positions": ("dense", "images", [(qwen3_vl, "token_positions", one_dimensional)]),
    "no deepstack": (
        "dense",
        "images",
        [(qwen3_vl.Qwen3VL, "visual_features", changed_features(lambda x: 0 * x))],
    ),
    "unnormalised top-k": ("moe", "text", [(text, "SparseMLP", Unnormalised)]),
}


@pytest.fixture(scope="module")
def sides():
    """For each model: its config, our parameters, torch's results."""
    configs = {name: Qwen3VLConfig.from_hf(hf) for name, hf in oracle.MODELS.items()}
    return {
        name: (config, ours.perturbed_params(config), np.load(oracle.goldens(name)))
        for name, config in configs.items()
    }


def logits_error(config, params, goldens, case):
    inputs = hf_inputs(config, oracle.batch(case))

    def kept(params, inputs):
        return ours.logits(config, params, inputs)[..., :: oracle.VOCABULARY_STEP]

    found = ours.compiled(kept, params, inputs)(params, inputs)
    return ours.error(found, goldens[f"{case}/logits"])


@contextlib.contextmanager
def mutated(changes):
    with pytest.MonkeyPatch.context() as patch:
        for owner, attribute, mutant in changes:
            patch.setattr(owner, attribute, mutant)
        yield


QUICK = ("merger GELU by tanh", "unnormalised top-k")


@pytest.mark.parametrize("name", slow_but(MUTATIONS, *QUICK))
def test_goldens_catch(name, sides):
    side, case, changes = MUTATIONS[name]
    with mutated(changes):
        error = logits_error(*sides[side], case)
    print(f"{name}: {error:.1e}")
    assert error > 2 * TOLERANCE


@pytest.mark.parametrize(("side", "case"), [slow(("dense", "video")), ("moe", "text")])
def test_nothing_is_caught_without_a_mutation(side, case, sides):
    assert logits_error(*sides[side], case) < TOLERANCE


@pytest.mark.slow
def test_goldens_catch_a_dropped_qkv_bias(sides):
    config, params, goldens = sides["dense"]
    flat = traverse_util.flatten_dict(params)
    flat = {p: a * 0 if p[-2:] == ("qkv", "bias") else a for p, a in flat.items()}
    params = traverse_util.unflatten_dict(flat)
    assert logits_error(config, params, goldens, "images") > 2 * TOLERANCE


@pytest.mark.slow
def test_gradients_catch_what_logits_do_not(sides):
    """A gradient that stops before deepstack leaves the logits as they are."""
    config, params, goldens = sides["dense"]
    batch = oracle.batch("images")
    cotangent = oracle.cotangent("images", batch["attention_mask"])
    stopped = changed_features(jax.lax.stop_gradient)
    with mutated([(qwen3_vl.Qwen3VL, "visual_features", stopped)]):
        program = ours.program_of_cases(config, params)
    out, gradients = ours.logits_and_gradients(
        config, params, hf_inputs(config, batch), cotangent, program
    )
    out = out[..., :: oracle.VOCABULARY_STEP]
    assert ours.error(out, goldens["images/logits"]) < TOLERANCE
    name = "model.visual.deepstack_merger_list.1.linear_fc2.weight"
    expected = goldens[f"images/gradient/{name}"]
    assert ours.error(oracle.project(name, gradients[name]), expected) > GRADIENT_TOLERANCE
