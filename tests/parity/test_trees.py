"""The tensors of every published size against those of transformers, on the meta device."""

import pytest

from agentic_styling.planner import Qwen3VLConfig
from agentic_styling.planner.checkpoints.tensor_names import tensors
from agentic_styling.planner.model.config import PRESETS
from tests.planner import reference

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("name", PRESETS)
def test_names_and_shapes(name):
    import torch
    import transformers

    ours = Qwen3VLConfig.preset(name)
    config = transformers.AutoConfig.for_model(**ours.to_hf())
    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(config)
    theirs = {n: tuple(p.shape) for n, p in reference.checkpoint(model).items()}
    table = tensors(ours)
    assert {tensor.name: tensor.shape for tensor in table} == theirs
    assert len(table) == len(theirs)
