"""What the grammar is compared with: random plans, and their language as `Plan` reads it."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings

from agentic_styling.planner import Inputs, Qwen3VLConfig, generate, init_params, pad_rows
from agentic_styling.planner.decoding.automaton import DECIMALS
from agentic_styling.planner.decoding.grammar import advance, allowed, initial_state
from agentic_styling.tools import VOCABULARY, Plan, PlanError
from tests.planner import oracle
from tests.tools.strategies import plans


@functools.cache
def plan_samples() -> list[str]:
    """60 plans in JSON, with every kind of parameter and text."""
    found = []

    @settings(deadline=None, max_examples=60, database=None, derandomize=True)
    @given(plan=plans())
    def collect(plan):
        data = json.loads(plan.to_json(), parse_float=lambda text: round(float(text), DECIMALS))
        found.append(Plan.from_json(data).to_json())

    collect()
    return found


def belongs(text: bytes) -> bool:
    """Whether Plan.to_json writes a text just so, within what the grammar leaves of plans."""
    try:
        text = text.decode()
        plan = Plan.from_json(text)
    except (UnicodeDecodeError, PlanError):
        return False
    values = [
        _belongs(VOCABULARY[step.tool].parameters[name], value)
        for step in plan.steps
        for name, value in step.parameters.items()
    ]
    return plan.to_json() == text and all(values)


def _belongs(parameter, value) -> bool:
    """Few decimals, names of the vocabulary, no parameters of an action, lists of 1 to 3."""
    if parameter.kind == "list":
        item = parameter._replace(kind=parameter.items)
        return 1 <= len(value) <= 3 and all(_belongs(item, v) for v in value)
    if parameter.kind == "number":
        return str(value) in (str(round(value, DECIMALS)), "0", "1") and "-" not in str(value)
    if parameter.kind == "object":
        return value == {}
    return parameter.kind == "text" or value in parameter.values


def brute_force(automaton, nodes, tokens):
    """By bytes alone: where each token leads from each node, -1 = nowhere, and again's count."""
    at = np.repeat(np.asarray(nodes)[:, None], len(tokens), axis=1)
    begun = np.zeros_like(at)
    lengths = np.array([len(token) for token in tokens])
    for place in range(lengths.max()):
        longer = np.flatnonzero(lengths > place)
        byte = np.array([tokens[i][place] for i in longer])
        node = np.where(at[:, longer] < 0, -1, automaton.moves[at[:, longer], byte])
        at[:, longer] = node
        begun[:, longer] += node == automaton.again
    return at, begun


@functools.partial(jax.jit, static_argnames="length")
def follow(grammar, tokens, length):
    """How many of a row's tokens are allowed one after the other, and where it then stands."""

    def step(place, carry):
        state, count = carry
        token = tokens[:, place]
        mask = allowed(grammar, state, 10_000)
        ok = jnp.take_along_axis(mask, token[:, None], axis=1)[:, 0] & (count == place)
        after = advance(grammar, state, token)
        state = jax.tree.map(lambda a, b: jnp.where(ok, a, b), after, state)
        return state, count + ok

    start = initial_state(grammar, len(tokens)), jnp.zeros(len(tokens), jnp.int32)
    return jax.lax.fori_loop(0, length, step, start)


def followed(grammar, rows, length=1024):
    padded = np.zeros((len(rows), length), np.int32)
    for row, tokens in zip(padded, rows, strict=True):
        row[: len(tokens)] = tokens
    state, count = follow(grammar, jnp.asarray(padded), max(map(len, rows)))
    return np.asarray(state.node), np.asarray(count)


def untrained(tokenizer, vocab_size):
    """The smallest model of a vocabulary, at random: (config, params)."""
    config = Qwen3VLConfig.from_hf(oracle.HF_CONFIG).for_tokenizer(tokenizer)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_key_value_heads": 1}
    text = dataclasses.replace(config.text, vocab_size=vocab_size, **sizes)
    vision = dataclasses.replace(config.vision, out_hidden_size=16)
    config = dataclasses.replace(config, text=text, vision=vision)
    shapes, rng = (
        jax.eval_shape(functools.partial(init_params, config), jax.random.key(0)),
        np.random.default_rng(0),
    )
    return config, jax.tree.map(lambda x: jnp.asarray(rng.normal(0, 0.1, x.shape), x.dtype), shapes)


def sample_plans(tokenizer, model, grammar, goals, **settings):
    """The texts of what generate makes of the goals, and its log-probabilities."""
    tokens, mask = pad_rows([tokenizer.encode(goal) for goal in goals], tokenizer.pad)
    inputs = Inputs(jnp.asarray(tokens), jnp.asarray(mask))
    stop_ids = (tokenizer.im_end, tokenizer.pad)
    out = generate(*model, inputs, stop_ids=stop_ids, grammar=grammar, **settings)
    tokens, lengths = np.asarray(out.tokens), np.asarray(out.lengths)
    assert (tokens[:, -1] == tokenizer.im_end).all()
    texts = [tokenizer.decode(row[: n - 1]) for row, n in zip(tokens, lengths, strict=True)]
    return texts, np.asarray(out.logps)
