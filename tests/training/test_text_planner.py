"""A planner trained on states in words: what its directory says, and how it is then asked."""

import json

import jax
import numpy as np
import pytest

from agentic_styling.planner import Planner, encode_prompts
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.tools import Plan
from agentic_styling.training import setup, train
from agentic_styling.training.config import checked
from agentic_styling.training.mesh import make_mesh
from agentic_styling.utils.errors import InputError
from tests.training.fixtures import make_config

RULES = (("embed_tokens/embedding$", ("fsdp", None)),)


@pytest.mark.slow
def test_a_text_run_makes_a_text_planner(workplace):
    config = make_config(workplace, steps=2, modality="text")
    planner = Planner.from_pretrained(train(config, workplace / "text"))
    settings = json.loads((workplace / "text/planner/planner.json").read_text())
    assert settings == {"modality": "text", "form": "json"}
    assert not list((workplace / "text").glob(".planner*"))
    with pytest.raises(InputError, match="text/planner: a text planner reads a known state"):
        planner.plan([np.zeros((32, 32, 3), np.uint8)], ["Fog."])
    states = [{"weather": "fog_dense"}]
    ((plan,),) = planner.plan(None, ["Clear it up."], states=states, max_new_tokens=200)
    assert isinstance(plan, Plan)
    _, prompts = planner._prompts(None, ["Clear it up."], states)
    assert prompts == encode_prompts(planner.tokenizer, ["Clear it up."], states=states)


@pytest.mark.parametrize("rank", [0, 2])
def test_weights_are_read_onto_the_runs_own_layout(workplace, rank):
    """What is frozen, and what is trained, lies where the rules of the config say."""
    config = make_config(workplace)
    config.lora.rank, config.sharding.rules, config.sharding.replicate_below = rank, RULES, 500
    config = checked(config)
    mesh = make_mesh({"data": 2, "fsdp": 4})
    model = setup.planner_model(config, mesh)
    layout = setup.layouts(config, model, pictures=False)
    state, frozen = setup.load_state(config, model, layout)
    where = jax.tree.map(lambda x: x.sharding, (state, frozen))
    assert where == (layout.state, layout.frozen)
    weights = frozen if rank else state.params
    assert jax.tree.map(lambda x: x.sharding, weights) == shardings(
        mesh, weights, RULES, replicate_below=500
    )
