import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import Inputs, Tokenizer, generate
from agentic_styling.planner.decoding import trie
from agentic_styling.planner.decoding.automaton import DETOURS, plan_automaton
from agentic_styling.planner.decoding.grammar import (
    GrammarState,
    advance,
    allowed,
    compile_plan_grammar,
    initial_state,
)
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError
from tests.planner.decoding.grammar_oracle import (
    brute_force,
    followed,
    plan_samples,
    sample_plans,
    untrained,
)
from tests.slow import slow

PADDED = 20  # ids that the model has and the tokenizer lacks
LENGTH = 64


@pytest.fixture(scope="module")
def tokenizer(tokenizer_directory):
    return Tokenizer(tokenizer_directory)


@pytest.fixture(scope="module")
def grammar(tokenizer):
    return compile_plan_grammar(tokenizer, tokenizer.vocab_size + PADDED)


@pytest.fixture(scope="module")
def automaton():
    return plan_automaton()


@pytest.fixture(scope="module")
def by_bytes(automaton, tokenizer, grammar):
    """300 nodes, all of one text, the busiest and some before a next step among them, and their
    brute-forced edges."""
    rng = np.random.default_rng(0)
    text = automaton.texts.max() + np.arange(len(DETOURS))
    busy = np.argsort(np.diff(grammar.offsets))[-30:]
    begin = np.flatnonzero(grammar.edges[2])[::50]
    begin = np.searchsorted(grammar.offsets, begin, side="right") - 1
    some = rng.choice(len(automaton.moves), 240, replace=False)
    nodes = np.setdiff1d(np.concatenate([text, busy, begin, some]), [automaton.end])
    tokens = trie.token_bytes(tokenizer)
    to, begun = brute_force(automaton, nodes, list(tokens))
    return nodes, np.array(list(tokens.values())), to, begun


allowed_jit, advance_jit = jax.jit(allowed), jax.jit(advance)


def state_at(nodes, further=0):
    nodes = jnp.asarray(nodes, jnp.int32)
    return GrammarState(nodes, jnp.full(len(nodes), further))


def test_tokens_are_allowed_as_their_bytes_are(automaton, tokenizer, grammar, by_bytes):
    nodes, tokens, to, begun = by_bytes
    mask = np.asarray(allowed_jit(grammar, state_at(nodes), 10_000))
    assert mask.shape[1] == tokenizer.vocab_size + PADDED
    expected = np.zeros_like(mask)
    expected[:, tokens] = to >= 0
    np.testing.assert_array_equal(mask, expected)
    rows, columns = np.nonzero(to >= 0)
    pick = np.random.default_rng(1).choice(len(rows), 4096)
    rows, columns = rows[pick], columns[pick]
    after = advance_jit(grammar, state_at(nodes[rows], 2), jnp.asarray(tokens[columns]))
    np.testing.assert_array_equal(after.node, to[rows, columns])
    np.testing.assert_array_equal(after.further, 2 + begun[rows, columns])
    full = np.asarray(allowed_jit(grammar, state_at(nodes, 7), 10_000))[:, tokens]
    np.testing.assert_array_equal(full, (to >= 0) & (begun == 0))
    assert begun.any()


def test_the_distance_is_the_least(automaton, grammar, by_bytes):
    """Bellman's equation with the brute-forced edges, away from the middles of characters."""
    nodes, _, to, begun = by_bytes
    distance = np.asarray(grammar.distance)
    through = np.where((to >= 0) & (begun == 0), distance[to], 10_000).min(axis=1)
    between = (automaton.texts[nodes] < 0) | (automaton.texts[nodes] == nodes)
    np.testing.assert_array_equal(distance[nodes][between], through[between] + 1)
    assert (distance[nodes] >= through + 1).all()
    assert distance[automaton.end] == 1


def test_few_tokens_left_leave_only_the_way_to_the_end(grammar, by_bytes):
    nodes, tokens, to, begun = by_bytes
    distance = np.asarray(grammar.distance)
    for remaining in (5, 9, 13):
        mask = np.asarray(allowed_jit(grammar, state_at(nodes), remaining))[:, tokens]
        possible = (to >= 0) & (distance[to] <= remaining)
        assert not (mask & ~possible).any()
        # Within a text the middles of characters count their detours in bytes, no less.
        same_text = np.asarray(grammar.texts)[to] == np.asarray(grammar.texts)[nodes][:, None]
        np.testing.assert_array_equal(mask[~same_text], possible[~same_text])
        assert mask.any(axis=1)[distance[nodes] <= remaining + 1].all()


def split(tokens: dict, text: bytes, rng) -> list[int]:
    """A tokenisation at random."""
    ids, place = [], 0
    while place < len(text):
        ends = [e for e in range(place + 1, len(text) + 1) if text[place:e] in tokens]
        end = int(rng.choice(ends[:8]))
        ids.append(tokens[text[place:end]])
        place = end
    return ids


def test_any_tokenisation_of_a_plan_is_followed_to_the_end(tokenizer, grammar):
    tokens, rng = trie.token_bytes(tokenizer), np.random.default_rng(2)
    canonical = [tokenizer.encode(text) for text in plan_samples()]
    others = [split(tokens, text.encode(), rng) for text in plan_samples()[:30]]
    others += [[tokens[bytes([b])] for b in text.encode()] for text in plan_samples()[:10]]
    others = [ids for ids in others if len(ids) < 1000]
    rows = [[*ids, tokenizer.im_end] for ids in canonical + others]
    node, count = followed(grammar, rows)
    assert count.tolist() == [len(row) for row in rows]
    assert (node == len(grammar.texts) - 1).all()


def step_texts(count):
    step = {"reasoning": "", "tool": "season", "parameters": {"target_season": "winter_bare"}}
    data = {"version": 1, "context": {}, "steps": [step] * count, "instruction": ""}
    return json.dumps(data, separators=(",", ":"))


def test_a_ninth_step_is_refused(tokenizer, grammar, plan_texts):
    rows = [tokenizer.encode(step_texts(count)) for count in (8, 9)]
    _, count = followed(grammar, rows)
    assert count[0] == len(rows[0])
    written = tokenizer.decode(rows[1][: count[1]])
    assert written.count("winter_bare") == 8
    assert written.count("reasoning") == 8


@functools.partial(jax.jit, static_argnames=("length", "rows"))
def wander(grammar, key, length, rows):
    """Rows of tokens drawn evenly from the allowed ones."""

    def step(state, place):
        mask = allowed(grammar, state, length - 1 - place)
        noise = jax.random.uniform(jax.random.fold_in(key, place), mask.shape)
        token = jnp.argmax(jnp.where(mask, 1 + noise, 0), axis=1).astype(jnp.int32)
        return advance(grammar, state, token), token

    return jax.lax.scan(step, initial_state(grammar, rows), jnp.arange(length))[1].T


@pytest.mark.parametrize("spare", [slow(0), 1, slow(5), 150])
def test_wandering_rows_end_in_a_plan(tokenizer, grammar, spare):
    least = int(grammar.distance[grammar.start])
    rows = np.asarray(wander(grammar, jax.random.key(spare), least + spare, 64))
    assert (rows[:, -1] == tokenizer.im_end).all()
    plans = set()
    for row in rows:
        ids = row[: list(row).index(tokenizer.im_end)]
        assert (row[len(ids) :] == tokenizer.im_end).all()
        assert len(ids) + 1 >= least
        text = tokenizer.decode(ids)
        plans.add(text)
        assert Plan.from_json(text).to_json() == text
    assert len(plans) > 60 or spare < 150


def test_errors(tokenizer, tmp_path):
    import tokenizers

    from agentic_styling.planner.inputs.tokenizer import SPECIAL_TOKENS

    with pytest.raises(InputError, match="vocab_size 300: .* has [0-9]+ tokens; use the tokenizer"):
        compile_plan_grammar(tokenizer, 300)
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "▁b": 1}))
    words.add_special_tokens(list(SPECIAL_TOKENS))
    words.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="not every byte is a token; use a byte-level BPE"):
        compile_plan_grammar(Tokenizer(tmp_path), 300)


@pytest.fixture(scope="module")
def model(tokenizer):
    return untrained(tokenizer, tokenizer.vocab_size + PADDED)


@pytest.mark.slow
def test_a_thousand_samples_of_an_untrained_model_are_plans(tokenizer, model, grammar):
    goals, hot = ["Winter", "Rain"], {"temperature": 1.5, "max_new_tokens": 96}
    texts, logps = sample_plans(tokenizer, model, grammar, goals, num_samples=500, **hot)
    assert [Plan.from_json(text).to_json() for text in texts] == texts
    assert len(set(texts)) > 990
    assert max(len(Plan.from_json(text).steps) for text in texts) > 1
    assert (logps[:, 0] < -3).all()  # the model's own, which knows nothing of the grammar
    hot |= {"rows": np.array([1]), "num_samples": 2}
    alone, logps_alone = sample_plans(tokenizer, model, grammar, goals[1:], **hot)
    assert alone == texts[500:502]
    np.testing.assert_allclose(logps_alone, logps[500:502], atol=1e-4)


def test_settings_that_do_not_fit_the_grammar(tokenizer, model, grammar):
    least = int(grammar.distance[grammar.start])
    inputs = Inputs(jnp.zeros((1, 1), jnp.int32), jnp.ones((1, 1), bool))

    def refused(match, grammar=grammar, max_new_tokens=least, stop_ids=(tokenizer.im_end,)):
        settings = {"max_new_tokens": max_new_tokens, "stop_ids": stop_ids, "grammar": grammar}
        with pytest.raises(InputError, match=match):
            generate(*model, inputs, **settings)

    refused(f"{least - 1}: no plan is so short; use {least} or more", max_new_tokens=least - 1)
    refused(rf"\[7\]: lacks .* ends plans; add {tokenizer.im_end}", stop_ids=(7,))
    smaller = compile_plan_grammar(tokenizer, tokenizer.vocab_size)
    refused(f"compile it for {tokenizer.vocab_size + PADDED}", grammar=smaller)
