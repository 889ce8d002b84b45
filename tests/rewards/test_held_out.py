"""The held-out reward: its ends, its order, and that it is another measurement."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

from agentic_styling.rewards import Reference
from agentic_styling.rewards.held_out import held_out_reward, measure_reference
from agentic_styling.rewards.probes import SIZE, at_probe_size


def rendered(source, asked):
    """The Reference of a request in one step."""
    return Reference(source, jnp.stack([asked, asked]), target=None)


@pytest.fixture(scope="module")
def reference():
    """Of a request that warms and darkens."""
    source = at_probe_size(jnp.asarray(data.astronaut(), jnp.float32)[None] / 255)
    asked = jnp.clip(source * jnp.array([0.9, 0.7, 0.45]), 0.0, 1.0)
    return rendered(source, asked)


def reward(reference, result):
    return float(held_out_reward(reference, result)[0])


def test_what_was_asked_for_scores_five(reference):
    assert reward(reference, reference.renderings[0]) == pytest.approx(5.0, abs=1e-3)


def test_the_further_from_it_the_less(reference):
    source, asked = reference.source, reference.renderings[0]
    found = [reward(reference, source + share * (asked - source)) for share in (1, 0.7, 0.4, 0)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 1.5


def test_the_nearer_of_two_orders_counts(reference):
    source, asked = reference.source, reference.renderings[0]
    other = jnp.clip(source * jnp.array([0.5, 0.7, 0.9]), 0.0, 1.0)
    both = Reference(source, jnp.stack([asked, other]), target=None)
    assert reward(both, asked) == reward(measure_reference(both), asked) == pytest.approx(5.0, 1e-3)
    assert reward(both, other) == pytest.approx(5.0, abs=1e-3)
    assert reward(rendered(source, asked), other) < 4


@pytest.mark.parametrize(
    "wreck",
    [
        lambda x: 1 - x,
        lambda x: jnp.full_like(x, 0.4),
        lambda x: jax.random.uniform(jax.random.key(0), x.shape),
        lambda x: x[:, ::-1],
        lambda x: x + 0.3,
    ],
)
def test_wrecks_score_below_doing_nothing(reference, wreck):
    nothing = reward(reference, reference.source)
    assert reward(reference, jnp.clip(wreck(reference.source), 0, 1)) < nothing


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_pictures_are_finite(level):
    flat = jnp.full((1, SIZE, SIZE, 3), level)
    found = held_out_reward(rendered(flat, flat), flat)
    np.testing.assert_allclose(found, 5.0, atol=1e-3)
