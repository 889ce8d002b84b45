import json

import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from agentic_styling.planner import Qwen3VLConfig, train_tokenizer
from agentic_styling.planner.weights import tensors
from agentic_styling.tools import DIMENSIONS, VOCABULARY

from . import oracle


@pytest.fixture(scope="session")
def config():
    return Qwen3VLConfig.from_hf(oracle.HF_CONFIG)


@pytest.fixture(scope="session")
def params(config):
    """Our tree, with the same weights as the model that made the goldens."""
    table = tensors(config)
    weights = oracle.weights({tensor.name: tensor.shape for tensor in table})
    flat = {}
    for tensor in table:
        flat.setdefault(tensor.path, []).append(tensor.unpack(weights[tensor.name]))
    stacked = {tensor.path for tensor in table if tensor.index is not None}
    flat = {p: np.stack(a) if p in stacked else a[0] for p, a in flat.items()}
    return traverse_util.unflatten_dict({p: jnp.asarray(a) for p, a in flat.items()})


@pytest.fixture(scope="session")
def plan_texts():
    """200 plans in compact JSON, drawn from the vocabulary."""
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(200):
        steps = []
        for name in rng.choice(DIMENSIONS, 2, replace=False):
            tool = VOCABULARY[name]
            value = str(rng.choice(tool.parameters[tool.target].values))
            parameters = {tool.target: value, "strength": round(float(rng.uniform(0.1, 1)), 1)}
            reasoning = f"The scene should read as {value.replace('_', ' ')}."
            steps.append({"reasoning": reasoning, "tool": tool.name, "parameters": parameters})
        context = {}
        for name in DIMENSIONS:
            tool = VOCABULARY[name]
            context[name] = str(rng.choice(tool.parameters[tool.target].values))
        plan = {"version": 1, "context": context, "steps": steps, "instruction": "Do both."}
        texts.append(json.dumps(plan, separators=(",", ":")))
    return texts


@pytest.fixture(scope="session")
def tokenizer_directory(plan_texts, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(plan_texts, directory, vocab_size=1536)
    return directory
