"""A short online run of the very small planner, whose rewards need no pictures."""

import zlib

import numpy as np

from configs.online import get_config
from tests.training.fixtures import SIDE
from tests.training.test_loop import metrics

# A rate at which what devices round differently hardly ever changes a sampled token.
SLOW = 1e-4


def made_up_rewards(images, plans, requests, *, seed, label, held_out):
    """In the place of `score_samples`: a function of a plan's text and its picture."""
    assert images.shape[1:] == (SIDE, SIDE, 3) and len(plans) == len(requests) == len(images)
    assert not held_out
    rewards = [
        [zlib.crc32(plan.to_json().encode() + image.tobytes()[:64]) % 500 / 100 for plan in own]
        for image, own in zip(images, plans, strict=True)
    ]
    return {"reward": np.array(rewards)}


def online_config(directory, method="GRPO", **online):
    """Rounds of two contexts and four plans of few tokens, on one device."""
    config = get_config(method)
    config.data, config.init_from = str(directory / "data"), str(directory / "planner")
    config.update(steps=4, learning_rate=1e-2, checkpoint_every=2, microbatches=2, log_every=1)
    config.mesh.data, config.length_buckets = 1, 1
    config.online.update(contexts=2, plans=4, max_new_tokens=120)
    config.online.update(**online)
    return config


def same_curves(one, other) -> None:
    """Asserts that two runs sampled plans of the same rewards and moved away from S alike."""
    rewards, kl = (
        [[line[name] for line in metrics(workdir)] for workdir in (one, other)]
        for name in ("reward", "kl")
    )
    np.testing.assert_allclose(*rewards, atol=1e-4)
    assert kl[0][-1] > 1e-7  # far above what rounding makes of the same weights, at most 2e-9
    np.testing.assert_allclose(*kl, rtol=0.02, atol=1e-8)
