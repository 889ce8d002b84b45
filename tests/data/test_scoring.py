"""Several plans of a case, scored against one rendering of its request."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from agentic_styling.data import scoring
from agentic_styling.tools import Plan

CASES, SAMPLES, SIZE = 6, 3, 4  # the second batch is padded


def test_each_sample_has_its_own_rewards_and_a_request_is_rendered_once(monkeypatch):
    rendered, measured = [], []

    def encode_plans(plans, length=None):
        return jnp.array([len(plan.instruction) for plan in plans], jnp.float32)

    def execute_steps(source, plans, key):
        """The second frame is the picture's value plus the plan's."""
        value = plans[:, None, None, None] + 255 * source
        return jnp.stack([source, value], 1)

    def render_reference(source, asked):
        rendered.append(len(source))
        return "reference"

    fakes = {
        "batch_size": lambda count: SIZE,
        "encode_plans": encode_plans,
        "execute_steps": execute_steps,
        "render_reference": render_reference,
        "measure_reference": lambda reference: measured.append(reference) or "measured",
        "score_against": lambda reference, result: SimpleNamespace(reward=result[:, 0, 0, 0]),
        "held_out_reward": lambda reference, result: result[:, 0, 0, 0] / 2,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(scoring, name, fake)
    images = np.broadcast_to(100 * np.arange(2)[:, None, None, None], (2, 1, 1, 3))
    images = np.uint8(np.tile(images, (3, 1, 1, 1)))  # 0, 100, 0, ...
    plans = [[Plan({}, (), "x" * (10 * i + k)) for k in range(SAMPLES)] for i in range(CASES)]
    found = scoring.score_samples(images, plans, [()] * CASES, seed=0, label="samples")
    expected = [[10 * i + k + 100 * (i % 2) for k in range(SAMPLES)] for i in range(CASES)]
    np.testing.assert_allclose(found["reward"], expected, rtol=1e-6)
    np.testing.assert_allclose(found["held_out_reward"], np.array(expected) / 2, rtol=1e-6)
    assert rendered == [SIZE, SIZE] and measured == ["reference", "reference"]
    kept = {}
    for _ in range(2):
        again = scoring.score_samples(
            images, plans, [()] * CASES, seed=0, label="samples", rendered=kept
        )
        np.testing.assert_array_equal(again["held_out_reward"], found["held_out_reward"])
    assert len(rendered) == len(measured) == 4
