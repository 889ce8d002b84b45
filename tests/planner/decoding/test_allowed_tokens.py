"""What the grammar allowed along plans: bit for bit what a walk of one token at a time allows."""

import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Planner, allowed_tokens
from agentic_styling.planner.decoding.grammar import advance, allowed, initial_state
from agentic_styling.tools import Plan, Step


@pytest.fixture(scope="module")
def planner():
    return Planner.starter()


def plan(steps):
    made = [Step("why", "time_of_day", {"target_time": "pre_dawn"})] * steps
    return Plan({"weather": "fog_dense"}, tuple(made), "Turn it to dawn.")


def tokens_of(planner, steps):
    text = planner.tokenizer.encode(plan(steps).to_json())
    return np.array([*text, planner.tokenizer.im_end])


def one_at_a_time(grammar, tokens, limit):
    """bool [L, V]"""
    state, masks = initial_state(grammar, 1), []
    for place, token in enumerate(tokens):
        masks.append(np.asarray(allowed(grammar, state, limit - 1 - place))[0])
        state = advance(grammar, state, jnp.array([token]))
    return np.array(masks)


@pytest.mark.parametrize("spare", [0, 3, 200])
def test_masks_are_those_of_a_walk(planner, spare):
    """Of plans with the most steps too, after which no further one may begin."""
    rows = [tokens_of(planner, steps) for steps in (8, 1, 7)]
    limit = max(map(len, rows)) + spare
    index, table = allowed_tokens(planner.grammar, rows, limit)
    bits = np.unpackbits(table, axis=1, bitorder="little")[:, : planner.config.text.vocab_size]
    assert bits[0].all() and len(np.unique(table, axis=0)) == len(table)
    for row, own in enumerate(rows):
        expected = one_at_a_time(planner.grammar, own, limit)
        assert expected[np.arange(len(own)), own].all()
        np.testing.assert_array_equal(bits[index[row, : len(own)]], expected)
        assert not index[row, len(own) :].any()


def test_plans_that_could_not_be_sampled_allow_everything(planner):
    good = tokens_of(planner, 1)
    bad, limit = good.copy(), len(good)
    bad[5] = planner.tokenizer.im_end
    rows = [bad, tokens_of(planner, 2), np.array([], int), good]
    index, table = allowed_tokens(planner.grammar, rows, limit)
    assert index.any(axis=1).tolist() == [False, False, False, True]
    for rows in ([bad], [np.array([], int)] * 2):
        index, table = allowed_tokens(planner.grammar, rows, limit)
        assert not index.any() and (table[0] == 255).all()
