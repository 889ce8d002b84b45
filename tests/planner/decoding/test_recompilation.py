"""Grids are data: other image sizes within a bucket run the program that is there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Inputs, Qwen3VL, generate
from tests.planner import oracle

LENGTH, PATCHES = 48, 48
# For two rows the grids of their images and videos, in buckets of two and of 48 patches.
BATCHES = [
    ([(1, 4, 6), (1, 6, 8)], [(1, 8, 6)]),
    ([(1, 2, 2)], [(1, 4, 4), (1, 4, 12)]),
    ([], [(3, 4, 4)]),
    ([], []),
]


@pytest.fixture(scope="module")
def compilations():
    """A list that grows with each program that JAX compiles."""
    compiled = []

    def listen(event, duration, **_):
        if event.endswith("backend_compile_duration"):
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return compiled


def bucketed(rows, seed):
    """Random text around the placeholders of each row, padded to the bucket."""
    rng = np.random.default_rng(seed)
    tokens, mask = np.zeros((2, LENGTH), np.int32), np.zeros((2, LENGTH), bool)
    patches = rng.standard_normal((2, 2, PATCHES, oracle.PATCH_DIM)).astype(np.float32)
    grids = np.zeros((2, 2, 3), np.int32)
    for row, media in enumerate(rows):
        ids = list(rng.integers(1, 400, 4))
        for place, (frames, height, width) in enumerate(media):
            token = oracle.IMAGE if frames == 1 else oracle.VIDEO
            for _ in range(frames):
                ids += [oracle.START, *[token] * (height * width // 4), oracle.END]
            grids[row, place] = frames, height, width
        tokens[row, : len(ids)], mask[row, : len(ids)] = ids, True
    return Inputs(*(jnp.asarray(x) for x in (tokens, mask, patches, grids)))


@pytest.mark.slow
def test_other_images_compile_nothing(config, params, compilations):
    @jax.jit
    def forward(params, inputs):
        return Qwen3VL(config).apply({"params": params}, inputs)

    def answers(inputs):
        out = generate(config, params, inputs, max_new_tokens=3, stop_ids=(-1,), temperature=0)
        return np.asarray(forward(params, inputs)), out.tokens.tolist()

    batches = [bucketed(rows, seed) for seed, rows in enumerate(BATCHES)]
    before = len(compilations)
    first = answers(batches[0])
    assert len(compilations) > before
    warm = len(compilations)
    others = [answers(batch) for batch in batches[1:]]
    assert len(compilations) == warm
    assert all(np.isfinite(hidden).all() for hidden, _ in [first, *others])
    # The listener does see a program for other shapes.
    forward(params, jax.tree.map(lambda x: x[:1], batches[0]))
    assert len(compilations) > warm
