import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import generate, hf_inputs, hf_logits
from agentic_styling.planner.decoding.generation import _generate
from agentic_styling.planner.model.text import unstacked_layers
from agentic_styling.utils.errors import InputError
from tests.planner import oracle, ours
from tests.planner.checkpoints.adapters import small_config

NEW = 6
NEVER = (-1,)


@pytest.fixture(scope="module")
def config():
    return small_config()


@pytest.fixture(scope="module")
def params(config):
    return ours.perturbed_params(config)


@pytest.fixture(scope="module")
def batch():
    return oracle.batch("images")


@pytest.fixture(scope="module")
def inputs(config, batch):
    return hf_inputs(config, batch)


@pytest.fixture(scope="module")
def greedy(config, params, inputs):
    return generate(config, params, inputs, max_new_tokens=NEW, stop_ids=NEVER, temperature=0)


def sampled(config, params, inputs, stop_ids=NEVER, seed=5, rows=None):
    settings = {"stop_ids": stop_ids, "seed": seed, "rows": rows}
    return generate(config, params, inputs, max_new_tokens=NEW, temperature=1, **settings)


def right_padded(inputs):
    order = jnp.argsort(~inputs.mask, axis=1, stable=True)
    tokens, mask = (jnp.take_along_axis(x, order, axis=1) for x in (inputs.tokens, inputs.mask))
    return inputs.replace(tokens=tokens, mask=mask)


def test_the_cache_changes_nothing(config, params, batch, greedy):
    """One uncached pass over prompt and answer gives the same choices and log-probabilities."""
    tokens = np.asarray(greedy.tokens)
    whole = batch | {
        "input_ids": np.concatenate([batch["input_ids"], tokens], 1),
        "attention_mask": np.pad(batch["attention_mask"], ((0, 0), (0, NEW)), constant_values=1),
    }
    logits = np.asarray(hf_logits(config, params, whole))[:, -NEW - 1 : -1].astype(np.float64)
    assert logits.argmax(-1).tolist() == tokens.tolist()
    logps = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = np.take_along_axis(logps, tokens[..., None], -1)[..., 0]
    np.testing.assert_allclose(greedy.logps, expected, atol=1e-4)
    assert greedy.lengths.tolist() == [NEW, NEW]


def test_padding_on_either_side_and_row_order_change_nothing(config, params, inputs):
    out = sampled(config, params, inputs)
    right = sampled(config, params, right_padded(inputs))
    assert right.tokens.tolist() == out.tokens.tolist()
    swapped = jax.tree.map(lambda x: x[::-1], inputs)
    out_swapped = sampled(config, params, swapped, rows=np.array([1, 0]))
    assert out_swapped.tokens[::-1].tolist() == out.tokens.tolist()
    other = sampled(config, params, inputs, seed=7)
    assert (other.tokens != out.tokens).any(axis=1).all()


def test_no_seed_repeats_the_samples_of_another(config, params, inputs):
    """Neither one row further on, nor 4096 or 2**31 higher."""
    twice = jax.tree.map(lambda x: x[np.array([0, 0])], inputs)
    seeds = (0, 1, 2, 4096, 1 << 31)
    tokens = [sampled(config, params, twice, seed=seed).tokens for seed in seeds]
    assert len({tuple(row) for rows in tokens for row in rows.tolist()}) == 2 * len(seeds)
    for seed in (-1, 1 << 32, 10**20):
        with pytest.raises(InputError, match=f"seed: {seed}; use a whole number"):
            sampled(config, params, twice, seed=seed)


def test_64_bit_types_change_nothing(config, params, inputs):
    expected = sampled(config, params, inputs)
    with jax.enable_x64(True):
        found = sampled(config, params, inputs)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.slow
def test_a_row_alone_and_several_samples_of_it(config, params, inputs):
    out = sampled(config, params, inputs)
    alone = jax.tree.map(lambda x: x[:1], inputs)
    pair = generate(
        config, params, alone, max_new_tokens=NEW, stop_ids=NEVER, num_samples=2, seed=5
    )
    assert pair.tokens[0].tolist() == out.tokens[0].tolist()
    assert pair.tokens[0].tolist() != pair.tokens[1].tolist()


def test_forced_tokens_stand_in_place_of_sampled_ones(config, params, inputs, greedy):
    """What follows is what the model makes of them, and their log-probabilities are its own."""
    settings = {"max_new_tokens": NEW, "stop_ids": NEVER, "temperature": 0}
    tokens = np.asarray(greedy.tokens)
    forced = np.full((2, NEW), -1)
    forced[0, :3] = tokens[0, :3]
    forced[1, 0] = tokens[1, 0] + 1
    out = generate(config, params, inputs, forced=forced, **settings)
    np.testing.assert_array_equal(out.tokens[0], tokens[0])
    np.testing.assert_array_equal(out.logps[0], greedy.logps[0])
    assert out.tokens[1, 0] == tokens[1, 0] + 1
    assert out.logps[1, 0] < greedy.logps[1, 0]
    assert out.tokens[1, 1:].tolist() != tokens[1, 1:].tolist()


def test_rows_stop_at_a_stop_token(config, params, inputs, greedy):
    first, second = np.asarray(greedy.tokens)
    stop = first[2]
    place = list(first).index(stop)
    assert stop not in second[: place + 1]
    out = generate(config, params, inputs, max_new_tokens=NEW, stop_ids=(stop,), temperature=0)
    assert out.lengths[0] == place + 1
    assert out.tokens[0].tolist() == [*first[: place + 1], *[stop] * (NEW - place - 1)]
    assert not np.asarray(out.logps)[0, place + 1 :].any()
    assert out.tokens[1].tolist() == second.tolist() or stop in second


def test_the_temperature_widens(config, params, inputs):
    """At temperature 50 the choice is all but uniform; at 0.01 it is the greedy one."""
    greedy, cold, hot = (
        generate(
            config, params, inputs, max_new_tokens=NEW, stop_ids=NEVER, temperature=t, seed=3
        ).logps.sum()
        for t in (0.0, 0.01, 50.0)
    )
    np.testing.assert_allclose(cold, greedy, rtol=1e-3)
    assert hot < greedy - 20


def test_no_recompilation_for_other_prompts_seeds_and_temperatures(config, params, inputs):
    sampled(config, params, inputs)
    compiled = _generate._cache_size()
    other = inputs.replace(tokens=inputs.tokens[::-1], mask=inputs.mask[::-1])
    sampled(config, params, other.replace(grids=other.grids[::-1]), stop_ids=(3,), seed=9)
    cut = {"temperature": 0.3, "top_k": 3, "top_p": 0.5}
    generate(config, params, other, max_new_tokens=NEW, stop_ids=(4,), **cut)
    assert _generate._cache_size() == compiled


def test_packed_rows_are_refused(config, params, inputs):
    packed = inputs.replace(segments=inputs.mask.astype(jnp.int32))
    with pytest.raises(InputError, match="inputs.segments: packed rows cannot be continued"):
        sampled(config, params, packed)


def test_layers_outlive_donated_parameters(config, params):
    """They may be views of them: whoever trains on gives the parameters' memory away."""
    given = jax.tree.map(jnp.array, params)
    layers = unstacked_layers(config, given)
    before = jax.tree.map(np.array, layers)
    erase = jax.jit(lambda tree: jax.tree.map(jnp.zeros_like, tree), donate_argnums=0)
    jax.block_until_ready(erase(given))
    jax.tree.map(np.testing.assert_array_equal, layers, before)


def test_choices_are_tokens_with_an_alternative(config, params, inputs, greedy):
    """Without a grammar every token is one; after the end of a row none is."""
    np.testing.assert_array_equal(greedy.choice_logps, greedy.logps)
    assert np.asarray(greedy.free).all()
    stop = int(greedy.tokens[0, 2])
    out = generate(config, params, inputs, max_new_tokens=NEW, stop_ids=(stop,), temperature=0)
    np.testing.assert_array_equal(np.asarray(out.free).sum(1), out.lengths)
    assert (np.asarray(out.choice_logps)[~np.asarray(out.free)] == 0).all()
