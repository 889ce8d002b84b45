"""Against torch and transformers, through committed goldens of two perturbed models."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Qwen3VLConfig, hf_inputs, hf_logits
from agentic_styling.planner.model import text, vision
from agentic_styling.planner.model.linear import Compute
from tests.planner import oracle, ours
from tests.slow import slow_but

TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-4


class Golden:
    """One of the oracle's models on our side, and what torch made of it."""

    def __init__(self, name):
        self.config = Qwen3VLConfig.from_hf(oracle.MODELS[name])
        self.params = ours.perturbed_params(self.config)
        self.arrays = dict(np.load(oracle.goldens(name)))
        self.program = ours.program_of_cases(self.config, self.params)

    def gradients(self, case):
        """Projected gradients by name."""
        prefix = f"{case}/gradient/"
        return {n.removeprefix(prefix): a for n, a in self.arrays.items() if n.startswith(prefix)}


@pytest.fixture(scope="module", params=slow_but(oracle.MODELS, "dense"))
def golden(request):
    return Golden(request.param)


@pytest.mark.parametrize("case", oracle.CASES)
def test_logits_and_gradients_equal_torch(case, golden):
    batch = oracle.batch(case)
    inputs = hf_inputs(golden.config, batch)
    cotangent = oracle.cotangent(case, batch["attention_mask"])
    out, gradients = ours.logits_and_gradients(
        golden.config, golden.params, inputs, cotangent, golden.program
    )
    kept = out[..., :: oracle.VOCABULARY_STEP]
    assert ours.error(kept, golden.arrays[f"{case}/logits"]) < TOLERANCE
    expected = golden.gradients(case)
    assert expected.keys() <= gradients.keys()
    for name, gradient in gradients.items():
        if name in expected:
            error = ours.error(oracle.project(name, gradient), expected[name])
            assert error < GRADIENT_TOLERANCE, name
        else:
            assert not gradient.any(), f"{name} has a gradient only here"


def test_hf_logits_of_text_alone(golden):
    batch = oracle.batch("text")
    out = hf_logits(golden.config, golden.params, batch) * batch["attention_mask"][..., None]
    out = out[..., :: oracle.VOCABULARY_STEP]
    assert ours.error(out, golden.arrays["text/logits"]) < TOLERANCE


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
    y = jnp.asarray(y / np.sqrt((y**2).mean() + 1e-6))
    y, *near = (x.astype(jnp.bfloat16) for x in (y, y * (1 - 1e-5), y * (1 + 1e-5)))
    assert all((x == y).all() for x in near)  # no root, however rounded, changes what follows
    assert out.dtype == jnp.bfloat16
    np.testing.assert_array_equal(out, y * scale.astype(jnp.bfloat16))
