"""A tool made of one dm-pix function: planned, executed, and found in the grammar and the docs."""

import importlib
import sys
from pathlib import Path

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner.decoding.automaton import plan_automaton
from agentic_styling.planner.decoding.plan_forms import tool_signatures
from agentic_styling.tools import (
    VOCABULARY,
    Parameter,
    Plan,
    PlanError,
    add_tool,
    encode_plans,
    execute,
    new_tool,
)
from agentic_styling.utils.errors import InputError
from tests.tools.light_executor import PHOTOGRAPH, QUICK, light_kernels

sys.path.append(str(Path(__file__).parents[2] / "experiments"))
documents = importlib.import_module("gallery_parts.documents")
demonstrations = importlib.import_module("gallery_parts.demonstrations")

IMAGES = jnp.asarray(PHOTOGRAPH)[None]
KEY = jax.random.key(0)
PLAN = """{"version":1,"context":{},"steps":[{"reasoning":"","tool":"solarize",\
"parameters":{"threshold":"half","strength":%s}}],"instruction":""}"""

# The whole of it.
THRESHOLDS = {"quarter": 0.25, "half": 0.5, "three_quarters": 0.75}
SOLARIZE = new_tool("solarize", Parameter("threshold", "enum", tuple(THRESHOLDS), None))


def solarize(image, options):
    return dm_pix.solarize(image, jnp.array(list(THRESHOLDS.values()))[options[1]])


@pytest.fixture(autouse=True, scope="module")
def added():
    with light_kernels(), add_tool(SOLARIZE, solarize):
        yield


def run(strength, apply=execute):
    plans = encode_plans([Plan.from_json(PLAN % strength)])
    return np.asarray(apply(IMAGES, plans, KEY))


def accepts(automaton, text):
    node = automaton.start
    for byte in text.encode():
        node = automaton.moves[node, byte]
        if node < 0:
            return False
    return node == automaton.end


def test_it_is_executed_step_by_step_and_as_one_program():
    expected = np.asarray(dm_pix.solarize(IMAGES, 0.5))
    assert np.abs(expected - IMAGES).max() > 0.3
    np.testing.assert_allclose(run(1), expected, atol=1e-6)
    np.testing.assert_allclose(
        run(1, jax.jit(execute, compiler_options=QUICK)), expected, atol=1e-6
    )
    half = np.asarray(IMAGES) + 0.5 * (expected - np.asarray(IMAGES))
    np.testing.assert_allclose(run(0.5), half, atol=1e-6)
    np.testing.assert_array_equal(run(0), IMAGES)


def test_a_constraint_holds_it_back():
    step = {"tool": "solarize", "parameters": {"threshold": "half"}}
    region = {"tool": "exclude_region", "parameters": {"region_type": "left_half"}}
    plan = Plan.from_json({"steps": [step, region]})
    out = np.asarray(execute(IMAGES, encode_plans([plan]), KEY))
    np.testing.assert_allclose(out[:, :, :12], IMAGES[:, :, :12], atol=1e-6)
    np.testing.assert_allclose(out[:, :, -12:], dm_pix.solarize(IMAGES, 0.5)[:, :, -12:], atol=1e-6)


def test_grammar_signatures_docs_and_gallery_know_it():
    assert accepts(plan_automaton(), PLAN % 1)
    assert not accepts(plan_automaton(), (PLAN % 1).replace("half", "third"))
    signatures = {s["function"]["name"]: s["function"]["parameters"] for s in tool_signatures()}
    assert signatures["solarize"]["properties"]["threshold"]["enum"] == list(THRESHOLDS)
    assert "| solarize | `threshold` | 3 | `strength` |" in documents.tools_table()
    rows = [row.label for row in demonstrations.sections("solarize.threshold")[0].rows]
    assert rows == list(THRESHOLDS)


def test_afterwards_it_is_gone_and_a_name_is_taken_once():
    with (
        pytest.raises(InputError, match="solarize: a tool of that name exists"),
        add_tool(SOLARIZE, solarize),
    ):
        pass
    tools = list(VOCABULARY)
    with add_tool(SOLARIZE._replace(name="other"), solarize):
        assert list(VOCABULARY) == [*tools, "other"]
    assert list(VOCABULARY) == tools
    with pytest.raises(PlanError, match="unknown tool 'other'"):
        Plan.from_json((PLAN % 1).replace("solarize", "other"))
