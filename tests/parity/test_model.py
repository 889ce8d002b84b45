"""Logits and gradients against transformers on torch, live, over drawn shapes of models."""

import pytest

from agentic_styling.planner import Qwen3VLConfig, hf_inputs, hf_logits
from tests.parity.shapes import SHAPES, hf_config
from tests.planner import oracle, ours, reference

pytestmark = pytest.mark.parity
CASES = [*((case, "left") for case in oracle.CASES), ("images", "right"), ("mixed", "right")]


class Pair:
    """One shape on both sides, with the same weights."""

    def __init__(self, name):
        self.model = reference.reference_model(hf_config(name))
        self.config = Qwen3VLConfig.from_hf(hf_config(name))
        self.params = ours.perturbed_params(self.config)
        self.program = ours.program_of_cases(self.config, self.params)


@pytest.fixture(scope="module", params=SHAPES)
def pair(request):
    return Pair(request.param)


def assert_equal(found, gradients, expected, expected_gradients):
    errors = {n: ours.error(gradients[n], g) for n, g in expected_gradients.items()}
    worst = max(errors, key=errors.get)
    print(f"logits {ours.error(found, expected):.1e}, gradient of {worst} {errors[worst]:.1e}")
    assert ours.error(found, expected) < 1e-5
    assert errors[worst] < 1e-4, worst
    unused = gradients.keys() - expected_gradients
    assert not [name for name in unused if gradients[name].any()]


@pytest.mark.parametrize(("case", "side"), CASES)
def test_logits_and_gradients(case, side, pair):
    batch = oracle.batch(case, side)
    cotangent = oracle.cotangent(case, batch["attention_mask"])
    expected = reference.logits_and_gradients(pair.model, batch, cotangent)
    found = ours.logits_and_gradients(
        pair.config, pair.params, hf_inputs(pair.config, batch), cotangent, pair.program
    )
    assert_equal(*found, *expected)


def test_packed_rows(pair):
    """Both rows of a case in one row here, side by side there."""
    case = "mixed"
    batch = oracle.batch(case)
    mask = batch["attention_mask"].astype(bool)
    cotangent = oracle.cotangent(case, mask)
    expected, expected_gradients = reference.logits_and_gradients(pair.model, batch, cotangent)
    inputs = ours.packed(hf_inputs(pair.config, batch))
    program = ours.loss_gradient(pair.config, pair.params, inputs)
    found, gradients = program(pair.params, inputs, cotangent[mask][None])
    gradients = ours.checkpoint(pair.config, gradients)
    assert_equal(found[0], gradients, expected[mask], expected_gradients)


def test_text_alone_takes_no_image_arrays(pair):
    batch = oracle.batch("text")
    cotangent = oracle.cotangent("text", batch["attention_mask"])
    expected, _ = reference.logits_and_gradients(pair.model, batch, cotangent)
    found = hf_logits(pair.config, pair.params, batch) * batch["attention_mask"][..., None]
    assert ours.error(found, expected) < 1e-5
