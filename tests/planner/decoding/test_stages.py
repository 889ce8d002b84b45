"""Decoding in stages gives what one loop over all rows gives; the shipped planner's plans too."""

import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling import data
from agentic_styling.planner import Inputs, Planner, generate, hf_logits
from agentic_styling.planner.decoding import generation
from agentic_styling.planner.decoding.stages import Rows, decode_stages
from agentic_styling.planner.model.text import KVCache
from agentic_styling.planner.pretrained import pretrained_directory
from tests.planner import ours
from tests.planner.checkpoints.adapters import small_config

NEW, PROMPTS, SAMPLES = 24, 6, 2
STAGES = ((6, 5, 0), (6, 24, 3), (3, 24, 0))


def one_loop(prompts, samples, length):
    return ((prompts, length, 0),)


def test_the_stages_of_a_batch():
    rows = ((64, 512, 32), (32, 512, 8), (8, 512, 0))
    assert decode_stages(64, 1, 512) == ((64, 128, 0), *rows)
    assert decode_stages(8, 8, 256) == ((8, 64, 0), (8, 256, 4), (4, 256, 1), (1, 256, 0))
    assert decode_stages(63, 1, 255) == ((63, 255, 31), (31, 255, 0))
    assert decode_stages(1, 64, 300) == ((1, 75, 0), (1, 300, 0))
    assert decode_stages(2, 2, 300) == ((2, 300, 0),)
    assert decode_stages(2, 1, 6) == ((2, 6, 0),)


def test_unfinished_prompts_are_taken_over_with_all_their_samples():
    """Prompts 1 and 3 have unfinished samples, 0 fills up; each keeps its own values."""
    done = jnp.array([1, 1, 1, 0, 1, 1, 0, 0], bool)
    number = jnp.arange(8)
    by_row = jnp.broadcast_to(number[:, None, None, None], (8, 1, 2, 1)).astype(jnp.float32)
    cache = KVCache(by_row[:4] + 100, by_row[:4] + 200, by_row, by_row + 10)
    rows = Rows(number, number + 20, done, None, [cache]).enter(3, 2, 5)
    assert rows.index.tolist() == [2, 3, 6, 7, 0, 1]
    assert rows.token.tolist() == [22, 23, 26, 27, 20, 21]
    assert rows.done.tolist() == [True, False, False, False, True, True]
    (cache,) = rows.caches
    assert cache.prompt_key[:, 0, 0, 0].tolist() == [101, 103, 100]
    assert cache.prompt_value[:, 0, 0, 0].tolist() == [201, 203, 200]
    assert cache.key[:, 0, :, 0].tolist() == [[n, n, 0, 0, 0] for n in (2, 3, 6, 7, 0, 1)]
    assert cache.value[3, 0, :, 0].tolist() == [17, 17, 0, 0, 0]


@pytest.fixture(scope="module")
def staged():
    """(config, params, tokens, results) of rows that end at different tokens, in one loop and in
    stages that are all entered."""
    config = small_config()
    params = ours.perturbed_params(config)
    tokens = np.random.default_rng(0).integers(1, 400, (PROMPTS, 7))
    mask = np.arange(7) >= np.array([0, 3, 1, 0, 5, 2])[:, None]
    inputs = Inputs(jnp.asarray(tokens, jnp.int32), jnp.asarray(mask))
    # The rows of a prompt are forced to stop at the same place; one prompt never does.
    forced = np.full((PROMPTS, NEW), -1)
    forced[np.arange(5), [2, 6, 6, 11, 16]] = 7
    forced[5, 20] = 9
    settings = {"max_new_tokens": NEW, "stop_ids": (7,), "num_samples": SAMPLES, "forced": forced}
    settings["temperature"] = 3  # so that samples of a prompt differ
    results = []
    with pytest.MonkeyPatch.context() as patch:
        for stages in (one_loop, lambda *_: STAGES):
            patch.setattr(generation, "decode_stages", stages)
            results.append(generate(config, params, inputs, **settings))
    return config, params, (tokens, mask), results


def test_stages_change_no_sample(staged):
    *_, (expected, found) = staged
    lengths = np.asarray(expected.lengths).reshape(PROMPTS, SAMPLES)
    assert (lengths.max(axis=1) < STAGES[0][1]).any() and lengths.max() > 17  # all are entered
    for name in ("tokens", "lengths", "free"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("logps", "choice_logps"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-4)
    tokens = np.asarray(found.tokens).reshape(PROMPTS, SAMPLES, NEW)
    assert (tokens[:, 0] != tokens[:, 1]).any(axis=1).all()
    assert (tokens[5, :, 20] == 9).all()


def test_logps_in_stages_are_those_of_an_uncached_pass(staged):
    config, params, (tokens, mask), (_, found) = staged
    answers = np.asarray(found.tokens)
    batch = {
        "input_ids": np.concatenate([tokens.repeat(SAMPLES, 0), answers], axis=1),
        "attention_mask": np.pad(mask.repeat(SAMPLES, 0), ((0, 0), (0, NEW)), constant_values=1),
    }
    logits = np.asarray(hf_logits(config, params, batch))[:, -NEW - 1 : -1].astype(np.float64)
    logps = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = np.take_along_axis(logps, answers[..., None], -1)[..., 0]
    expected[np.arange(NEW) >= np.asarray(found.lengths)[:, None]] = 0
    np.testing.assert_allclose(found.logps, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_64_plans_of_the_shipped_planner(temperature, monkeypatch):
    """In float32, as in float16 rounding decides some draws at temperature 1."""
    planner = Planner.from_pretrained(pretrained_directory("base"), dtype="float32")
    source = data.open_source(None)
    images = [source.read(i % len(source.names)) for i in range(64)]
    goals = [("Make it snow.", "A misty dawn.", "An oil painting.")[i % 3] for i in range(64)]
    used = []

    def remember(*args):
        used.append(decode_stages(*args))
        return used[-1]

    def score():
        settings = {"constrained": True, "temperature": temperature, "seed": 3}
        return [plan for (plan,) in planner.score(images, goals, **settings)]

    monkeypatch.setattr(generation, "decode_stages", remember)
    found = score()
    monkeypatch.setattr(generation, "decode_stages", one_loop)
    expected = score()
    assert used == [decode_stages(64, 1, 512)]
    assert [plan.tokens for plan in found] == [plan.tokens for plan in expected]
    assert [plan.choices for plan in found] == [plan.choices for plan in expected]
    np.testing.assert_allclose(
        [plan.logp for plan in found], [plan.logp for plan in expected], atol=1e-3
    )
