import json

import numpy as np
import pytest

from agentic_styling.planner import Qwen3VLConfig, train_tokenizer
from agentic_styling.tools import DIMENSIONS, VOCABULARY
from tests.planner import oracle
from tests.planner.ours import perturbed_params


@pytest.fixture(scope="session")
def config():
    return Qwen3VLConfig.from_hf(oracle.HF_CONFIG)


@pytest.fixture(scope="session")
def params(config):
    return perturbed_params(config)


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
